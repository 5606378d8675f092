"""Documents that wait for the operator (a closed index, a block, the shard limit): they hold up their own target only.

A blocked target is tried again and again, one shipment at a time, until nothing of it is left; what was made text
meanwhile is tried as it was first. Where there is no memory for its documents they go back to their logs, and a few are
tried in their stead: once one is taken, reading goes on where they were.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from heapq import nsmallest

import structlog

from collector.delivery.backoff import Backoff
from collector.delivery.sender import Answer
from collector.delivery.shipment import Shipment
from collector.ledger import Ledger
from collector.model import Batch, Receipt, Segment, within

_FEW = 10  # documents that an index refuses in any form before it is taken for one that takes none
_TRIED_BYTES = 64 << 10  # of documents that are tried instead of those that went back to their logs
_MOST_TRIED_BYTES = 64 << 20  # of all targets
_UNTRIED_SECONDS = 15.0  # after which one that has none of them is read again

log = structlog.get_logger(__name__)


class Blocked:
    """The blocked shipments of those that were sent together; `attempt` sends one and accounts for the answer.

    One of them is sent at a time, in its `turn`: hundreds of them leave the others their requests.
    `suspect` takes one over that the destination may die of.
    `waiting` counts, for the whole output, by how many of these a target is blocked. `ask` sends documents that are not
    accounted for, and `is_ending` says that nothing is read any more. `opened` is set when a target may be taken again.
    """

    def __init__(
        self,
        output: str,
        ledger: Ledger,
        waiting: Counter[str],
        attempt: Callable[[Shipment, Backoff], Awaitable[Answer]],
        suspect: Callable[[Shipment, "Blocked", asyncio.TaskGroup], None],
        backoff: Callable[[], Backoff],
        turn: asyncio.Lock,
        *,
        ask: Callable[[Batch], Awaitable[Answer]],
        is_ending: Callable[[], bool],
        opened: asyncio.Event | None = None,
    ) -> None:
        self._output = output
        self._turn = turn
        self._ledger = ledger
        self._waiting = waiting
        self._attempt = attempt
        self._suspect = suspect
        self._backoff = backoff
        self._ask = ask
        self._is_ending = is_ending
        self._tried: dict[str, Batch] = {}  # of targets whose documents went back to their logs
        self._shipments: dict[str, list[Shipment]] = {}
        self._unsure: set[str] = set()  # targets that may take others
        self._open = asyncio.Event()
        self._opened = opened

    def has(self, target: str) -> bool:
        """Whether the target's documents wait for the operator, and enough of them where that is only presumed."""
        held = self._shipments.get(target)
        if held is None:
            return False
        is_sure = target not in self._unsure or target in self._tried
        return is_sure or sum(one.documents.count for one in held) >= _FEW

    async def wait_for(self, target: str) -> None:
        """Wait while the target's documents wait for the operator: reading more would only fill memory."""
        while self.has(target):
            self._open.clear()
            await self._open.wait()

    def hold(self, shipment: Shipment, receipt: Receipt, tasks: asyncio.TaskGroup) -> None:
        """Part with what waits for the operator, so that the rest of the shipment can go on."""
        for target in receipt.waits:
            theirs = shipment.part_with(target)
            if theirs is None:
                continue
            self._note(target, receipt)
            theirs.as_read()  # mended, it is taken with its fields
            is_new = target not in self._shipments
            held = self._shipments.setdefault(target, [])
            documents = theirs.documents
            if theirs.origin.keep(theirs):
                held.append(theirs)
            elif target not in self._tried:
                self._tried[target] = self._few_of(documents, _FEW if target in self._unsure else 1)
            if is_new:
                redelivering = tasks.create_task(
                    self._redeliver(target, tasks), name=f"{self._output} blocked {target}"
                )
                self._waiting[target] += 1
                redelivering.add_done_callback(partial(self._leave, target))  # it may be cancelled before it runs

    def _few_of(self, documents: Batch, count: int) -> Batch:
        """The smallest, since there may be many targets; none once those of all take up much."""
        left = _MOST_TRIED_BYTES - sum(batch.size for batch in self._tried.values())
        each = ((segment, index) for segment in documents.segments for index in range(segment.count))
        smallest = nsmallest(count, each, key=_size)
        batch = Batch(tuple(segment.part([index]) for segment, index in within(_TRIED_BYTES, smallest, _size)))
        return batch if batch.size <= left else Batch()

    def _note(self, target: str, receipt: Receipt) -> None:
        """Tell why it waits; of one document nobody can tell whose the fault is, so a few more are read."""
        if target in receipt.unsure:
            self._unsure.add(target)
        else:
            self._unsure.discard(target)
        self._alarm(target, receipt.waits[target])

    def _alarm(self, target: str, reason: str) -> None:
        if self._ledger.waits.get(target) != reason:
            log.error("target blocked", output=self._output, target=target, reason=reason)
        self._ledger.waits[target] = reason

    async def _redeliver(self, target: str, tasks: asyncio.TaskGroup) -> None:
        backoff = self._backoff()
        retry_after: float | None = None
        is_text_due = False
        while True:
            held = self._shipments[target]
            if not is_text_due:
                await asyncio.sleep(backoff.next(retry_after))
            if not held:
                if self._is_ending() or await self._is_taken(target):
                    break
                continue
            shipment = held[0]
            before = shipment.documents.count
            async with self._turn:
                answer = await self._attempt(shipment, self._backoff())
            retry_after = answer.retry_after
            is_text_due = bool(answer.receipt.rejected)
            if target in answer.receipt.waits:
                self._note(target, answer.receipt)
                shipment.as_read()
            if shipment.documents.count < before:
                backoff.reset()
            if shipment.is_suspicious:
                self._suspect(shipment, self, tasks)
            if not shipment.documents.count:
                held.pop(0)
            if not held:
                break
        del self._shipments[target]
        self._tried.pop(target, None)
        self._unsure.discard(target)

    async def _is_taken(self, target: str) -> bool:
        """Whether the target takes documents again, by the few of it that are kept for that."""
        few = self._tried[target]
        if not few.count:
            await asyncio.sleep(_UNTRIED_SECONDS)
            return True
        async with self._turn:
            answer = await self._ask(few)
        if target in answer.receipt.waits:
            self._note(target, answer.receipt)
        return answer.receipt.retry.count < few.count

    def _leave(self, target: str, _: asyncio.Task[None]) -> None:
        self._waiting[target] -= 1
        if not self._waiting[target]:
            del self._waiting[target]
            self._ledger.waits.pop(target, None)
            if target not in self._shipments:
                log.info("target unblocked", output=self._output, target=target)
        self._open.set()
        if self._opened is not None:
            self._opened.set()


def _size(document: tuple[Segment, int]) -> int:
    segment, index = document
    return len(segment.documents[index])
