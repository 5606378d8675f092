"""Documents that wait for the operator (a closed index, a block, the shard limit): they hold up their own target only.

A held target is tried again and again, one shipment at a time, until nothing of it is left; what was made text
meanwhile is tried as it was first.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from collector.backoff import Backoff
from collector.ledger import Ledger
from collector.link import Answer
from collector.model import Receipt
from collector.shipment import Shipment

_FEW = 10  # documents that an index refuses in any form before it is taken for one that takes none

log = structlog.get_logger(__name__)


class Held:
    """The held shipments of those that were sent together; `attempt` sends one and accounts for the answer.

    One of them is sent at a time, in its `turn`: hundreds of them leave the others their requests.
    `suspect` takes one over that the destination may die of.
    `waiting` counts, for the whole output, by how many of these a target is held.
    """

    def __init__(
        self,
        output: str,
        ledger: Ledger,
        waiting: Counter[str],
        attempt: Callable[[Shipment, Backoff], Awaitable[Answer]],
        suspect: Callable[[Shipment, "Held", asyncio.TaskGroup], None],
        backoff: Callable[[], Backoff],
        turn: asyncio.Lock,
    ) -> None:
        self._output = output
        self._turn = turn
        self._ledger = ledger
        self._waiting = waiting
        self._attempt = attempt
        self._suspect = suspect
        self._backoff = backoff
        self._shipments: dict[str, list[Shipment]] = {}
        self._unsure: set[str] = set()  # targets that may take others
        self._open = asyncio.Event()

    def has(self, target: str) -> bool:
        """Whether the target's documents wait for the operator, and enough of them where that is only presumed."""
        held = self._shipments.get(target)
        if held is None:
            return False
        return target not in self._unsure or sum(one.documents.count for one in held) >= _FEW

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
            theirs.origin.hold(theirs)
            if target in self._shipments:
                self._shipments[target].append(theirs)
            else:
                self._shipments[target] = [theirs]
                redelivering = tasks.create_task(self._redeliver(target, tasks), name=f"{self._output} held {target}")
                self._waiting[target] += 1
                redelivering.add_done_callback(partial(self._leave, target))  # it may be cancelled before it runs

    def _note(self, target: str, receipt: Receipt) -> None:
        """Tell why it waits; of one document nobody can tell whose the fault is, so a few more are read."""
        if target in receipt.unsure:
            self._unsure.add(target)
        else:
            self._unsure.discard(target)
        self._alarm(target, receipt.waits[target])

    def _alarm(self, target: str, reason: str) -> None:
        if self._ledger.waits.get(target) != reason:
            log.error("documents wait for the operator", output=self._output, target=target, reason=reason)
        self._ledger.waits[target] = reason

    async def _redeliver(self, target: str, tasks: asyncio.TaskGroup) -> None:
        backoff = self._backoff()
        wish: float | None = None
        is_text_due = False
        while held := self._shipments[target]:
            if not is_text_due:
                await asyncio.sleep(backoff.next(wish))
            shipment = held[0]
            before = shipment.documents.count
            async with self._turn:
                answer = await self._attempt(shipment, self._backoff())
            wish = answer.retry_after
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
        del self._shipments[target]
        self._unsure.discard(target)

    def _leave(self, target: str, _: asyncio.Task[None]) -> None:
        self._waiting[target] -= 1
        if not self._waiting[target]:
            del self._waiting[target]
            self._ledger.waits.pop(target, None)
            if target not in self._shipments:
                log.info("documents wait no longer", output=self._output, target=target)
        self._open.set()
