"""Several processes for one agent: each a whole agent with its share of the containers, and one port for all.

Reading order: `agent` (all of it), `supervisor` (starts them, watches them, stops them), `child` (one of them),
`gateway` (the port), `merged` (their answers as one), `state` (where their state lies), `offline_replay` (dead letters
without an agent). Which container is whose: `collector.discovery.share`.
"""
