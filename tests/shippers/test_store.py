"""The embedded store: the laws of every shipper, then what only a store promises."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
import structlog

from collector.clock import SureClock
from collector.errors import StateError, Unavailable
from collector.model import Batch, Segment
from collector.ports import OutputContext, Query, Shipper
from shippers.store import Settings, Store
from shippers.store.building import MAX_ROWS
from shippers.store.rows import nanoseconds
from tests.contract.faults import file_size_limit
from tests.contract.segments import batch, by_id, document, log_stream, plain_segment, segment
from tests.contract.shippers import Destination, ShipperContract, deliver
from tests.needs import marks

SHOP = log_stream()

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


def opened_store(site: OutputContext, now: float = NOON, *, retention_days: int = 7, max_bytes: int = 2 << 30) -> Store:
    settings = quick_settings(retention_days=retention_days, max_bytes=max_bytes)
    return Store(settings, site, now=lambda: now)


def quick_settings(*, retention_days: int = 7, max_bytes: int = 2 << 30) -> Settings:
    return Settings(commit_seconds=0.02, retention_days=retention_days, max_bytes=max_bytes)


@pytest.fixture
def site(tmp_path: Path) -> OutputContext:
    return OutputContext("store", tmp_path / "store")


@asynccontextmanager
async def storing(site: OutputContext, now: float = NOON, *, max_bytes: int = 2 << 30) -> AsyncIterator[Store]:
    store = opened_store(site, now, max_bytes=max_bytes)
    try:
        yield store
    finally:
        await store.aclose()


class StoreDestination:
    settings = quick_settings()

    def __init__(self, site: OutputContext) -> None:
        self.site = site

    def open(self) -> Shipper:
        return opened_store(self.site)

    async def stored(self) -> dict[str, list[bytes]]:
        found: dict[str, list[bytes]] = {}
        async with storing(self.site) as store:
            answer = await store.search(Query(limit=100_000))
        assert answer.total == len(answer.documents)
        for body in answer.documents:
            name, _, rest = body.partition(b",")
            found.setdefault(json.loads(name + b"}")["_id"], []).append(b"{" + rest)
        return found


class TestStoreKeepsTheLawsOfShippers(ShipperContract):
    takes_anything = True

    @pytest.fixture
    def destination(self, site: OutputContext) -> Destination:
        return StoreDestination(site)


async def found(store: Store, text: str = "", **options: object) -> list[str]:
    """The `message` of each document found, newest first."""
    answer = await store.search(Query(text=text, **{"limit": 1_000, **options}))  # type: ignore[arg-type]
    return [json.loads(body)["log"]["message"] for body in answer.documents]


# Order, bounds and targets


def at(day: str, nanosecond: int, name: str) -> tuple[str, bytes]:
    return day, document({"message": name}, SHOP, time=f"{day}T10:00:00.{nanosecond:09}Z")


async def days_of(store: Store) -> None:
    """Three documents on each of three days, a nanosecond apart, shipped in another order than theirs."""
    segments: list[Segment] = []
    for day in ("2026-11-22", "2026-11-20", "2026-11-21"):
        bodies = [at(day, n, f"{day[-2:]}.{n}")[1] for n in (1, 2, 0)]
        segments.append(segment(bodies, SHOP, day=day, first=len(segments) * 3))
    await deliver(store, batch(*segments))


NEWEST_FIRST = ["22.2", "22.1", "22.0", "21.2", "21.1", "21.0", "20.2", "20.1", "20.0"]


async def test_documents_come_newest_first_by_the_nanosecond_over_all_days(site: OutputContext) -> None:
    async with storing(site) as store:
        await days_of(store)
        assert await found(store) == NEWEST_FIRST


@pytest.mark.parametrize("limit", [0, 1, 4, 9, 10**12])
async def test_the_limit_cuts_the_documents_and_never_the_total(site: OutputContext, limit: int) -> None:
    async with storing(site) as store:
        await days_of(store)
        answer = await store.search(Query(limit=limit))
        assert (answer.total, len(answer.documents)) == (9, min(limit, 9))
        assert await found(store, limit=limit) == NEWEST_FIRST[:limit]


async def test_since_is_in_the_range_and_until_is_not(site: OutputContext) -> None:
    since, until = nanoseconds("2026-11-20T10:00:00.000000002Z"), nanoseconds("2026-11-22T10:00:00.000000001Z")
    async with storing(site) as store:
        await days_of(store)
        assert await found(store, since=since) == NEWEST_FIRST[:7]
        assert await found(store, until=until) == NEWEST_FIRST[2:]
        assert await found(store, since=since, until=until) == NEWEST_FIRST[2:7]
        assert await found(store, since=until, until=until) == []
        assert await found(store, since=-5, until=2**70) == NEWEST_FIRST


async def test_a_target_is_matched_whole_and_by_case(site: OutputContext) -> None:
    targets = ["shop", "Shop", "shop-2", "a b", "", "größe/日本", "a" * 300]
    async with storing(site) as store:
        await deliver(store, batch(*(plain_segment(n + 1, name) for n, name in enumerate(targets))))
        for n, name in enumerate(targets):
            answer = await store.search(Query(target=name))
            assert answer.total == n + 1
        assert (await store.search(Query(target="sho"))).total == 0


async def test_a_found_document_is_the_one_shipped_with_its_id(site: OutputContext) -> None:
    sent = batch(plain_segment(1))
    async with storing(site) as store:
        await deliver(store, sent)
        answer = await store.search(Query())
    (name,), (body,) = sent.segments[0].ids, sent.segments[0].documents
    assert answer.documents == [b'{"_id":"%b",' % name.encode() + body[1:]]


async def test_what_was_acknowledged_is_found_while_more_is_written(site: OutputContext) -> None:
    async with storing(site) as store:
        for n in range(10):
            part = batch(plain_segment(50, first=50 * n))
            under_way = asyncio.create_task(store.ship(batch(plain_segment(50, "other", first=50 * n))))
            await deliver(store, part)
            assert (await store.search(Query(target="shop"))).total == 50 * (n + 1)
            await under_way


async def test_an_empty_store_answers_and_a_closed_one_says_so(site: OutputContext) -> None:
    store = opened_store(site)
    assert (await store.search(Query())).total == 0
    await store.aclose()
    with pytest.raises(StateError):
        await store.search(Query())
    with pytest.raises(Unavailable):
        await store.ship(batch(plain_segment(1)))


# What a document may be


async def test_a_document_without_a_time_or_that_is_no_object_is_rejected_alone(site: OutputContext) -> None:
    bodies = [*plain_segment(1).documents, b'{"log":{}}', b"[1]", b'{"log"', *plain_segment(2).documents[1:]]
    part = segment(bodies, SHOP)
    async with storing(site) as store:
        receipt = await deliver(store, batch(part))
    assert receipt.delivered == 2
    assert [each.index for each in receipt.rejected] == [1, 2, 3]
    assert all(each.reason for each in receipt.rejected)


async def test_a_day_that_is_none_is_rejected_and_makes_no_directory(site: OutputContext, tmp_path: Path) -> None:
    parts = [plain_segment(2, day=day, file=day) for day in ("../../x", "2026-13-01", "", "20261123")]
    async with storing(site) as store:
        receipt = await deliver(store, batch(*parts, plain_segment(1)))
    assert (receipt.delivered, len(receipt.rejected)) == (1, 8)
    assert [path.name for path in site.directory.iterdir()] == ["2026-11-23"]
    assert not (tmp_path / "x").exists()


async def test_more_fields_than_are_indexed_leave_the_text_searchable(site: OutputContext) -> None:
    log = {"message": "many", **{f"k{n}": f"value{n}" for n in range(5_000)}, "k" * 70_000: "longkey"}
    async with storing(site) as store:
        await deliver(store, batch(segment([document(log, SHOP)], SHOP)))
        for text in ("many", "value4999", "longkey", "value0"):
            assert await found(store, text) == ["many"]


# Exactly once, whatever happens

CRASHING = """
import asyncio, sys
from pathlib import Path
from collector.ports import OutputContext
from shippers.store import Settings
from tests.contract.segments import batch, plain_segment

