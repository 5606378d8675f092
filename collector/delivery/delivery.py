"""Batches → receipts → settled segments: retry, back-off, per-document outcomes and dead letters.

Around any shipper; a shipper only sends and tells what happened. What holds:

- a document leaves only as acknowledged, as a duplicate, or as a dead letter or a record of the spool that is on disk;
- a refused document is sent once more as plain text under its own id before it is given up;
- documents that wait for the operator (a closed index, a block, the shard limit) hold up their own target only.

`sender` is the way to the destination, `blocked` what waits for the operator, `suspects` what the destination may die
of, `shipment` what is under way; `spool/` keeps on disk what an output that is away cannot take, and takes it back.
`frozen` has each batch on disk first, and `units` sends it in the same parts each time, where that is asked for.
Error classes: docs/specification.md, section 6.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from collector.dead_letters import DeadLetters
from collector.delivery.backoff import Backoff
from collector.delivery.batches import Batches
from collector.delivery.beside import Beside
from collector.delivery.blocked import Blocked
from collector.delivery.concurrency import Concurrency
from collector.delivery.fallback import Fallback, Other
from collector.delivery.frozen import Freezing, Positions
from collector.delivery.sender import Answer, Sender
from collector.delivery.shipment import FromDisk, FromLogs, PutBack, Shipment, packed
from collector.delivery.spool.files import Spool
from collector.delivery.spool.recovery import Recovery
from collector.delivery.spool.spooling import Spooling
from collector.delivery.suspects import Suspects
from collector.delivery.units import Units
from collector.documents.document import is_text
from collector.documents.refused import as_text
from collector.errors import Unavailable
from collector.ledger import Ledger
from collector.model import Batch, Receipt, Rejected, Segment
from collector.ports import Shipper
from collector.state.positions_file import SpoolMark

log = structlog.get_logger(__name__)

_CONCURRENCY = 4
_AHEAD = 2  # frozen batches besides those that may be under way: one is written, the positions of one are
_ASKING = 2  # frozen ones that are sent while the output is away: one of them may be all that it refuses


class Delivery:
    """Ships the batches of one output until they end; `settled` is told of each segment that is done.

    `put_back` takes those that wait for the operator, where there is no memory for them.
    """

    def __init__(
        self,
        output: str,
        shipper: Shipper,
        batches: Batches,
        dead_letters: DeadLetters,
        ledger: Ledger,
        settled: Callable[[Segment], None],
        *,
        concurrency: Concurrency | None = None,
        spool: Spool | None = None,
        spool_after_seconds: float = math.inf,
        positions: Positions | None = None,
        is_frozen: bool = False,
        backoff: Callable[[], Backoff] = Backoff,
        put_back: PutBack = lambda segments, documents: False,
    ) -> None:
        self.output = output
        self._batches = batches
        self._dead_letters = dead_letters
        self._ledger = ledger
        self._backoff = backoff
        self._concurrency = concurrency or Concurrency(_CONCURRENCY)
        self._sender = Sender(output, shipper, ledger, self._concurrency)
        self._units = Units(self._sender) if is_frozen else None
        self._from_logs = FromLogs(batches, ledger, settled, put_back)
        self._waiting: Counter[str] = Counter()
        self._suspects = Suspects(output, self._sender, self._attempt, self._account, backoff)
        self._blocked_turn = asyncio.Lock()
        self._unblocked = asyncio.Event()
        self._blocked = self._new_blocked()
        self._beside = Beside(output, ledger, self._sender, self._ship_beside)
        self._fallback: Fallback | None = None
        self._recovery: Recovery | None = None
        self._spooling: Spooling | None = None
        self._freezing: Freezing | None = None
        if spool is not None and is_frozen and positions is not None:
            self._freezing = self._new_freezing(spool, positions, spool_after_seconds)
        elif spool is not None:
            self._spooling = self._new_spooling(spool, positions, spool_after_seconds)

    def _new_spooling(self, spool: Spool, positions: Positions | None, after_seconds: float) -> Spooling:
        args = self.output, spool, self._ledger, self._sender
        self._recovery = recovery = Recovery(*args, self._deliver_from_disk, self._backoff)

        def stored(mark: SpoolMark) -> None:
            if positions is not None:
                positions.cover(mark)
            recovery.look()

        return Spooling(*args, after_seconds=after_seconds, stored=stored, backoff=self._backoff)

    def _new_freezing(self, spool: Spool, positions: Positions, after_seconds: float) -> Freezing:
        def under_way(is_away: bool) -> int:
            return _ASKING if is_away else self._concurrency.limit + 1  # one that an outage has kept goes beside

        args = self.output, spool, self._ledger, self._sender
        recovery = Recovery(*args, self._deliver_from_disk, self._backoff, under_way=under_way)
        self._recovery = recovery
        recovery.books = freezing = Freezing(
            *args,
            batches=self._batches,
            positions=positions,
            under_way=lambda: self._concurrency.limit + _AHEAD,
            after_seconds=after_seconds,
            released=recovery.look,
            instead=self._give_away,
            backoff=self._backoff,
        )
        return freezing

    async def _give_away(self, batch: Batch) -> bool:
        """Have the fallback take a batch that would be frozen else; False if it is to be."""
        return await self._falls_back(Shipment(batch, list(batch.segments), set(), self._from_logs))

    async def _falls_back(self, shipment: Shipment) -> bool:
        return self._fallback is not None and await self._fallback.take(shipment)

    async def run(self, workers: int) -> None:
        """Deliver until the queue is closed and all that was read is settled; what is in the spool then stays there.

        What was frozen, and could not be sent, stays there too.
        """
        try:
            async with asyncio.TaskGroup() as around:
                recovering = around.create_task(self._recover(), name=f"{self.output} recovery")
                if self._freezing is not None:
                    await self._freezing.run()
                else:
                    async with asyncio.TaskGroup() as tasks:
                        for number in range(workers):
                            tasks.create_task(self._work(tasks), name=f"{self.output} worker {number}")
                recovering.cancel()
        finally:
            if self._freezing is not None:
                self._freezing.end()
            self._beside.end()

    def is_blocked(self, target: str) -> bool:
        """Whether the target's documents wait for the operator."""
        return self._blocked.has(target) or (self._freezing is not None and target in self._waiting)

    async def wait_for(self, target: str) -> None:
        """Wait while the target's documents wait for the operator: reading more would only fill memory or the spool."""
        await self._blocked.wait_for(target)
        while self.is_blocked(target):
            self._unblocked.clear()
            await self._unblocked.wait()

    @property
    def is_crowded(self) -> bool:
        """Whether so much waits for the operator that what is on its way may have to be read again."""
        return self._from_logs.is_crowded

    async def replay(self, segments: Sequence[Segment]) -> None:
        """Ship documents that were dead letters, beside what is read.

        Returns when each is settled: delivered, or a dead letter again. Their files are left as they are: the caller
        removes the old letters afterwards. It needs no `run`: with no agent there, make a Delivery around an empty
        closed queue, await this, and never call `run`. Cancelled, or ended by the end of `run`, the documents count
        as dead letters again, which they still are.

        Raises:
            Unavailable: the delivery has ended meanwhile; some of them may have been delivered.
        """
        await self._beside.replay(segments)

    async def take_over(self, segments: Sequence[Segment]) -> None:
        """Deliver the documents of an output that is away, beside what is read; returns when each is settled.

        Cancelled, some may have been delivered; the others count nowhere here.

        Raises:
            Unavailable: the delivery has ended meanwhile; some of them may have been delivered.
        """
        await self._beside.take_over(segments)

    @property
    def is_away(self) -> bool:
        """Whether the output takes nothing now."""
        return self._sender.away_since is not None

    def fall_back_to(self, other: Other, after_seconds: float) -> None:
        """Have another output take what this one, away for so long, cannot."""
        self._fallback = Fallback(self.output, other, self._sender, self._ledger, after_seconds)

    # ------------------------------------------------------------------ one batch

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while (batch := await self._batches.take()) is not None:
            shipment = Shipment(batch, list(batch.segments), set(), self._from_logs)
            await self._deliver(shipment, self._blocked, tasks, spooling=self._spooling)
            del batch, shipment  # megabytes, and the next one may be long in coming

    async def _recover(self) -> None:
        if self._recovery is not None:
            await self._recovery.run()

    async def _deliver_from_disk(self, shipment: Shipment, tasks: asyncio.TaskGroup) -> None:
        if self._units is not None:
            shipment.units = [shipment.documents]
        await self._deliver(shipment, self._new_blocked(), tasks)

    async def _ship_beside(self, segments: Sequence[Segment], origin: FromDisk) -> None:
        blocked = self._new_blocked()
        async with asyncio.TaskGroup() as tasks:
            for batch in packed(segments, self._batches.batch_bytes):
                units = [batch] if self._units is not None else None
                shipment = Shipment(batch, list(batch.segments), _texts(batch), origin, units=units)
                await self._deliver(shipment, blocked, tasks)

    async def _deliver(
        self, shipment: Shipment, blocked: Blocked, tasks: asyncio.TaskGroup, *, spooling: Spooling | None = None
    ) -> None:
        """Send until all is settled, held, or spooled where that is allowed."""
        backoff = self._backoff()
        while shipment.documents.count:
            before = shipment.documents.count
            if shipment.origin is self._from_logs and await self._falls_back(shipment):
                continue
            if spooling is None:
                answer = await self._attempt(shipment, backoff)
            elif (sent := await spooling.send(shipment, self._attempt, backoff)) is None:
                continue
            else:
                answer = sent
            if shipment.documents.count < before:
                backoff.reset()  # some are taken each time: the rest must not wait longer and longer
            if shipment.is_suspicious:
                self._suspect(shipment, blocked, tasks)
            blocked.hold(shipment, answer.receipt, tasks)
            if shipment.documents.count and answer.receipt.retry.count:
                pause = backoff.next(answer.retry_after)
                pause = pause if spooling is None else spooling.at_most_until_due(pause)
                await self._sender.pause(pause, at_least=answer.retry_after)

    async def _attempt(self, shipment: Shipment, backoff: Backoff) -> Answer:
        if self._units is not None:
            answer = await self._units.ship(shipment, backoff)
            await self._account(answer.receipt, shipment)
            return answer
        answer = await self._sender.ship(shipment.documents, shipment.texts, backoff)
        await self._account(answer.receipt, shipment)
        if answer.is_lost:
            shipment.lost += 1
        elif not answer.receipt.retry.count:  # of what is to be sent as it was nothing is known yet
            shipment.lost = 0
        return answer

    async def _account(self, receipt: Receipt, shipment: Shipment) -> None:
        shipment.left_over(receipt.retry, await self._sort(receipt, shipment))
        shipment.settle()

    def _suspect(self, shipment: Shipment, blocked: Blocked, tasks: asyncio.TaskGroup) -> None:
        self._suspects.take(shipment, lambda free: self._deliver(free, blocked, tasks), tasks)

    def _new_blocked(self) -> Blocked:
        return Blocked(
            self.output,
            self._ledger,
            self._waiting,
            self._attempt,
            self._suspect,
            self._backoff,
            self._blocked_turn,
            ask=lambda batch: self._sender.ship(batch, set(), self._backoff()),
            is_ending=lambda: self._batches.is_closed,
            opened=self._unblocked,
        )

    # ------------------------------------------------------------------ what became of it

    async def _sort(self, receipt: Receipt, shipment: Shipment) -> list[Segment]:
        """Account for a receipt; which refused ones are still to be sent, as text."""
        self._ledger.delivered(receipt.delivered, receipt.duplicate)
        shipment.origin.leave(receipt.delivered + receipt.duplicate)
        again = []
        dead = []
        texts: set[str] = set()
        for rejected in receipt.rejected:
            if rejected.is_final or rejected.segment.ids[rejected.index] in shipment.texts:
                dead.append(rejected)
            else:
                again.append(as_text(rejected))
                texts.add(rejected.segment.ids[rejected.index])
        shipment.texts |= texts  # not before: an id may be there twice, each as it was first
        if dead:
            await self._bury(dead)
            shipment.origin.leave(len(dead))
        return again

    async def _bury(self, dead: Sequence[Rejected]) -> None:
        """Write dead letters, for as long as it takes: a full disk stops delivery, it loses nothing."""
        backoff = self._backoff()
        while True:
            try:
                dropped = await asyncio.to_thread(self._dead_letters.append, dead)
            except OSError as error:
                self._sender.tell(
                    Unavailable(
                        f"dead letters cannot be written ({error.strerror})",
                        "check the free space and the permissions of state_dir",
                    )
                )
                await asyncio.sleep(backoff.next())
                continue
            self._sender.all_well()
            self._ledger.buried(len(dead), dropped)
            log.warning("documents refused", output=self.output, count=len(dead), reason=dead[0].type,
                        detail=dead[0].reason[:200])  # fmt: skip
            return


def _texts(batch: Batch) -> set[str]:
    return {
        name
        for segment in batch.segments
        for name, document in zip(segment.ids, segment.documents, strict=True)
        if is_text(document)
    }
