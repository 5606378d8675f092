"""Batches → records on disk that the positions cover → recovery, where a destination tells a batch by the whole of it.

Each record is one batch, and is what is sent: at first, and again after any crash, with the same documents. What holds:

- records are appended one after the other in the order in which batches were made, so the position of each stream is
  that of the newest record, whatever records are delivered first;
- a record is sent only once the positions that cover it are on disk: until then a start removes it and reads its
  documents again, from then on a start sends it and does not.

Without an outage no more records are there than may be under way; in one as many as the spool takes, unless
`after_seconds` is infinite.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

import structlog

from collector.clock import Notice
from collector.delivery.backoff import Backoff
from collector.delivery.batches import Batches
from collector.delivery.sender import Sender
from collector.delivery.shipment import FromDisk, Shipment
from collector.delivery.spool.entries import Entry, Lost, SpoolFull, Stored
from collector.delivery.spool.files import Spool
from collector.delivery.spool.recovery import Books
from collector.ledger import Ledger
from collector.model import Batch, Segment
from collector.state.positions_file import SpoolMark

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0  # between two looks at whether the output is away
_TELL_EVERY_SECONDS = 10.0


class Positions(Protocol):
    """The positions of the output's streams: `Checkpoints`. `spool_mark`: up to where they cover its spool."""

    spool_mark: SpoolMark | None

    def settle(self, segment: Segment) -> None:
        """Its stream is done up to its end."""

    def cover(self, mark: SpoolMark) -> None:
        """With what is settled in the same step, the spool is covered up to here."""

    async def flush(self) -> bool:
        """Have on disk all that is so now; False if that failed."""


class FromFrozen(FromDisk):
    """Documents of a record that was on disk before it was sent: their way from the log ends when it is settled."""

    def settle(self, shipment: Shipment, segment: Segment) -> None:
        """Its bytes are free again, and it has arrived."""
        super().settle(shipment, segment)
        self._ledger.arrived(segment)