async def main():
    store = Settings(commit_seconds=0.02).open(OutputContext("crash", Path(sys.argv[1])))
    async def ship(worker):
        for n in range(worker, 10_000, 2):
            day = f"2026-11-{20 + n % 5}"
            receipt = await store.ship(batch(plain_segment(50, day=day, first=50 * n)))
            assert receipt.delivered == 50
            print(n, flush=True)
    await asyncio.gather(ship(0), ship(1))

asyncio.run(main())
"""


def numbered(n: int) -> Batch:
    return batch(plain_segment(50, day=f"2026-11-{20 + n % 5}", first=50 * n))


async def test_after_a_crash_what_was_acknowledged_is_there_and_what_is_shipped_again_stands_once(
    site: OutputContext,
) -> None:
    acknowledged = await asyncio.to_thread(killed_after, site.directory, batches=30)
    destination = StoreDestination(site)
    there = await destination.stored()
    assert set(by_id(map(numbered, acknowledged))) <= set(there)
    everything = [numbered(n) for n in range(max(acknowledged) + 10)]
    async with storing(site) as store:
        receipts = [await deliver(store, sent) for sent in everything]
    assert sum(receipt.duplicate for receipt in receipts) == len(there)
    again = await destination.stored()
    assert set(again) == set(by_id(everything))
    assert {len(copies) for copies in again.values()} == {1}


def killed_after(directory: Path, *, batches: int) -> list[int]:
    """Batches that a process acknowledged before it was killed in the middle of its work."""
    with subprocess.Popen(
        [sys.executable, "-c", CRASHING, str(directory)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(batches)]
        process.kill()
        return acknowledged + [int(line) for line in process.stdout]


async def test_a_full_disk_is_unavailable_with_a_remedy_and_then_each_document_stands_once(site: OutputContext) -> None:
    random = Random(1)

    def part(n: int) -> Batch:
        bodies = [document({"message": random.randbytes(16).hex()}, SHOP) for _ in range(2_000)]
        return batch(segment(bodies, SHOP, first=2_000 * n, day=f"2026-11-2{n}"))

    parts = [part(n) for n in range(3)]
    more = part(9)
    async with storing(site) as store:
        await deliver(store, parts[0])
        with file_size_limit(20_000):
            for each in parts:
                with pytest.raises(Unavailable) as caught:
                    await deliver(store, batch(*each.segments, *more.segments))
                assert caught.value.remedy
                assert (await store.search(Query())).total >= 2_000
        receipts = [await deliver(store, each) for each in parts]
    assert receipts[0].duplicate == 2_000
    stored = await StoreDestination(site).stored()
    assert set(by_id(parts)) <= set(stored)
    assert {len(copies) for copies in stored.values()} == {1}


@pytest.fixture
@marks("root")
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB; only root may mount one."""
    directory = tmp_path / "disk"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", directory], check=True)
    yield directory
    subprocess.run(["umount", directory], check=True)


