"""Several processes for one agent: each a whole agent with its share of the containers, and one port for all.

Reading order: `agent` (all of it), `crew` (starts them, watches them, stops them), `child` (one of them), `front` (the
port), `merged` (their answers as one). Where their state lies: `collector.layout`; which container is whose:
`collector.share`.
"""
