"""The positions of one output on disk: two generations, each with a checksum.

They are replaced as `files.writing` does it: a crash at any point leaves one whole generation.
"""

import threading
import time
from collections.abc import Collection
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog
from msgspec import Struct

from collector.documents.ids import ID_SCHEME
from collector.errors import UNREADABLE, StateError
from collector.files.ownership import open_own
from collector.files.writing import replace
from collector.model import (
    Cursor,
    Dated,
    Decided,
    Ended,
    FileId,
    Position,
    Resume,
    Start,
    Ticket,
    Written,
    keep_ordinal,
)

log = structlog.get_logger(__name__)

_VERSION = 1
_BYTES_PER_SECOND = 512 << 10  # of writing, on average: a thousand logs are saved each second
_MOST_ENDED = 1024  # events of a stream that are on their way and that the clock has ended
_MOST_WRITTEN = 256  # times of a stream's lines on their way, one a second at most: older ones are of no use by then
_MOST_SECONDS = 30.0  # between two writes, however large they are


class Saved(Struct, omit_defaults=True):
    """What is kept of one stream. No `file` means that none was identified yet.

    `dropped_bytes` of removed files were not read when the agent stopped, and `dropped_documents` of such files were
    on their way: nobody can read them again, and the next start counts them. `behind` is 1 where anything was not
    settled at the stop, and 2 once the container was found gone and that was told.
    """

    container_id: str
    entry: str
    target: str
    seen: float
    head: str = ""
    ordinal: int = 0
    offset: int = 0
    line: int = 0
    inode: int = 0
    cursor: Cursor | None = None  # of a stream without files; the events of older versions have their time as offset
    last_time: str = ""
    fingerprint: str = ""
    ordinals: dict[str, int] = {}  # the last one of each first line, up to this file
    cutoff: str = ""  # of the first start, until a line is settled: a later one must not leave out what came in between
    dropped_bytes: int = 0
    dropped_documents: int = 0
    behind: int = 0
    dated: tuple[str, int, str] = ("", 0, "")  # head and ordinal of a file whose first lines got this time
    input: str = ""  # that listed it last; "" where no version has told, and of events
    ended: list[tuple[str, int, int, int]] = []  # head, ordinal, line and lines of events that end so
    carried: str = ""  # as `Ticket.carried`
    written: list[tuple[str, int, int, str]] = []  # head, ordinal, `until` and time of lines that have none

    @property
    def order(self) -> int:
        """As `Position.order`."""
        return self.offset if self.cursor is None else self.cursor.order

    @property
    def start(self) -> Start:
        """Where to go on, with all that is kept of what was before."""
        return Start(self.resume, self.cutoff, self.last_time, self.decided, self.carried)

    @property
    def decided(self) -> Decided:
        """What the clock decided."""
        head, ordinal, time = self.dated
        dated = Dated(FileId(self.container_id, head, ordinal), time) if time else None
        ended = [Ended(FileId(self.container_id, file, number), *which) for file, number, *which in self.ended]
        written = [Written(FileId(self.container_id, *one[:2]), *one[2:]) for one in self.written]
        return Decided(dated, tuple(ended), tuple(written))

    def decide(self, decided: Decided) -> bool:
        """Keep that besides what is still of use; False if that is too much."""
        known = [one for one in self.ended if one[:2] != (self.head, self.ordinal) or one[2] >= self.line]
        ended = dict.fromkeys([*known, *((*one.file[1:], one.line, one.lines) for one in decided.ended)])
        if len(ended) > _MOST_ENDED:
            return False
        self.ended = list(ended)
        if decided.written:
            mine = self.head, self.ordinal
            times = [one for one in self.written if one[:2] != mine or one[2] > self.offset]
            times += [(*one.file[1:], one.until, one.time) for one in decided.written]
            self.written = list(dict.fromkeys(times))[-_MOST_WRITTEN:]
        if decided.dated is not None:
            self.dated = (*decided.dated.file[1:], decided.dated.time)
        return True

    @property
    def resume(self) -> Resume | None:
        """Where to go on."""
        if not self.head:
            return None
        file = FileId(self.container_id, self.head, self.ordinal)
        position = Position(file, self.offset, self.line, self.inode, self.cursor)
        is_unsettled = bool(self.cutoff) and not self.last_time  # older versions kept the cutoff for good
        return Resume(position, dict(self.ordinals), self.fingerprint, is_unsettled=is_unsettled)

    def advance(self, to: Ticket) -> None:
        """All before that is settled."""
        end = to.end
        _, head, ordinal = end.file
        if self.head != head or self.ordinal != ordinal:
            self.ended = [one for one in self.ended if one[:2] != (self.head, self.ordinal)]
            self.written = [one for one in self.written if one[:2] != (self.head, self.ordinal)]
            keep_ordinal(self.ordinals, head, ordinal)
            self.head, self.ordinal = head, ordinal
        self.offset, self.line = end.offset, end.line
        self.inode = end.inode or self.inode
        self.cursor = end.cursor
        self.last_time = to.last_time or self.last_time
        self.fingerprint, self.carried = to.fingerprint, to.carried
        self.cutoff = "" if to.documents else self.cutoff


