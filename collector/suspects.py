"""Shipments that the connection broke under again and again → the document that the destination dies of.

A document may end a server that reads it, and be sent again when it is back. So a batch that was lost twice running is
sent in pieces, each alone on its way, and a piece that is lost in smaller ones: sixteen at a time, since the
destination dies once for each step. A single document that is lost is judged: after others were seen to go through, it
is sent alone. If it is lost three times so, and others go through after it, it is a dead letter.

A destination that is merely away is asked as ever: what is refused a connection is not divided. One that dies by
itself, now and then or of anything, loses a document that it took before as well, and that clears the single one. Where
none was taken lately nobody can tell, so the single one is sent seldom, and never given up.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

import structlog

from collector.backoff import Backoff
from collector.link import Answer, Link, Proof
from collector.model import Batch, Receipt, Rejected
from collector.shipment import Shipment, halves

log = structlog.get_logger(__name__)

KILLS = "kills_destination"  # the reason of its dead letter
_HALVINGS = 4  # from one step to the next
_DEATHS = 3
_OTHERS = (2, 4)  # documents that go through before: not always as many, so that one that dies at each fourth is seen
_FIRST_WAIT_SECONDS = 60.0  # for one that nothing can be held against
_LONGEST_WAIT_SECONDS = 3600.0


class Suspects:
    """The suspected shipments of one output, one at a time; `attempt` sends one, `account` takes a receipt for it."""

    def __init__(
        self,
        output: str,
        link: Link,
        attempt: Callable[[Shipment, Backoff], Awaitable[Answer]],
        account: Callable[[Receipt, Shipment], Awaitable[None]],
        backoff: Callable[[], Backoff],
    ) -> None:
        self._output = output
        self._link = link
        self._attempt = attempt
        self._account = account
        self._backoff = backoff
        self._turn = asyncio.Lock()

    def take(self, shipment: Shipment, finish: Callable[[Shipment], Awaitable[None]], tasks: asyncio.TaskGroup) -> None:
        """Relieve the shipment of all that is left of it; what is free of suspicion is given to `finish`."""
        suspected = shipment.part_with_all()
        suspected.origin.hold(suspected)
        tasks.create_task(self._clear(suspected, finish), name=f"{self._output} suspect")

    async def _clear(self, shipment: Shipment, finish: Callable[[Shipment], Awaitable[None]]) -> None:
        async with self._turn:
            log.warning(
                "connection broke twice on the same batch: sending it in parts",
                output=self._output,
                documents=shipment.documents.count,
            )
            await self._narrow(shipment)
        await finish(shipment)

    async def _narrow(self, shipment: Shipment) -> None:
        """Leave in the shipment what is not settled, and free of suspicion."""
        parts = deque(_pieces(shipment.documents))
        accused: list[Batch] = []
        free: list[Batch] = []
        backoff = self._backoff()
        while parts:
            shipment.put_aside(parts.popleft(), [*parts, *accused, *free])
            async with self._link.alone():
                answer = await self._attempt(shipment, backoff)
            left = shipment.documents
            if answer.is_lost and left.count > 1:
                parts += _pieces(left)
            elif answer.is_lost:
                accused.append(left)
            elif answer.is_away:
                parts.appendleft(left)
            else:
                free.append(left)
                backoff.reset()
                continue
            await self._link.pause(backoff.next(answer.retry_after), at_least=answer.retry_after)
        while accused:
            shipment.put_aside(accused.pop(), [*accused, *free])
            await self._judge(shipment)
            free.append(shipment.documents)
        shipment.put_aside(_joined(free), [])

    async def _judge(self, shipment: Shipment) -> None:
        """Send the one document until it is settled or free of suspicion."""
        clock = asyncio.get_running_loop().time
        deaths = 0
        wait_seconds = _FIRST_WAIT_SECONDS
        ask_at = clock() + wait_seconds
        backoff = self._backoff()
        while True:
            answer: Answer | None = None
            async with self._link.alone():
                proof = await self._link.prove(random.randint(*_OTHERS))  # noqa: S311 - it hides nothing
                if proof is Proof.LOST:
                    deaths = 0
                if proof is Proof.PASSED and deaths == _DEATHS:
                    await self._account(_dead(shipment.documents), shipment)
                    return
                if proof is Proof.PASSED or (proof is Proof.NONE and clock() >= ask_at):
                    answer = await self._attempt(shipment, backoff)
            if answer is not None and not answer.is_away:
                return
            if proof is Proof.PASSED:
                backoff.reset()
            if answer is not None and answer.is_lost:
                deaths += proof is Proof.PASSED
                wait_seconds = min(2 * wait_seconds, _LONGEST_WAIT_SECONDS)
                ask_at = clock() + wait_seconds
            await self._link.pause(backoff.next())


def _pieces(batch: Batch) -> list[Batch]:
    parts = [batch]
    for _ in range(_HALVINGS):
        parts = [half for part in parts for half in (halves(part) if part.count > 1 else [part])]
    return parts


def _joined(batches: Iterable[Batch]) -> Batch:
    return Batch(tuple(segment for batch in batches for segment in batch.segments))


def _dead(single: Batch) -> Receipt:
    segment = next(segment for segment in single.segments if segment.count)
    words = f"the connection broke each of {_DEATHS} times while it was on its way alone, and others went through"
    return Receipt(rejected=(Rejected(segment, 0, KILLS, words, is_final=True),))
