"""Documents that are not read now → delivery, beside those that are: dead letters, and those of another output."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from collector.delivery.sender import Sender
from collector.delivery.shipment import FromDisk, FromOther
from collector.errors import Unavailable
from collector.ledger import Ledger
from collector.model import Segment

Ship = Callable[[Sequence[Segment], FromDisk], Awaitable[None]]
"""Sends segments until all of them are settled, as coming from there."""


class Beside:
    """One output's. `end` is to be called when nothing more is delivered."""

    def __init__(self, output: str, ledger: Ledger, sender: Sender, ship: Ship) -> None:
        self._output = output
        self._ledger = ledger
        self._sender = sender
        self._ship = ship
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Give up what is under way."""
        self._ended.set()

    async def replay(self, segments: Sequence[Segment]) -> None:
        """As `Delivery.replay`."""
        if not await self._unless_ended(self._replay(segments)):
            raise Unavailable("the agent is stopping", "replay the dead letters again: all of them are still there")

    async def take_over(self, segments: Sequence[Segment]) -> None:
        """As `Delivery.take_over`."""
        if not await self._unless_ended(self._take_over(segments)):
            raise Unavailable("the agent is stopping")

    async def _replay(self, segments: Sequence[Segment]) -> None:
        origin = FromDisk(self._ledger, segments)
        self._ledger.replay(origin.documents, origin.size)
        try:
            await self._ship(segments, origin)
        finally:
            self._ledger.give_up_replay(origin.documents, origin.size)
            self._forget()

    async def _take_over(self, segments: Sequence[Segment]) -> None:
        try:
            await self._ship(segments, FromOther(self._ledger, segments))
        finally:
            self._forget()

    def _forget(self) -> None:
        if not self._ledger.in_flight:
            self._sender.forget()  # nothing is left that would ask

    async def _unless_ended(self, working: Coroutine[None, None, None]) -> bool:
        """Do that work; False if the delivery ended first."""
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(working, name=f"{self._output} beside")
            ended = tasks.create_task(self._ended.wait(), name=f"{self._output} end")
            await asyncio.wait((work, ended), return_when=asyncio.FIRST_COMPLETED)
            is_done = work.done()
            work.cancel()
            ended.cancel()
        return is_done
