"""Bodies → how long each line waited from its write to its acknowledgement.

Each line's time is when it was written, and the endpoint notes when it answers: the difference holds the linger, the
reading, the sending and the endpoint's own work.
"""

import re
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from statistics import quantiles
from typing import NamedTuple

from tests.bench import bodies

_STAMP = rb'"@timestamp":"([0-9T:-]{19})\.(\d{9})Z"'


class Waits(NamedTuple):
    """Seconds; all 0 where no line came."""

    p50: float
    p99: float
    longest: float


def seconds_of(kept: Iterable[bodies.Body], *, but: str = "", since_ns: int = 0) -> list[float]:
    """Of each line, the shortest first; without those of the container `but`, and those written before `since_ns`."""
    other = rb'(?="host":"[^"]*","@target":"(?!%b"))' % but.encode() if but else b""
    written = (
        (body.answered_ns, _nanoseconds(second) + int(fraction))
        for body in kept
        for second, fraction in re.findall(_STAMP + b"," + other if but else _STAMP, body.text)
    )
    return sorted((answered_ns - written_ns) / 1e9 for answered_ns, written_ns in written if written_ns >= since_ns)


def summary(seconds: Sequence[float]) -> Waits:
    """Of waits, the shortest first."""
    percent = quantiles(seconds, n=100) if len(seconds) > 1 else [0.0] * 99
    return Waits(percent[49], percent[98], seconds[-1] if seconds else 0.0)


@lru_cache(maxsize=4096)
def _nanoseconds(second: bytes) -> int:
    return round(time.mktime(time.strptime(second.decode(), "%Y-%m-%dT%H:%M:%S")) - time.timezone) * 10**9
