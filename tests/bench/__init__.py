"""How many lines a second of CPU carries: `script/bench`. A benchmark, not a test: it measures and judges nothing.

`workload` writes the logs, `endpoint` takes bulk requests in its own process, `reference` is the plain loop to
compare with, `__main__` runs all of it interleaved and prints the table.
"""
