"""One day of the store: blocks in a directory, and a journal of what is in none yet; written by one thread.

    00000001.block      rows that will never change, see `head`
    00000002.block.new  one that is not committed
    journal             documents that are in no block, see `journal`

A document is taken only if its id is not there: an id always names the same line. Its rows grow in memory (`building`)
and are written as a block when there are enough of them. What a commit has made durable is in a block or in the
journal; after a crash it may be in both, and is taken once.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

from collector.errors import StateError
from collector.files.writing import fsync_directory
from collector.model import Rejected, Segment

from . import ids
from .block import Block, DamagedBlockError
from .building import Builder
from .columns import Array
from .journal import DamagedJournalError, Entry, Journal
from .rows import rows_of

_SLICE = 2048  # documents that are taken apart together
_NEW = ".new"
_LEAST_FREE_BYTES = 1 << 20


class DamagedDayError(StateError):
    """The files of `day` cannot be read."""

    def __init__(self, day: "Day", reason: str) -> None:
        super().__init__(f"the day {day.directory} of the store is damaged: {reason}", "it was moved aside: try again")
        self.day = day


class _Waiting(NamedTuple):
    """Documents that are not taken apart yet; `indexes` are their numbers in `segment`, None if they come from disk."""

    prefix: str
    numbers: Array
    documents: list[bytes]
    segment: Segment | None
    indexes: Array


class Day:
    """The day in `directory`, made when it is not there.

    Raises:
        DamagedDayError: what is there cannot be read.
        StateError: the directory cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.rejected: list[Rejected] = []
        self._blocks: list[Block] = []
        self._uncommitted: list[Block] = []
        self._ranges: dict[str, tuple[int, int]] = {}
        self._builder = Builder()
        self._shown: tuple[int, Block] | None = None  # the builder's rows as a block, and how many they were
        self._journal = Journal(directory)
        self._entries: list[Entry] = []
        self._waiting: list[_Waiting] = []
        self._lock = Lock()  # of the builder
        with self.told():
            self._open()

    @property
    def name(self) -> str:
        """`YYYY-MM-DD`."""
        return self.directory.name

    @property
    def count(self) -> int:
        """Documents that can be found."""
        return sum(block.count for block in self._blocks) + self._builder.count

    def add(self, segments: Iterable[Segment]) -> tuple[int, int, list[Rejected]]:
        """Take documents; gives how many are new, how many were there, and the unreadable ones.

        Raises:
            StateError: they cannot be written; what waits for a commit is lost.
        """
        before = self.count
        total = 0
        self.rejected = []
        with self.told(), self._lock:
            for segment in segments:
                total += segment.count
                self._add_segment(segment)
            self._take()
        new = self.count - before
        return new, total - new - len(self.rejected), self.rejected

    def take(self, names: Sequence[str], documents: Sequence[bytes]) -> None:
        """Take documents of which a copy lasts until the next `release`.

        Raises:
            StateError: they cannot be written.
        """
        with self.told(), self._lock:
            for prefix, numbers, indexes in ids.parts(names):
                fresh = self._new(prefix, numbers)
                chosen = [documents[index] for index in indexes[fresh].tolist()]
                self._wait(_Waiting(prefix, numbers[fresh], chosen, None, indexes[fresh]))
            self._take()

    def commit(self) -> None:
        """Make what was added durable.

        Raises:
            StateError: it could not be written; what waited is lost.
        """
        if not self._entries and not self._uncommitted:
            return
        with self.told():
            if self._uncommitted:
                for block in self._uncommitted:
                    block.rename(block.path.with_suffix(""))
                fsync_directory(self.directory)
                self._uncommitted.clear()
                self._journal.clear()
            if self._entries:
                self._journal.append(self._entries)
                self._entries = []

    def release(self) -> None:
        """Commit, and keep nothing in memory that can be written.

        Raises:
            StateError: it could not be written; what waited is lost.
        """
        with self.told(), self._lock:
            self._seal()
        self.commit()
        self._journal.close()

    def abandon(self) -> None:
        """Give everything back without a commit."""
        self._journal.close()
        for block in self._uncommitted:
            with suppress(OSError):
                block.path.unlink()

    def blocks(self) -> list[Block]:
        """The day as it is now. For any thread."""
        with self.told(), self._lock:
            if not self._builder.count:
                return list(self._blocks)
            if self._shown is None or self._shown[0] != self._builder.count:
                self._shown = self._builder.count, Block(self.directory / "memory", self._builder.written())
            return [*self._blocks, self._shown[1]]

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn what reading and writing raise into a StateError."""
        try:
            yield
        except (DamagedBlockError, DamagedJournalError) as error:
            raise DamagedDayError(self, str(error)) from error
        except OSError as error:
            raise self._unusable(error) from error

    # ------------------------------------------------------------------ taking documents

    def _add_segment(self, segment: Segment) -> None:
        for prefix, numbers, indexes in ids.parts(segment.ids):
            fresh = self._new(prefix, numbers)
            for start in range(0, len(numbers), _SLICE):
                chosen = indexes[start : start + _SLICE][fresh[start : start + _SLICE]]
                its_numbers = numbers[start : start + _SLICE][fresh[start : start + _SLICE]]
                if len(chosen):
                    documents = [segment.documents[index] for index in chosen.tolist()]
                    self._wait(_Waiting(prefix, its_numbers, documents, segment, chosen))

    def _new(self, prefix: str, numbers: Array) -> Array:
        """Which of these ids are nowhere here; they are from now on."""
        first, last = int(numbers.min()), int(numbers.max())
        least, most = self._ranges.get(prefix, (first, last))
        fresh = np.ones(len(numbers), bool)
        if prefix in self._ranges and last >= least and first <= most:
            self._take()
            fresh &= ~self._builder.holds(prefix, numbers)
            for block in self._blocks:
                with block.opened() as view:
                    fresh &= ~view.holds(prefix, numbers)
        self._ranges[prefix] = min(least, first), max(most, last)
        return fresh

    def _wait(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        if sum(len(each.documents) for each in self._waiting) >= _SLICE:
            self._take()

    def _take(self) -> None:
        """Take apart what waits."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        documents = [document for each in waiting for document in each.documents]
        rows = rows_of(documents, self._builder.frames)
        if rows.refused:
            waiting = self._without(waiting, dict(rows.refused))
        self._builder.add([(each.prefix, each.numbers) for each in waiting], rows)
        self._entries += [
            Entry(each.prefix, each.numbers.astype("<i8").tobytes(), each.documents)
            for each in waiting
            if each.segment is not None
        ]
        if self._builder.is_full:
            self._seal()

    def _without(self, waiting: Sequence[_Waiting], refused: dict[int, str]) -> list[_Waiting]:
        """What was not refused; the rest is noted."""
        left: list[_Waiting] = []
        at = 0
        for each in waiting:
            kept = [number for number in range(len(each.documents)) if at + number not in refused]
            if each.segment is not None:
                self.rejected += [
                    Rejected(each.segment, int(each.indexes[number]), "unreadable_document", refused[at + number])
                    for number in range(len(each.documents))
                    if at + number in refused
                ]
            at += len(each.documents)
            chosen = [each.documents[number] for number in kept]
            left.append(each._replace(numbers=each.numbers[kept], documents=chosen, indexes=each.indexes[kept]))
        return left

    def _seal(self) -> None:
        """Write the rows in memory as a block; it lasts from the next commit on."""
        if not self._builder.count:
            return
        number = int(self._blocks[-1].path.name[:8]) + 1 if self._blocks else 1
        path = self.directory / f"{number:08}.block{_NEW}"
        with path.open("wb") as file:
            file.write(self._builder.written())
            file.flush()
            os.fsync(file.fileno())
        block = Block(path)
        self._blocks = [*self._blocks, block]
        self._uncommitted.append(block)
        self._builder = Builder()
        self._shown = None
        self._entries = []

    # ------------------------------------------------------------------ opening

    def _open(self) -> None:
        for path in sorted(self.directory.glob(f"*.block{_NEW}")):
            path.unlink()
        for path in sorted(self.directory.glob("*.block")):
            block = Block(path)
            self._blocks.append(block)
            with block.opened() as view:
                for prefix, least, most in view.ranges():
                    before = self._ranges.get(prefix, (least, most))
                    self._ranges[prefix] = min(least, before[0]), max(most, before[1])
        for entries in self._journal.read():
            for prefix, numbers, documents in entries:
                its_numbers = np.frombuffer(numbers, "<i8")
                fresh = self._new(prefix, its_numbers)
                chosen = [document for document, is_new in zip(documents, fresh.tolist(), strict=True) if is_new]
                self._wait(_Waiting(prefix, its_numbers[fresh], chosen, None, np.flatnonzero(fresh)))
        self._take()

    def _unusable(self, error: OSError) -> StateError:
        if error.errno in (ENOSPC, EDQUOT) or self._free_bytes() < _LEAST_FREE_BYTES:
            return StateError(
                f"the day {self.directory} of the store cannot be written: no space left on device",
                "free disk space there, or lower max_bytes of the store",
            )
        return StateError(
            f"the day {self.directory} of the store cannot be used: {error}",
            "check that the disk has free space, the directory belongs to this user, and no other agent uses it",
        )

    def _free_bytes(self) -> int:
        with suppress(OSError):
            return shutil.disk_usage(self.directory).free
        return sys.maxsize
