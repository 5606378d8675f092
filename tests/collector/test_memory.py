"""Laws of memory: what was loaded is not looked at again, and buffers are kept where glibc would give them back."""

import subprocess
import sys

_PROGRAM = """
import gc, resource
from collector import memory
if {settled}:
    memory.settle()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    bytearray(b"x") * (40 << 20)
print(gc.get_freeze_count(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(*, settled: bool) -> tuple[int, int]:
    """How many objects are frozen, and how many pages were mapped."""
    words = [sys.executable, "-c", _PROGRAM.format(settled=settled)]
    frozen, faults = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    return int(frozen), int(faults)


def test_a_settled_process_maps_its_buffers_once() -> None:
    plain, settled = run(settled=False), run(settled=True)
    assert plain[0] < settled[0]
    assert plain[1] > 4 * settled[1]
