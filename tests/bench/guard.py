"""The hot path beside the reference loop, on the same lines in this process → the ratio of their CPU times, per pair.

The hot path is the transform, the action lines and igzip as the shipper does it. They take turns, so that what else
the machine does takes from both alike. It is run by itself (`python -m tests.bench.guard`): what the C library's
allocator has seen before halves the cost of the loop (see `collectors`), and a process of its own has seen nothing.
What the loop then spends in the kernel depends on the machine, so the time outside it is told too.
"""

import gc
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import NamedTuple
from zoneinfo import ZoneInfo

from collector.model import Batch, Chunk, FileId, LogStream, Position
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from shippers.elasticsearch import bulk
from tests.bench import reference, workload

PAIRS = 5
LINES = 200_000
_CHUNK_BYTES = 256 << 10
_CHUNKS_A_BATCH = 8
_STREAM = LogStream(
    container_id="c" * 64,
    container="web",
    entry="",
    target="web",
    path="/nowhere",
    running=True,
    fields={"host": "bench", "@target": "web", "docker_container": "web"},
)


class Ratio(NamedTuple):
    """Of all CPU time, and of that outside the kernel."""

    cpu: float
    user: float


def raw_lines(directory: Path, count: int) -> list[bytes]:
    """Lines of one container."""
    tree = workload.write_tree(directory, lines=count, containers=1)
    return next(tree.glob("*/*-json.log")).read_bytes().splitlines(keepends=True)


def chunks(lines: list[bytes]) -> Iterator[Chunk]:
    """They as they are read."""
    file = FileId(_STREAM.container_id, "h" * 16, 0)
    offset = first = 0
    while first < len(lines):
        last, size = first, 0
        while last < len(lines) and size < _CHUNK_BYTES:
            size += len(lines[last])
            last += 1
        start, end = Position(file, offset, first), Position(file, offset + size, last)
        yield Chunk(stream=_STREAM, data=b"".join(lines[first:last]), start=start, end=end)
        offset, first = offset + size, last


def hot_path(prepared: list[Chunk]) -> int:
    """From chunks to compressed bodies; returns the number of documents."""
    transform = DockerJson(Stamps(ZoneInfo("UTC")))
    count = 0
    for first in range(0, len(prepared), _CHUNKS_A_BATCH):
        segments = [each for chunk in prepared[first : first + _CHUNKS_A_BATCH] for each in transform.segments(chunk)]
        batch = Batch(tuple(segments))
        bulk.encode_compressed(batch, bulk.DEFAULT_INDEX, typed=False)
        count += batch.count
    return count


def ratios(directory: Path) -> list[Ratio]:
    """How many times faster the hot path is, of each pair."""
    raw = raw_lines(directory, LINES)
    prepared = list(chunks(raw))
    found = []
    for _ in range(PAIRS):
        plain, hot = _spent(lambda: reference.loop(raw, "web")), _spent(lambda: hot_path(prepared))
        found.append(Ratio(plain.cpu / hot.cpu, plain.user / hot.user))
    return found


def _spent(work: Callable[[], int]) -> Ratio:
    """Seconds of CPU."""
    gc.collect()
    begun = getrusage(RUSAGE_SELF)
    assert work() == LINES
    ended = getrusage(RUSAGE_SELF)
    user = ended.ru_utime - begun.ru_utime
    return Ratio(user + ended.ru_stime - begun.ru_stime, user)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as folder:
        print(json.dumps(ratios(Path(folder))))
