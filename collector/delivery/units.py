"""A shipment whose documents may be sent in certain parts alone → receipts: the same parts each time it is sent.

For a destination that tells a batch that it has by the whole of it: any other part of it would be new there, so none is
put together from what is left of several, and no document is sent to find out whether others are taken.

A part that is refused as a whole was not taken, so it may go in halves, always the same ones. A single document that is
refused is at fault once something else was taken since, or its text is.
"""

import random
from collections import deque

from collector.delivery.backoff import Backoff
from collector.delivery.sender import Answer, Sender, summed
from collector.delivery.shipment import Shipment, halves
from collector.documents.refused import as_text
from collector.errors import TOO_LARGE, Refused
from collector.model import Batch, Receipt, Rejected


class Units:
    """Sends the parts of shipments of one output."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._refused_all_at = -1  # how often anything had been taken by then

    async def ship(self, shipment: Shipment, backoff: Backoff) -> Answer:
        """Try each part once, until the destination is away; the parts that are left are the shipment's then.

        Where nothing at all is taken they are as they were: no half of a part that may be taken as a whole stays.
        """
        waiting = deque(shipment.units or ())
        left: list[Batch] = []
        receipts: list[Receipt] = []
        doubted = 0
        is_away, retry_after = False, None
        while waiting and not is_away:
            unit = waiting.popleft()
            answer = await self._sender.ask(unit, backoff)
            if isinstance(answer, Refused):
                error = answer
                if unit.count > 1:
                    waiting.extendleft(reversed(self._halves(unit)))
                    continue
                answer = await self._judge(unit, error, shipment, backoff)
                doubted += answer.receipt.retry.count
                if doubted and _is_nothing(receipts) and (doubted > 1 or (not waiting and backoff.pauses)):
                    return self._refuse_all(error, shipment)
            receipts.append(answer.receipt)
            left += [answer.receipt.retry] if answer.receipt.retry.count else []
            is_away, retry_after = answer.is_away, answer.retry_after
        shipment.units = [*left, *waiting]
        rest = [Receipt(retry=unit) for unit in waiting]
        return Answer(summed([*receipts, *rest]), is_away=is_away, retry_after=retry_after)

    def _halves(self, unit: Batch) -> list[Batch]:
        """In any order where nothing was taken lately: then the first document must not be asked for each time."""
        parts = halves(unit)
        if self._refused_all_at == self._sender.taken:
            random.shuffle(parts)
        return parts

    async def _judge(self, unit: Batch, error: Refused, shipment: Shipment, backoff: Backoff) -> Answer:
        """Find out whose fault it is that one document was refused by itself."""
        segment = next(segment for segment in unit.segments if segment.count)
        name = segment.ids[0]
        has_text = error.type != TOO_LARGE and name not in shipment.texts
        rejected = Rejected(segment, 0, error.type, error.cause, is_final=not has_text)
        if name not in shipment.doubts:
            shipment.doubts = {**shipment.doubts, name: self._sender.taken}
        elif self._sender.taken > shipment.doubts[name]:
            return Answer(Receipt(rejected=(rejected,)))
        elif has_text:
            answer = await self._sender.ask(Batch((as_text(rejected),)), backoff)
            if not isinstance(answer, Refused) and not answer.receipt.retry.count:
                return answer
        return Answer(Receipt(retry=unit))

    def _refuse_all(self, error: Refused, shipment: Shipment) -> Answer:
        self._refused_all_at = self._sender.taken
        self._sender.refuse(error)
        return Answer(Receipt(retry=shipment.documents), is_away=True)


def _is_nothing(receipts: list[Receipt]) -> bool:
    """Whether nothing is known but that documents were refused by themselves."""
    return all(receipt == Receipt(retry=receipt.retry) and receipt.retry.count == 1 for receipt in receipts)
