"""Shipments that the connection broke under again and again → the document that the destination dies of.

A document may end a server that reads it, and be sent again when it is back. So a batch that was lost twice running is
sent in pieces, each alone on its way, and a piece that is lost in smaller ones: sixteen at a time, since the
destination dies once for each step. A single document that is lost is judged.

Each goes behind another that was taken before, as a duplicate: a destination that is away, or boots behind a proxy
that takes connections meanwhile and breaks them off, does not answer that one, so no more is sent and nothing learned.

Before the single document go as many others as are drawn from `_OTHERS`. Whatever a destination dies of by itself, be
it chance, the clock or each so many requests, it does not know at which of 22 places the document is: that it dies
there first has a chance of 1 in 22 at most, and three times running of 1 in 10,000. Then, once others are answered
again, the document is a dead letter. If one of the others is lost, it is free. The first `_STEADY` of them do not
count: of several servers behind one name some may still boot. One that dies of each few requests is never steady: after
some rounds the document goes first at times, and at `_PATIENCE` it is free.

Where nothing was taken lately nobody can tell, so the single one is sent seldom, and never given up.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

import structlog

from collector.clock import Notice
from collector.delivery.backoff import Backoff
from collector.delivery.sender import Answer, Proof, Sender
from collector.delivery.shipment import Shipment, halves
from collector.model import Batch, Receipt, Rejected

log = structlog.get_logger(__name__)

KILLS = "kills_destination"  # the reason of its dead letter
_HALVINGS = 4  # from one step to the next
_DEATHS = 3
_STEADY = 8  # others that are answered before it is judged by what follows
_OTHERS = (8, 29)  # that go before then: with so many at least, chance alone leaves it less than one in 100,000
_PATIENCE = 10  # times running that nothing is learned though the destination answers: most of a minute
_FIRST_WAIT_SECONDS = 60.0  # for one that nothing can be held against
_LONGEST_WAIT_SECONDS = 3600.0
_TELL_EVERY_SECONDS = 10.0  # a destination that comes and goes must not fill the log


class Suspects:
    """The suspected shipments of one output, one at a time; `attempt` sends one, `account` takes a receipt for it."""

    def __init__(
        self,
        output: str,
        sender: Sender,
        attempt: Callable[[Shipment, Backoff], Awaitable[Answer]],
        account: Callable[[Receipt, Shipment], Awaitable[None]],
        backoff: Callable[[], Backoff],
    ) -> None:
        self._output = output
        self._sender = sender
        self._attempt = attempt
        self._account = account
        self._backoff = backoff
        self._turn = asyncio.Lock()
        self._away_since: float | None = None  # when it was asked last
        self._notice = Notice(_TELL_EVERY_SECONDS)

    def take(self, shipment: Shipment, finish: Callable[[Shipment], Awaitable[None]], tasks: asyncio.TaskGroup) -> None:
        """Relieve the shipment of all that is left of it; what is free of suspicion is given to `finish`."""
        suspected = shipment.part_with_all()
        suspected.origin.hold(suspected)
        tasks.create_task(self._clear(suspected, finish), name=f"{self._output} suspect")

    async def _clear(self, shipment: Shipment, finish: Callable[[Shipment], Awaitable[None]]) -> None:
        async with self._turn:
            self._tell(shipment.documents.count)
            await self._narrow(shipment)
        shipment.lost = 0
        await finish(shipment)

    def _tell(self, documents: int) -> None:
        if self._notice.is_due():
            log.warning("connection broke twice on the same batch: sending it in parts", output=self._output,
                        documents=documents)  # fmt: skip

    async def _narrow(self, shipment: Shipment) -> None:
        """Leave in the shipment what is not settled, and free of suspicion."""
        parts = deque(_pieces(shipment.documents))
        accused: list[Batch] = []
        free: list[Batch] = []
        away, vain = self._backoff(), self._backoff()
        while parts:
            shipment.put_aside(parts.popleft(), [*parts, *accused, *free])
            async with self._sender.alone():
                may_go = await self._sender.prove() in (Proof.PASSED, Proof.NONE)
                answer = await self._send(shipment, away) if may_go else None
            left = shipment.documents
            if answer is None or (answer.is_open and vain.pauses < _PATIENCE):
                parts.appendleft(left)
                await (self._wait(vain) if answer else self._until_back(away))
                continue
            vain.reset()
            if not answer.is_lost:
                free.append(left)
                continue
            if left.count > 1:
                parts += _pieces(left)
            else:
                accused.append(left)
            await self._until_back(away)
        while accused:
            shipment.put_aside(accused.pop(), [*accused, *free])
            await self._judge(shipment)
            free.append(shipment.documents)
        shipment.put_aside(_joined(free), [])

    async def _judge(self, shipment: Shipment) -> None:
        """Send the one document until it is settled or free of suspicion."""
        deaths = 0
        seldom = _Seldom()
        away, vain = self._backoff(), self._backoff()
        while vain.pauses < _PATIENCE:
            is_blind = vain.pauses > _PATIENCE // 2 and _is_heads()
            async with self._sender.alone():
                proof = Proof.NONE if is_blind else await self._sender.prove(_STEADY)
                if is_steady := proof is Proof.PASSED:
                    proof = await self._sender.prove(random.randint(*_OTHERS))  # noqa: S311 - it hides nothing
                if proof is Proof.PASSED and deaths == _DEATHS:
                    await self._account(_dead(shipment.documents), shipment)
                    return
                may_go = proof is Proof.PASSED or (proof is Proof.NONE and (is_blind or seldom.is_due))
                answer = await self._send(shipment, away) if may_go else None
            if (is_steady and proof is Proof.LOST) or (answer and not answer.receipt.retry.count):
                return
            if proof is Proof.LOST or (answer and answer.is_open):
                await self._wait(vain)
                continue
            if is_steady and answer:
                deaths += 1
                vain.reset()
            elif answer and not is_blind:
                seldom.put_off()
            await self._until_back(away)

    async def _send(self, shipment: Shipment, backoff: Backoff) -> Answer | None:
        """Try once; None if the destination was away."""
        answer = await self._attempt(shipment, backoff)
        return None if answer.is_away and not answer.is_lost else answer

    async def _until_back(self, away: Backoff) -> None:
        """Wait before it is asked again; if it was back since it was asked last, the pauses are short again."""
        if self._sender.away_since != self._away_since:
            self._away_since = self._sender.away_since
            away.reset()
        await self._wait(away)

    async def _wait(self, backoff: Backoff) -> None:
        await self._sender.pause(backoff.next(self._sender.retry_after), at_least=self._sender.retry_after)


class _Seldom:
    """When to ask where nothing was taken lately: in a minute, then less and less often."""

    def __init__(self) -> None:
        self._wait_seconds = _FIRST_WAIT_SECONDS
        self._clock = asyncio.get_running_loop().time
        self._due_at = self._clock() + self._wait_seconds

    @property
    def is_due(self) -> bool:
        return self._clock() >= self._due_at

    def put_off(self) -> None:
        """It was asked for in vain."""
        self._wait_seconds = min(2 * self._wait_seconds, _LONGEST_WAIT_SECONDS)
        self._due_at = self._clock() + self._wait_seconds


def _is_heads() -> bool:
    return random.random() < 0.5  # noqa: S311 - it hides nothing


def _pieces(batch: Batch) -> list[Batch]:
    parts = [batch]
    for _ in range(_HALVINGS):
        parts = [half for part in parts for half in (halves(part) if part.count > 1 else [part])]
    return parts


def _joined(batches: Iterable[Batch]) -> Batch:
    return Batch(tuple(segment for batch in batches for segment in batch.segments))


def _dead(single: Batch) -> Receipt:
    segment = next(segment for segment in single.segments if segment.count)
    words = f"the connection broke all {_DEATHS} times when this document was sent alone, while others were delivered"
    return Receipt(rejected=(Rejected(segment, 0, KILLS, words, is_final=True),))
