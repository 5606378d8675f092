"""A delivery on a desk: its queue is filled by hand, and its numbers are checked at each request."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from collector.dead_letters import DeadLetters
from collector.delivery.backoff import Backoff
from collector.delivery.batches import Batches
from collector.delivery.delivery import Delivery
from collector.delivery.spool.files import Spool
from collector.ledger import Ledger
from collector.model import Segment
from tests.collector.recording_shipper import RecordingShipper


class Desk:
    """A delivery with its queue, its numbers and what was settled; with a spool if that has a size."""

    def __init__(
        self,
        directory: Path,
        shipper: RecordingShipper,
        *,
        batch_bytes: int = 1 << 20,
        bound_bytes: int = 64 << 20,
        spool_bytes: int = 0,
        spool_after_seconds: float = 0.0,
        backoff: Callable[[], Backoff] = lambda: Backoff(0.001),
    ) -> None:
        self.shipper = shipper
        self.letters_path = directory / "letters"
        self.queue = Batches(batch_bytes=batch_bytes, linger_seconds=0.0, bound_bytes=bound_bytes)
        self.ledger = Ledger()
        self.settled: list[Segment] = []
        letters = DeadLetters(self.letters_path, 1 << 20)
        self.spool_path = directory / "spool" / "out"
        self.delivery = Delivery(
            "out",
            shipper,
            self.queue,
            letters,
            self.ledger,
            self.settled.append,
            spool=Spool(self.spool_path, spool_bytes) if spool_bytes else None,
            spool_after_seconds=spool_after_seconds,
            backoff=backoff,
        )
        shipper.before_each = self.check_balance

    def check_balance(self) -> None:
        assert self.ledger.balance == 0
        assert min(self.ledger.in_flight, self.ledger.in_flight_bytes) >= 0

    async def put(self, *segments: Segment) -> None:
        for each in segments:
            await self.queue.put(each)
            self.ledger.entered(each)

    @asynccontextmanager
    async def open(self, workers: int = 2) -> AsyncIterator["Desk"]:
        """Deliver until the block has put everything, then until all is settled."""
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(self.delivery.run(workers))
            yield self
            self.queue.close()
        self.check_balance()

    @property
    def letters(self) -> list[dict[str, object]]:
        return [
            json.loads(line) for path in sorted(self.letters_path.glob("*")) for line in path.read_bytes().splitlines()
        ]
