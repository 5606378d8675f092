"""Laws of a destination that dies: of one document it dies no more in the end; of others no document is given up."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from random import Random

import pytest

from collector.delivery.backoff import Backoff
from collector.delivery.suspects import KILLS
from collector.errors import Unavailable
from collector.model import Batch, Receipt
from tests.collector.desk import Desk
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until
from tests.contract.segments import by_id, document, log_stream, plain_segment, segment

POISON = b"poison"


REFUSED = ("refused", "refused")
BOOTS = {
    "refused": REFUSED,
    "broken off by a proxy": ("reset",) * 2,
    "broken off for long": ("reset",) * 60,
    "a page of a proxy": ("refused", "reset", *("page",) * 20),
    "all in turn": ("refused", "reset", "page", "refused", "reset", "busy", "reset", "busy", "page"),
    "its indices start": (*("reset",) * 3, *("busy",) * 6),
}


class Mortal(RecordingShipper):
    """Dies of a batch where `dies` says so, with what else is on its way; `boots` is what those meet that come then."""

    def __init__(self, dies: Callable[[Batch], bool], boots: Sequence[str] = REFUSED) -> None:
        super().__init__()
        self.dies = dies
        self.boots = boots
        self.left: list[str] = []
        self.deaths: list[Batch] = []
        self.under_way = 0
        self.most_under_way_at_a_death = 0
        self.lives = 0

    async def ship(self, batch: Batch) -> Receipt:
        self.under_way += 1
        life = self.lives
        try:
            await asyncio.sleep(0)
            if life != self.lives:
                raise Unavailable("reset", is_lost=True)
            met = self.left.pop() if self.left else ""
            if met == "busy":
                return Receipt(retry=batch)
            if met:
                raise Unavailable(met, is_lost=met == "reset")
            if self.dies(batch):
                self.deaths.append(batch)
                self.lives += 1
                self.left = list(reversed(self.boots))
                self.most_under_way_at_a_death = self.under_way
                raise Unavailable("reset", is_lost=True)
            return await super().ship(batch)
        finally:
            self.under_way -= 1


class Pair(Mortal):
    """Two of them that are asked in turn: while one boots for so many requests, what comes to it is broken off."""

    def __init__(self, dies: Callable[[Batch], bool], boots: int) -> None:
        super().__init__(dies)
        self.boot_requests = boots
        self.turns = count()
        self.booting = [0, 0]

    async def ship(self, batch: Batch) -> Receipt:
        await asyncio.sleep(0)
        self.booting = [max(0, left - 1) for left in self.booting]
        which = next(self.turns) % 2
        if self.booting[which]:
            raise Unavailable("reset", is_lost=True)
        if self.dies(batch):
            self.deaths.append(batch)
            self.booting[which] = self.boot_requests
            raise Unavailable("reset", is_lost=True)
        return await RecordingShipper.ship(self, batch)


def patient(directory: Path, shipper: Mortal, *, batch_bytes: int = 1 << 20) -> Desk:
    """A delivery that tries again and again without a pause: how often counts here, and not how long."""
    return Desk(directory, shipper, batch_bytes=batch_bytes, backoff=lambda: Backoff(0.0))


def holds_poison(batch: Batch) -> bool:
    return any(POISON in one for part in batch.segments for one in part.documents)


def lines(count: int, poisoned: set[int], target: str = "shop", *, first: int = 0) -> tuple[Batch, set[str]]:
    stream = log_stream(target)
    texts = [{"n": n, "poison": n} if n in poisoned else {"n": n} for n in range(first, first + count)]
    part = segment([document(text, stream) for text in texts], stream, first=first)
    return Batch((part,)), {part.ids[n - first] for n in poisoned}


@pytest.mark.parametrize("boots", BOOTS)
@pytest.mark.parametrize("poisoned", [{0}, {499}, {250, 251}, {3, 100, 480}])
async def test_a_document_that_a_destination_dies_of_is_a_dead_letter_in_the_end(
    tmp_path: Path, poisoned: set[int], boots: str
) -> None:
    sent, names = lines(500, poisoned)
    mortal = Mortal(holds_poison, BOOTS[boots])
    desk = patient(tmp_path, mortal)
    async with desk.open():
        await desk.put(*sent.segments, plain_segment(5, "till"))
    assert {letter["_id"] for letter in desk.letters} == names
    assert {letter["reason"] for letter in desk.letters} == {KILLS}
    assert "all 3 times when this document was sent alone" in str(desk.letters[0]["detail"])
    assert set(mortal.stored) == (by_id([sent]).keys() - names) | by_id([Batch((plain_segment(5, "till"),))]).keys()
    assert len(mortal.deaths) <= 2 + 6 * len(names)
    assert (desk.ledger.acknowledged, desk.ledger.dead_lettered) == (505 - len(names), len(names))
    assert desk.settled


@pytest.mark.parametrize("boots", range(1, 11))
async def test_one_of_two_servers_behind_a_name_that_still_boots_makes_no_more_deaths(
    tmp_path: Path, boots: int
) -> None:
    sent, names = lines(100, {7})
    pair = Pair(holds_poison, boots)
    desk = patient(tmp_path, pair)
    async with desk.open():
        await desk.put(*sent.segments, plain_segment(5, "till"))
    assert {letter["_id"] for letter in desk.letters} == names
    assert len(pair.deaths) <= 7


async def test_poison_in_several_batches_at_once_ends(tmp_path: Path) -> None:
    sent = [lines(20, {3}, target) for target in ("a", "b", "c")]
    mortal = Mortal(holds_poison)
    desk = patient(tmp_path, mortal, batch_bytes=1)
    async with desk.open(workers=4):
        for each, _ in sent:
            await desk.put(*each.segments)
            await desk.put(*(plain_segment(1, "till", first=n) for n in range(20)))
    assert {letter["_id"] for letter in desk.letters} == set.union(*(names for _, names in sent))
    assert desk.ledger.dead_lettered == 3


async def test_what_kills_is_alone_on_its_way_when_it_is_judged(tmp_path: Path) -> None:
    sent, _ = lines(40, {7})
    mortal = Mortal(holds_poison)
    desk = patient(tmp_path, mortal, batch_bytes=1)
    async with desk.open(workers=4):
        await desk.put(*sent.segments)
        await desk.put(*(plain_segment(1, "till", first=n) for n in range(200)))
    assert mortal.most_under_way_at_a_death == 1
    assert [one.count for one in mortal.deaths][-3:] == [1, 1, 1]
    assert len(desk.letters) == 1


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))])
@pytest.mark.parametrize("chance", [0.1, 0.2, 0.3, 0.5])
@pytest.mark.parametrize("boots", ["refused", "broken off by a proxy"])
async def test_a_destination_that_dies_by_itself_now_and_then_costs_no_document(
    tmp_path: Path, seed: int, chance: float, boots: str
) -> None:
    random = Random(seed)
    mortal = Mortal(lambda _: random.random() < chance, BOOTS[boots])
    desk = patient(tmp_path, mortal, batch_bytes=1)
    async with desk.open(workers=3):
        await desk.put(*(plain_segment(10, first=10 * n) for n in range(20)))
    assert (desk.ledger.acknowledged + desk.ledger.duplicate, desk.letters) == (200, [])


@pytest.mark.parametrize("every", [2, 3, 4, 5])
@pytest.mark.parametrize("boots", ["refused", "broken off by a proxy", "all in turn"])
async def test_one_that_dies_at_each_few_requests_costs_no_document(tmp_path: Path, every: int, boots: str) -> None:
    requests = count(1)
    mortal = Mortal(lambda _: next(requests) % every == 0, BOOTS[boots])
    desk = patient(tmp_path, mortal, batch_bytes=1)
    async with desk.open(workers=1):
        await desk.put(*(plain_segment(3, first=3 * n) for n in range(10)))
    assert (desk.ledger.acknowledged + desk.ledger.duplicate, desk.letters) == (30, [])


@pytest.mark.parametrize("every", [0, 2, 3, 4, 5, 8, 9])
@pytest.mark.parametrize("since_boot", [False, True])
@pytest.mark.parametrize("boots", ["refused", "broken off by a proxy"])
async def test_a_single_document_is_free_though_it_was_lost_until_it_was_judged(
    tmp_path: Path, every: int, boots: str, *, since_boot: bool
) -> None:
    sent, _ = lines(20, set(range(20)))
    losses = Counter[str]()
    requests: Counter[int] = Counter()

    def dies(batch: Batch) -> bool:
        (first, *_) = (one for part in batch.segments for one in part.ids)
        if holds_poison(batch) and losses[first] < 3:
            losses[first] += 1
            return True
        life = mortal.lives if since_boot else 0
        requests[life] += 1
        return every > 0 and requests[life] % every == 0

    mortal = Mortal(dies, BOOTS[boots])
    desk = patient(tmp_path, mortal, batch_bytes=1)
    async with desk.open(workers=1):
        await desk.put(plain_segment(1, "till"), *(part.part([n]) for part in sent.segments for n in range(20)))
    assert set(losses.values()) == {3}
    assert (desk.ledger.acknowledged + desk.ledger.duplicate, desk.letters) == (21, [])


async def test_an_output_that_is_away_is_not_searched(tmp_path: Path) -> None:
    mortal = Mortal(lambda _: False)
    mortal.left = ["refused"] * 6
    desk = patient(tmp_path, mortal)
    sizes: list[int] = []
    mortal.before_each = lambda: sizes.append(1)
    async with desk.open():
        await desk.put(plain_segment(10))
    assert (len(sizes), desk.letters) == (1, [])
    assert [one.count for one in mortal.batches] == [10]


async def test_where_nothing_else_went_through_the_only_document_waits_until_something_does(tmp_path: Path) -> None:
    sent, names = lines(1, {0})
    mortal = Mortal(holds_poison)
    desk = patient(tmp_path, mortal)
    async with desk.open():
        await desk.put(*sent.segments)
        await until(lambda: len(mortal.deaths) == 3)
        for _ in range(200):
            await asyncio.sleep(0.001)
        assert (len(mortal.deaths), desk.letters) == (3, [])
        await desk.put(plain_segment(1, "till"))
    assert {letter["_id"] for letter in desk.letters} == names
    assert len(mortal.deaths) == 6


async def test_a_batch_that_a_restart_cut_off_once_is_sent_whole_again(tmp_path: Path) -> None:
    mortal = Mortal(lambda _: not mortal.deaths)
    desk = patient(tmp_path, mortal)
    async with desk.open():
        await desk.put(plain_segment(50))
    assert [one.count for one in mortal.batches] == [50]
