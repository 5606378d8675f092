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
from collector.delivery.spool.files import Entry, Lost, Spool
from collector.ledger import Ledger
from collector.model import Batch

log = structlog.get_logger(__name__)

_UNDER_WAY = 2  # records in memory besides those that wait for the operator: one is read while another is sent
_HELD_BOUND_BYTES = 16 << 20
_HELD_BOUND_RECORDS = 64  # each asks for its target by itself


class Recovery:
    """Empties the spool of one output. `deliver` returns when all that does not wait for the operator is settled."""

    def __init__(
        self,
        output: str,
        spool: Spool,
        ledger: Ledger,
        sender: Sender,
        deliver: Callable[[Shipment, asyncio.TaskGroup], Awaitable[None]],
        backoff: Callable[[], Backoff],
    ) -> None:
        self._output = output
        self._spool = spool
        self._ledger = ledger
        self._sender = sender
        self._deliver = deliver
        self._backoff = backoff
        self._under_way = 0
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
                    self._ledger.lose(taken.documents)
                    self._ledger.spool_bytes = self._spool.size_bytes
                elif taken is not None:
                    self._under_way += 1
                    tasks.create_task(self._recover(taken), name=f"{self._output} spool {taken.file}")
                else:
                    await self._news.wait()

    def _has_room(self) -> bool:
        held_bytes = sum(one.size for one in self._held)
        most = _UNDER_WAY if self._sender.away_since is None else 1
        return self._under_way < most and held_bytes < _HELD_BOUND_BYTES and len(self._held) < _HELD_BOUND_RECORDS

    async def _take(self) -> Entry | Lost | None:
        backoff = self._backoff()
        while True:
            try:
                taken = await asyncio.to_thread(self._spool.take)
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
        origin = FromDisk(self._ledger, segments)
        self._ledger.recover(origin.documents, origin.size)
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._send(Shipment(Batch(segments), list(segments), set(entry.record.texts), origin), tasks)
                self._held.append(origin)
        finally:
            self._ledger.give_up_recovery(origin.documents, origin.size)
        self._held.remove(origin)
        await asyncio.to_thread(self._spool.done, entry)
        self._ledger.spool_bytes = self._spool.size_bytes
        if self._spool.is_empty and self._sender.away_since is None:
            log.info("spool drained", output=self._output)
        self._news.set()

    async def _send(self, shipment: Shipment, tasks: asyncio.TaskGroup) -> None:
        try:
            await self._deliver(shipment, tasks)
        finally:
            self._under_way -= 1
            self._news.set()
