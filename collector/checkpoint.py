"""Settled segments → positions on disk: what was acknowledged, in order, whatever order the requests ended in.

One file per output, two generations, each with a checksum. Written aside, fsynced, renamed, and the directory
fsynced: a crash at any point leaves one whole generation. If neither is whole, everything is read again from the
start; ids make that harmless, and nothing is ever skipped.
"""

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from collector.errors import UNREADABLE, StateError
from collector.model import FileId, LogStream, Position, Segment, StreamKey
from collector.ownership import open_own
from collector.sources.log_files import keep_ordinal
from collector.sources.resume import Resume
from collector.state import fsync_directory
from collector.transform.docker_json import ID_SCHEME

log = structlog.get_logger(__name__)

_VERSION = 1
_FORGET_SECONDS = 7 * 86400.0  # a container that is away may come back with its disk
_SEEN_SECONDS = 3600.0


class Saved(Struct, omit_defaults=True):
    """What is kept of one stream. No `file` means that nothing of it was settled yet."""

    container_id: str
    entry: str
    target: str
    seen: float
    head: str = ""
    ordinal: int = 0
    offset: int = 0
    line: int = 0
    inode: int = 0
    last_time: str = ""
    fingerprint: str = ""
    ordinals: dict[str, int] = {}  # the last one of each first line, up to this file
    cutoff: str = ""  # of the first start: a later one must not leave out what came in between

    @property
    def resume(self) -> Resume | None:
        """Where to go on."""
        if not self.head:
            return None
        file = FileId(self.container_id, self.head, self.ordinal)
        return Resume(Position(file, self.offset, self.line), self.inode, dict(self.ordinals), self.fingerprint)


class _Head(Struct):
    version: int = 0
    id_scheme: int = 0


class _Document(Struct):
    version: int
    id_scheme: int
    streams: list[Saved]


class _Entry(Struct, eq=False):
    """Where a segment ends: without its documents, of which others on their way before it must not keep more alive."""

    end: Position
    last_time: str
    fingerprint: str
    done: bool = False


