"""The law of buffers: their pages are mapped once, where glibc would map them for each anew."""

import subprocess
import sys

from collector.runtime.memory import limit_arenas

_PROGRAM = """
import resource
from collector.runtime import memory
if {keeps}:
    memory.keep_buffers()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    bytearray(b"x") * (40 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_mapped(*, keeps: bool) -> int:
    words = [sys.executable, "-c", _PROGRAM.format(keeps=keeps)]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def test_pages_of_large_buffers_are_mapped_once() -> None:
    assert pages_mapped(keeps=False) > 4 * pages_mapped(keeps=True)


def test_the_pools_of_memory_can_be_limited_again_and_again() -> None:
    limit_arenas()
    limit_arenas(1)
    limit_arenas()
