"""The laws that every shipper keeps (`collector.ports.Shipper`).

A destination's test module subclasses `ShipperContract`, overrides the fixture `destination`, and sets the attributes
that say what kind it is. Where the destination has `settings`, their promise is held to what it does.
"""

import asyncio
import json
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar, Protocol

import pytest

from collector.model import Batch, Receipt
from collector.ports import OutputContext, Shipper, ShipperSettings

from .segments import batch, by_id, document, log_stream, messages, plain_segment, segment

HOSTILE_TARGETS = (
    "../../x", "/etc/x", "..", ".", "", "UPPER-Case", "a" * 300, "größe-日本", "-_+lead", "a b,c*d?e\"f<g>h|i\\j#k:l",
    "nul\x00inside", "line\nbreak", "{target}", "%Y", "%n%s",
)  # fmt: skip

HOSTILE_LOGS = (
    '{"message":"größe 日本 🐟 \\ud83d\\udc1f"}',
    '{"message":"nul \\u0000 inside"}',
    '{"message":"a lone \\ud800 surrogate"}',
    '{"message":"quotes \\" \\\\ \\/ and {\\"create\\":{}}"}',
    '{"message":"x","huge":123456789012345678901234567890}',
    '{"message":"x","beyond":9223372036854775808,"below":-9223372036854775809}',
    '{"message":"x","number":1e999}',
    '{"message":"first","message":"second"}',
    '{"message":"x","":"empty key",".":1,"a..b":2," ":3}',
    '{"message":"x","deep":' + '{"d":' * 200 + "1" + "}" * 200 + "}",
    '{"message":"x","deep":' + "[" * 200 + "1" + "]" * 200 + "}",
    '{"message":{"an":"object"}}',
    '{"message":["a",["list",null]],"_id":"mine","@timestamp":"yesterday"}',
    '{"message":"' + "long " * 20_000 + '"}',
    '{"message":"' + "w" * 70_000 + '"}',
    "{}",
)


class Destination(Protocol):
    """A fresh, empty place to ship to, as a test sees it."""

    def open(self) -> Shipper:
        """Give a shipper on it, as `Settings.open` does; again after the former one is closed, like a restart."""
        ...

    async def stored(self) -> dict[str, list[bytes]] | None:
        """Read back every document under its `_id`, one entry per copy; None where nothing can be read back."""
        ...


def settled(receipt: Receipt, sent: Batch) -> Receipt:
    """The receipt, after checking that it accounts for every document of the batch."""
    rejected = len(receipt.rejected)
    assert receipt.delivered + receipt.duplicate + rejected + receipt.retry.count == sent.count
    assert min(receipt.delivered, receipt.duplicate) >= 0
    assert all(0 <= each.index < each.segment.count for each in receipt.rejected)
    return receipt


async def deliver(shipper: Shipper, sent: Batch) -> Receipt:
    """Ship until nothing is to be sent again, adding the receipts up."""
    total = settled(await shipper.ship(sent), sent)
    for _ in range(10):
        if not total.retry.count:
            return total
        again = settled(await shipper.ship(total.retry), total.retry)
        total = Receipt(
            delivered=total.delivered + again.delivered,
            duplicate=total.duplicate + again.duplicate,
            rejected=total.rejected + again.rejected,
            retry=again.retry,
        )
    raise AssertionError(f"still asked to retry {total.retry.count} documents: {total.waits}")


def rejected_ids(receipt: Receipt) -> set[str]:
    return {each.segment.ids[each.index] for each in receipt.rejected}


def same_json(one: bytes, other: bytes) -> bool:
    """Whether two texts say the same: members in any order, duplicate keys and every digit kept."""
    return canonical(one) == canonical(other)


def canonical(text: bytes) -> object:
    def members(pairs: list[tuple[str, object]]) -> list[tuple[str, object]]:
        return sorted(pairs, key=lambda pair: (pair[0], repr(pair[1])))

    value: object = json.loads(text, object_pairs_hook=members)
    return value


def files_below(directory: Path) -> set[Path]:
    return {path for path in directory.rglob("*") if path.is_file()}


