"""The store's directory → its days: opened together, few written at once, the oldest removed.

    <directory>/2026-11-23/            blocks and a journal, see `day`
    <directory>/2026-11-22.damaged/    a day that could not be read, set aside; it ages and counts like a day

One thread calls everything here but `search`, which any thread may call meanwhile.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import count, groupby
from pathlib import Path

import structlog

from collector.errors import StateError
from collector.model import Batch, Receipt, Rejected, Segment
from collector.ports import Found, Query

from . import former
from .block import DamagedBlockError
from .day import DamagedDayError, Day
from .finding import find

MAX_WRITERS = 3
"""Days written at once: each has up to 8 MB of documents in memory. Two are usual around midnight."""

EXPIRY_SECONDS = 60
"""Between looks at age and size: the sizes are asked of the file system."""

_log = structlog.get_logger(__name__)


class Days:
    """The days below `directory`. Open it before anything else.

    `now` gives seconds since 1970, or None while it is not sure of them: nothing is removed for its age then.
    """

    def __init__(
        self, directory: Path, *, retention_days: int, max_bytes: int, now: Callable[[], float | None]
    ) -> None:
        self.removed_documents = 0
        self._directory = directory
        self._retention = timedelta(days=retention_days)
        self._max_bytes = max_bytes
        self._now = now
        self._days: dict[str, Day] = {}
        self._writing: dict[str, Day] = {}  # the last one was used last
        self._damaged: set[Day] = set()
        self._dropped: set[str] = set()
        self._lost: StateError | None = None
        self._lock = -1
        self._expired_at: float | None = None
        self._looked_at = float("-inf")  # by the monotonic clock

    @property
    def ready(self) -> bool:
        """Whether `open` has nothing to do."""
        return self._lock >= 0 and not self._damaged and not self._dropped

    def open(self) -> None:
        """Lock the directory and open every day; later, set aside the damaged ones and open anew those that failed.

        Raises:
            StateError: another process uses the directory, or it cannot be used at all.
        """
        if self._lock < 0:
            self._lock = self._locked()
            try:
                self._open_all()
            except BaseException:
                self.close()
                raise
        while self._damaged:
            day = self._damaged.pop()
            if self._days.get(day.name, day) is day:
                self._set_aside(day.directory)
        for name in list(self._dropped):
            if (self._directory / name).exists():
                self._day(name)
            self._dropped.discard(name)

    def add(self, batch: Batch) -> Receipt:
        """Take a batch in; it is durable after the next `commit` that does not raise.

        Raises:
            StateError: some of it could not be written.
        """
        self.open()
        delivered = duplicate = 0
        rejected: list[Rejected] = []
        in_order = sorted(batch.segments, key=lambda each: each.day)
        for name, segments in groupby(in_order, key=lambda each: each.day):
            new, known, refused = self._add(name, list(segments))
            delivered, duplicate, rejected = delivered + new, duplicate + known, rejected + refused
        return Receipt(delivered=delivered, duplicate=duplicate, rejected=tuple(rejected))

    def commit(self) -> None:
        """Make everything that was added since the last call durable and visible.

        Raises:
            StateError: some of it was lost, now or since the last call: all of it has to be added again.
        """
        for day in list(self._writing.values()):
            try:
                day.commit()
            except StateError as error:
                self._drop(day, error)
        if self._lock >= 0 and self._is_expiry_due():
            try:
                self._expire()
            except StateError as error:  # what was committed is, all the same
                _log.warning("checking the age and size of store days failed", error=str(error))
        lost, self._lost = self._lost, None
        if lost is not None:
            raise lost

    def close(self) -> None:
        """Give everything back, without a commit; may be called twice."""
        for day in self._writing.values():
            day.abandon()
        self._writing.clear()
        self._days.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def search(self, query: Query) -> Found:
        """What is asked for, over all days. For any thread.

        Raises:
            QueryError: the text is not of the language, or the cursor is none.
            StateError: a day cannot be read; a damaged one is set aside by the next `open`.
        """
        days = list(self._days.values())
        try:
            return find([block for day in days for block in day.blocks()], query)
        except DamagedBlockError as error:
            damaged = next(day for day in days if day.directory == error.path.parent)
            self._damaged.add(damaged)
            raise DamagedDayError(damaged, str(error)) from error
        except OSError as error:
            raise _unusable(self._directory, error) from error

    def _add(self, name: str, segments: list[Segment]) -> tuple[int, int, list[Rejected]]:
        if not _is_day(name):
            return 0, 0, [Rejected(each, n, "unreadable_day", name) for each in segments for n in range(each.count)]
        day = self._day(name)
        try:
            self._writing.pop(day.name, None)
            self._writing[day.name] = day
            result = day.add(segments)
        except StateError as error:
            self._drop(day, error)
            raise
        self._release_oldest()
        return result

    def _open_all(self) -> None:
        for name in sorted({name[:10] for name in self._names() if name[10:] in ("", *former.SUFFIXES)}):
            with suppress(DamagedDayError):
                self._load(name)
        for name in sorted(self._days)[:-MAX_WRITERS]:  # what is in no block yet is in memory
            try:
                self._days[name].release()
            except StateError as error:
                _log.warning("writing a store day failed", day=name, error=str(error))
        self._expire()

    def _day(self, name: str) -> Day:
        """The day, opened; made when it is not there or has to be set aside."""
        if name not in self._days:
            with suppress(DamagedDayError):
                return self._load(name)
            return self._load(name)
        return self._days[name]

    def _load(self, name: str) -> Day:
        directory = self._directory / name
        try:
            former.finish(directory)
            directory.mkdir(parents=True, exist_ok=True)
            if former.is_former(directory):
                self._convert(directory)
            day = self._days[name] = Day(directory)
        except OSError as error:
            raise _unusable(self._directory, error) from error
        except DamagedDayError as error:
            _log.error("store day damaged", error=str(error))
            self._set_aside(directory)
            raise
        return day

    def _convert(self, directory: Path) -> None:
        try:
            former.convert(directory)
        except former.UnreadableDayError as error:
            _log.error("store day damaged", error=str(error))
            self._set_aside(directory)
            directory.mkdir()

    def _release_oldest(self) -> None:
        while len(self._writing) > MAX_WRITERS:
            oldest = next(iter(self._writing.values()))
            try:
                oldest.release()
                del self._writing[oldest.name]
            except StateError as error:
                self._drop(oldest, error)

    def _drop(self, day: Day, error: StateError) -> None:
        """Forget the day, which is opened anew when it is next needed, and what waited in it."""
        _log.debug("writing a store day failed", day=day.name, error=str(error))
        self._lost = error
        day.abandon()
        self._days.pop(day.name, None)
        self._writing.pop(day.name, None)
        self._dropped.add(day.name)
        if isinstance(error, DamagedDayError):
            self._damaged.add(day)

    def _set_aside(self, directory: Path) -> None:
        self._days.pop(directory.name, None)
        if (day := self._writing.pop(directory.name, None)) is not None:
            day.abandon()
        aside = directory.with_name(f"{directory.name}.damaged")
        for number in count(2):
            if not aside.exists():
                break
            aside = directory.with_name(f"{directory.name}.damaged-{number}")
        try:
            directory.rename(aside)
        except OSError as error:
            raise _unusable(directory, error) from error
        _log.error("damaged store day moved aside", day=directory.name, directory=str(aside))

    def _names(self) -> list[str]:
        """Days, set aside or not, oldest first."""
        try:
            return sorted(path.name for path in self._directory.iterdir() if _is_day(path.name[:10]) and path.is_dir())
        except OSError as error:
            raise _unusable(self._directory, error) from error

    def _locked(self) -> int:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise _unusable(self._directory, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise StateError(
                f"the store {self._directory} is used by another process",
                "stop the other agent, or give each its own state_dir",
            ) from error
        return descriptor

    def _is_expiry_due(self) -> bool:
        now, before = self._now(), self._expired_at
        if now is None or before is None:
            return time.monotonic() - self._looked_at >= EXPIRY_SECONDS
        return not 0 <= now - before < EXPIRY_SECONDS

    def _expire(self) -> None:
        """Remove the days that are too old, then the oldest while all are too big; never today's or a later one.

        While it is not sure which day is today, the newest one is taken for it, and none is too old.
        """
        now = self._now()
        self._expired_at, self._looked_at = now, time.monotonic()
        sizes = {name: _size(self._directory / name) for name in self._names()}
        total = sum(sizes.values())
        today = _newest(sizes) if now is None else datetime.fromtimestamp(now, UTC).date()
        for name, size in sizes.items():
            day = date.fromisoformat(name[:10])
            too_old = now is not None and today - day > self._retention
            if day >= today or not (too_old or total > self._max_bytes):
                break
            self._remove(name, reason="age" if too_old else "size", size=size)
            total -= size

    def _remove(self, name: str, *, reason: str, size: int) -> None:
        day = self._days.pop(name, None)
        if day is not None:
            self._writing.pop(name, None)
            day.abandon()
            self.removed_documents += day.count
        try:
            shutil.rmtree(self._directory / name)
        except OSError as error:
            _log.warning("removing a store day failed", day=name, error=str(error))
        else:
            _log.info(
                "store day removed", day=name, reason=reason, size_bytes=size, documents=day.count if day else None
            )


def _newest(names: Iterable[str]) -> date:
    """Long ago if there is none."""
    return max((date.fromisoformat(name[:10]) for name in names), default=date.min)


def _is_day(name: str) -> bool:
    try:
        return date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def _size(directory: Path) -> int:
    """Bytes of the files in a directory from which a merge, or somebody else, may be removing some."""
    total = 0
    with suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                total += entry.stat().st_size
    return total


def _unusable(path: Path, error: OSError) -> StateError:
    return StateError(f"the store {path} cannot be used: {error.strerror}", "check that this user can write there")