async def test_a_disk_without_room_is_told_as_what_it_is_and_ends_when_there_is_some(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes((16 << 20) - 8192))
    sent = batch(plain_segment(2_000))
    with structlog.testing.capture_logs() as logged:
        async with storing(OutputContext("store", small_disk / "store")) as store:
            for _ in range(2):
                with pytest.raises(Unavailable, match="no space left on device"):
                    await deliver(store, sent)
            filler.unlink()
            await deliver(store, sent)
            assert (await store.search(Query())).total == 2_000
    assert {entry["log_level"] for entry in logged} <= {"debug"}


@pytest.mark.parametrize("removed", ["2026-11-23", "."])
async def test_what_is_removed_under_the_store_is_made_anew(site: OutputContext, removed: str) -> None:
    first, second = batch(plain_segment(50)), batch(plain_segment(50, first=50))
    async with storing(site) as store:
        await deliver(store, first)
        shutil.rmtree(site.directory / removed)
        with pytest.raises(Unavailable):
            await store.ship(second)
        assert (await store.search(Query())).total == 0
        await deliver(store, first)
        await deliver(store, second)
    assert set(await StoreDestination(site).stored()) == set(by_id([first, second]))


async def test_many_days_in_one_batch_all_arrive(site: OutputContext) -> None:
    sent = batch(*(plain_segment(20, day=f"2026-11-{day:02}", file=str(day)) for day in range(23, 3, -1)))
    async with storing(site) as store:
        assert (await deliver(store, sent)).delivered == 400
        assert (await deliver(store, sent)).duplicate == 400
        assert (await store.search(Query())).total == 400


# The directory


async def test_a_directory_that_another_store_uses_is_unavailable_until_that_one_is_closed(site: OutputContext) -> None:
    sent = batch(plain_segment(1))
    async with storing(site) as second:
        async with storing(site) as first:
            await deliver(first, sent)
            with pytest.raises(Unavailable, match="another process"):
                await second.ship(sent)
            with pytest.raises(StateError, match="state_dir"):
                await second.search(Query())
        assert (await deliver(second, sent)).duplicate == 1


async def test_a_directory_that_cannot_be_is_an_error_with_its_remedy(site: OutputContext) -> None:
    make_file(site.directory)
    async with storing(site) as store:
        with pytest.raises(Unavailable) as caught:
            await store.ship(batch(plain_segment(1)))
        if not caught.value.remedy:
            raise caught.value
        with pytest.raises(StateError, match=str(site.directory)):
            await store.search(Query())


