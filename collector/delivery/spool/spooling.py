"""Shipments of an output that is away → its spool, so that rotation cannot eat what reading must not wait for.

A spool that is full or cannot be written means back-pressure, as if there were none; it is tried again and again.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable

import structlog

from collector.delivery.backoff import Backoff
from collector.delivery.sender import Answer, Sender
from collector.delivery.shipment import Shipment
from collector.delivery.spool.entries import SpoolFull
from collector.delivery.spool.files import Spool
from collector.ledger import Ledger
from collector.model import Batch
from collector.state.positions_file import SpoolMark

log = structlog.get_logger(__name__)

Attempt = Callable[[Shipment, Backoff], Awaitable[Answer]]
"""Sends a shipment once, and accounts for the answer."""


class Spooling:
    """Writes to the spool once the output has been away for `after_seconds`; `stored` is told how far it has any."""

    def __init__(
        self,
        output: str,
        spool: Spool,
        ledger: Ledger,
        sender: Sender,
        *,
        after_seconds: float,
        stored: Callable[[SpoolMark], None],
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._output = output
        self._spool = spool
        self._ledger = ledger
        self._sender = sender
        self._after_seconds = after_seconds
        self._stored = stored
        self._backoff = backoff()
        self._one_at_a_time = asyncio.Lock()
        self._asking = False
        self._asker: Shipment | None = None  # that asked last
        self._ask_at = 0.0
        ledger.spool_bytes = spool.size_bytes

    async def send(self, shipment: Shipment, attempt: Attempt, backoff: Backoff) -> Answer | None:
        """Have it sent by `attempt`, unless the output has been away for long: then it goes to the spool.

        Returns:
            The answer; None if it was not sent: it is in the spool, or has to wait for room there.
        """
        if self._due_in_seconds() > 0:
            return await attempt(shipment, backoff)
        if self._has_to_ask(shipment):
            self._asking, self._asker = True, shipment
            try:
                return await attempt(shipment, backoff)
            finally:
                self._asking = False
                self._ask_at = asyncio.get_running_loop().time() + self._backoff.next()
        if await self._store(shipment):
            return None
        if self._spool.is_empty or self._ledger.spool_read_error:
            return await attempt(shipment, backoff)  # else nobody asks whether the output is back
        await self._sender.pause(backoff.next())
        return None

    def _has_to_ask(self, shipment: Shipment) -> bool:
        """Whether this one asks for the output, since recovery cannot: one at a time, now and then, each once."""
        is_needed = self._ledger.spool_read_error and not self._spool.is_empty and not self._asking
        return bool(is_needed and shipment is not self._asker and asyncio.get_running_loop().time() >= self._ask_at)

    def at_most_until_due(self, seconds: float) -> float:
        """`seconds`, or less if it is due before; if it is already, the spool took nothing and may be asked later."""
        due = self._due_in_seconds()
        return min(seconds, due) if due > 0 else seconds

    async def _store(self, shipment: Shipment) -> bool:
        """Keep what of the shipment is not settled, and settle it; False if the spool does not take it now."""
        documents = shipment.documents
        texts = [one for segment in documents.segments for one in segment.ids if one in shipment.texts]
        try:
            async with self._one_at_a_time:  # each takes several times its documents' memory while it is packed
                stored = await asyncio.to_thread(self._spool.append, documents.segments, texts)
        except OSError as error:
            self._tell(error)
            return False
        if not self._ledger.spool_bytes:
            log.warning("output unavailable: spooling to disk", output=self._output)
        self._ledger.spool(documents.count)
        self._ledger.spool_bytes = self._spool.size_bytes
        self._ledger.spool_error = ""
        shipment.origin.leave(documents.count)
        shipment.documents = Batch()
        shipment.is_spooled = True
        shipment.settle()
        self._stored(SpoolMark(stored.file, stored.end))
        return True

    def _due_in_seconds(self) -> float:
        if self._sender.away_since is None:
            return math.inf
        return self._sender.away_since + self._after_seconds - asyncio.get_running_loop().time()

    def _tell(self, error: OSError) -> None:
        reason = (
            "the spool is full" if isinstance(error, SpoolFull) else f"the spool cannot be written ({error.strerror})"
        )
        self._ledger.spool_errors += 1
        if self._sender.away_since is None:  # it came back meanwhile
            return
        if self._ledger.spool_error != reason:
            log.warning("output unavailable: reading paused", output=self._output, reason=reason)
        self._ledger.spool_error = reason
