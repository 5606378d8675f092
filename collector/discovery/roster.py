"""The table that discovery fills and everyone reads: the containers, and the streams that are followed.

Readers compare versions: `changed(version)` returns when the table is newer. Nothing is queued, so a slow reader
sees the latest state, and all pipelines share one table.
"""

import asyncio

from msgspec import Struct

from collector.model import LogStream, StreamKey
from collector.share import EVERYTHING, Share


class Container(Struct, frozen=True, kw_only=True):
    """What is known of one container; `state` and `health` are the daemon's words, "" where it has none.

    `problem` says why its log is not followed though it should be.
    """

    id: str
    name: str
    state: str
    health: str = ""
    failing_streak: int = 0
    driver: str = "json-file"
    problem: str = ""
    streams: tuple[LogStream, ...] = ()


class Roster:
    """All containers of one host, by id; of those in its `share` the logs are followed."""

    def __init__(self, share: Share = EVERYTHING) -> None:
        self._share = share
        self.containers: dict[str, Container] = {}
        self.up = False  # whether the source of this knowledge answers
        self.error = "has not answered yet"
        self.version = 0
        self.closed = False
        self.events_total = 0  # that the daemon told
        self.missed = 0  # containers that were started and gone before anything was known of them
        self._changed = asyncio.Event()

    @property
    def streams(self) -> dict[StreamKey, LogStream]:
        """What is to be followed now."""
        ours = (container for container in self.containers.values() if self._share.has(container.id))
        return {stream.key: stream for container in ours for stream in container.streams}

    def put(self, container: Container) -> None:
        """Add a container, or take over what is new of it."""
        if self.containers.get(container.id) != container:
            self.containers[container.id] = container
            self._advance()

    def drop(self, container_id: str) -> None:
        """The container is gone."""
        if self.containers.pop(container_id, None) is not None:
            self._advance()

    def answered(self) -> None:
        """The source of this knowledge answers, and the table is whole."""
        if not self.up:
            self.up, self.error = True, ""
            self._advance()

    def lost(self, error: str) -> None:
        """The source of this knowledge is away; what was known stays."""
        self.up, self.error = False, error

    async def changed(self, version: int) -> int:
        """Wait until the table is newer than `version`; its version then."""
        while self.version == version:
            await self._changed.wait()
        return self.version

    def close(self) -> None:
        """Nobody is to be followed any more: the agent stops."""
        self.closed = True
        self._advance()

    def _advance(self) -> None:
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()