class Freezing(Books):
    """Freezes the batches of one output. What is on disk because of an outage is told from what merely goes that way.

    `under_way` is how many records may be there without an outage. `released` is called when one may be sent. `instead`
    may take a batch, and settle it: True then.
    """

    def __init__(
        self,
        output: str,
        spool: Spool,
        ledger: Ledger,
        sender: Sender,
        *,
        batches: Batches,
        positions: Positions,
        under_way: Callable[[], int],
        after_seconds: float,
        released: Callable[[], None],
        instead: Callable[[Batch], Awaitable[bool]],
        backoff: Callable[[], Backoff],
    ) -> None:
        super().__init__(output, spool, ledger, sender)
        self._batches = batches
        self._positions = positions
        self._under_way = under_way
        self._after_seconds = after_seconds
        self._released = released
        self._instead = instead
        self._backoff = backoff
        self._open: set[tuple[int, int]] = set()  # records that no outage has kept, by place
        self._live: dict[tuple[int, int], int] = {}  # how many documents of them are on their way
        self._held: set[tuple[int, int]] = set()  # records of which something waits for the operator
        self._mark: SpoolMark | None = None  # of the newest record
        self._is_bridging = False
        self._appended = asyncio.Event()
        self._news = asyncio.Event()
        self._notice = Notice(_TELL_EVERY_SECONDS)
        ledger.spool_bytes = spool.size_bytes

    async def run(self) -> None:
        """Freeze until the queue is closed, and wait for what is sent without an outage."""
        await self._begin()
        async with asyncio.TaskGroup() as tasks:
            covering = tasks.create_task(self._cover(), name=f"{self._output} covering")
            while (batch := await self._batches.take()) is not None:
                if not await self._is_given_away(batch):
                    await self._freeze(batch)
                del batch
            while self._sent and self._sender.away_since is None:
                await self._look(_LOOK_SECONDS)
            covering.cancel()

    # ------------------------------------------------------------------ what recovery tells

    def origin(self, entry: Entry) -> FromDisk:
        """Its documents go out now."""
        if not entry.is_live:
            return super().origin(entry)
        origin = FromFrozen(self._ledger, entry.record.segments)
        self._ledger.take_again(origin.size)
        return origin

    def held(self, entry: Entry) -> None:
        """All that is left of it waits for the operator: others may go on."""
        self._held.add((entry.file, entry.offset))
        self._news.set()

    def done(self, entry: Entry) -> None:
        """All of them are settled, and it is removed."""
        self._held.discard((entry.file, entry.offset))
        self._open.discard((entry.file, entry.offset))
        if not entry.is_live:
            super().done(entry)
        self._news.set()

    def lost(self, lost: Lost) -> None:
        """They cannot be read back; of those that no outage has kept it is known how many they were."""
        places = {one for one in self._open if one[0] == lost.file and lost.offset <= one[1] < lost.end}
        if not places:
            super().lost(lost)
        self._ledger.lose_on_the_way(sum(self._live.pop(one, 0) for one in places))
        self._open -= places
        self._news.set()

    def end(self) -> None:
        """Nothing is sent any more: what is left stays on disk for the next start."""
        for documents in self._live.values():
            self._ledger.spool(documents)
        self._live.clear()

    def left(self, entry: Entry, origin: FromDisk) -> None:
        """What is not settled of it stays on disk."""
        self._live.pop((entry.file, entry.offset), None)
        super().left(entry, origin)

    # ------------------------------------------------------------------ one batch

    async def _begin(self) -> None:
        """Have on disk that what is there is covered: else it were not known of the first record that it is not."""
        if self._positions.spool_mark is None:
            self._positions.cover(self._spool.newest)
        backoff = self._backoff()
        while not await self._positions.flush():
            await self._look(backoff.next())

    @property
    def _sent(self) -> int:
        """How many records wait for nothing but their turn, and an answer."""
        return len(self._open - self._held)

    @property
    def _due_in_seconds(self) -> float:
        """Until as much is kept as the spool takes."""
        if self._sender.away_since is None:
            return math.inf
        return self._sender.away_since + self._after_seconds - asyncio.get_running_loop().time()

    async def _look(self, seconds: float) -> None:
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def _is_given_away(self, batch: Batch) -> bool:
        """Wait for its turn to be frozen, or until the output has been away for so long that another takes it."""
        while not (is_given := await self._instead(batch)):
            if self._sent < self._under_way() or (due := self._due_in_seconds) <= 0:
                break
            await self._look(min(due, _LOOK_SECONDS))
        return is_given

    async def _freeze(self, batch: Batch) -> None:
        backoff = self._backoff()
        while True:
            is_live = self._due_in_seconds > 0
            try:
                stored = await asyncio.to_thread(self._spool.append, batch.segments, (), is_live=is_live)
            except OSError as error:
                self._tell(error)
                await self._look(backoff.next())
                continue
            self._ledger.spool_error = ""
            self._take_over(batch, stored, is_live=is_live)
            return

    def _take_over(self, batch: Batch, stored: Stored, *, is_live: bool) -> None:
        """In one step of the loop, so that positions on disk have all of it or nothing."""
        self._mark = SpoolMark(stored.file, stored.end)
        self._positions.cover(self._mark)
        for segment in batch.segments:
            self._ledger.left(segment)
            self._batches.release(segment.size)
            self._positions.settle(segment)
        if is_live:
            self._live[stored.file, stored.offset] = batch.count
            self._open.add((stored.file, stored.offset))
        else:
            self._ledger.spool(batch.count)
        if is_live is self._is_bridging:
            self._is_bridging = not is_live
            if self._is_bridging:
                log.warning("output unavailable: spooling to disk", output=self._output)
        self._ledger.spool_bytes = self._spool.size_bytes
        self._appended.set()

    async def _cover(self) -> None:
        """Have positions on disk after each append; what is appended meanwhile shares the next write."""
        while True:
            await self._appended.wait()
            self._appended.clear()
            backoff = self._backoff()
            while not await self._cover_once():
                await self._look(backoff.next())

    async def _cover_once(self) -> bool:
        mark = self._mark
        if mark is None:
            return True
        if not await self._positions.flush():
            return False
        self._spool.release(mark)
        self._released()
        return True

    def _tell(self, error: OSError) -> None:
        is_full = isinstance(error, SpoolFull)
        reason = "the spool is full" if is_full else f"the spool cannot be written ({error.strerror})"
        self._ledger.spool_errors += 1
        self._ledger.spool_error = reason
        if self._notice.is_due():
            log.warning("spooling failed: reading paused", output=self._output, reason=reason)
