"""Records of the spool → delivery, oldest first, beside what is read; while the output is away one of them asks for it.

A record stays on disk until every document of it is settled. Documents that wait for the operator hold up no other
record, within a bound.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from collector.delivery.backoff import Backoff
from collector.delivery.sender import Sender
from collector.delivery.shipment import FromDisk, Shipment
from collector.delivery.spool.entries import Entry, Lost
from collector.delivery.spool.files import Spool
from collector.ledger import Ledger
from collector.model import Batch

log = structlog.get_logger(__name__)

UNDER_WAY = 2  # records in memory besides those that wait for the operator: one is read while another is sent
_HELD_BOUND_BYTES = 16 << 20
_HELD_BOUND_RECORDS = 64  # each asks for its target by itself


class Books:
    """What is counted of records; these are there because the output was away."""

    def __init__(self, output: str, spool: Spool, ledger: Ledger, sender: Sender) -> None:
        self._output = output
        self._spool = spool
        self._ledger = ledger
        self._sender = sender

    def origin(self, entry: Entry) -> FromDisk:
        """Its documents go out now."""
        origin = FromDisk(self._ledger, entry.record.segments)
        self._ledger.recover(origin.documents, origin.size)
        return origin

    def held(self, entry: Entry) -> None:
        """All that is left of it waits for the operator."""

    def left(self, entry: Entry, origin: FromDisk) -> None:
        """What is not settled of it stays on disk."""
        self._ledger.give_up_recovery(origin.documents, origin.size)

    def lost(self, lost: Lost) -> None:
        """They cannot be read back."""
        self._ledger.lose(lost.documents)

    def done(self, entry: Entry) -> None:
        """All of them are settled, and it is removed."""
        if self._spool.is_drained and self._sender.away_since is None:
            log.info("spool drained", output=self._output)


class Recovery:
    """Empties the spool of one output. `deliver` returns when all that does not wait for the operator is settled.

    `under_way` tells how many records may be sent at once, while the output is away and while it is not.
    """

    def __init__(
        self,
        output: str,
        spool: Spool,
        ledger: Ledger,
        sender: Sender,
        deliver: Callable[[Shipment, asyncio.TaskGroup], Awaitable[None]],
        backoff: Callable[[], Backoff],
        *,
        under_way: Callable[[bool], int] = lambda is_away: 1 if is_away else UNDER_WAY,
    ) -> None:
        self.books = Books(output, spool, ledger, sender)
        self._output = output
        self._spool = spool
        self._ledger = ledger
        self._sender = sender
        self._deliver = deliver
        self._most = under_way
        self._backoff = backoff
        self._under_way = 0
        self._kept_under_way = 0  # of records that an outage has kept
        self._held: list[FromDisk] = []
        self._news = asyncio.Event()

    def look(self) -> None:
        """There is something new in the spool."""
        self._news.set()

    async def run(self) -> None:
        """Deliver what is in the spool and what comes into it, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._news.clear()
                taken = await self._take() if self._has_room() else None
                if isinstance(taken, Lost):
                    self.books.lost(taken)
                    self._ledger.spool_bytes = self._spool.size_bytes
                elif taken is not None:
                    self._count(taken, 1)
                    tasks.create_task(self._recover(taken), name=f"{self._output} spool {taken.file}")
                else:
                    await self._news.wait()

    def _has_room(self) -> bool:
        held_bytes = sum(one.size for one in self._held)
        most = self._most(self._sender.away_since is not None)
        return self._under_way < most and held_bytes < _HELD_BOUND_BYTES and len(self._held) < _HELD_BOUND_RECORDS

    async def _take(self) -> Entry | Lost | None:
        backoff = self._backoff()
        while True:
            try:
                taken = await asyncio.to_thread(self._spool.take, live_first=self._kept_under_way > 0)
            except OSError as error:
                self._ledger.spool_errors += 1
                self._tell(error)
                await asyncio.sleep(backoff.next())
                continue
            if unread := self._spool.read_error:  # of another file: the alarm stays
                self._tell(unread)
            else:
                self._ledger.spool_read_error = ""
            return taken

    def _tell(self, error: OSError) -> None:
        reason = f"the spool cannot be read ({error.strerror})"
        if self._ledger.spool_read_error != reason:
            log.error("reading the spool failed: its documents are not delivered", output=self._output, reason=reason)
        self._ledger.spool_read_error = reason

    async def _recover(self, entry: Entry) -> None:
        segments = entry.record.segments
        origin = self.books.origin(entry)
        try:
            async with asyncio.TaskGroup() as tasks:
                shipment = Shipment(Batch(segments), list(segments), set(entry.record.texts), origin)
                await self._send(entry, shipment, tasks)
                del shipment
                self._held.append(origin)
                if origin.documents:
                    self.books.held(entry)
        finally:
            self.books.left(entry, origin)
        self._held.remove(origin)
        await asyncio.to_thread(self._spool.done, entry)
        self._ledger.spool_bytes = self._spool.size_bytes
        self.books.done(entry)
        self._news.set()

    def _count(self, entry: Entry, one: int) -> None:
        self._under_way += one
        self._kept_under_way += 0 if entry.is_live else one

    async def _send(self, entry: Entry, shipment: Shipment, tasks: asyncio.TaskGroup) -> None:
        try:
            await self._deliver(shipment, tasks)
        finally:
            self._count(entry, -1)
            self._news.set()
