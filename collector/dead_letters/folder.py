"""Refused documents → NDJSON files of one output: capped, fsynced before they count, each id once.

When the cap is reached, those targets that have most give up their oldest letters (`shares`): it is told in the log,
and for an hour by `/readyz`.

A crash between the fsync of a letter and the save of its position brings the letter again: an id that already stands
in the newest two files is not written twice. Replay sets the files of the moment aside; letters that come from then on
go to a new file, and do not meet those under replay.
"""

import math
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import msgspec
import structlog
from msgspec import Struct, field

from collector.errors import UNREADABLE
from collector.files.ownership import make_directory, open_own
from collector.files.writing import fsync_directory, replacing
from collector.model import Rejected

from .letter import line
from .shares import Span, all_of, cut, excess, sizes_of, told

log = structlog.get_logger(__name__)

MOST_BYTES = 256 << 20
TOLD_SECONDS = 3600.0
_REMEDY = "fix the cause of the refusals, then run `pilotfish dead-letters replay`"
_FILES = 8  # the cap is given up in such shares, oldest first
_KNOWN_FILES = 2  # whose ids are remembered, at 8 bytes of hash: of 64 MiB of letters about 10 MB of memory
_COPY_BYTES = 1 << 20
_NAME = re.compile(r"[0-9]{8}\.ndjson")  # what an operator put beside them is left alone


class _Named(Struct):
    id: str = field(name="_id")


