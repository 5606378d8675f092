"""One day of the store: a tantivy index in a directory, written by one thread, searched by any.

A document is added only when its id is neither in the index nor among those waiting for the commit: an id always names
the same line, so one that is there is left alone and counted, with nothing to delete. Asking costs 2 µs of the 40 µs
that indexing a document does, so no mark of how far a file was read is kept. Bytes and ids are on disk when `commit`
returns.
"""

import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import tantivy

from collector.errors import UNREADABLE, StateError
from collector.model import Rejected, Segment

from .schema import analyser, indexed, schema

HEAP_BYTES = 15_000_000
"""The least that tantivy takes for a writer's thread: what it gathers in memory between commits."""

_DAMAGE = re.compile(r"corrupt|DoesNotExist|UnexpectedEof|InvalidData|cannot be deserialized")
_FULL = re.compile(r"os error 28|No space left|StorageFull")
_PASSING = re.compile(r"os error|Os [{] code|LockBusy|killed")
"""tantivy has one kind of error: a write is told from damage by the first, a read from what passes by the second."""


class Hit(NamedTuple):
    """A document that was found: its `@timestamp` in nanoseconds, and where it is."""

    time: int
    view: "View"
    address: tantivy.DocAddress


class DamagedDayError(StateError):
    """The files of `day` cannot be read."""

    def __init__(self, day: "Day", reason: str) -> None:
        super().__init__(f"the day {day.directory} of the store is damaged: {reason}", "it was moved aside: try again")
        self.day = day


class Day:
    """The index in `directory`, made when it is not there.

    Raises:
        DamagedDayError: what is there cannot be read.
        StateError: the directory cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._schema = schema()
        self._waiting: set[str] = set()
        self._writer: tantivy.IndexWriter | None = None
        with self.told():
            self._index = self._open()
            self._searcher = self._index.searcher()

    @property
    def name(self) -> str:
        """`YYYY-MM-DD`."""
        return self.directory.name

    @property
    def count(self) -> int:
        """Documents that can be found."""
        return self._searcher.num_docs

    def add(self, segment: Segment) -> tuple[int, int, list[Rejected]]:
        """Index the segment's documents; gives how many are new, how many were there, and the unreadable ones.

        Raises:
            StateError: the index cannot be written; what waits for a commit is lost.
        """
        duplicate = 0
        rejected = []
        with self.told(writing=True):
            for number, (name, body) in enumerate(zip(segment.ids, segment.documents, strict=True)):
                if name in self._waiting or self._searcher.doc_freq("_id", name):
                    duplicate += 1
                    continue
                try:
                    document = indexed(name, body)
                except UNREADABLE as error:
                    rejected.append(Rejected(segment, number, "unreadable_document", str(error)))
                    continue
                self._writing().add_document(document)
                self._waiting.add(name)
        return segment.count - duplicate - len(rejected), duplicate, rejected

    def commit(self) -> None:
        """Make what was added durable and visible.

        Raises:
            StateError: it could not be written; what waited is lost.
        """
        if not self._waiting:
            return
        with self.told(writing=True):
            self._writing().commit()
        with self.told():
            self._index.reload()
            self._searcher = self._index.searcher()
        self._waiting.clear()

    def release(self) -> None:
        """Commit and give the writer's memory and threads back.

        Merges under way are waited for: a day written in turns with others would never get to the end of one.

        Raises:
            StateError: it could not be written; what waited is lost.
        """
        self.commit()
        if self._writer is not None:
            with self.told(writing=True):
                self._writer.wait_merging_threads()
            self._writer = None

    def abandon(self) -> None:
        """Give the writer back without a commit."""
        self._writer = None
        self._waiting.clear()

    def view(self) -> "View":
        """The day as it is now, whatever is committed meanwhile. For any thread."""
        return View(self, self._searcher)

    def _open(self) -> tantivy.Index:
        if not tantivy.Index.exists(str(self.directory)) and any(self.directory.glob("*.store")):
            raise DamagedDayError(self, "meta.json is lost")
        index = tantivy.Index(self._schema, path=str(self.directory))
        index.register_tokenizer("words", analyser())
        index.config_reader("manual")  # the other policy has a thread per day look twice a second
        index.reload()
        return index

    def _writing(self) -> tantivy.IndexWriter:
        """The writer. No local variable may hold it: the traceback of an error would keep its lock on the directory."""
        if self._writer is None:
            self._writer = self._index.writer(HEAP_BYTES, 1)
        return self._writer

    @contextmanager
    def told(self, *, writing: bool = False) -> Iterator[None]:
        """Turn what tantivy raises into a StateError; damaged files make it panic in places, which is no Exception."""
        try:
            yield
        except (ValueError, OSError) as error:
            reason = str(error)
            damaged = _DAMAGE.search(reason) if writing else not _PASSING.search(reason)
            raise self._fault(reason, damaged=bool(damaged), writing=writing) from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise self._fault(str(error), damaged=True, writing=writing) from None

    def _free_bytes(self) -> int:
        with suppress(OSError):
            return shutil.disk_usage(self.directory).free
        return sys.maxsize

    def _fault(self, reason: str, *, damaged: bool, writing: bool) -> StateError:
        reason = " ".join(reason.split())[:300]
        if _FULL.search(reason) or (writing and self._free_bytes() < HEAP_BYTES):
            return StateError(
                f"the day {self.directory} of the store cannot be written: no space left on device",
                "free disk space there, or lower max_bytes of the store",
            )
        if damaged:
            return DamagedDayError(self, reason)
        return StateError(
            f"the day {self.directory} of the store cannot be used: {reason}",
            "check that the disk has free space, the directory belongs to this user, and no other agent uses it",
        )


class View:
    """What a day held at one moment. For any thread.

    Each method may raise a StateError: the index cannot be read.
    """

    def __init__(self, day: Day, searcher: tantivy.Searcher) -> None:
        self.day = day
        self._searcher = searcher

    def count(self, query: tantivy.Query) -> int:
        """How many documents match."""
        with self.day.told():
            count: int = self._searcher.search(query, 1).count  # type: ignore[attr-defined]  # missing in tantivy's stub
        return count

    def hits(self, query: tantivy.Query, limit: int, *, newest_first: bool = True, offset: int = 0) -> list[Hit]:
        """The first `limit` documents behind `offset` in the order of time; which of equal time is first may change."""
        order = tantivy.Order.Desc if newest_first else tantivy.Order.Asc
        limit = min(limit, self._searcher.num_docs)
        if limit < 1:
            return []
        with self.day.told():
            found = self._searcher.search(query, limit, order_by_field="time", order=order, offset=offset)
        return [Hit(time, self, address) for time, address in found.hits]

    def source(self, hit: Hit) -> bytes:
        """The document of a hit, with its `_id`."""
        with self.day.told():
            document: bytes = self._searcher.doc(hit.address)["source"][0]
        return document

    def counts(self, query: tantivy.Query, bounds: Sequence[int]) -> list[int]:
        """How many documents lie before the first of these times, between each two, and from the last one on."""
        if not bounds:
            return [self.count(query)]
        pairs = pairwise(bounds)
        between = [{"from": float(start), "to": float(end)} for start, end in pairs]
        ranges: list[dict[str, float]] = [{"to": float(bounds[0])}, *between, {"from": float(bounds[-1])}]
        with self.day.told():
            found: dict[str, Any] = self._searcher.aggregate(
                query, {"times": {"range": {"field": "time", "ranges": ranges}}}
            )
        return [int(bucket["doc_count"]) for bucket in found["times"]["buckets"]]