class SpoolMark(NamedTuple):
    """How far the positions cover the spool: its files before `file`, and of that one the bytes before `end`."""

    file: int
    end: int


class Loaded(NamedTuple):
    """What is on disk; `is_lost` says that there was something that could not be read.

    `mark` is known unless the newest generation is damaged: of an older one nobody knows what was covered since. Where
    there is none but an older one, a crash came before the newest was in its place.
    """

    streams: list[Saved]
    is_lost: bool = False
    mark: SpoolMark | None = None


class _Head(Struct):
    version: int = 0
    id_scheme: int = 0


class _Document(Struct, omit_defaults=True):
    version: int
    id_scheme: int
    streams: list[Saved]
    spooled: SpoolMark | None = None


class PositionsFile:
    """`<output>.positions` in `directory`, and the generation before it."""

    def __init__(self, directory: Path, output: str) -> None:
        self.path = directory / f"{output}.positions"
        self._older = directory / f"{output}.positions.old"
        self._writing = threading.Lock()
        self._encoded = self._written = 0  # numbers of saves
        self._due = self._rest_seconds = self._decides_again = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it may be written again: large ones are written less often, so that the disk is not kept busy."""
        return time.monotonic() >= self._due

    def may_decide(self) -> bool:
        """Whether decisions may be written: as seldom as the whole; what else is written does not put it off."""
        now = time.monotonic()
        if now < self._decides_again:
            return False
        self._decides_again = now + self._rest_seconds
        return True

    def encode(self, saved: Collection[Saved], mark: SpoolMark | None = None) -> tuple[bytes, int]:
        """What `write` takes."""
        self._encoded += 1
        return msgspec.json.encode(_Document(_VERSION, ID_SCHEME, list(saved), mark)), self._encoded

    def write(self, body: bytes, number: int) -> None:
        """Write the save of this number, unless a later one was written first: a cancelled flush still writes.

        Raises:
            OSError: it cannot be written.
        """
        with self._writing:
            if number > self._written:
                replace(self.path, _checksum(body) + b"\n" + body + b"\n", older=self._older)
                self._written = number
                self._rest_seconds = min(len(body) / _BYTES_PER_SECOND, _MOST_SECONDS)
                self._due = time.monotonic() + self._rest_seconds

    def load(self) -> Loaded:
        """What is there, of the newer generation that is whole.

        Raises:
            StateError: it cannot be read, or was written by a newer version.
        """
        is_lost = False
        for path in (self.path, self._older):
            try:
                with open(path, "rb", opener=open_own) as file:
                    content = file.read()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StateError(f"{path} cannot be read ({error.strerror})", "give this user read access") from None
            if (document := _parse(path, content)) is not None:
                return Loaded(document.streams, mark=None if is_lost else document.spooled)
            is_lost = True
            log.warning(
                "positions file damaged: using an older one",
                path=str(path),
                remedy="no action needed; lines delivered since then are sent again under the same ids",
            )
            with suppress(OSError):  # the next save must not put it in the place of the whole one
                path.replace(path.with_name(f"{path.name}.damaged"))
        return Loaded([], is_lost)


def _checksum(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).hexdigest().encode()


def _parse(path: Path, content: bytes) -> _Document | None:
    """The positions in a file; None if it is damaged.

    Raises:
        StateError: it was written by a newer version.
    """
    checksum, _, body = content.partition(b"\n")
    if not body.endswith(b"\n") or checksum != _checksum(body[:-1]):
        return None
    try:
        head = msgspec.json.decode(body, type=_Head)
        is_newer = head.version > _VERSION or head.id_scheme > ID_SCHEME
        document = None if is_newer else msgspec.json.decode(body, type=_Document)
    except UNREADABLE:
        return None
    if is_newer:
        raise StateError(
            f"{path} was written by a newer pilotfish",
            "run that version, or move the file away: all logs are then read again from the start",
        )
    return document
