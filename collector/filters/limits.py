"""Limits of lines and bytes in a span of time, by Docker's times of the lines.

Spans stand one behind the other since 1970, in UTC: so a log that is read hours later has the same lines left out.
"""

import re
from collections.abc import Sequence
from copy import copy

from msgspec import Struct

from collector.reading import Excess, Limit
from collector.text.times import seconds_of

MOST_LIMITS = 4
_LATE_SECONDS = 60  # that lines may be out of order
_KEPT_OF_EXCESS = 100  # with `sample`: one of so many
_FORM = re.compile(
    r"(?P<number>[0-9]{1,12}) ?(?:(?P<bytes>b|kb|mb|gb|kib|mib|gib)|(?P<thousands>k|m)?(?: ?lines?)?) ?(?:/|per) ?"
    r"(?P<span>s|sec|second|m|min|minute|h|hour|d|day)"
)
_THOUSANDS = {None: 1, "k": 1000, "m": 1000**2}
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def limits(text: str) -> tuple[Limit, ...]:
    """Limits as text: `1000 lines/s`, `10MB/min, 1GB/day`.

    Raises:
        ValueError: it says none, or too many.
    """
    found = []
    for number, part in enumerate(text.lower().split(","), 1):
        said = _FORM.fullmatch(part.strip())
        if said is None:
            raise ValueError(f"limit {number} is none: use a number of lines or bytes per s, min, hour or day, "
                             "such as `1000 lines/s` or `10MB/min`")  # fmt: skip
        size = _BYTES.get(said["bytes"], 0)
        most = int(said["number"]) * _THOUSANDS[said["thousands"]] * (size or 1)
        if most < 1:
            raise ValueError(f"limit {number} lets nothing pass: use exclude to leave the stream out")
        found.append(Limit(most, "bytes" if size else "lines", _SECONDS[said["span"][0]]))
    if len(found) > MOST_LIMITS:
        raise ValueError(f"it has {len(found)} limits: {MOST_LIMITS} are allowed")
    return tuple(dict.fromkeys(found))


class Used(Struct, array_like=True):
    """What was delivered of a limit in a span, by its number since 1970; `excess` documents of it were beyond."""

    limit: Limit
    span: int = -1
    amount: int = 0
    excess: int = 0


class Limits:
    """Those of one stream. `before` is what was used of them when reading begins."""

    def __init__(self, asked: Sequence[Limit], on_excess: Excess, before: Sequence[Used] = ()) -> None:
        self._is_sampled = on_excess == "sample"
        known = {one.limit: one for one in before}
        self.used = [copy(known.get(limit) or Used(limit)) for limit in asked]
        self._has_bytes = any(limit.unit == "bytes" for limit in asked)

    def passes(self, time: str, log: str) -> bool:
        """Whether a line with this `log`, of this time as Docker writes it, is within each limit, or in the sample.

        A line of an earlier span counts for the present one: two streams may be out of order by moments. One that is
        earlier by more begins its span anew: the clock was wrong before, or is now.
        """
        second = int(seconds_of(time))
        size = len(log.encode()) if self._has_bytes else 0
        full = []
        for one in self.used:
            limit = one.limit
            span = second // limit.seconds
            if span > one.span or (one.span - span) * limit.seconds > limit.seconds + _LATE_SECONDS:
                one.span, one.amount, one.excess = span, 0, 0
            if one.amount + _cost(limit, size) > limit.most:
                full.append(one)
        if not full:
            for one in self.used:
                one.amount += _cost(one.limit, size)
            return True
        is_kept = self._is_sampled and all(one.excess % _KEPT_OF_EXCESS == 0 for one in full)
        for one in full:
            one.excess += 1
        return is_kept


def _cost(limit: Limit, size: int) -> int:
    """What a line of so many bytes uses up of it."""
    return size if limit.unit == "bytes" else 1
