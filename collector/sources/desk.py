"""What the sources of one output's pipeline share."""

from collections.abc import Callable
from typing import NamedTuple

from collector.model import Position, StreamKey
from collector.ports import PolledSource
from collector.sources.rounds import Rounds
from collector.sources.tail_counts import TailCounts
from collector.sources.watcher import Watcher


class Desk(NamedTuple):
    """The output's. A source uses what it needs of it.

    `reached` is to be given the beginning of each file that reading comes to, so that a later start sees what went of
    it meanwhile. `rounds` look at active logs together, `watcher` wakes idle ones, `counts` is told of losses.
    """

    watcher: Watcher
    counts: TailCounts
    rounds: Rounds[PolledSource]
    reached: Callable[[StreamKey, Position], None]