class Checkpoints:
    """The positions of one output, kept in `directory`."""

    def __init__(self, directory: Path, output: str) -> None:
        """Load what is there.

        Raises:
            StateError: the directory cannot be used, or the positions are of a newer version.
        """
        self.failures = 0
        self.error = ""  # why the positions could not be saved last time
        self.last_success = time.time()
        self._path = directory / f"{output}.positions"
        self._older = directory / f"{output}.positions.old"
        self._dirty = False
        self._saved: dict[StreamKey, Saved] = {}
        self._pending: dict[StreamKey, deque[_Entry]] = {}
        self._entries: dict[int, _Entry] = {}
        self._inodes: dict[FileId, int] = {}
        self._leaving: set[StreamKey] = set()
        self._lost = False  # whether there were positions that could not be read
        self._writing = threading.Lock()
        self._saves = self._written = 0
        self._load()

    # ------------------------------------------------------------------ in memory

    def begin(self, stream: LogStream, cutoff: str = "") -> Saved:
        """A stream is followed from now on; its target and `cutoff` are fixed with this. Returns what is kept of it."""
        self._leaving.discard(stream.key)
        saved = self._saved.get(stream.key)
        if saved is None:
            cutoff = "" if self._lost else cutoff  # what was behind the lost positions may not be skipped
            saved = Saved(stream.container_id, stream.entry, stream.target, time.time(), cutoff=cutoff)
            self._saved[stream.key] = saved
            self._dirty = True
        return saved

    def target_of(self, key: StreamKey) -> str | None:
        """The target with which the stream was first seen."""
        saved = self._saved.get(key)
        return None if saved is None else saved.target

    def leave(self, key: StreamKey) -> None:
        """The container is gone and all of its log was read: forget it once that is settled."""
        if key in self._pending:
            self._leaving.add(key)
        else:
            self._forget(key)

    def _forget(self, key: StreamKey) -> None:
        self._leaving.discard(key)
        if (saved := self._saved.pop(key, None)) is not None:
            self._inodes.pop(FileId(saved.container_id, saved.head, saved.ordinal), None)
            self._dirty = True

    def see(self, present: Collection[StreamKey]) -> None:
        """These streams exist now; others are forgotten once nobody has seen them for a week."""
        now = time.time()
        for key, saved in list(self._saved.items()):
            if key in present:
                self._dirty |= now - saved.seen > _SEEN_SECONDS
                saved.seen = now if now - saved.seen > _SEEN_SECONDS else saved.seen
            elif now - saved.seen > _FORGET_SECONDS:
                self._forget(key)

    def opened(self, file: FileId, inode: int) -> None:
        """Note the inode of a file: it tells apart files with equal first lines after a restart."""
        self._inodes[file] = inode

    def track(self, segment: Segment) -> None:
        """A segment is on its way. To be called in the order of the stream."""
        entry = _Entry(segment.end, segment.last_time, segment.fingerprint)
        self._entries[id(segment)] = entry
        self._pending.setdefault(segment.stream.key, deque()).append(entry)

    def settle(self, segment: Segment) -> None:
        """All documents of a tracked segment are acknowledged, dead-lettered or spooled."""
        self._entries.pop(id(segment)).done = True
        pending = self._pending[segment.stream.key]
        while pending and pending[0].done:
            done = pending.popleft()
            self._move(segment.stream.key, done.end, done.last_time, done.fingerprint)
        if not pending:
            del self._pending[segment.stream.key]
            if segment.stream.key in self._leaving:
                self._forget(segment.stream.key)

    def skip_to(self, key: StreamKey, position: Position, fingerprint: str = "") -> None:
        """Begin at `position` if nothing is on its way: what lies before was left out on purpose."""
        if key not in self._pending:
            self._move(key, position, "", fingerprint)

    def _move(self, key: StreamKey, end: Position, last_time: str, fingerprint: str) -> None:
        saved = self._saved.get(key)
        if saved is None:
            return
        if saved.head and (saved.head, saved.ordinal) != end.file[1:]:
            self._inodes.pop(FileId(saved.container_id, saved.head, saved.ordinal), None)
        if saved.ordinals.get(end.file.head) != end.file.ordinal:
            keep_ordinal(saved.ordinals, end.file.head, end.file.ordinal)
        saved.head, saved.ordinal = end.file.head, end.file.ordinal
        saved.offset, saved.line = end.offset, end.line
        saved.inode = self._inodes.get(end.file, saved.inode)
        saved.last_time = last_time or saved.last_time
        saved.fingerprint = fingerprint
        self._dirty = True

    # ------------------------------------------------------------------ all of them

    def whole(self) -> list[Saved]:
        """What is kept, of every stream.

        Raises:
            StateError: some was damaged and is not known any more.
        """
        if self._lost:
            raise StateError(
                f"the positions in {self._path.parent} are damaged: nobody can tell which containers they were of",
                "start once with as many workers as before",
            )
        return list(self._saved.values())

    def replace(self, saved: Sequence[Saved]) -> None:
        """Keep this instead, on disk too.

        Raises:
            OSError: it cannot be written.
        """
        self._saved = {StreamKey(one.container_id, one.entry): one for one in saved}
        self._write(*self._save())

    def _save(self) -> tuple[bytes, int]:
        self._saves += 1
        return msgspec.json.encode(_Document(_VERSION, ID_SCHEME, list(self._saved.values()))), self._saves

    # ------------------------------------------------------------------ on disk

    async def flush(self) -> bool:
        """Write the positions if any has moved; False if that failed: they are tried again next time."""
        if not self._dirty:
            self.last_success = time.time()  # what is on disk is all that there is
            return True
        self._dirty = False
        try:
            await asyncio.to_thread(self._write, *self._save())
        except OSError as error:
            self._dirty = True
            self.failures += 1
            if not self.error:
                log.error("positions cannot be saved", path=str(self._path), error=str(error))
            self.error = error.strerror or str(error)
            return False
        except asyncio.CancelledError:
            self._dirty = True
            raise
        self.error = ""
        self.last_success = time.time()
        return True

    def _write(self, body: bytes, number: int) -> None:
        """Write the save of this number, unless a later one was written first: a cancelled flush still writes."""
        with self._writing:
            if number > self._written:
                self._replace(body)
                self._written = number

    def _replace(self, body: bytes) -> None:
        aside = self._path.with_suffix(".new")
        with open(aside, "wb", opener=open_own) as file:
            file.write(_checksum(body) + b"\n" + body + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if self._path.exists():
            self._path.replace(self._older)
        aside.replace(self._path)
        fsync_directory(self._path.parent)

    def _load(self) -> None:
        for path in (self._path, self._older):
            try:
                with open(path, "rb", opener=open_own) as file:
                    content = file.read()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StateError(f"{path} cannot be read ({error.strerror})", "may this user read it?") from None
            if (document := _parse(path, content)) is not None:
                self._saved = {StreamKey(saved.container_id, saved.entry): saved for saved in document.streams}
                self._lost = False
                return
            self._lost = True
            log.warning("positions are damaged: going back to an older state; lines sent since are sent again, "
                        "under the same ids", path=str(path))  # fmt: skip
            with suppress(OSError):  # the next save must not put it in the place of the whole one
                path.replace(path.with_name(f"{path.name}.damaged"))


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
            "run that version, or move the file away: everything is then read again from the start",
        )
    return document
