"""Batches → receipts → settled segments: retry, back-off, splitting, per-document outcomes and dead letters.

Around any shipper; a shipper only sends and tells what happened. What holds:

- a document leaves only as acknowledged, as a duplicate, or as a dead letter that is on disk;
- a refused document is sent once more as plain text under its own id before it is given up;
- documents that wait for the operator (a closed index, a block, the shard limit) hold up their own target only.

Error classes: DESIGN §3 of the project. Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence

import orjson
import structlog
from msgspec import Struct
from msgspec.structs import replace

from collector.batches import Batches
from collector.dead_letters import DeadLetters
from collector.errors import TOO_LARGE, Refused, ShippingError, Unauthorized, Unavailable
from collector.ledger import Ledger
from collector.model import Batch, Receipt, Rejected, Segment
from collector.ports import Shipper

log = structlog.get_logger(__name__)

_HELD_BOUND_BYTES = 32 << 20  # of documents that wait for the operator, beside the bound of what is on its way
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0


class Backoff:
    """Pauses that grow: each is random up to a bound that doubles, so that many agents do not come back at once."""

    def __init__(self, first_seconds: float = _FIRST_PAUSE_SECONDS) -> None:
        self._first = self._bound = first_seconds

    def next(self, at_least: float | None = None) -> float:
        """Seconds to wait now; a destination's own wish is the least."""
        pause = random.uniform(self._bound / 10, self._bound)  # noqa: S311 - it hides nothing
        self._bound = min(self._bound * 2, _LONGEST_PAUSE_SECONDS)
        return max(pause, at_least or 0.0)

    @property
    def is_long(self) -> bool:
        """Whether it has been tried so often that somebody should know: after about half a minute."""
        return self._bound >= self._first * 2**6

    def reset(self) -> None:
        """It worked: begin with short pauses again."""
        self._bound = self._first


class _Shipment(Struct):
    """Documents under way, and the segments that wait for them; `texts` are the ids sent as plain text already.

    `has_room` says that its segments still count among the bytes that are on their way.
    """

    documents: Batch
    segments: list[Segment]
    texts: set[str]
    has_room: bool = True


