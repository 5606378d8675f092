"""Documents that an output has been unable to take for long → another output, which delivers them in its stead.

What holds: a document is settled here once it is settled there, so none is lost. In doubt it is in both: of what was on
its way when an output failed, or the agent ended, nobody can tell. What is in the spool stays there for the output
itself.

Nothing is handed over while the other output is away, too; then the spool and the logs keep what there is.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from collector.delivery.sender import Sender
from collector.delivery.shipment import Shipment
from collector.errors import Unavailable
from collector.ledger import Ledger
from collector.model import Batch, Segment

log = structlog.get_logger(__name__)

_ASK_EVERY_SECONDS = 15.0  # one shipment asks whether the output is back
_LOOK_SECONDS = 1.0
_MOST_SECONDS = 60.0  # for which the other output may hold up a batch: its target may wait for an operator there


class Other(Protocol):
    """The output that delivers in the stead of one."""

    @property
    def output(self) -> str:
        """Its name."""

    @property
    def is_away(self) -> bool:
        """Whether it takes nothing now."""

    async def take_over(self, segments: Sequence[Segment]) -> None:
        """Deliver documents; returns when each is settled. Cancelled, some may have been delivered.

        Raises:
            Unavailable: it has ended meanwhile; some of them may have been delivered.
        """


class Fallback:
    """One output's. It is used once the output has been away for `after_seconds`."""

    def __init__(self, output: str, other: Other, sender: Sender, ledger: Ledger, after_seconds: float) -> None:
        self._output = output
        self._other = other
        self._sender = sender
        self._ledger = ledger
        self._after_seconds = after_seconds
        self._ask_at = 0.0  # the loop's time
        self._told_since: float | None = None  # the absence that was told

    async def take(self, shipment: Shipment) -> bool:
        """Have the other output deliver what is left of it; False if it was not handed over, and is to be sent."""
        if not self._is_due() or self._has_to_ask():
            return False
        shipment.as_read()  # only this output has refused any
        documents = shipment.documents
        if not await self._hand_over(documents):
            return False
        self._ledger.fall_back(documents.count)
        shipment.origin.leave(documents.count)
        shipment.documents = Batch()
        shipment.is_spooled = True  # as far as its way is concerned: it did not arrive here
        shipment.settle()
        return True

    def _is_due(self) -> bool:
        since = self._sender.away_since
        is_long = since is not None and asyncio.get_running_loop().time() - since >= self._after_seconds
        return is_long and not self._other.is_away

    def _has_to_ask(self) -> bool:
        """Whether this shipment asks for the output: now and then one does, else nobody might."""
        now = asyncio.get_running_loop().time()
        if now < self._ask_at:
            return False
        is_first, self._ask_at = not self._ask_at, now + _ASK_EVERY_SECONDS
        return not is_first

    async def _hand_over(self, documents: Batch) -> bool:
        """Whether the other output settled all of them, in so short a time that this one is asked for meanwhile."""
        self._tell()
        given_up_at = asyncio.get_running_loop().time() + _MOST_SECONDS
        async with asyncio.TaskGroup() as tasks:
            handing = tasks.create_task(self._deliver(documents), name=f"{self._output} fallback")
            while not handing.done():
                await asyncio.wait((handing,), timeout=_LOOK_SECONDS)
                is_late = asyncio.get_running_loop().time() > given_up_at
                if self._other.is_away or is_late or self._sender.away_since is None:
                    handing.cancel()
                    await asyncio.wait((handing,))
        return not handing.cancelled() and handing.result()

    async def _deliver(self, documents: Batch) -> bool:
        try:
            await self._other.take_over(documents.segments)
        except Unavailable:
            return False
        return True

    def _tell(self) -> None:
        if self._told_since != self._sender.away_since:
            self._told_since = self._sender.away_since
            log.warning("output unavailable for long: using its fallback", output=self._output,
                        fallback=self._other.output)  # fmt: skip