class ShipperContract:
    """Subclass it, override the fixture `destination`, and say what kind of destination it is."""

    deduplicates: ClassVar[bool] = True
    """A document shipped again under its id is counted as a duplicate and stands there once."""

    deduplicates_batches: ClassVar[bool] = False
    """A batch shipped again as a whole stands there once; a part of it, or a document in another batch, does not."""

    takes_anything: ClassVar[bool] = False
    """No document is refused for its content."""

    hostile_logs: ClassVar[Sequence[str]] = HOSTILE_LOGS
    """What applications may write."""

    @pytest.fixture
    def site(self, tmp_path: Path) -> OutputContext:
        return OutputContext("under_test", tmp_path / "state" / "under_test")

    @pytest.fixture
    @abstractmethod
    def destination(self, site: OutputContext) -> Destination:
        """A fresh destination; an override may be an async fixture and clean up behind `yield`."""
        raise NotImplementedError

    @asynccontextmanager
    async def opened(self, destination: Destination) -> AsyncIterator[Shipper]:
        shipper = destination.open()
        try:
            yield shipper
        finally:
            await shipper.aclose()

    async def assert_stored(
        self, destination: Destination, sent: Iterable[Batch], *, without: Iterable[str] = (), once: bool = True
    ) -> None:
        """Check that exactly the documents `sent`, but for the ids in `without`, are there with their own content."""
        stored = await destination.stored()
        if stored is None:
            return
        expected = by_id(sent)
        assert sorted(stored) == sorted(set(expected) - set(without))
        wrong = [name for name, copies in stored.items() if not all(same_json(expected[name], it) for it in copies)]
        assert wrong == []
        if once:
            assert [name for name, copies in stored.items() if len(copies) != 1] == []

    async def test_each_document_arrives_as_given_under_its_id(self, destination: Destination) -> None:
        sent = batch(plain_segment(100))
        async with self.opened(destination) as shipper:
            receipt = await deliver(shipper, sent)
        assert (receipt.delivered, receipt.duplicate) == (100, 0)
        await self.assert_stored(destination, [sent])

    async def test_several_targets_days_and_files_go_in_one_batch(self, destination: Destination) -> None:
        sent = batch(
            plain_segment(10, "shop"),
            plain_segment(10, "till", day="2026-11-22"),
            plain_segment(10, "shop", day="2026-11-24", first=10),
            plain_segment(0, "idle"),
            plain_segment(10, "shop", first=20),
            plain_segment(10, "shop", file="rotated"),
        )
        async with self.opened(destination) as shipper:
            receipt = await deliver(shipper, sent)
        assert receipt.delivered == 50
        await self.assert_stored(destination, [sent])

    async def test_an_empty_batch_is_nothing(self, destination: Destination) -> None:
        async with self.opened(destination) as shipper:
            assert settled(await shipper.ship(Batch()), Batch()).delivered == 0
            empty = batch(plain_segment(0))
            assert settled(await shipper.ship(empty), empty).delivered == 0

    @property
    def has_each_batch_once(self) -> bool:
        """Whether the same batch, shipped again, changes nothing."""
        return self.deduplicates or self.deduplicates_batches

    async def test_what_promises_exactly_once_tells_what_it_has(self, destination: Destination) -> None:
        """Each document by its id; or each batch as a whole, which then is sent again with the same borders."""
        settings: ShipperSettings | None = getattr(destination, "settings", None)
        if settings is None:
            pytest.skip("the destination of this test does not show its settings")
        if settings.promise().kind == "exactly_once":
            assert self.deduplicates or (self.deduplicates_batches and settings.has_frozen_batches)

    async def test_a_batch_shipped_twice_is_accounted_for_twice_and_stands_there_once(
        self, destination: Destination
    ) -> None:
        sent = batch(plain_segment(50), plain_segment(50, "till", day="2026-11-22"))
        async with self.opened(destination) as shipper:
            await deliver(shipper, sent)
            again = await deliver(shipper, sent)
        if self.deduplicates:
            assert (again.delivered, again.duplicate) == (0, 100)
        await self.assert_stored(destination, [sent], once=self.has_each_batch_once)

    async def test_the_same_batches_shipped_after_a_restart_stand_there_once(self, destination: Destination) -> None:
        sent = [batch(plain_segment(40, first=n), plain_segment(10, "till", first=n)) for n in (0, 40, 80)]
        for parts in (sent[:2], sent):
            async with self.opened(destination) as shipper:
                for part in parts:
                    await deliver(shipper, part)
        await self.assert_stored(destination, sent, once=self.has_each_batch_once)

    async def test_a_document_twice_in_one_batch_stands_there_once(self, destination: Destination) -> None:
        sent = batch(plain_segment(20), plain_segment(20))
        async with self.opened(destination) as shipper:
            receipt = await deliver(shipper, sent)
        if self.deduplicates:
            assert (receipt.delivered, receipt.duplicate) == (20, 20)
        await self.assert_stored(destination, [sent], once=self.deduplicates)

    async def test_a_batch_shipped_again_after_a_restart_stands_there_once(self, destination: Destination) -> None:
        first, second = batch(plain_segment(60)), batch(plain_segment(90, first=30))
        async with self.opened(destination) as shipper:
            await deliver(shipper, first)
        async with self.opened(destination) as shipper:
            again = await deliver(shipper, second)
        if self.deduplicates:
            assert (again.delivered, again.duplicate) == (60, 30)
        await self.assert_stored(destination, [first, second], once=self.deduplicates)

    async def test_lines_may_arrive_in_any_order(self, destination: Destination) -> None:
        parts = [batch(plain_segment(20, first=first)) for first in (40, 0, 20, 60)]
        async with self.opened(destination) as shipper:
            receipts = [await deliver(shipper, part) for part in parts]
        assert [receipt.delivered for receipt in receipts] == [20] * 4
        await self.assert_stored(destination, parts)

    async def test_ship_may_be_called_while_it_is_under_way(self, destination: Destination) -> None:
        parts = [batch(plain_segment(40, first=40 * n), plain_segment(10, f"till-{n}")) for n in range(8)]
        twice = [*parts, parts[3]]
        async with self.opened(destination) as shipper:
            receipts = await asyncio.gather(*(deliver(shipper, part) for part in twice))
        if self.deduplicates:
            assert sum(receipt.delivered for receipt in receipts) == 400
            assert sum(receipt.duplicate for receipt in receipts) == 50
        await self.assert_stored(destination, parts, once=self.deduplicates)

    async def test_a_hostile_document_arrives_or_is_rejected_and_its_neighbours_arrive(
        self, destination: Destination
    ) -> None:
        stream = log_stream()
        bodies: list[bytes] = []
        for log in self.hostile_logs:
            bodies += [*messages(1, stream, first=len(bodies)), document(log.encode(), stream)]
        part = segment([*bodies, *messages(1, stream, first=len(bodies))], stream)
        async with self.opened(destination) as shipper:
            receipt = await deliver(shipper, batch(part))
        refused = rejected_ids(receipt)
        assert refused <= set(part.ids[1::2])
        assert all(each.type for each in receipt.rejected)
        if self.takes_anything:
            assert refused == set()
        await self.assert_stored(destination, [batch(part)], without=refused)

    async def test_a_hostile_target_neither_harms_the_others_nor_leaves_the_directory(
        self, destination: Destination, site: OutputContext, tmp_path: Path
    ) -> None:
        before = files_below(tmp_path)
        hostile = [plain_segment(3, target, file=str(n)) for n, target in enumerate(HOSTILE_TARGETS)]
        good = plain_segment(30)
        async with self.opened(destination) as shipper:
            receipt = await deliver(shipper, batch(good, *hostile))
        refused = rejected_ids(receipt)
        assert refused.isdisjoint(good.ids)
        if self.takes_anything:
            assert refused == set()
        await self.assert_stored(destination, [batch(good, *hostile)], without=refused)
        assert [path for path in files_below(tmp_path) - before if site.directory not in path.parents] == []

    async def test_closing_twice_and_without_ship_is_fine(self, destination: Destination) -> None:
        unused = destination.open()
        await unused.aclose()
        await unused.aclose()
        used = destination.open()
        await deliver(used, batch(plain_segment(1)))
        await used.aclose()
        await used.aclose()

    async def test_a_cancelled_ship_neither_hinders_closing_nor_a_second_try(self, destination: Destination) -> None:
        sent = batch(plain_segment(500), plain_segment(500, "till"))
        shipper = destination.open()
        task = asyncio.create_task(shipper.ship(sent))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(20):
            await shipper.aclose()
        async with self.opened(destination) as second:
            await deliver(second, sent)
        await self.assert_stored(destination, [sent], once=self.deduplicates)
