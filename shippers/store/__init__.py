"""Batch → embedded store: documents are kept and searched on this machine, with no server at all.

Exactly once: `ship` returns when the commit that holds its documents is on disk, and a document whose id is there
already is a duplicate. Several `ship` calls share a commit; what they took is found within a second. One thread does
all that blocks.

Reading order: `days` (the directory) → `day` (blocks and a journal) → `rows` (a document taken apart) → `columns` and
`building` (rows → a block) → `head` and `block` (what a block is, and how it is read) → `matching` and `finding` (a
search). Why so: docs/decisions/0047-columns-of-the-store.md.
"""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct
from pydantic import Field

from collector.clock import SureClock
from collector.errors import StateError, Unavailable
from collector.model import Batch, Receipt, Segment
from collector.ports import Found, OutputContext, Promise, Query, ShipperSettings
from collector.values import Bytes, Seconds

from .days import Days

T = TypeVar("T")
_READ_BACK = 10_000  # documents that are looked through
_AT_ONCE = 4096  # documents that are committed without waiting for others


class _Named(Struct):
    _id: str


class Settings(ShipperSettings):
    """The embedded store: documents on this machine, for `pilotfish search`."""

    is_searched_first = True
    has_excess = True

    type: Literal["store"] = Field("store", description="the embedded store")
    retention_days: int = Field(7, ge=1, le=36_500, description="number of past days to keep, besides today")
    max_bytes: Bytes = Field(
        2 << 30, description="maximum size of the store; above it the oldest days are deleted, but never today"
    )
    commit_seconds: Seconds = Field(
        1.0, gt=0, le=60, description="time between commits; a document can be found after the commit"
    )

    def promise(self) -> Promise:
        """What the output promises."""
        return Promise("exactly_once", "the store has each id once")

    def open(self, context: OutputContext) -> "Store":
        """Make the store in the output's directory; nothing is touched before the first batch or search."""
        return Store(self, context)


class Store:
    """A shipper (`collector.ports.Shipper`) that answers queries (`Searchable`).

    `now` gives seconds since 1970, None while it is not sure; else a `SureClock` of its own does.
    """

    def __init__(
        self, settings: Settings, context: OutputContext, *, now: Callable[[], float | None] | None = None
    ) -> None:
        now = now or SureClock().now
        self._days = Days(
            context.directory, retention_days=settings.retention_days, max_bytes=settings.max_bytes, now=now
        )
        self._commit_seconds = settings.commit_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"store-{context.output}")
        self._committed_at = float("-inf")
        self._next: asyncio.Future[BaseException | None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._uncommitted = 0
        self._closed = False

    @property
    def removed_documents(self) -> int:
        """Documents removed so far for their age or the store's size."""
        return self._days.removed_documents

    async def ship(self, batch: Batch) -> Receipt:
        """Index the batch and wait for the commit that makes it durable.

        Raises:
            Unavailable: the directory cannot be written, or another process uses it.
        """
        if self._closed:
            raise Unavailable("the store is closed")
        if not batch.count:
            return Receipt()
        # In this order and in one step of the loop: the thread then indexes the batch before that commit.
        indexing = self._run(lambda: self._days.add(batch))
        committed = self._next_commit()
        self._uncommitted += batch.count
        if self._uncommitted >= _AT_ONCE:  # who reads fast shall not wait for the second to end
            self._commit()
        try:
            receipt = await indexing
        except StateError as error:
            self._commit()  # it fails for all that share it: what comes from now on shall not
            raise _unavailable(error) from error
        lost = await asyncio.shield(committed)
        if lost is not None:
            raise _unavailable(lost) from lost
        return receipt

    async def search(self, query: Query) -> Found:
        """Find documents, in the order of their times by the nanosecond.

        Raises:
            QueryError: the text is not of the syntax, or asks for what the store cannot answer.
            StateError: the directory cannot be read, or another process uses it.
        """
        if self._closed:
            raise StateError("the store is closed")
        if not self._days.ready:
            await self._run(self._days.open)
        return await asyncio.to_thread(self._days.search, query)

    async def read_back(self, segment: Segment) -> Collection[str]:
        """The ids of the segment's documents that are found, among the newest of its target.

        Raises:
            StateError: the directory cannot be read, or another process uses it.
        """
        found = await self.search(Query(target=segment.stream.target, limit=_READ_BACK))
        return {_id_of(document) for document in found.documents}.intersection(segment.ids)

    async def aclose(self) -> None:
        """Commit what is waiting, and give files and threads back; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._commit()
        await self._run(self._days.close)
        self._thread.shutdown(wait=False)

    def _run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _next_commit(self) -> "asyncio.Future[BaseException | None]":
        """The commit that is not yet begun; its result is what it raised, so that it needs nobody to wait for it."""
        if self._next is None:
            loop = asyncio.get_running_loop()
            self._next = loop.create_future()
            self._timer = loop.call_at(self._committed_at + self._commit_seconds, self._commit)
        return self._next

    def _commit(self) -> None:
        """Begin the commit that was promised, if one was."""
        if self._next is None or self._timer is None:
            return
        promised, self._next = self._next, None
        self._uncommitted = 0
        self._timer.cancel()
        self._committed_at = asyncio.get_running_loop().time()
        commit = self._run(self._days.commit)
        commit.add_done_callback(lambda done: promised.set_result(done.exception()))


def _id_of(document: bytes) -> str:
    """Each begins with its `_id`."""
    return msgspec.json.decode(document, type=_Named)._id


def _unavailable(error: BaseException) -> Unavailable:
    if isinstance(error, StateError):
        return Unavailable(error.cause, error.remedy)
    return Unavailable(f"the store could not be written: {error}")