def make_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("in the way")


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)


def rows(site: OutputContext, count: int) -> Batch:
    """Documents of two days, of which the first has a block and the second only a journal."""
    return batch(plain_segment(count, day="2026-11-22"), plain_segment(20, first=count))


@pytest.mark.parametrize("damage", [cut_short, flipped])
async def test_a_damaged_block_costs_its_day_which_is_set_aside_and_told(
    site: OutputContext, damage: Callable[[Path], None]
) -> None:
    sent = rows(site, MAX_ROWS + 10)
    async with storing(site) as store:
        await deliver(store, sent)
    damage(site.directory / "2026-11-22" / "00000001.block")
    with structlog.testing.capture_logs() as told:
        async with storing(site) as store:
            for _ in range(2):
                with suppress(StateError):
                    await store.search(Query(text="line", facets=("message",), limit=1000, sort="oldest"))
            assert (await store.search(Query())).total == 20
            receipt = await deliver(store, sent)
    assert (receipt.delivered, receipt.duplicate) == (MAX_ROWS + 10, 20)
    assert {"damaged store day moved aside"} <= {line["event"] for line in told}
    assert sorted(path.name for path in site.directory.iterdir()) == ["2026-11-22", "2026-11-22.damaged", "2026-11-23"]


async def test_a_journal_that_was_cut_off_keeps_what_stands_before(site: OutputContext) -> None:
    parts = [batch(plain_segment(20, first=20 * n)) for n in range(3)]
    async with storing(site) as store:
        for part in parts:
            await deliver(store, part)
    journal = site.directory / "2026-11-23" / "journal"
    journal.write_bytes(journal.read_bytes()[:-5])
    async with storing(site) as store:
        assert (await store.search(Query())).total == 40
        receipts = [await deliver(store, part) for part in parts]
        assert [receipt.delivered for receipt in receipts] == [0, 0, 20]
    async with storing(site) as store:
        assert (await store.search(Query())).total == 60


async def test_damage_amid_a_journal_sets_the_day_aside(site: OutputContext) -> None:
    async with storing(site) as store:
        for n in range(3):
            await deliver(store, batch(plain_segment(20, first=20 * n)))
    flipped(site.directory / "2026-11-23" / "journal")
    async with storing(site) as store:
        assert (await store.search(Query())).total == 0
    assert [path.name for path in site.directory.iterdir()] == ["2026-11-23.damaged"]


async def test_what_stands_in_a_block_and_in_the_journal_is_there_once(site: OutputContext) -> None:
    """As after a crash between the two."""
    part = batch(plain_segment(MAX_ROWS - 10))
    journal = site.directory / "2026-11-23" / "journal"
    async with storing(site) as store:
        await deliver(store, part)
        kept = journal.read_bytes()
        await deliver(store, batch(plain_segment(20, first=MAX_ROWS - 10)))
    assert len(kept) > len(journal.read_bytes())
    journal.write_bytes(kept)
    async with storing(site) as store:
        assert (await store.search(Query())).total == MAX_ROWS + 10
        assert (await deliver(store, part)).duplicate == MAX_ROWS - 10


async def test_days_that_are_over_are_written_as_blocks_when_the_store_is_opened(site: OutputContext) -> None:
    """Their documents would stay in memory."""
    async with storing(site) as store:
        for day in range(19, 22):
            await deliver(store, batch(aged(day)))
    async with storing(site) as store:
        await deliver(store, batch(aged(22), aged(23)))
    async with storing(site) as store:
        assert (await store.search(Query())).total == 25
    blocks = sorted(path.parent.name for path in site.directory.rglob("*.block"))
    assert blocks[:2] == ["2026-11-19", "2026-11-20"]
    async with storing(site) as store:
        assert (await store.search(Query())).total == 25
        assert (await deliver(store, batch(*map(aged, range(19, 24))))).duplicate == 25


# Retention


def aged(day: int, count: int = 5) -> Segment:
    return plain_segment(count, day=f"2026-11-{day:02}", file=str(day))


def days_left(site: OutputContext) -> list[int]:
    return sorted(int(path.name[8:10]) for path in site.directory.iterdir())


