"""One batch → messages → what became of each document."""

import asyncio

from collector.errors import Refused
from collector.model import Batch, Receipt, Rejected

from .messages import Composer
from .ways import Way

_IN_A_THREAD_FROM = 500  # documents: about 5 ms, in which nothing else could run
_REFUSED = "relp_error"


class SyslogShipper:
    """A shipper (`collector.ports.Shipper`) to a syslog server."""

    def __init__(self, composer: Composer, way: Way) -> None:
        self._composer = composer
        self._way = way

    async def ship(self, batch: Batch) -> Receipt:
        """Send a message for each document.

        Raises:
            Unavailable: nothing is known of the batch.
            Refused: the server refuses each message of it.
        """
        count = batch.count
        if not count:
            return Receipt()
        if count < _IN_A_THREAD_FROM:
            messages = self._messages(batch)
        else:
            messages = await asyncio.to_thread(self._messages, batch)
        outcome = await self._way.send(messages)
        if len(outcome.refused) == count:
            raise Refused(f"the server refuses every message ({outcome.refused[0]})", type=_REFUSED)
        rejected, left = [], []
        first = 0
        for segment in batch.segments:
            end = first + segment.count
            rejected += [
                Rejected(segment, index - first, _REFUSED, outcome.refused[index])
                for index in range(first, end)
                if index in outcome.refused
            ]
            if open_here := [index - first for index in range(first, end) if index in outcome.open]:
                left.append(segment.part(open_here))
            first = end
        delivered = count - len(rejected) - len(outcome.open)
        return Receipt(delivered=delivered, rejected=tuple(rejected), retry=Batch(tuple(left)))

    async def probe(self) -> str:
        """What is there, in words.

        Raises:
            Unavailable: nobody is.
        """
        return await self._way.probe()

    async def aclose(self) -> None:
        """Release everything; may be called twice."""
        await self._way.aclose()

    def _messages(self, batch: Batch) -> list[bytes]:
        return [message for segment in batch.segments for message in self._composer.messages(segment)]
