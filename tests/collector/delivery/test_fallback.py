"""Laws of a fallback: what an output that is away for long cannot take is settled by another, and counted in both."""

from pathlib import Path

from collector.errors import Unavailable
from collector.model import Batch, Receipt
from tests.collector.desk import Desk
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until
from tests.contract.segments import batch, by_id, plain_segment


class Remote(RecordingShipper):
    """A destination that may be away."""

    away = False

    async def ship(self, batch: Batch) -> Receipt:
        if self.away:
            raise Unavailable("away")
        return await super().ship(batch)


class Pair:
    """An output that is away, and its fallback."""

    def __init__(self, directory: Path, *, after_seconds: float = 0.0, spool_bytes: int = 0) -> None:
        self.first, self.second = Remote(), Remote()
        self.first.away = True
        self.desk = Desk(directory / "first", self.first, spool_bytes=spool_bytes, spool_after_seconds=0.05)
        self.other = Desk(directory / "second", self.second)
        self.desk.delivery.fall_back_to(self.other.delivery, after_seconds)


async def test_what_an_output_cannot_take_is_settled_by_its_fallback(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    sent = [plain_segment(5, first=5 * n) for n in range(10)]
    async with pair.other.open(), pair.desk.open():
        await pair.desk.put(*sent)
        await until(lambda: len(pair.desk.settled) == 10)
    assert pair.second.stored == by_id([batch(*sent)])
    assert pair.first.stored == {}
    first, second = pair.desk.ledger, pair.other.ledger
    assert (first.fallback, first.acknowledged, first.in_flight, first.in_flight_bytes) == (50, 0, 0, 0)
    assert (second.read, second.taken_over, second.acknowledged, second.in_flight) == (50, 50, 50, 0)


async def test_an_output_that_is_back_takes_its_documents_itself(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    async with pair.other.open(), pair.desk.open():
        await pair.desk.put(plain_segment(5))
        await until(lambda: pair.desk.ledger.fallback == 5)
        pair.first.away = False
        fallback = pair.desk.delivery._fallback
        assert fallback is not None
        fallback._ask_at = 0.001  # its time has come
        await pair.desk.put(plain_segment(5, first=5))
        await until(lambda: not pair.desk.delivery.is_away)
        await pair.desk.put(plain_segment(5, first=10))
    assert pair.desk.ledger.fallback == 5
    assert len(pair.first.stored) == 10


async def test_a_short_absence_is_none_of_the_fallbacks_business(tmp_path: Path) -> None:
    pair = Pair(tmp_path, after_seconds=60.0)
    async with pair.other.open(), pair.desk.open():
        await pair.desk.put(plain_segment(5))
        await until(lambda: pair.desk.ledger.requests["unavailable"] > 5)
        pair.first.away = False
    assert (pair.desk.ledger.acknowledged, pair.other.ledger.read) == (5, 0)


async def test_what_was_spooled_stays_the_outputs_own(tmp_path: Path) -> None:
    pair = Pair(tmp_path, after_seconds=0.3, spool_bytes=1 << 20)
    async with pair.other.open(), pair.desk.open():
        await pair.desk.put(plain_segment(5))
        await until(lambda: pair.desk.ledger.spooled == 5)
        first = 5
        while not pair.desk.ledger.fallback:
            await pair.desk.put(plain_segment(5, first=first))
            first += 5
            await until(lambda: pair.desk.ledger.in_flight <= 5)
        pair.first.away = False
        await until(lambda: not pair.desk.ledger.spool_bytes)
    assert pair.second.stored.keys().isdisjoint(pair.first.stored)
    assert len(pair.second.stored) + len(pair.first.stored) == pair.desk.ledger.read


async def test_while_both_are_away_nothing_is_handed_over_and_the_one_that_is_back_takes_it(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.second.away = True
    async with pair.other.open():
        await pair.other.put(plain_segment(1, "own"))
        await until(lambda: pair.other.delivery.is_away)
        async with pair.desk.open():
            await pair.desk.put(plain_segment(5))
            await until(lambda: pair.desk.ledger.requests["unavailable"] > 5)
            pair.first.away = False
        pair.second.away = False
    assert (pair.desk.ledger.acknowledged, pair.other.ledger.taken_over) == (5, 0)


async def test_a_fallback_that_fails_on_the_way_gives_the_documents_back(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.second.away = True  # which it shows when it is asked
    async with pair.other.open(), pair.desk.open():
        await pair.desk.put(plain_segment(5))
        await until(lambda: pair.other.delivery.is_away)
        pair.first.away = False
    assert (pair.desk.ledger.acknowledged, pair.other.ledger.taken_over, pair.other.ledger.in_flight) == (5, 0, 0)


async def test_what_the_fallback_refuses_is_its_dead_letter(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.second.answer = lambda name, document: "bad"
    async with pair.other.open(), pair.desk.open():
        await pair.desk.put(plain_segment(5))
        await until(lambda: pair.desk.ledger.fallback == 5)
    assert (pair.other.ledger.dead_lettered, pair.desk.ledger.dead_lettered) == (5, 0)
    assert len(pair.other.letters) == 5


async def test_an_end_of_the_fallback_gives_the_documents_back(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.second.answer = lambda name, document: "retry"
    async with pair.desk.open():
        async with pair.other.open():
            await pair.desk.put(plain_segment(5))
            await until(lambda: len(pair.second.batches) > 2)
        pair.first.away = False
    assert (pair.desk.ledger.acknowledged, pair.desk.ledger.fallback) == (5, 0)