async def test_days_older_than_the_retention_are_removed_when_the_store_is_opened_and_that_is_told(
    site: OutputContext,
) -> None:
    async with storing(site, NOON - 20 * 86_400) as store:
        await deliver(store, batch(*map(aged, range(10, 24))))
        assert days_left(site) == list(range(10, 24))
    with structlog.testing.capture_logs() as told:
        async with storing(site) as store:
            assert (await store.search(Query())).total == 40
            assert store.removed_documents == 30
    assert days_left(site) == list(range(16, 24))
    assert [(line["day"], line["reason"], line["documents"]) for line in told] == [
        (f"2026-11-{day}", "age", 5) for day in range(10, 16)
    ]


async def test_the_oldest_days_are_removed_while_all_are_too_big_and_never_todays(site: OutputContext) -> None:
    async with storing(site) as store:
        await deliver(store, batch(*(aged(day, 500) for day in range(19, 25))))
    size = sum(path.stat().st_size for path in site.directory.rglob("*") if path.is_file())
    async with storing(site, max_bytes=size * 3 // 4) as store:
        await store.search(Query())
        assert days_left(site) == [21, 22, 23, 24]
    async with storing(site, max_bytes=1) as store:
        assert (await store.search(Query())).total == 1_000
        assert days_left(site) == [23, 24]


async def test_age_is_looked_at_again_while_the_store_is_open(site: OutputContext) -> None:
    now = [NOON]
    store = Store(Settings(commit_seconds=0.02), site, now=lambda: now[0])
    await deliver(store, batch(aged(22)))
    now[0] += 7 * 86_400
    await deliver(store, batch(plain_segment(1, day="2026-11-30")))
    assert days_left(site) == [30]
    assert await found(store) == ["line 0"]
    await store.aclose()


@pytest.mark.parametrize("jump", [30 * 86_400, -30 * 86_400])
async def test_a_clock_that_is_wrong_for_a_while_removes_no_day(site: OutputContext, jump: float) -> None:
    steady, ahead = [0.0], [0.0]
    clock = SureClock(lambda: NOON + steady[0] + ahead[0], lambda: steady[0])
    store = Store(Settings(commit_seconds=0.02), site, now=clock.now)
    for minute in range(0, 60, 2):
        steady[0] = minute * 60
        ahead[0] = jump if 30 <= minute < 36 else 0
        await deliver(store, batch(plain_segment(1, day=f"2026-11-{17 + minute // 2 % 7:02}", file=str(minute))))
    await store.aclose()
    assert days_left(site) == list(range(17, 24))


async def test_a_start_with_a_wrong_clock_removes_no_day(site: OutputContext) -> None:
    async with storing(site) as store:
        await deliver(store, batch(aged(20), aged(22)))
    store = Store(Settings(commit_seconds=0.02), site, now=SureClock(lambda: NOON + 300 * 86_400, lambda: 5.0).now)
    assert (await store.search(Query())).total == 10
    await store.aclose()
    assert days_left(site) == [20, 22]


async def test_the_size_is_kept_though_nobody_is_sure_of_the_time(site: OutputContext) -> None:
    async with storing(site) as store:
        await deliver(store, batch(aged(20), aged(22)))
    store = Store(Settings(commit_seconds=0.02, max_bytes=1), site, now=lambda: None)
    assert (await store.search(Query())).total == 5
    await store.aclose()
    assert days_left(site) == [22]


async def test_a_day_set_aside_ages_like_the_others(site: OutputContext) -> None:
    async with storing(site) as store:
        await deliver(store, batch(aged(22)))
    (site.directory / "2026-11-22" / "00000001.block").write_bytes(b"no block")
    async with storing(site) as store:
        await store.search(Query())
        assert [path.name for path in site.directory.iterdir()] == ["2026-11-22.damaged"]
    async with storing(site, NOON + 9 * 86_400) as store:
        await store.search(Query())
    assert list(site.directory.iterdir()) == []


async def test_an_answer_is_bounded_in_bytes_and_says_when_it_was_cut(site: OutputContext) -> None:
    stream = log_stream()
    large = [document({"message": f"{number} " + "x" * 1_000_000}, stream) for number in range(20)]
    async with storing(site) as store:
        await deliver(store, batch(segment(large, stream)))
        answer = await store.search(Query(limit=400, most_bytes=5_000_000))
        assert (answer.total, len(answer.documents), answer.cut) == (20, 4, True)
        assert (await store.search(Query(limit=400, most_bytes=1))).cut
        assert len((await store.search(Query(limit=400, most_bytes=1))).documents) == 1
        answer = await store.search(Query(limit=3))
        assert (len(answer.documents), answer.cut) == (3, False)
