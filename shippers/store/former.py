"""A day as versions before 0.2 kept it, a tantivy index → a day of now. The documents and their ids stay the same.

2026-11-22.converting/   the new day while it is made; what an interrupted start left of it is removed
2026-11-22.former/       the index, from the moment on when the new day is whole
"""

import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import msgspec
import structlog

from collector.errors import StateError
from collector.files.writing import fsync_directory

from .day import Day

_MARK = "meta.json"
_CONVERTING, _FORMER = SUFFIXES = ".converting", ".former"
_AT_ONCE = 5000
_BEFORE_ID = b'{"_id":'

_log = structlog.get_logger(__name__)


class UnreadableDayError(StateError):
    """What is in an index cannot be read."""


def is_former(directory: Path) -> bool:
    """Whether the day is still an index."""
    return (directory / _MARK).exists()


def finish(directory: Path) -> None:
    """End a conversion that was interrupted when the new day was whole.

    Raises:
        OSError: it did not work.
    """
    converting, former = _beside(directory)
    if former.exists() and not directory.exists() and converting.exists():
        converting.rename(directory)
    for left in (converting, former):
        if left.exists() and directory.exists():
            shutil.rmtree(left)


def convert(directory: Path) -> None:
    """Make the index in `directory` a day.

    Raises:
        UnreadableDayError: it cannot be read.
        StateError: the day cannot be written.
        OSError: a file cannot be moved.
    """
    converting, former = _beside(directory)
    shutil.rmtree(converting, ignore_errors=True)
    converting.mkdir()
    _log.info("converting a store day of a former version", day=directory.name)
    day = Day(converting)
    for names, documents in _documents(directory):
        day.take(names, documents)
    day.release()
    fsync_directory(converting)
    _log.info("store day converted", day=directory.name, documents=day.count)
    directory.rename(former)
    converting.rename(directory)
    fsync_directory(directory.parent)
    shutil.rmtree(former)


def _beside(directory: Path) -> tuple[Path, Path]:
    return directory.with_name(directory.name + _CONVERTING), directory.with_name(directory.name + _FORMER)


def _documents(directory: Path) -> Iterator[tuple[list[str], list[bytes]]]:
    """Ids and documents of an index, in the order of their times.

    Raises:
        UnreadableDayError: it cannot be read.
    """
    try:
        yield from _read(directory)
    except BaseException as error:  # what tantivy raises where it panics is no Exception
        if not isinstance(error, (ValueError, OSError)) and type(error).__name__ != "PanicException":
            raise
        reason = " ".join(str(error).split())[:300]
        raise UnreadableDayError(f"the day {directory} of the store cannot be read: {reason}", "delete it") from None


def _read(directory: Path) -> Iterator[tuple[list[str], list[bytes]]]:
    tantivy = import_module("tantivy")
    index = tantivy.Index.open(str(directory))
    searcher = index.searcher()
    order = tantivy.Order.Asc
    first, offset = 0, 0
    while True:
        query = tantivy.Query.range_query(index.schema, "time", tantivy.FieldType.Unsigned, first, (1 << 64) - 1)
        hits = searcher.search(query, _AT_ONCE, order_by_field="time", order=order, offset=offset).hits
        if not hits:
            return
        yield _taken_apart(searcher.doc(address)["source"][0] for _, address in hits)
        last = hits[-1][0]
        same = sum(1 for time, _ in hits if time == last)
        first, offset = last, (offset if last == first else 0) + same


def _taken_apart(sources: Iterator[bytes]) -> tuple[list[str], list[bytes]]:
    names: list[str] = []
    documents: list[bytes] = []
    for source in sources:
        name, _, rest = source.removeprefix(_BEFORE_ID).partition(b",")
        names.append(msgspec.json.decode(name, type=str))
        documents.append(b"{" + rest)
    return names, documents
