"""Batches → receipts of one output, an attempt at a time, and whether the output is away.

Around any shipper: whatever it raises becomes a receipt that tells what is to be sent again. A batch that is refused
as a whole is sent in halves until the document at fault is found; where none is at fault, all wait as they are.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from typing import Any, NamedTuple

import structlog

from collector.clock import Notice
from collector.delivery.backoff import Backoff
from collector.delivery.concurrency import Concurrency
from collector.delivery.shipment import halves
from collector.documents.refused import as_text
from collector.errors import REPORT_IT, TOO_LARGE, Refused, ShippingError, Unauthorized, Unavailable, place_of
from collector.ledger import Ledger
from collector.model import Batch, Receipt, Rejected
from collector.ports import Shipper

log = structlog.get_logger(__name__)

_BACK_WITHIN_SECONDS = 1.0  # of its coming back the others ask too, spread over this time
_LATELY_SECONDS = 600.0  # an index may be deleted, or a data stream roll over: then a sample would be there twice
_SAMPLE_BYTES = 64 << 10
_TELL_EVERY_SECONDS = 10.0  # one that comes and goes must not fill the log


class Proof(Enum):
    """What came of it that a document was sent again which is there already."""

    PASSED = auto()  # it was answered
    BUSY = auto()  # it was answered, and not yet looked for: its index starts, say
    LOST = auto()  # the connection broke on the way, though the output had answered just before
    FAILED = auto()  # the output is away, refuses it, or is not back: a proxy before one that boots breaks each off
    NONE = auto()  # none was taken lately


class Answer(NamedTuple):
    """What came of an attempt; with `is_away` nothing came, and `retry_after` seconds is what the destination asks for.

    `is_lost` says that the connection broke on the way.
    """

    receipt: Receipt
    is_away: bool = False
    retry_after: float | None = None
    is_lost: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nothing is known yet of documents that were sent, and the connection did not break."""
        return self.receipt.retry.count > 0 and not self.is_lost


