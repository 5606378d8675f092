"""A partition that a consumer group gave us: who reads it, and up to where all of them have settled it."""

import asyncio
from typing import Any

from msgspec import Struct

from collector.model import LogStream
from collector.sources.partition import Partition

_BEGIN_SECONDS = 1.0  # within which every output begins to read it


class Assigned(Struct, eq=False):
    """`begin` is the group's offset when it was given to us, `end` the partition's by then.

    `fetched` is the offset behind what came last, `committed` what the group was told. `key` is the client's own.
    `sources` are the outputs' and outlive it: a partition may be taken away and come back while they go on.
    """

    key: Any
    stream: LogStream
    begin: int
    end: int
    since: float
    fetched: int
    committed: int
    sources: list[Partition]

    @property
    def open(self) -> list[Partition]:
        """Those that take records."""
        return [one for one in self.sources if not (one.is_removed or one.is_closed)]

    @property
    def wanted(self) -> int:
        """The offset that is needed next."""
        return min((source.next for source in self.open), default=self.fetched)

    def settled(self) -> int:
        """The offset before which every output settled all; -1: nobody knows yet."""
        if asyncio.get_running_loop().time() < self.since + _BEGIN_SECONDS:
            return -1
        if any(not one.is_closed for one in self.sources):  # else the agent stops
            self.sources[:] = [one for one in self.sources if not (one.is_closed and one.settling.is_over)]
        return min((one.settling.offset for one in self.sources), default=-1)
