"""Documents that wait for the operator (a closed index, a block, the shard limit): they hold up their own target only.

A held target is tried again and again, one shipment at a time, until nothing of it is left.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from collector.backoff import Backoff
from collector.ledger import Ledger
from collector.link import Answer
from collector.shipment import Shipment

log = structlog.get_logger(__name__)


class Held:
    """The held shipments of those that were sent together; `attempt` sends one and accounts for the answer.

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
    ) -> None:
        self._output = output
        self._ledger = ledger
        self._waiting = waiting
        self._attempt = attempt
        self._suspect = suspect
        self._backoff = backoff
        self._shipments: dict[str, list[Shipment]] = {}
        self._open = asyncio.Event()

    def has(self, target: str) -> bool:
        """Whether the target's documents wait for the operator."""
        return target in self._shipments

    async def wait_for(self, target: str) -> None:
        """Wait while the target's documents wait for the operator: reading more would only fill memory."""
        while target in self._shipments:
            self._open.clear()
            await self._open.wait()

    def hold(self, shipment: Shipment, waits: dict[str, str], tasks: asyncio.TaskGroup) -> None:
        """Part with what waits for the operator, so that the rest of the shipment can go on."""
        for target, reason in waits.items():
            theirs = shipment.part_with(target)
            if theirs is None:
                continue
            self._alarm(target, reason)
            theirs.origin.hold(theirs)
            if target in self._shipments:
                self._shipments[target].append(theirs)
            else:
                self._shipments[target] = [theirs]
                redelivering = tasks.create_task(self._redeliver(target, tasks), name=f"{self._output} held {target}")
                self._waiting[target] += 1
                redelivering.add_done_callback(partial(self._leave, target))  # it may be cancelled before it runs

    def _alarm(self, target: str, reason: str) -> None:
        if self._ledger.waits.get(target) != reason:
            log.error("documents wait for the operator", output=self._output, target=target, reason=reason)
        self._ledger.waits[target] = reason

    async def _redeliver(self, target: str, tasks: asyncio.TaskGroup) -> None:
        backoff = self._backoff()
        wish: float | None = None
        while held := self._shipments[target]:
            await asyncio.sleep(backoff.next(wish))
            shipment = held[0]
            before = shipment.documents.count
            answer = await self._attempt(shipment, self._backoff())
            wish = answer.retry_after
            if target in answer.receipt.waits:
                self._alarm(target, answer.receipt.waits[target])
            if shipment.documents.count < before:
                backoff.reset()
            if shipment.lost > 1:
                self._suspect(shipment, self, tasks)
            if not shipment.documents.count:
                held.pop(0)
        del self._shipments[target]

    def _leave(self, target: str, _: asyncio.Task[None]) -> None:
        self._waiting[target] -= 1
        if not self._waiting[target]:
            del self._waiting[target]
            self._ledger.waits.pop(target, None)
            if target not in self._shipments:
                log.info("documents wait no longer", output=self._output, target=target)
        self._open.set()
