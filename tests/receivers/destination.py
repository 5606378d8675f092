"""A receiver as the contract of outputs sees it, and what becomes of batches while it is killed."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

from collector.app.plugins import installed_types
from collector.errors import Unavailable
from collector.model import Batch
from collector.ports import OutputContext, Shipper
from tests.receivers.receiver import Receiver


class OnReceiver:
    """A running receiver, for an output with `options` besides its own."""

    def __init__(self, receiver: Receiver, site: OutputContext, **options: Any) -> None:
        given = {**receiver.options(), **options}
        self.settings = installed_types().outputs[given["type"]].model_validate(given)
        self._receiver = receiver
        self._site = site

    def open(self) -> Shipper:
        return self.settings.open(self._site)

    async def stored(self) -> dict[str, list[bytes]]:
        return await asyncio.to_thread(self._receiver.stored)


async def shipped_while_killed(
    output: Shipper, receiver: Receiver, batches: Sequence[Batch], *, after_seconds: float
) -> list[bool]:
    """Ship each once while the receiver is killed, and start it again; of each that failed, whether it was lost."""
    killer = threading.Timer(after_seconds, receiver.kill)
    killer.start()
    lost = []
    for each in batches:
        try:
            await output.ship(each)
        except Unavailable as error:
            lost.append(error.is_lost)
    await asyncio.to_thread(killer.join)
    await asyncio.to_thread(receiver.start)
    return lost