class Delivery:
    """Ships the batches of one output until they end; `settled` is told of each segment that is done."""

    def __init__(
        self,
        output: str,
        shipper: Shipper,
        batches: Batches,
        dead_letters: DeadLetters,
        ledger: Ledger,
        settled: Callable[[Segment], None],
        *,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._output = output
        self._shipper = shipper
        self._batches = batches
        self._dead_letters = dead_letters
        self._ledger = ledger
        self._settled = settled
        self._backoff = backoff
        self._held: dict[str, list[_Shipment]] = {}
        self._held_bytes = 0  # of held segments that have given up their room
        self._open = asyncio.Event()

    async def run(self, workers: int) -> None:
        """Deliver until the queue is closed and all is settled."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(workers):
                tasks.create_task(self._work(tasks), name=f"{self._output} worker {number}")

    async def wait_for(self, target: str) -> None:
        """Wait while the target's documents wait for the operator: reading more would only fill memory."""
        while target in self._held:
            self._open.clear()
            await self._open.wait()

    # ------------------------------------------------------------------ one batch

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while (batch := await self._batches.take()) is not None:
            await self._deliver(_Shipment(batch, list(batch.segments), set()), tasks)

    async def _deliver(self, shipment: _Shipment, tasks: asyncio.TaskGroup) -> None:
        backoff = self._backoff()
        while shipment.documents.count:
            receipt = await self._ship(shipment.documents, backoff, shipment.texts)
            shipment.documents = await self._sort(receipt, shipment)
            self._hold(shipment, receipt.waits, tasks)
            self._settle(shipment)
            if shipment.documents.count and receipt.retry.count:
                self._ledger.retried += receipt.retry.count
                await asyncio.sleep(backoff.next())

    async def _ship(self, batch: Batch, backoff: Backoff, texts: set[str]) -> Receipt:
        """Ship until there is an answer."""
        while True:
            started = time.perf_counter()
            try:
                receipt = _checked(await self._shipper.ship(batch), batch)
            except Refused as error:
                self._ledger.requests["refused"] += 1
                return await self._ship_halves(batch, error, backoff, texts)
            except Unavailable as error:
                kind = "unauthorized" if isinstance(error, Unauthorized) else "unavailable"
                self._ledger.requests[kind] += 1
                self._fail(error)
                await asyncio.sleep(backoff.next(error.retry_after))
                continue
            self._ledger.requests["ok"] += 1
            self._ledger.request_seconds.observe(time.perf_counter() - started)
            if receipt.retry.count < batch.count:
                self._recover()
            elif not receipt.waits and backoff.is_long:
                self._fail(Unavailable("every document is refused for load, again and again", "is the cluster busy?"))
            return receipt

    async def _ship_halves(self, batch: Batch, error: Refused, backoff: Backoff, texts: set[str]) -> Receipt:
        if batch.count == 1:
            segment = next(segment for segment in batch.segments if segment.count)
            if error.type != TOO_LARGE and segment.ids[0] in texts:
                self._fail(error)  # plain text can be read: the fault is not in the document
                return Receipt(retry=batch)
            return Receipt(rejected=(Rejected(segment, 0, error.type, error.cause),))
        return _sum([await self._ship(half, backoff, texts) for half in halves(batch)])

    def _fail(self, error: ShippingError) -> None:
        if self._ledger.error != str(error):
            log.warning("an output takes nothing", output=self._output, error=str(error))
        self._ledger.error = str(error)

    def _recover(self) -> None:
        if self._ledger.error:
            log.info("an output is back", output=self._output)
            self._ledger.error = ""

    # ------------------------------------------------------------------ what became of it

    async def _sort(self, receipt: Receipt, shipment: _Shipment) -> Batch:
        """Account for a receipt; what is still to be sent: what was refused for load, and refused ones as text."""
        self._ledger.delivered(receipt.delivered, receipt.duplicate)
        again = list(receipt.retry.segments)
        dead = []
        for rejected in receipt.rejected:
            if rejected.segment.ids[rejected.index] in shipment.texts:
                dead.append(rejected)
            else:
                shipment.texts.add(rejected.segment.ids[rejected.index])
                again.append(as_text(rejected))
        if dead:
            await self._bury(dead)
        return Batch(tuple(again))

    async def _bury(self, dead: Sequence[Rejected]) -> None:
        """Write dead letters, for as long as it takes: a full disk stops delivery, it loses nothing."""
        backoff = self._backoff()
        while True:
            try:
                dropped = await asyncio.to_thread(self._dead_letters.append, dead)
            except OSError as error:
                self._fail(Unavailable(f"dead letters cannot be written ({error.strerror})", "is the disk full?"))
                await asyncio.sleep(backoff.next())
                continue
            self._recover()
            self._ledger.buried(len(dead), dropped)
            log.warning("documents refused", output=self._output, count=len(dead), reason=dead[0].type,
                        detail=dead[0].reason[:200])  # fmt: skip
            return

    def _settle(self, shipment: _Shipment) -> None:
        """Settle the segments of which nothing is left to be sent."""
        waiting = {one for segment in shipment.documents.segments for one in segment.ids}
        left = [segment for segment in shipment.segments if waiting and not waiting.isdisjoint(segment.ids)]
        for segment in shipment.segments:
            if segment not in left:
                self._ledger.left(segment)
                self._give_back(shipment, segment.size)
                self._settled(segment)
        shipment.segments = left

    def _give_back(self, shipment: _Shipment, size: int) -> None:
        if shipment.has_room:
            self._batches.release(size)
        else:
            self._held_bytes -= size

    # ------------------------------------------------------------------ waiting for the operator

    def _hold(self, shipment: _Shipment, waits: dict[str, str], tasks: asyncio.TaskGroup) -> None:
        """Part with what waits for the operator, so that the worker goes on with the rest."""
        for target, reason in waits.items():
            theirs = [segment for segment in shipment.documents.segments if segment.stream.target == target]
            if not theirs:
                continue
            ids = {one for segment in theirs for one in segment.ids}
            held = [segment for segment in shipment.segments if not ids.isdisjoint(segment.ids)]
            others = [segment for segment in shipment.documents.segments if segment.stream.target != target]
            shipment.documents = Batch(tuple(others))
            shipment.segments = [segment for segment in shipment.segments if segment not in held]
            self._queue(target, reason, _Shipment(Batch(tuple(theirs)), held, shipment.texts), tasks)

    def _queue(self, target: str, reason: str, shipment: _Shipment, tasks: asyncio.TaskGroup) -> None:
        self._alarm(target, reason)
        size = sum(segment.size for segment in shipment.segments)
        if shipment.has_room and self._held_bytes + size <= _HELD_BOUND_BYTES:
            shipment.has_room = False  # others go on; beyond the bound all have to wait
            self._held_bytes += size
            self._batches.release(size)
        if target in self._held:
            self._held[target].append(shipment)
        else:
            self._held[target] = [shipment]
            tasks.create_task(self._redeliver(target, tasks), name=f"{self._output} held {target}")

    def _alarm(self, target: str, reason: str) -> None:
        if self._ledger.waits.get(target) != reason:
            log.error("documents wait for the operator", output=self._output, target=target, reason=reason)
        self._ledger.waits[target] = reason

    async def _redeliver(self, target: str, tasks: asyncio.TaskGroup) -> None:
        """Try a held target again and again, one shipment at a time, until nothing of it is left."""
        backoff = self._backoff()
        while held := self._held[target]:
            await asyncio.sleep(backoff.next())
            shipment = held[0]
            receipt = await self._ship(shipment.documents, self._backoff(), shipment.texts)
            before = shipment.documents.count
            shipment.documents = await self._sort(receipt, shipment)
            self._settle(shipment)
            if target in receipt.waits:
                self._alarm(target, receipt.waits[target])
            if shipment.documents.count < before:
                backoff.reset()
            if not shipment.documents.count:
                held.pop(0)
        del self._held[target]
        self._ledger.waits.pop(target, None)
        log.info("documents wait no longer", output=self._output, target=target)
        self._open.set()


def halves(batch: Batch) -> list[Batch]:
    """Two batches of about equal count with the documents of `batch`, in order."""
    middle = batch.count // 2
    first: list[Segment] = []
    second: list[Segment] = []
    seen = 0
    for segment in batch.segments:
        cut = min(max(middle - seen, 0), segment.count)
        first += [segment.part(range(cut))] if cut else []
        second += [segment.part(range(cut, segment.count))] if cut < segment.count else []
        seen += segment.count
    return [Batch(tuple(first)), Batch(tuple(second))]


def as_text(rejected: Rejected) -> Segment:
    """The refused document with its line as plain text: `{"log": {"message": "<line>"}, …, "delivery_error": …}`.

    The trusted members hold no bare quote, so the last seam is the one behind `log`.
    """
    one = rejected.segment.part([rejected.index])
    document = one.documents[0]
    seam = document.rindex(b',"stream":"')
    line = document[len(b'{"log":') : seam].decode()
    if line.startswith('{"message":'):  # it was text before: it stays the text that it was
        line = str(_message(line))
    body = b'{"log":{"message":' + orjson.dumps(line) + b"}" + document[seam:-1]
    text = body + b',"delivery_error":' + orjson.dumps(rejected.type) + b"}"
    return replace(one, documents=[text], size=len(text))


def _message(log_json: str) -> str:
    """The text of a `log` that holds a message and nothing else; any other `log` as it stands."""
    try:
        found = orjson.loads(log_json)
    except orjson.JSONDecodeError:
        return log_json
    only = found.get("message")
    # Written by the transform, it reads the same again; an application's own JSON may hold the key twice.
    return only if isinstance(only, str) and orjson.dumps({"message": only}).decode() == log_json else log_json


def _checked(receipt: Receipt, batch: Batch) -> Receipt:
    """The receipt, if it accounts for every document.

    Raises:
        Unavailable: it does not: nothing is known then.
    """
    if receipt.delivered + receipt.duplicate + len(receipt.rejected) + receipt.retry.count != batch.count:
        raise Unavailable("the answer does not account for every document")
    return receipt


def _sum(receipts: Sequence[Receipt]) -> Receipt:
    return Receipt(
        delivered=sum(receipt.delivered for receipt in receipts),
        duplicate=sum(receipt.duplicate for receipt in receipts),
        rejected=tuple(rejected for receipt in receipts for rejected in receipt.rejected),
        retry=Batch(tuple(segment for receipt in receipts for segment in receipt.retry.segments)),
        waits={target: reason for receipt in receipts for target, reason in receipt.waits.items()},
    )
