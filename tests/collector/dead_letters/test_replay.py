"""Laws of a replay: each letter is delivered or is one letter again, whatever ends it early; nothing else moves."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from collector.dead_letters import DeadLetters
from collector.dead_letters.letter import Wanted
from collector.dead_letters.replay import Progress, Replay, ReplayUnderWay, run_all
from collector.delivery.backoff import Backoff
from collector.delivery.batches import Batches
from collector.delivery.delivery import Delivery
from collector.documents.document import is_text
from collector.documents.refused import as_text
from collector.errors import Unavailable
from collector.ledger import Ledger
from collector.model import Rejected, Segment
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until
from tests.contract.segments import document, log_stream, segment


def letter(number: int, *, target: str = "shop", reason: str = "mapper_exception") -> Rejected:
    """A letter as delivery leaves it: the text form of an object."""
    stream = log_stream(target)
    one = segment([document({"n": number}, stream)], stream, first=number)
    return Rejected(as_text(Rejected(one, 0, reason, "")), 0, reason, f"{number}")


class Desk:
    """An output with letters and a delivery that nobody runs."""

    def __init__(self, directory: Path, shipper: RecordingShipper) -> None:
        self.directory = directory
        self.shipper = shipper
        self.letters = DeadLetters(directory, 80_000)
        self.ledger = Ledger()
        queue = Batches(batch_bytes=1 << 20, linger_seconds=0.0, bound_bytes=1 << 20)
        queue.close()
        self.delivery = Delivery(
            "out", shipper, queue, self.letters, self.ledger, lambda _: None, backoff=lambda: Backoff(0.001)
        )
        self.replay = self.with_ship(self.delivery.replay)

    def with_ship(self, ship: Callable[[Sequence[Segment]], Awaitable[None]]) -> Replay:
        return Replay("out", self.letters, ship, self.ledger)

    async def run(self, wanted: Wanted | None = None, limit: int | None = None) -> Progress:
        progress = Progress(output="out")
        async with asyncio.timeout(20):
            await self.replay.run(wanted or Wanted(), progress, limit=limit)
        assert self.ledger.balance == 0
        assert self.ledger.in_flight == 0
        return progress

    @property
    def left(self) -> list[int]:
        """The numbers of the letters that are on disk."""
        return [
            int(json.loads(line)["_id"].rpartition("-")[2])
            for path in sorted(self.directory.glob("*.ndjson"))
            for line in path.read_bytes().splitlines()
            if line.startswith(b'{"reason') and line.endswith(b"}}")
        ]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "out", RecordingShipper())


async def test_letters_are_delivered_as_they_were_before_they_were_refused(desk: Desk) -> None:
    for number in range(100):
        desk.letters.append([letter(number)])
    assert len(list(desk.directory.iterdir())) > 1
    progress = await desk.run()
    assert (progress.sent, progress.delivered, progress.refused) == (100, 100, 0)
    assert (desk.ledger.replayed, desk.ledger.acknowledged) == (100, 100)
    stream = log_stream()
    expected = segment([document({"n": number}, stream) for number in range(100)], stream)
    assert desk.shipper.stored == dict(zip(expected.ids, expected.documents, strict=True))
    assert list(desk.directory.iterdir()) == []


async def test_what_is_refused_again_is_one_letter_again(desk: Desk) -> None:
    desk.letters.append([letter(number) for number in range(10)])
    desk.shipper.answer = lambda name, document: "still_no" if name.endswith(("3", "7")) else None
    progress = await desk.run()
    assert (progress.sent, progress.delivered, progress.refused) == (10, 8, 2)
    assert desk.left == [3, 7]
    assert desk.ledger.dead_lettered == 2
    assert (await desk.run()).refused == 2
    assert desk.left == [3, 7]
    (again,) = (json.loads(path.read_bytes().splitlines()[0]) for path in desk.directory.iterdir())
    assert (again["reason"], again["container_id"]) == ("still_no", "c0ffee")
    assert again["document"]["log"] == {"message": '{"n": 3}'}


async def test_a_letter_that_is_taken_as_text_now_is_delivered(desk: Desk) -> None:
    desk.letters.append([letter(1)])
    desk.shipper.answer = lambda name, document: None if b"delivery_error" in document else "no_object"
    assert (await desk.run()).delivered == 1
    (stored,) = desk.shipper.stored.values()
    assert json.loads(stored)["delivery_error"] == "no_object"


async def test_after_a_crash_in_between_there_is_still_one_letter_for_each(desk: Desk) -> None:
    """The crash leaves the old file whole, and what was refused again in a new one."""
    desk.letters.append([letter(number) for number in range(4)])
    desk.letters.set_aside()
    desk.letters.append([letter(2), letter(3)])
    after = Desk(desk.directory, RecordingShipper(lambda name, document: "no" if name.endswith("3") else None))
    assert after.left == [0, 1, 2, 3, 2, 3]
    await after.run()
    assert after.left == [3]
    assert len(after.shipper.stored) == 3


async def test_a_replay_that_is_cancelled_keeps_what_was_not_settled(desk: Desk) -> None:
    stream = log_stream()
    large = [segment([document({"x": "y" * 600_000, "n": n}, stream)], stream, first=n) for n in range(6)]
    desk.letters = DeadLetters(desk.directory, 1 << 28)
    desk.letters.append([Rejected(one, 0, "r", "") for one in large])
    shipped: list[int] = []

    async def ship(segments: Sequence[Segment]) -> None:
        if shipped:
            await asyncio.Event().wait()
        shipped.extend(each.count for each in segments)

    replay = desk.with_ship(ship)
    progress = Progress(output="out")
    running = asyncio.ensure_future(replay.run(Wanted(), progress))
    await until(lambda: progress.sent == 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert desk.left == [2, 3, 4, 5]
    replay.check()


async def test_an_output_that_stops_keeps_the_letters(desk: Desk) -> None:
    desk.letters.append([letter(1)])

    async def ship(_: Sequence[Segment]) -> None:
        raise Unavailable("the agent stops")

    with pytest.raises(Unavailable):
        await desk.with_ship(ship).run(Wanted(), Progress(output="out"))
    assert desk.left == [1]


async def test_letters_that_are_not_wanted_stay(desk: Desk) -> None:
    desk.letters.append([letter(n, target="ab"[n % 2], reason="xy"[n // 2 % 2]) for n in range(8)])
    assert (await desk.run(Wanted(target="a", reason="x"))).sent == 2
    assert desk.left == [1, 2, 3, 5, 6, 7]
    assert (await desk.run(Wanted(target="a"))).sent == 2
    assert desk.left == [1, 3, 5, 7]


async def test_a_limit_takes_the_oldest_and_leaves_the_rest(desk: Desk) -> None:
    for number in range(60):
        desk.letters.append([letter(number)])
    assert (await desk.run(limit=7)).sent == 7
    assert desk.left == list(range(7, 60))
    assert (await desk.run(limit=40)).sent == 40
    assert desk.left == list(range(47, 60))


async def test_damaged_and_half_lines_are_kept_and_told_and_stop_nothing(desk: Desk) -> None:
    desk.letters.append([letter(1)])
    path = desk.directory / "00000001.ndjson"
    with path.open("ab") as file:
        file.write(b'{"reason":"torn\n\n\xff\xfe\n')
    desk.letters.append([letter(2)])
    with path.open("ab") as file:
        file.write(b'{"half')
    progress = await desk.run()
    assert (progress.sent, progress.damaged) == (2, 3)
    assert path.read_bytes() == b'{"reason":"torn\n\xff\xfe\n{"half'
    assert (await desk.run()).damaged == 3
    desk.letters.append([letter(3)])
    assert (await desk.run()).sent == 1


async def test_a_byte_that_is_no_text_within_a_document_damages_its_own_letter_only(desk: Desk) -> None:
    desk.letters.append([letter(n) for n in range(3)])
    (path,) = desk.directory.iterdir()
    damaged = path.read_bytes().splitlines(keepends=True)[1].replace(b"stdout", b"std\xffut")
    first, _, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + damaged + last)
    progress = await desk.run()
    assert (progress.sent, progress.refused, progress.damaged) == (2, 0, 1)
    assert path.read_bytes() == damaged


async def test_a_letter_that_stands_twice_is_delivered_and_no_letter_any_more(desk: Desk) -> None:
    desk.letters.append([letter(1)])
    (path,) = desk.directory.iterdir()
    path.write_bytes(path.read_bytes() * 2)
    desk.shipper.answer = lambda _, text: None if is_text(text) else "mapper_exception"
    progress = await desk.run()
    assert (progress.sent, progress.refused) == (2, 0)
    assert len(desk.shipper.stored) == 1
    assert desk.left == []


async def test_letters_that_come_meanwhile_wait_for_the_next_replay(desk: Desk) -> None:
    desk.letters.append([letter(1)])

    async def ship(segments: Sequence[Segment]) -> None:
        desk.letters.append([letter(2)])
        await desk.delivery.replay(segments)

    await desk.with_ship(ship).run(Wanted(), Progress(output="out"))
    assert desk.left == [2]


async def test_a_second_replay_of_an_output_is_refused_while_one_is_under_way(desk: Desk) -> None:
    desk.letters.append([letter(1)])
    go = asyncio.Event()

    async def ship(_: Sequence[Segment]) -> None:
        await go.wait()

    replay = desk.with_ship(ship)
    first = asyncio.ensure_future(replay.run(Wanted(), Progress(output="out")))
    await until(lambda: replay._is_under_way)
    with pytest.raises(ReplayUnderWay, match="being replayed already: wait"):
        await replay.run(Wanted(), Progress(output="out"))
    go.set()
    await first
    replay.check()


async def test_progress_is_told_while_an_output_takes_nothing_and_says_why(desk: Desk) -> None:
    desk.letters.append([letter(1), letter(2)])
    desk.shipper.answer = lambda name, document: "wait"
    told: list[dict[str, object]] = []

    async def tell(progress: Progress) -> None:
        told.append(progress.told())
        if progress.waiting:
            desk.shipper.answer = lambda name, document: None

    await run_all([desk.replay], Wanted(), limit=None, tell=tell, every_seconds=0.01)
    assert "shop: its index is closed" in [each["waiting"] for each in told]
    assert (told[-1]["sent"], told[-1]["delivered"], told[-1]["waiting"]) == (2, 2, "")
