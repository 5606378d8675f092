"""A stream's target, where it is the name of its container, or its format changes → the new one, from a safe place on.

What may have been delivered has to keep its target, or a second copy would come into another index when it is read
again. So the first target is on disk before a line has it, and a stream changes when nothing of it is on its way, and
the change is on disk. A target changes only where the log ended when that was first seen, or behind: the lines so far
belong to the old name.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog
from msgspec import Struct
from msgspec.structs import replace

from collector.model import LogStream, StreamKey
from collector.pipeline.reader import Reader
from collector.state.checkpoint import Checkpoints
from collector.text.bounds import bounded

log = structlog.get_logger(__name__)

_REST_SECONDS = 0.2
_BEGIN, _CHANGE = "the first target is not on disk", "another target or format is not on disk"  # why it is held
_PATIENCE_LOOKS = 5  # for a busy log to have nothing on its way by itself, before its reader waits for that


class _Change(Struct):
    """One that is to come. `end` is how much was read, by `Reader.read_bytes`, once the log is read to its end."""

    end: int
    looks: int = 0  # since it was


class Retargeting:
    """One output's."""

    def __init__(
        self, checkpoints: Checkpoints, readers: Mapping[StreamKey, Reader], read_anew: Callable[[StreamKey], None]
    ) -> None:
        """`read_anew` gives the reader of a stream another transform, which goes on where all before is settled."""
        self._read_anew = read_anew
        self._checkpoints = checkpoints
        self._readers = readers
        self._coming: dict[StreamKey, _Change] = {}
        self._begun: list[Reader] = []  # whose target is not on disk yet
        self._has_begun = asyncio.Event()

    def begin(self, key: StreamKey) -> None:
        """A stream was never followed before: nothing of it is taken until its target is on disk."""
        reader = self._readers[key]
        reader.held.take(_BEGIN)
        self._begun.append(reader)
        self._has_begun.set()

    async def run(self) -> None:
        """Have the targets of new streams on disk; where that fails, that they arrive counts for more.

        Not more often than a few times a second: all positions are written each time.
        """
        while True:
            await self._has_begun.wait()
            self._has_begun.clear()
            begun, self._begun = self._begun, []
            await self._checkpoints.flush()
            for reader in begun:
                reader.held.let_go(_BEGIN)
            await asyncio.sleep(_REST_SECONDS)

    def effective(self, stream: LogStream) -> LogStream:
        """The stream as its lines have it now: where it is to change, with all that becomes part of documents."""
        reader, target = self._readers.get(stream.key), self._checkpoints.target_of(stream.key)
        if reader is not None and _changes(reader, stream):
            now = reader.source.stream
            return replace(stream, target=now.target, fields=now.fields, reading=now.reading)
        if target in (None, stream.target):
            return stream
        told = bounded(target)  # older versions kept any
        fields = {name: told if name == "@target" else value for name, value in stream.fields.items()}
        return replace(stream, target=target, fields=fields)

    async def look(self, wanted: Mapping[StreamKey, LogStream]) -> None:
        """Change those that can; once a second."""
        changing = {key: wanted[key] for key, one in self._readers.items() if _changes(one, wanted.get(key))}
        for key in self._coming.keys() - changing.keys():
            del self._coming[key]
            self._let_go(key)
        ready = {key: stream for key, stream in changing.items() if self._is_ready(key, stream)}
        before = {key: self._checkpoints.retarget(key, stream.target) for key, stream in ready.items()}
        if not ready:
            return
        is_kept = await self._checkpoints.flush()
        for key, stream in ready.items():
            if not is_kept:
                self._checkpoints.retarget(key, before[key])
            elif key in self._readers:
                self._change(stream, before[key])
            self._let_go(key)

    def _change(self, stream: LogStream, target: str) -> None:
        source = self._readers[stream.key].source
        is_read_anew = source.stream.reading != stream.reading
        source.update(stream)
        if is_read_anew:
            self._read_anew(stream.key)
            log.info(
                "settings of a stream changed", container=stream.container, format=stream.reading.format or "none set"
            )
        if target != stream.target:
            log.info("target follows the name of the container", container=stream.container,
                     target=stream.target, before=target)  # fmt: skip

    def _is_ready(self, key: StreamKey, wanted: LogStream) -> bool:
        """Whether nothing of the stream is on its way; then its reader waits, as it does when that takes long."""
        reader = self._readers[key]
        change = self._coming.setdefault(key, _Change(reader.read_bytes + reader.source.backlog_bytes))
        # A busy log has something left at each look: where it ended at the first one is what counts.
        is_read = reader.source.is_readable and (reader.source.backlog_bytes == 0 or reader.read_bytes >= change.end)
        if not change.looks and not is_read and reader.source.stream.target != wanted.target:
            return False
        change.looks += 1
        is_amid = (
            reader.source.stream.reading != wanted.reading
            and reader.transform.is_amid_line
            and not (reader.source.can_go_back and self._checkpoints.has_position(key))
        )
        is_quiet = reader.left is None and not reader.is_passing  # what is kept was not looked at yet
        is_idle = is_quiet and not is_amid and not self._checkpoints.is_pending(key)
        if is_idle or (change.looks > _PATIENCE_LOOKS and not is_amid):  # the rest of a line comes only if it is taken
            reader.held.take(_CHANGE)
        return is_idle

    def _let_go(self, key: StreamKey) -> None:
        if (reader := self._readers.get(key)) is not None:
            reader.held.let_go(_CHANGE)


def _changes(reader: Reader, wanted: LogStream | None) -> bool:
    now = reader.source.stream
    return wanted is not None and (wanted.target != now.target or wanted.reading != now.reading)