class Sender:
    """The way to one destination. `away_since` (the loop's time): when the first attempt that failed began.

    `retry_after`: seconds after which it wants to be asked again, as it said when it failed last.
    """

    def __init__(self, output: str, shipper: Shipper, ledger: Ledger, concurrency: Concurrency) -> None:
        self.away_since: float | None = None
        self.retry_after: float | None = None
        self._concurrency = concurrency
        self._output = output
        self._shipper = shipper
        self._ledger = ledger
        self._answered_at = 0.0  # the loop's time
        self._back = asyncio.Event()
        self._alone: asyncio.Task[Any] | None = None  # whose turn it is, and nobody else's
        self.taken = 0  # requests of which something was taken
        self._refuses_all = False  # whatever is sent
        self._is_puzzled = False  # by one document that was refused, where none was taken
        self._sample = Batch()  # a document that was taken
        self._sampled_at = 0.0  # the loop's time
        self._told = ""  # what the log said last, unless it said that this is over
        self._notice = Notice(_TELL_EVERY_SECONDS)

    async def ship(self, batch: Batch, texts: set[str], backoff: Backoff, whole: Batch | None = None) -> Answer:
        """Try once to have every document of `batch`, a part of `whole`, there.

        `texts` are the ids that are plain text already; `backoff` tells how often this batch was tried before.
        """
        answer = await self._try(batch, backoff)
        if isinstance(answer, Refused):
            return await self._search(batch, answer, texts, backoff, whole or batch)
        return answer

    async def ask(self, batch: Batch, backoff: Backoff) -> "Answer | Refused":
        """Try once, and send nothing else but this; the error if it is refused as a whole."""
        return await self._try(batch, backoff)

    def refuse(self, error: Refused) -> None:
        """Nothing at all is taken, whatever it is: that is nobody's fault but the output's."""
        self._fail(error, asyncio.get_running_loop().time())

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Nothing else is on its way meanwhile than what this task sends. One task at a time may ask for it."""
        async with self._concurrency.alone():
            self._alone = asyncio.current_task()
            try:
                yield
            finally:
                self._alone = None

    async def prove(self, times: int = 1) -> Proof:
        """Whether a document that was taken lately goes through now, so many times: as a duplicate it does no harm."""
        if not self._sample.count or asyncio.get_running_loop().time() - self._sampled_at > _LATELY_SECONDS:
            return Proof.NONE
        for _ in range(times):
            was_back = self.away_since is None
            try:
                receipt, _ = await self._send(self._sample)
            except ShippingError as error:
                is_lost = was_back and isinstance(error, Unavailable) and error.is_lost
                return Proof.LOST if is_lost else Proof.FAILED
            if receipt.retry.count:
                return Proof.BUSY
            self._sampled_at = asyncio.get_running_loop().time()  # it is still there
            self._recover()
        return Proof.PASSED

    async def pause(self, seconds: float, *, at_least: float | None = None) -> None:
        """Wait so long; once an output that was away is back, for a part of a second, but `at_least` seconds in all."""
        if self.away_since is None:
            await asyncio.sleep(seconds)
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._back.wait()
        left = began + seconds - loop.time()
        if left > _BACK_WITHIN_SECONDS:
            soon = random.uniform(0.0, _BACK_WITHIN_SECONDS)  # noqa: S311 - it hides nothing
            left = min(left, max(soon, began + (at_least or 0.0) - loop.time()))
        await asyncio.sleep(max(left, 0.0))

    def tell(self, error: ShippingError) -> None:
        """Say why nothing goes on: once, and not each time if it comes and goes."""
        self._ledger.error = str(error)
        if self._told != self._ledger.error and self._notice.is_due():
            log.warning("output unavailable", output=self._output, error=str(error))
            self._told = self._ledger.error

    def all_well(self) -> None:
        """What was told is over, unless the output is away."""
        if self.away_since is not None:
            return
        self._ledger.error = ""
        if self._told:
            log.info("output recovered", output=self._output)
            self._told = ""

    def forget(self) -> None:
        """Nobody asks any more, so nothing is known: the next batch will tell."""
        self.away_since = None
        self._ledger.error = self._told = ""
        self._back.set()

    # ------------------------------------------------------------------ one attempt

    async def _send(self, batch: Batch) -> tuple[Receipt, int]:
        """Ship it when it is its turn, and learn from how long that takes; also how many were refused for load."""
        is_alone = self._alone is not None and asyncio.current_task() is self._alone
        if not is_alone:
            await self._concurrency.enter()
        began = asyncio.get_running_loop().time()
        started = time.perf_counter()
        try:
            receipt = await self._ship(batch)
            seconds = time.perf_counter() - started
            busy = _busy(receipt)
            if not receipt.waits:  # for which the server may have waited itself
                self._concurrency.learn(seconds, is_overloaded=bool(busy))
        except Unavailable as error:
            seconds = time.perf_counter() - started
            self._concurrency.learn(seconds, is_overloaded=not isinstance(error, Unauthorized))
            self.retry_after = error.retry_after
            self._fail(error, began)
            raise
        finally:
            if not is_alone:
                self._concurrency.leave()
        self._keep_sample(batch, receipt)
        self._ledger.request_seconds.observe(seconds)
        return receipt, busy

    def _keep_sample(self, batch: Batch, receipt: Receipt) -> None:
        if batch is self._sample or receipt.delivered + receipt.duplicate < batch.count:
            return
        segment = next((one for one in batch.segments if one.count), None)
        if segment is not None and len(segment.documents[0]) <= _SAMPLE_BYTES:
            self._sample = Batch((segment.part([0]),))
            self._sampled_at = asyncio.get_running_loop().time()

    async def _ship(self, batch: Batch) -> Receipt:
        """Its receipt. No error ends anything: the shipper may be of another package, and other outputs must go on."""
        try:
            return _checked(await self._shipper.ship(batch), batch)
        except (Unavailable, Refused):
            raise
        except OSError as error:  # this machine has no descriptor or no room left: no reason to end
            raise Unavailable(
                f"the operating system refuses a resource that the output needs ({error.strerror or error})",
                "raise the limit of open files (LimitNOFILE=), or free disk space",
            ) from None
        except ValueError as error:  # of a library below; its words may repeat a secret
            raise Unavailable(
                f"the options of the output do not make a valid request ({type(error).__name__})",
                "correct its host names and secrets",
            ) from None
        except Exception as error:  # noqa: BLE001 - without its words, for the same reason
            raise Unavailable(f"the output raised an unexpected error ({place_of(error)})", REPORT_IT) from None

    def _judge(self, busy: int, batch: Batch, backoff: Backoff) -> None:
        self._ledger.retried += busy
        if busy < batch.count:
            self._recover()
        elif backoff.is_long:
            error = Unavailable(
                "the output rejects every document because of load, repeatedly", "check the load of the cluster"
            )
            self._fail(error, asyncio.get_running_loop().time())

    async def _search(self, batch: Batch, error: Refused, texts: set[str], backoff: Backoff, whole: Batch) -> Answer:
        """Send a batch in halves that was refused as a whole, until it is known what is at fault.

        After a time when nothing was, any one document is asked for before the others.
        """
        if batch.count == 1:
            return await self._ship_single(batch, error, texts, backoff, is_only=whole.count == 1)
        first, second = _one_and_the_others(batch) if self._refuses_all else halves(batch)
        answer = await self.ship(first, texts, backoff, whole)
        if answer.is_away:
            return answer._replace(receipt=summed([answer.receipt, Receipt(retry=second)]))
        then = await self.ship(second, texts, backoff, whole)
        return then._replace(receipt=summed([answer.receipt, then.receipt]))

    async def _ship_single(
        self, single: Batch, error: Refused, texts: set[str], backoff: Backoff, *, is_only: bool
    ) -> Answer:
        """Find out whose fault it is that one document was refused as a whole request.

        It is the document's if one that was taken before is answered now and this one is not, even then. Where none was
        taken lately, the next one may tell, or the text of the only one. If nothing is taken it is nobody's fault: all
        of them wait as they are.
        """
        segment = next(segment for segment in single.segments if segment.count)
        has_text = error.type != TOO_LARGE and segment.ids[0] not in texts
        refused = Rejected(segment, 0, error.type, error.cause, is_final=not has_text)
        answer: Answer | Refused = error
        match await self.prove():
            case Proof.PASSED | Proof.BUSY:
                answer = await self._try(single, backoff)
                if isinstance(answer, Refused):
                    return Answer(Receipt(rejected=(refused,)))
            case Proof.NONE if is_only and has_text:
                answer = await self._try(Batch((as_text(refused),)), backoff)
            case Proof.NONE if not is_only and not self._is_puzzled:
                self._is_puzzled = True
                return Answer(Receipt(retry=single))
        if isinstance(answer, Refused):
            self._refuses_all = True
            self._fail(error, asyncio.get_running_loop().time())
            return Answer(Receipt(retry=single), is_away=True)
        return answer._replace(receipt=Receipt(retry=single)) if answer.is_away else answer

    async def _try(self, batch: Batch, backoff: Backoff) -> Answer | Refused:
        """Try once; the error if it is refused as a whole."""
        try:
            receipt, busy = await self._send(batch)
        except Refused as error:
            self._ledger.requests["refused"] += 1
            return error
        except Unavailable as error:
            self._ledger.requests["unauthorized" if isinstance(error, Unauthorized) else "unavailable"] += 1
            return Answer(Receipt(retry=batch), is_away=True, retry_after=error.retry_after, is_lost=error.is_lost)
        self._ledger.requests["ok"] += 1
        self.taken += receipt.delivered + receipt.duplicate > 0
        self._judge(busy, batch, backoff)
        return Answer(receipt)

    def _fail(self, error: ShippingError, began: float) -> None:
        if self.away_since is None:
            self.away_since = max(began, self._answered_at)  # others may have been answered while it ran into its end
            self._back.clear()
        self.tell(error)

    def _recover(self) -> None:
        self.away_since = self.retry_after = None
        self._refuses_all = self._is_puzzled = False
        self._answered_at = asyncio.get_running_loop().time()
        self._ledger.spool_error = ""  # nobody needs it now
        self._back.set()
        self.all_well()


def _one_and_the_others(batch: Batch) -> tuple[Batch, Batch]:
    """Any of its documents, and what is left."""
    places = [(number, index) for number, segment in enumerate(batch.segments) for index in range(segment.count)]
    at, index = random.choice(places)  # noqa: S311 - it hides nothing
    segment = batch.segments[at]
    left = segment.part([each for each in range(segment.count) if each != index])
    return Batch((segment.part([index]),)), Batch((*batch.segments[:at], left, *batch.segments[at + 1 :]))


def _busy(receipt: Receipt) -> int:
    """How many documents were refused for load."""
    return sum(one.count for one in receipt.retry.segments if one.stream.target not in receipt.waits)


def _checked(receipt: Receipt, batch: Batch) -> Receipt:
    """The receipt, if it accounts for every document.

    Raises:
        Unavailable: it does not: nothing is known then.
    """
    if receipt.delivered + receipt.duplicate + len(receipt.rejected) + receipt.retry.count != batch.count:
        raise Unavailable("the response does not cover every document")
    return receipt


def summed(receipts: Sequence[Receipt]) -> Receipt:
    """One receipt of all."""
    return Receipt(
        delivered=sum(receipt.delivered for receipt in receipts),
        duplicate=sum(receipt.duplicate for receipt in receipts),
        rejected=tuple(rejected for receipt in receipts for rejected in receipt.rejected),
        retry=Batch(tuple(segment for receipt in receipts for segment in receipt.retry.segments)),
        waits={target: reason for receipt in receipts for target, reason in receipt.waits.items()},
        unsure=frozenset(target for receipt in receipts for target in receipt.unsure),
    )
