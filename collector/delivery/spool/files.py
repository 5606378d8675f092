"""Segments that cannot be delivered for now → records in capped files, fsynced before they count; and back again.

One directory per output. What holds:

- a record that `append` took is given by `take` until it is `done`, over restarts and power cuts;
- after a failed write nothing is added to that file again: a failed fsync may have dropped what the next one confirms;
- what cannot be read back is told as `Lost`, never given as documents; a last record that was never confirmed is cut.

Everything blocks, and may be called from several threads. Format: `records`.
"""

import os
import sys
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import structlog
from msgspec import Struct

from collector.delivery.spool import cursor
from collector.delivery.spool.covering import NAME, remove_behind
from collector.delivery.spool.entries import Entry, Lost, SpoolFull, Stored
from collector.delivery.spool.records import (
    FILE_HEADER,
    RECORD_HEADER,
    VERSION,
    Record,
    decode,
    encode,
    file_head_of,
    file_header,
    head_of,
    whole_end,
    write_at,
)
from collector.errors import StateError
from collector.files.ownership import make_directory, open_own
from collector.files.writing import fsync_directory
from collector.model import Segment
from collector.state.positions_file import SpoolMark

log = structlog.get_logger(__name__)

_FILE_BYTES = 16 << 20  # a file that has so many is left for a new one


class _File(Struct):
    """A file of the spool: records up to `end` count, those before `read` were taken, `taken` of them are not done."""

    path: Path
    mark: bytes
    end: int
    size: int  # on disk
    read: int = FILE_HEADER.size
    taken: set[int] = set()
    is_live: bool = False
    error: OSError | None = None  # why its next record cannot be read now


