"""The letters of one output → its delivery once more, under their ids, first as they were before they were refused.

File by file, oldest first: the files of the moment are set aside, so that what is refused again goes to a new one, and
a file goes when each of its letters is settled. Letters that are not wanted, and lines that are damaged, stay in it.
When it ends early, what was settled goes and the rest stays; after a crash all of the file's letters are there and are
sent again, which their ids make harmless.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from msgspec import Struct, field, to_builtins

from collector.errors import PilotfishError, StateError
from collector.ledger import Ledger
from collector.model import Segment

from .folder import DeadLetters
from .letter import Letter, Wanted, read, segments
from .shares import Span, add

_CHUNK_BYTES = 1 << 20  # of letters that are shipped together


class ReplayUnderWay(PilotfishError):
    """The letters of this output are replayed already."""


class Progress(Struct, kw_only=True):
    """How far a replay is: `sent` letters are settled, `refused` of them are dead letters again, the rest delivered.

    `damaged` counts lines that stay as they are; `waiting` says why the output takes nothing at the moment.
    """

    output: str
    sent: int = 0
    refused: int = 0
    damaged: int = 0
    waiting: str = ""

    @property
    def delivered(self) -> int:
        """Letters that are there now, or were before."""
        return self.sent - self.refused

    def told(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {**to_builtins(self), "delivered": self.delivered}


class _Chunk(Struct):
    """What was read at one go, up to `end`; `kept` are the spans of lines that stay."""

    end: int
    letters: list[Letter] = field(default_factory=list)
    kept: list[Span] = field(default_factory=list)
    damaged: int = 0
    size: int = 0


class Replays(Protocol):
    """What sends the letters of one output once more."""

    output: str

    def check(self) -> None:
        """See that no replay is under way.

        Raises:
            ReplayUnderWay: one is.
        """
        ...

    def seen(self, progress: Progress) -> Progress:
        """The progress with what the output waits for now."""
        ...

    async def run(self, wanted: Wanted, progress: Progress, *, limit: int | None = None) -> None:
        """Send the letters that are wanted, the `limit` oldest of them, and tell in `progress` how far it is.

        Raises:
            PilotfishError: it ended early.
        """
        ...


class Replay:
    """The replays of one output, one at a time; `ship` returns when each document is settled; `ledger` has them."""

    def __init__(
        self,
        output: str,
        letters: DeadLetters,
        ship: Callable[[Sequence[Segment]], Awaitable[None]],
        ledger: Ledger,
    ) -> None:
        self.output = output
        self._letters = letters
        self._ship = ship
        self._ledger = ledger
        self._is_under_way = False

    def check(self) -> None:
        """See that no replay is under way.

        Raises:
            ReplayUnderWay: one is.
        """
        if self._is_under_way:
            raise ReplayUnderWay(
                f"the dead letters of {self.output} are being replayed already", "wait until that replay ends"
            )

    def seen(self, progress: Progress) -> Progress:
        """The progress with what the output waits for now."""
        waits = next((f"{target}: {reason}" for target, reason in self._ledger.waits.items()), "")
        progress.waiting = self._ledger.error or waits
        return progress

    async def run(self, wanted: Wanted, progress: Progress, *, limit: int | None = None) -> None:
        """Send the letters that are wanted, the `limit` oldest of them, and tell in `progress` how far it is.

        Raises:
            ReplayUnderWay: another replay of this output is under way.
            Unavailable: the agent stops.
            StateError: a file cannot be read or written.
        """
        self.check()
        self._is_under_way = True
        try:
            for path in await asyncio.to_thread(self._letters.set_aside):
                if limit is not None and progress.sent >= limit:
                    break
                await self._file(path, wanted, progress, limit)
        except OSError as error:
            cause = f"{self._letters.directory}: a file of dead letters cannot be used ({error.strerror or error})"
            raise StateError(cause, "nothing is lost: check the disk and replay again") from None
        finally:
            self._is_under_way = False

    async def _file(self, path: Path, wanted: Wanted, progress: Progress, limit: int | None) -> None:
        with suppress(FileNotFoundError), self._letters.at_work(path) as file:  # it may have gone for newer ones
            size = os.fstat(file.fileno()).st_size
            kept: list[Span] = []
            settled = 0
            try:
                while settled < size:
                    left = None if limit is None else limit - progress.sent
                    chunk = await asyncio.to_thread(_read, file, settled, wanted, left)
                    await self._send(chunk.letters, progress)
                    progress.damaged += chunk.damaged
                    for span in chunk.kept:
                        add(kept, span)
                    settled = chunk.end
            finally:  # at once: who is cancelled can wait for nothing
                if settled or not size:
                    add(kept, (settled, size))
                    self._letters.settle(path, kept)

    async def _send(self, letters: list[Letter], progress: Progress) -> None:
        if letters:
            await self._ship(list(segments(letters)))
            refused = await asyncio.to_thread(self._letters.holds, [letter.id for letter in letters])
            progress.sent += len(letters)
            progress.refused += refused


def _read(file: BinaryIO, start: int, wanted: Wanted, left: int | None) -> _Chunk:
    """The next lines, until there are enough letters or the file ends; `left` is how many letters may be taken."""
    chunk = _Chunk(start)
    file.seek(start)
    while chunk.size < _CHUNK_BYTES and (text := file.readline()):
        span = (chunk.end, chunk.end + len(text))
        chunk.end = span[1]
        letter = read(text)
        if letter is None:
            chunk.damaged += bool(text.strip())
        if letter is None or not wanted.matches(letter) or (left is not None and len(chunk.letters) >= left):
            if text.strip():
                add(chunk.kept, span)
            continue
        chunk.letters.append(letter)
        chunk.size += len(text)
    return chunk


async def run_all(
    replays: Sequence[Replays],
    wanted: Wanted,
    *,
    limit: int | None,
    tell: Callable[[Progress], Awaitable[None]],
    every_seconds: float = 1.0,
) -> None:
    """Replay one output after the other, `limit` letters in all, and tell how far it is, at the end of each too.

    Raises:
        ExceptionGroup: of what `Replay.run` and `tell` raise; the replay has stopped then.
    """
    sent = 0
    for replay in replays:
        progress = Progress(output=replay.output)
        async with asyncio.TaskGroup() as tasks:
            left = None if limit is None else limit - sent
            working = tasks.create_task(replay.run(wanted, progress, limit=left), name=f"replay {replay.output}")
            while not working.done():
                await asyncio.wait([working], timeout=every_seconds)
                await tell(replay.seen(progress))
        sent += progress.sent
