"""Settled segments → positions on disk: what was acknowledged, in order, whatever order the requests ended in.

One file per output (`positions_file`). If neither of its generations is whole, everything is read again from the
start; ids make that harmless, and nothing is ever skipped. A stream has a position from its first file on, so that a
later start sees what rotation took of it meanwhile.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path

import structlog

from collector.clock import SureClock
from collector.errors import StateError
from collector.model import Decided, FileId, LogStream, Position, Segment, Start, StreamKey, Ticket
from collector.state import gone
from collector.state.positions_file import PositionsFile, Saved, SpoolMark

log = structlog.get_logger(__name__)

_FORGET_SECONDS = 7 * 86400.0  # a container that is away may come back with its disk
_SEEN_SECONDS = 3600.0


class Checkpoints:
    """The positions of one output, kept in `directory`."""

    def __init__(self, directory: Path, output: str, *, now: Callable[[], float | None] | None = None) -> None:
        """Load what is there. `now`: seconds since 1970, None while it is not sure; else a `SureClock`'s.

        Raises:
            StateError: the directory cannot be used, or the positions are of a newer version.
        """
        self.failures = 0
        self.error = ""  # why the positions could not be saved last time
        self.last_success = time.time()
        self._now = now or SureClock().now
        self._file = PositionsFile(directory, output)
        self._dirty = False
        found = self._file.load()
        self._lost = found.is_lost
        self.spool_mark = found.mark  # what of the output's spool these positions cover; None: not known
        self._saved = {StreamKey(one.container_id, one.entry): one for one in found.streams}
        self._logs: dict[StreamKey, str] = {}  # paths of the live files
        self._pending: dict[StreamKey, deque[Ticket]] = {}
        self._leaving: set[StreamKey] = set()
        self._writing = asyncio.Lock()

    # ------------------------------------------------------------------ in memory

    def begin(self, stream: LogStream, cutoff: str = "") -> Saved:
        """A stream is followed from now on; `cutoff` is fixed with this, and its target. Returns what is kept of it."""
        self._leaving.discard(stream.key)
        self._logs[stream.key] = stream.path
        saved = self._saved.get(stream.key)
        if saved is None:
            cutoff = "" if self._lost else cutoff  # what was behind the lost positions may not be skipped
            saved = Saved(stream.container_id, stream.entry, stream.target, time.time(), cutoff=cutoff)
            self._saved[stream.key] = saved
            self._dirty = True
        self._dirty |= saved.behind > 0
        saved.behind = 0
        return saved

    def target_of(self, key: StreamKey) -> str | None:
        """The target that the stream's lines have."""
        saved = self._saved.get(key)
        return None if saved is None else saved.target

    def start_of(self, key: StreamKey) -> Start:
        """Where the stream goes on if nothing of it is on its way."""
        return self._saved[key].start

    def retarget(self, key: StreamKey, target: str) -> str:
        """What is read of the stream from now on has this target; returns the one before. Nothing is on its way."""
        saved = self._saved[key]
        before, saved.target = saved.target, target
        self._dirty = True
        return before

    def leave(self, key: StreamKey) -> None:
        """The container is gone and all of its log was read: forget it once that is settled."""
        if key in self._pending:
            self._leaving.add(key)
        else:
            self._forget(key)

    def _forget(self, key: StreamKey) -> None:
        self._leaving.discard(key)
        self._logs.pop(key, None)
        if self._saved.pop(key, None) is not None:
            self._dirty = True

    def see(self, present: Mapping[StreamKey, str], answers: Mapping[str, bool]) -> None:
        """These streams exist now, each of an input; others are forgotten once nobody has seen them for a week.

        That is by a clock that is sure, and one that was seen in the future was not: the clock was wrong. `answers` is
        whether each input tells now what exists: what one that does not has listed stays.
        """
        for key in present.keys() & self._saved.keys():
            if (saved := self._saved[key]).input != present[key]:
                saved.input, self._dirty = present[key], True
        now = self._now()
        if now is None:
            return
        for key, saved in list(self._saved.items()):
            age = now - saved.seen
            if key in present or age < -_SEEN_SECONDS:
                if abs(age) > _SEEN_SECONDS:
                    saved.seen, self._dirty = now, True
            elif age > _FORGET_SECONDS and gone.is_gone(saved, answers):
                self._forget(key)

    async def decide(self, decided: Mapping[StreamKey, Decided]) -> dict[StreamKey, Decided]:
        """Keep on disk what was decided of streams; of each for which that went well, all that was decided of it.

        Of none if decisions alone were written just now: large files are not written as often as they come.
        """
        before: dict[StreamKey, Saved] = {}
        for key, one in decided.items():
            if (saved := self._saved.get(key)) is not None:
                old = copy(saved)
                if saved.decide(one):
                    before[key] = old
        self._dirty |= bool(before)
        if not before or (self._file.may_decide() and await self.flush()):
            return {key: self._saved[key].decided for key in before if key in self._saved}
        for key, old in before.items():
            if (saved := self._saved.get(key)) is not None:
                saved.dated, saved.ended, saved.written = old.dated, old.ended, old.written
        return {}

    def decided(self, key: StreamKey) -> Decided:
        """All that was decided of a stream and is kept."""
        return self._saved[key].decided if key in self._saved else Decided()

    def reach(self, key: StreamKey, beginning: Position) -> None:
        """Reading has come to this file: all that was before it is settled with what is on its way now."""
        pending = self._pending.get(key)
        if pending:
            if pending[-1].end.file != beginning.file:
                pending.append(Ticket(beginning, is_settled=True, carried=pending[-1].carried))
        elif (saved := self._saved.get(key)) is not None:
            if (saved.head, saved.ordinal) != beginning.file[1:]:
                self._move(key, Ticket(beginning, carried=saved.carried))
            elif saved.inode != beginning.inode:
                saved.inode, self._dirty = beginning.inode, True

    def track(self, *segments: Segment) -> None:
        """These are on their way. To be called in the order of each stream."""
        for segment in segments:
            key = segment.stream.key
            if (pending := self._pending.get(key)) is None:
                pending = self._pending[key] = deque()
            pending.append(segment.ticket)

    def settle(self, segment: Segment) -> None:
        """All documents of a tracked segment are acknowledged, dead-lettered or spooled."""
        segment.ticket.is_settled = True
        key = segment.stream.key
        if (pending := self._pending.get(key)) is None:
            return  # it was put back, and is read again
        while pending and pending[0].is_settled:
            self._move(key, pending.popleft())
        if not pending:
            del self._pending[key]
            if key in self._leaving:
                self._forget(key)

    def cover(self, mark: SpoolMark) -> None:
        """With what is settled in the same step of the loop, the spool is covered up to here."""
        self.spool_mark, self._dirty = mark, True

    def has_position(self, key: StreamKey) -> bool:
        """Whether it is known where the stream goes on."""
        return (saved := self._saved.get(key)) is not None and bool(saved.head)

    def reached(self) -> Iterator[tuple[StreamKey, Position, str]]:
        """Up to where each stream that has a position was read, and Docker's time of the last good line before it."""
        for key, saved in self._saved.items():
            if pending := self._pending.get(key):
                yield key, pending[-1].end, pending[-1].last_time
            elif saved.resume is not None:
                yield key, saved.resume.position, saved.last_time

    def is_pending(self, key: StreamKey) -> bool:
        """Whether anything of the stream is on its way."""
        return key in self._pending

    def put_back(self, key: StreamKey, segments: Collection[Segment]) -> Saved | None:
        """Forget these segments and all of the stream that came after the first of them: they are read again.

        Returns:
            Where that begins, as `begin`; None if it has begun.
        """
        tickets = {segment.ticket for segment in segments}
        pending = self._pending.get(key, deque())
        first = next((index for index, ticket in enumerate(pending) if ticket in tickets), None)
        if first is None:
            return None
        self._leaving.discard(key)
        saved = copy(self._saved[key])
        saved.ordinals = dict(saved.ordinals)
        kept = list(pending)[:first]
        for ticket in kept:
            saved.advance(ticket)
        if kept:
            self._pending[key] = deque(kept)
        else:
            del self._pending[key]
        return saved

    def clear(self, key: StreamKey, end: Ticket) -> None:
        """What was read up to here left nothing that is not tracked: the stream is there once that is settled."""
        pending = self._pending.get(key)
        if pending and pending[-1] is end:
            return
        here = Ticket(end.end, end.last_time, end.fingerprint, is_settled=True, carried=end.carried)
        if not pending:
            self._move(key, here)
            return
        last = pending[-1]
        if last.is_settled and not last.documents and last.end.file == here.end.file:
            here.last_time = here.last_time or last.last_time
            pending.pop()  # else they would pile up while an output is away
        pending.append(here)

    def _move(self, key: StreamKey, to: Ticket) -> None:
        if (saved := self._saved.get(key)) is not None:
            saved.advance(to)
            self._dirty = True

    # ------------------------------------------------------------------ all of them

    def whole(self) -> list[Saved]:
        """What is kept, of every stream.

        Raises:
            StateError: some was damaged and is not known any more.
        """
        if self._lost:
            raise StateError(
                f"the positions in {self._file.path.parent} are damaged: their containers are unknown",
                "start once with as many workers as before",
            )
        return list(self._saved.values())

    def replace(self, saved: Sequence[Saved]) -> None:
        """Keep this instead, on disk too; of the spool it covers all that is there.

        Raises:
            OSError: it cannot be written.
        """
        self._saved, self.spool_mark = {StreamKey(one.container_id, one.entry): one for one in saved}, None
        self._file.write(*self._file.encode(self._saved.values()))

    # ------------------------------------------------------------------ what a stop drops

    def drop(
        self,
        unread_bytes: Mapping[StreamKey, int],
        behind: Collection[StreamKey],
        is_kept: Callable[[str, str], bool],
    ) -> list[Saved]:
        """The agent stops: keep for the next start what nobody can read any more; those streams of which there is any.

        `unread_bytes` are of removed files; `behind` are streams that were not read to their end. What is on its way is
        read again, unless its file was removed: `is_kept` tells that of a stream's path and a file's `head`.

        Returns:
            What is kept of each such stream.
        """
        for key in unread_bytes.keys() | self._pending.keys() | set(behind):
            if (saved := self._saved.get(key)) is None:
                continue
            saved.behind = 1
            saved.dropped_bytes = unread_bytes.get(key, 0)
            saved.dropped_documents = self._nameless_documents(key, is_kept)
            self._dirty = True
        return [one for one in self._saved.values() if one.dropped_bytes or one.dropped_documents]

    def _nameless_documents(self, key: StreamKey, is_kept: Callable[[str, str], bool]) -> int:
        """Documents on their way, of files of the stream that have no name any more."""
        documents: Counter[FileId] = Counter()
        for ticket in self._pending.get(key, ()):
            documents[ticket.end.file] += 0 if ticket.is_settled else ticket.documents
        live = self._logs.get(key)
        return sum(count for file, count in documents.items() if count and live and not is_kept(live, file.head))

    def vanished(self, present: Collection[str], answers: Mapping[str, bool]) -> list[str]:
        """Containers as `gone.unsettled` finds them, once. `answers` is that of `see`."""
        found = list(gone.unsettled(self._saved.items(), self._logs, present, answers))
        for saved in found:
            saved.behind = 2
        self._dirty |= bool(found)
        return [saved.container_id for saved in found]

    def take_dropped(self) -> list[Saved]:
        """What `drop` kept at the last stop, once."""
        dropped = [copy(one) for one in self._saved.values() if one.dropped_bytes or one.dropped_documents]
        for one in self._saved.values():
            one.dropped_bytes = one.dropped_documents = 0
        self._dirty |= bool(dropped)
        return dropped

    # ------------------------------------------------------------------ on disk

    async def flush_when_due(self) -> None:
        """As `flush`, but not so often that it keeps the disk busy."""
        if self._file.is_due or not self._dirty:
            await self.flush()

    async def flush(self) -> bool:
        """Write the positions if any has moved; False if that failed: they are tried again next time.

        With True, all that was so when it was called is on disk, whoever wrote it.
        """
        async with self._writing:
            return await self._flush()

    async def _flush(self) -> bool:
        if not self._dirty:
            self.last_success = time.time()  # what is on disk is all that there is
            return True
        self._dirty = False
        try:
            await asyncio.to_thread(self._file.write, *self._file.encode(self._saved.values(), self.spool_mark))
        except OSError as error:
            self._dirty = True
            self.failures += 1
            if not self.error:
                log.error("saving positions failed", path=str(self._file.path), error=str(error))
            self.error = error.strerror or str(error)
            return False
        except asyncio.CancelledError:
            self._dirty = True
            raise
        self.error = ""
        self.last_success = time.time()
        return True
