"""Where outputs deliver to in tests: a module for each type of output, named like it, with a class `Receiver`.

The contract of the output, the faults of `tests/faults/test_outputs.py` and `script/bench outputs` all use it.
"""