class DeadLetters:
    """The dead letters of one output, in `directory`. Every method blocks and may be called from any thread."""

    def __init__(
        self, directory: Path, max_bytes: int = MOST_BYTES, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.directory = directory
        self._now = now
        self._dropped: Counter[str] = Counter()  # letters by target, until none had to go for an hour
        self._dropped_at = -math.inf
        self._sizes: dict[Path, Counter[str]] = {}  # by target, of files that are not written any more
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._known: dict[Path, set[int]] | None = None  # hashes of ids in the newest files; None: not read yet
        self._aside = 0  # the number of the last file that was set aside
        self._at_work: Path | None = None
        self._lasting: Path | None = None  # the file whose name is known to be there after a power cut

    @property
    def dropping(self) -> str:
        """What `/readyz` says of letters that had to go within the last hour; "" if none had."""
        if not self._dropped or self._now() - self._dropped_at > TOLD_SECONDS:
            return ""
        return f"oldest dead letters removed at the size limit, of {told(self._dropped)}: {_REMEDY}"

    def append(self, letters: Sequence[Rejected]) -> int:
        """Keep `letters` for good; returns how many older ones had to go for them.

        Raises:
            OSError: they could not be written; nothing is promised of any of them.
        """
        with self._lock:
            make_directory(self.directory)
            new = self._unknown(letters)
            if not new:
                return 0
            path = self._current()
            self._write(path, b"".join(line(letter) for letter in new.values()))
            self._remember(path, new.keys())
            dropped = self._make_room(path)
            self._tell(dropped)
            return dropped.total()

    def holds(self, ids: Sequence[str]) -> int:
        """How many of `ids` are letters in the newest files, those set aside not counted."""
        with self._lock:
            known = self._known_ids()
            return sum(1 for one in set(ids) if any(_hash(one) in each for each in known.values()))

    # ------------------------------------------------------------------ replay

    def set_aside(self) -> list[Path]:
        """The files there are, oldest first; from now on letters go to a new one, whether they stand in these or not.

        Nothing moves on disk: after a crash they are files like any other.
        """
        with self._lock:
            files = files_of(self.directory)
            self._aside = max([self._aside, *map(_number, files)])
            self._known = {}
            return files

    @contextmanager
    def at_work(self, path: Path) -> Iterator[BinaryIO]:
        """Open a file set aside; while the block lasts it does not go for newer letters.

        Raises:
            FileNotFoundError: it went before.
        """
        with self._lock:
            file = open(path, "rb", opener=open_own)  # noqa: SIM115 - closed below
            self._at_work = path
        try:
            with file:
                yield file
        finally:
            self._at_work = None

    def settle(self, path: Path, kept: Sequence[Span]) -> None:
        """Of a file set aside only the spans `kept` are left, or nothing.

        Raises:
            OSError: it is as it was.
        """
        with self._lock:
            self._keep(path, kept)
            fsync_directory(self.directory)

    # ------------------------------------------------------------------ ids

    def _unknown(self, letters: Sequence[Rejected]) -> dict[int, Rejected]:
        known = self._known_ids()
        by_hash = {_hash(letter.segment.ids[letter.index]): letter for letter in letters}
        return {name: letter for name, letter in by_hash.items() if not any(name in each for each in known.values())}

    def _known_ids(self) -> dict[Path, set[int]]:
        if self._known is None:
            self._known = {path: _ids(path) for path in self._appendable()[-_KNOWN_FILES:]}
        return self._known

    def _remember(self, path: Path, names: Iterable[int]) -> None:
        known = self._known_ids()
        known.setdefault(path, set()).update(names)
        for old in sorted(known)[:-_KNOWN_FILES]:
            del known[old]

    # ------------------------------------------------------------------ files

    def _appendable(self) -> list[Path]:
        return [path for path in files_of(self.directory) if _number(path) > self._aside]

    def _current(self) -> Path:
        files = files_of(self.directory)
        if files and _number(files[-1]) > self._aside and files[-1].stat().st_size < self._max_bytes // _FILES:
            return files[-1]
        return self.directory / f"{max([self._aside, *map(_number, files)]) + 1:08d}.ndjson"

    def _write(self, path: Path, body: bytes) -> None:
        # A buffer would be written once more when the file is closed.
        with open(path, "ab+", buffering=0, opener=open_own) as file:
            start = file.tell()
            if start and os.pread(file.fileno(), 1, start - 1) != b"\n":
                body = b"\n" + body  # half a line, left by a crash, must not spoil the next one
            try:
                while body:
                    body = body[file.write(body) :]
                os.fsync(file.fileno())
                if not start or path != self._lasting:
                    self._make_last(path)
            except OSError:
                os.ftruncate(file.fileno(), start)
                raise

    def _make_last(self, path: Path) -> None:
        """Sync the names on the way to a file, that of the state directory not counted."""
        self._lasting = None
        fsync_directory(self.directory, parents=2)
        self._lasting = path

    def _make_room(self, current: Path) -> Counter[str]:
        """Let letters go until an eighth of the cap is free; how many, by target."""
        gone: Counter[str] = Counter()
        files = files_of(self.directory)
        if sum(path.stat().st_size for path in files) <= self._max_bytes:
            return gone
        self._sizes.pop(current, None)
        sizes = {path: self._sizes.get(path) or sizes_of(path) for path in files}
        self._sizes = {path: each for path, each in sizes.items() if path != current}
        over = excess(all_of(list(sizes.values())), self._max_bytes - self._max_bytes // _FILES)
        try:
            for path in files:
                if path != self._at_work and over.keys() & sizes[path].keys():
                    found = cut(path, over, keeps_last=path == current)
                    self._keep(path, found.kept)
                    gone.update(found.letters)
                    over = {target: left for target, size in over.items() if (left := size - found.sizes[target]) > 0}
        except OSError as error:  # what was to be kept is: the next letters try again
            log.error("removing the oldest dead letters failed", directory=str(self.directory),
                      error=str(error))  # fmt: skip
        return gone

    def _keep(self, path: Path, kept: Sequence[Span]) -> None:
        """Of a file leave these spans, or nothing."""
        self._sizes.pop(path, None)
        if kept:
            with open(path, "rb", opener=open_own) as old, replacing(path) as new:
                for span in kept:
                    _copy(old, new, span)
        else:
            path.unlink(missing_ok=True)
        if self._known and self._known.pop(path, None) is not None and kept:
            self._known[path] = _ids(path)

    def _tell(self, dropped: Counter[str]) -> None:
        if not dropped:
            return
        if self._now() - self._dropped_at > TOLD_SECONDS:
            self._dropped.clear()
        self._dropped.update(dropped)
        self._dropped_at = self._now()
        log.warning("oldest dead letters removed: size limit reached", output=self.directory.name,
                    count=dropped.total(), targets=told(dropped), remedy=_REMEDY)  # fmt: skip


def files_of(directory: Path) -> list[Path]:
    """The files of letters in an output's directory, oldest first; none if there is no such directory."""
    return sorted(path for path in directory.glob("*.ndjson") if _NAME.fullmatch(path.name))


def _number(path: Path) -> int:
    return int(path.stem)


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _ids(path: Path) -> set[int]:
    found = set()
    with open(path, "rb", opener=open_own) as file:
        for text in file:
            try:
                found.add(_hash(msgspec.json.decode(text, type=_Named).id))
            except UNREADABLE:
                continue  # half a line
    return found


def _copy(old: BinaryIO, new: BinaryIO, span: Span) -> None:
    start, end = span
    old.seek(start)
    while start < end and (piece := old.read(min(end - start, _COPY_BYTES))):
        new.write(piece)
        start += len(piece)
