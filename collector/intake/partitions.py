"""A partition that a consumer group gave us: who reads it, and up to where all of them have settled it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from collector.model import LogStream, Start
from collector.sources.partition import Partition
from collector.transform.relayed import Relayed

_BEGIN_SECONDS = 1.0  # within which every output begins to read it


class Reading(Struct, eq=False):
    """What one output has of a partition; of the transforms the last one is in use."""

    source: Partition
    transforms: list[Relayed] = field(default_factory=list)

    def settled(self) -> int:
        """The offset before which the output settled all; -1: nobody knows yet."""
        self.transforms = [one for one in self.transforms[:-1] if not one.is_settled] + self.transforms[-1:]
        return min((one.settled for one in self.transforms), default=-1)

    @property
    def is_over(self) -> bool:
        """Whether nobody reads it any more, and all that was read is settled."""
        return self.source.is_closed and all(one.is_settled for one in self.transforms)


class Assigned(Struct, eq=False):
    """`begin` is the group's offset when it was given to us, `end` the partition's by then.

    `fetched` is the offset behind what came last, `committed` what the group was told. `key` is the client's own.
    `readings` outlive it: a partition may be taken away and come back while they go on.
    """

    key: Any
    stream: LogStream
    begin: int
    end: int
    since: float
    fetched: int
    committed: int
    readings: list[Reading]

    @property
    def sources(self) -> list[Partition]:
        """Those that take records."""
        return [one.source for one in self.readings if not (one.source.is_removed or one.source.is_closed)]

    @property
    def wanted(self) -> int:
        """The offset that is needed next."""
        return min((source.next for source in self.sources), default=self.fetched)

    def settled(self) -> int:
        """The offset before which every output settled all; -1: nobody knows yet."""
        if asyncio.get_running_loop().time() < self.since + _BEGIN_SECONDS:
            return -1
        if any(not one.source.is_closed for one in self.readings):  # else the agent stops
            self.readings[:] = [one for one in self.readings if not one.is_over]
        return min((one.settled() for one in self.readings), default=-1)


def split(readings: Sequence[Reading], transform: Relayed, start: Start) -> None:
    """A transform is made: of the source that has none yet, else anew where an output has settled all."""
    place = start.resume.position.line if start.resume else -1
    without = [one for one in readings if not one.transforms]
    there = [one for one in readings if one.transforms and one.settled() == place]
    for one in (without or there or readings[-1:])[:1]:
        one.transforms.append(transform)
