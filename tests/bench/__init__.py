"""How much a second of CPU carries, how soon, and what quiet costs: `script/bench`. It measures and judges nothing.

To read: `workload` and `generator` write logs, `endpoint` takes what collectors send, `completeness` tells what was
lost or doubled, `child` runs a program and tells its cost, `collectors` and `peers/` say how each is started,
`scenarios/` measure, `page` writes the tables into docs/performance.md, `__main__` is the command.
"""