class Spool:
    """The spool of one output in `directory`, which is made when it is needed; at most `max_bytes` on disk.

    With `is_held`, `take` gives what was appended once it is released. Of that, `memory_bytes` of documents are given
    as they are in memory.
    """

    def __init__(
        self,
        directory: Path,
        max_bytes: int,
        *,
        file_bytes: int = _FILE_BYTES,
        is_held: bool = False,
        covered: SpoolMark | None = None,
        memory_bytes: int = 0,
    ) -> None:
        """Find what an earlier run left; what is behind `covered` is removed.

        Raises:
            StateError: it cannot be read, or is of a newer version.
        """
        self.size_bytes = 0
        self._directory = directory
        self._max_bytes = max_bytes
        self._file_bytes = file_bytes
        self._files: dict[int, _File] = {}  # oldest first
        self._last = 0
        self._lost: list[Lost] = []
        self._writing: tuple[int, int] | None = None  # number and descriptor of the file that is written
        self._lock = threading.Lock()
        self._memory_bytes = memory_bytes
        self._in_memory: dict[tuple[int, int], tuple[Record, int]] = {}  # by place; with where it ends
        try:
            if covered is not None:
                self._last = covered.file
                remove_behind(directory, covered)
            self._load()
        except OSError as error:
            raise StateError(f"{directory} cannot be read ({error.strerror})", "give this user read access") from None
        self._released = SpoolMark(self._last if is_held else sys.maxsize, sys.maxsize)

    @property
    def is_empty(self) -> bool:
        """Whether all records are done."""
        return not self._files

    @property
    def read_error(self) -> OSError | None:
        """Why a record could not be read when it was tried last; others may have been given since."""
        return next((file.error for file in list(self._files.values()) if file.error), None)

    @property
    def is_drained(self) -> bool:
        """Whether all records are done that an outage has kept."""
        return all(file.is_live for file in list(self._files.values()))

    @property
    def newest(self) -> SpoolMark:
        """Up to where there are records."""
        file = self._files.get(self._last)
        return SpoolMark(self._last, file.end if file is not None else 0)

    def append(self, segments: Sequence[Segment], texts: Collection[str], *, is_live: bool = False) -> Stored:
        """Keep documents for good; `texts` are the ids that were turned to plain text.

        Those that are live stand in files of their own: no outage keeps them.

        Raises:
            SpoolFull: there is no room below the cap.
            OSError: they could not be written; nothing is promised of them.
        """
        body = encode(segments, texts)
        with self._lock:
            if self.size_bytes + len(body) > self._max_bytes:
                raise SpoolFull(0, "it is full")
            if self._writing is not None and self._files[self._writing[0]].is_live != is_live:
                self._leave_file()
            number, descriptor = self._writing or self._begin_file()
            file = self._files[number]
            file.is_live = is_live
            stored = Stored(number, file.end, file.end + len(body))
            try:
                write_at(descriptor, body, file.end)
                os.fsync(descriptor)
            except OSError:
                self._give_up(file, descriptor, len(body))
                raise
            file.end = file.size = file.end + len(body)
            self._remember(stored, Record(tuple(segments), frozenset(texts)))
            if file.end >= self._file_bytes:
                self._leave_file()
            self._measure()
            return stored

    def release(self, mark: SpoolMark) -> None:
        """Records up to there may be taken."""
        with self._lock:
            self._released = mark

    def take(self, *, live_first: bool = False) -> Entry | Lost | None:
        """The oldest record that was not taken yet, of those that are live or of the others; None if there is none.

        A file that cannot be read holds up no other: it is tried again when nothing is left in the others.

        Raises:
            OSError: what is left cannot be read now.
        """
        with self._lock:
            if self._lost:
                return self._lost.pop()
            failed: OSError | None = None
            waiting = [one for one in self._files.items() if one[1].read < self._end_of(*one)]
            for number, file in sorted(
                waiting, key=lambda one: (one[1].error is not None, one[1].is_live != live_first)
            ):
                file.error = None
                try:
                    return self._read(number, file)
                except OSError as error:
                    file.error = failed = error
            if failed:
                raise failed
            return None

    def done(self, entry: Entry) -> None:
        """All documents of a record are settled."""
        with self._lock:
            self._files[entry.file].taken.discard(entry.offset)
            self._tidy(entry.file)
            self._keep_cursor()

    # ------------------------------------------------------------------ writing

    def _begin_file(self) -> tuple[int, int]:
        make_directory(self._directory)
        number = self._last = self._last + 1
        path = self._directory / f"{number:08d}.spool"
        mark = os.urandom(8)
        header = file_header(VERSION, mark)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            write_at(descriptor, header, 0)
            fsync_directory(self._directory, parents=2)
        except OSError:
            with suppress(OSError):
                os.close(descriptor)
                path.unlink()
            raise
        self._files[number] = _File(path, mark, len(header), len(header))
        self._writing = (number, descriptor)
        return self._writing

    def _give_up(self, file: _File, descriptor: int, more: int) -> None:
        """Cut off what was not confirmed, and write to this file no more."""
        try:
            os.ftruncate(descriptor, file.end)
        except OSError:
            file.size = file.end + more
        self._leave_file()
        self._measure()

    def _leave_file(self) -> None:
        if self._writing is not None:
            number, descriptor = self._writing
            self._writing = None
            with suppress(OSError):  # what counts was synced
                os.close(descriptor)
            self._tidy(number)

    def _measure(self) -> None:
        self.size_bytes = sum(file.size for file in self._files.values())

    # ------------------------------------------------------------------ reading

    def _end_of(self, number: int, file: _File) -> int:
        """Up to where its records may be taken."""
        if number < self._released.file:
            return file.end
        return min(file.end, self._released.end) if number == self._released.file else 0

    def _remember(self, stored: Stored, record: Record) -> None:
        size = sum(segment.size for segment in record.segments)
        kept = sum(segment.size for one, _ in self._in_memory.values() for segment in one.segments)
        if kept + size <= self._memory_bytes:
            self._in_memory[stored.file, stored.offset] = record, stored.end

    def _read(self, number: int, file: _File) -> Entry | Lost:
        offset = file.read
        if (remembered := self._in_memory.pop((number, offset), None)) is not None:
            kept, file.read = remembered
            file.taken.add(offset)
            return Entry(kept, number, offset, file.is_live)
        try:
            with open(file.path, "rb", opener=open_own) as opened:
                head = head_of(os.pread(opened.fileno(), RECORD_HEADER.size, offset))
                end = offset + RECORD_HEADER.size + (head.length if head else 0)
                if head is None or end > file.end:
                    return self._lose_rest(number, file, "a record header is damaged")
                payload = os.pread(opened.fileno(), head.length, offset + RECORD_HEADER.size)
        except FileNotFoundError:
            return self._lose_rest(number, file, "the file is gone")
        file.read = end
        record = decode(head, payload)
        if record is None:
            log.error("spool record damaged: its documents are lost", path=str(file.path), offset=offset,
                      documents=head.documents)  # fmt: skip
            self._tidy(number)
            return Lost(head.documents, number, offset, end)
        file.taken.add(offset)
        return Entry(record, number, offset, file.is_live)

    def _lose_rest(self, number: int, file: _File, reason: str) -> Lost:
        """How many documents there were is in the headers: one at least."""
        log.error("reading a spool file failed: the rest of it is lost", path=str(file.path),
                  reason=reason, left_bytes=file.end - file.read)  # fmt: skip
        lost = Lost(1, number, file.read, file.end)
        file.read = file.end
        self._tidy(number)
        return lost

    def _tidy(self, number: int) -> None:
        """Remove a file once all of it is done."""
        file = self._files[number]
        if file.read < file.end or file.taken:
            return
        if self._writing is not None and self._writing[0] == number:
            self._leave_file()  # comes back here
            return
        del self._files[number]
        self._measure()
        with suppress(OSError):  # then it is read once more after a restart, which the ids make harmless
            file.path.unlink()

    # ------------------------------------------------------------------ what an earlier run left

    def _load(self) -> None:
        try:
            paths = sorted(path for path in self._directory.iterdir() if NAME.fullmatch(path.name))
        except FileNotFoundError:
            return
        for path in paths:
            self._last = max(self._last, int(path.stem))
            self._load_file(path, is_newest=path == paths[-1])
        self._use_cursor()
        self._measure()
        if self._files:
            log.info("spool of an earlier run found", path=str(self._directory), bytes=self.size_bytes)

    def _load_file(self, path: Path, *, is_newest: bool) -> None:
        with open(path, "rb", opener=open_own) as opened:
            size = os.fstat(opened.fileno()).st_size
            head = file_head_of(opened.read(FILE_HEADER.size))
            if head and head.version > VERSION:
                raise StateError(
                    f"{path} was written by a newer pilotfish", "run that version until the spool is empty"
                )
            end = whole_end(opened.fileno(), size) if is_newest else size
        if end <= FILE_HEADER.size:
            self._discard(path, is_torn=is_newest)
            return
        if end < size:
            log.info("incomplete last spool record removed", path=str(path))
            with suppress(OSError):  # it is not read anyway
                os.truncate(path, end)
        # Records are told by their own headers: they can be read behind a damaged one.
        self._files[int(path.stem)] = _File(path, head.mark if head else b"", end, end)

    def _discard(self, path: Path, *, is_torn: bool) -> None:
        if not is_torn:
            log.error("spool file truncated: its documents are lost", path=str(path))
            self._lost.append(Lost(1))
        with suppress(OSError):
            path.unlink()

    # ------------------------------------------------------------------ how far the oldest file is done

    def _keep_cursor(self) -> None:
        file = next(iter(self._files.values()), None)
        if file is not None and file.mark:
            cursor.keep(self._directory, file.mark, min(file.taken, default=file.read))

    def _use_cursor(self) -> None:
        file = next(iter(self._files.values()), None)
        offset = cursor.kept(self._directory, file.mark) if file is not None else None
        if file is not None and offset is not None and offset < file.end:
            file.read = offset
