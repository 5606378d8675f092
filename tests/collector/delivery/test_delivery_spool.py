"""Laws of delivery with a spool: what an output that is away cannot take is on disk, and comes back once."""

import asyncio
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.delivery.backoff import Backoff
from collector.delivery.concurrency import Concurrency
from collector.delivery.sender import Answer, Sender
from collector.delivery.shipment import Shipment
from collector.delivery.spool.files import Spool
from collector.delivery.spool.spooling import Spooling
from collector.errors import Unauthorized, Unavailable
from collector.ledger import Ledger
from collector.model import Batch, Receipt, Segment
from tests.collector.desk import Desk
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until
from tests.contract.faults import file_size_limit
from tests.contract.segments import batch, by_id, document, log_stream, plain_segment, segment

ROOM = 1 << 20


class Remote(RecordingShipper):
    """A destination that may be away."""

    away = True
    error: Unavailable = Unavailable("away")

    async def ship(self, batch: Batch) -> Receipt:
        if self.away:
            self.before_each()
            raise self.error
        return await super().ship(batch)


@pytest.fixture
def remote() -> Remote:
    return Remote()


@pytest.fixture
def desk(tmp_path: Path, remote: Remote) -> Desk:
    return Desk(tmp_path, remote, spool_bytes=ROOM)


def spooled(desk: Desk) -> int:
    return desk.ledger.spooled - desk.ledger.recovered_from_spool


@pytest.mark.parametrize("error", [Unavailable("away"), Unauthorized("no key")])
async def test_what_an_output_that_is_away_cannot_take_is_settled_on_disk_and_arrives_when_it_is_back(
    desk: Desk, remote: Remote, error: Unavailable
) -> None:
    remote.error = error
    sent = [plain_segment(5, first=5 * n) for n in range(20)]
    async with desk.open():
        for each in sent:
            await desk.put(each)
        await until(lambda: len(desk.settled) == 20)
        assert remote.stored == {}
        desk.check_balance()
        assert desk.ledger.in_flight + spooled(desk) == 100
        assert desk.ledger.spool_bytes > 0
        remote.away = False
        await until(lambda: len(remote.stored) == 100)
        await until(lambda: not desk.ledger.spool_bytes)
    assert remote.stored == by_id([batch(*sent)])
    assert (desk.ledger.acknowledged, desk.ledger.duplicate, desk.ledger.in_flight_bytes) == (100, 0, 0)
    assert list(desk.spool_path.glob("*.spool")) == []


async def test_what_was_read_is_shipped_live_again_beside_the_spool(desk: Desk, remote: Remote) -> None:
    async with desk.open():
        await desk.put(plain_segment(5))
        await until(lambda: desk.ledger.spooled)
        remote.away = False
        await until(lambda: not desk.ledger.error)
        before = desk.ledger.spooled
        await desk.put(plain_segment(5, "live"))
        await until(lambda: len(remote.stored) == 10)
        assert desk.ledger.spooled == before


async def test_a_short_absence_is_waited_out(tmp_path: Path, remote: Remote) -> None:
    desk = Desk(tmp_path, remote, spool_bytes=ROOM, spool_after_seconds=60.0)
    async with desk.open():
        await desk.put(plain_segment(5))
        await until(lambda: desk.ledger.requests["unavailable"] > 3)
        remote.away = False
    assert (desk.ledger.spooled, desk.ledger.acknowledged) == (0, 5)


async def test_a_wish_to_be_left_alone_does_not_keep_documents_from_the_spool(tmp_path: Path, remote: Remote) -> None:
    remote.error = Unavailable("busy", retry_after=3600.0)
    desk = Desk(tmp_path, remote, spool_bytes=ROOM, spool_after_seconds=0.1)
    async with desk.open():
        await desk.put(plain_segment(5))
        await until(lambda: desk.ledger.spooled)


async def test_while_the_output_is_away_one_record_asks_for_it(desk: Desk, remote: Remote) -> None:
    async with desk.open(workers=4):
        await desk.put(*(plain_segment(5, first=5 * n) for n in range(10)))
        await until(lambda: len(desk.settled) == 10)
        asked: list[int] = []
        remote.before_each = lambda: asked.append(desk.ledger.in_flight)
        await until(lambda: len(asked) > 5)
        assert len({*asked}) == 1
        remote.away = False


async def test_only_what_is_not_there_yet_is_spooled(desk: Desk, remote: Remote) -> None:
    sent = plain_segment(10)
    remote.away = False

    def answer(name: str, document: bytes) -> str | None:
        remote.away = True
        return "retry" if name in sent.ids[4:7] else None

    remote.answer = answer
    async with desk.open():
        await desk.put(sent)
        await until(lambda: desk.ledger.spooled)
        assert desk.ledger.spooled == 3
        assert desk.settled == [sent]
        remote.answer = lambda *_: None
        remote.away = False
        await until(lambda: len(remote.stored) == 10)
    assert desk.ledger.duplicate == 0


async def test_stopping_leaves_the_spool_as_it_is_and_the_next_start_empties_it(
    tmp_path: Path, desk: Desk, remote: Remote
) -> None:
    sent = [plain_segment(5, first=5 * n) for n in range(5)]
    async with desk.open():
        await desk.put(*sent)
    assert remote.stored == {}
    assert (desk.ledger.in_flight, desk.ledger.in_flight_bytes, spooled(desk)) == (0, 0, 25)
    remote.away = False
    again = Desk(tmp_path, remote, spool_bytes=ROOM)
    async with again.open():
        await until(lambda: len(remote.stored) == 25)
        await until(lambda: not again.ledger.spool_bytes)
    assert (again.ledger.recovered_from_spool, again.ledger.acknowledged) == (25, 25)
    assert again.settled == []


async def test_a_kill_at_any_moment_loses_nothing(tmp_path: Path, remote: Remote) -> None:
    sent = [plain_segment(5, first=5 * n) for n in range(20)]
    settled: list[str] = []
    for seed in range(8):
        desk = Desk(tmp_path, remote, spool_bytes=ROOM, batch_bytes=sent[0].size)
        run = asyncio.create_task(desk.delivery.run(2))
        await desk.put(*(each for each in sent if each.ids[0] not in settled))
        for _ in range(random.Random(seed).randrange(40)):
            await asyncio.sleep(0.0005)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        desk.check_balance()
        settled += [each.ids[0] for each in desk.settled]
    remote.away = False
    last = Desk(tmp_path, remote, spool_bytes=ROOM)
    async with last.open():
        await last.put(*(each for each in sent if each.ids[0] not in settled))
        await until(lambda: len(remote.stored) == 100)
        await until(lambda: not last.ledger.spool_bytes)
    assert remote.stored == by_id([batch(*sent)])


async def test_what_is_read_after_a_replay_was_cancelled_in_an_absence_is_sent_before_it_is_spooled(
    desk: Desk, remote: Remote
) -> None:
    async with desk.open():
        replay = asyncio.ensure_future(desk.delivery.replay([plain_segment(5, "letters")]))
        await until(lambda: desk.ledger.error)
        replay.cancel()
        await asyncio.wait([replay])
        remote.away = False
        await desk.put(plain_segment(5))
    assert (desk.ledger.spooled, desk.ledger.acknowledged) == (0, 5)


# ------------------------------------------------------------------ no room


async def test_a_full_spool_holds_back_what_is_read_and_goes_on_when_the_output_is_back(
    tmp_path: Path, remote: Remote
) -> None:
    sent = [plain_segment(50, first=50 * n) for n in range(10)]
    desk = Desk(tmp_path, remote, spool_bytes=1000, batch_bytes=sent[0].size)
    async with desk.open():
        await desk.put(*sent)
        await until(lambda: desk.ledger.spool_errors)
        assert desk.ledger.spool_error == "the spool is full"
        assert 0 < len(desk.settled) < 10
        desk.check_balance()
        remote.away = False
        await until(lambda: desk.ledger.acknowledged == 500)
    assert remote.stored == by_id([batch(*sent)])
    assert desk.ledger.spool_error == ""


def large_segments(count: int) -> list[Segment]:
    """Over the limit of a disk that has room for the log of a test."""
    stream = log_stream()
    texts = [random.Random(n).randbytes(40_000).hex() for n in range(count)]
    return [segment([document({"message": text}, stream)], stream, first=n) for n, text in enumerate(texts)]


async def test_a_full_disk_holds_back_what_is_read_until_there_is_room(desk: Desk, remote: Remote) -> None:
    sent = large_segments(3)
    async with desk.open():
        with file_size_limit(20_000):
            await desk.put(*sent)
            await until(lambda: desk.ledger.spool_errors > 3)
            assert "cannot be written" in desk.ledger.spool_error
            assert desk.settled == []
        await until(lambda: len(desk.settled) == 3)
        assert desk.ledger.spool_error == ""
        remote.away = False
        await until(lambda: len(remote.stored) == 3)


async def test_an_output_that_comes_back_needs_no_spool_that_cannot_be_written(desk: Desk, remote: Remote) -> None:
    async with desk.open():
        with file_size_limit(20_000):
            await desk.put(*large_segments(3))
            await until(lambda: desk.ledger.spool_errors)
            remote.away = False
            await until(lambda: len(remote.stored) == 3)
        assert desk.ledger.spool_error == ""
    assert (desk.ledger.spooled, desk.ledger.acknowledged) == (0, 3)


async def test_a_spool_that_cannot_be_read_is_told_and_tried_until_it_can(
    tmp_path: Path, desk: Desk, remote: Remote
) -> None:
    async with desk.open():
        await desk.put(plain_segment(5))
    (path,) = desk.spool_path.glob("*.spool")
    remote.away = False
    again = Desk(tmp_path, remote, spool_bytes=ROOM)
    path.rename(aside := path.with_suffix(".aside"))
    path.symlink_to(tmp_path)  # a directory
    async with again.open():
        await until(lambda: again.ledger.spool_errors > 1)
        assert "cannot be read" in again.ledger.spool_read_error
        aside.replace(path)  # at one go: a file that is gone is lost
        await until(lambda: len(remote.stored) == 5)
    assert again.ledger.spool_read_error == ""


def unreadable(path: Path) -> None:
    """A directory stands where the file was: it can be opened, and not be read."""
    path.unlink()
    path.mkdir()


async def test_a_file_of_the_spool_that_cannot_be_read_holds_up_no_other_and_is_told_until_it_can(
    tmp_path: Path, desk: Desk, remote: Remote
) -> None:
    async with desk.open():
        await desk.put(plain_segment(5))
    (path,) = desk.spool_path.glob("*.spool")
    again = Desk(tmp_path, remote, spool_bytes=ROOM)
    unreadable(path)
    async with again.open():
        for n in range(1, 4):
            await again.put(plain_segment(5, first=5 * n))
            await until(lambda n=n: again.ledger.spooled == 5 * n)  # type: ignore[misc]
        remote.away = False
        await until(lambda: len(remote.stored) == 15)
        assert "cannot be read" in again.ledger.spool_read_error
        path.rmdir()
        await until(lambda: not again.ledger.spool_read_error)
    assert again.ledger.dropped["spool_corrupt"] == 1


async def test_an_output_whose_spool_can_be_neither_read_nor_written_is_asked_for_by_what_is_read(
    tmp_path: Path, desk: Desk, remote: Remote
) -> None:
    async with desk.open():
        await desk.put(plain_segment(5))
    (path,) = desk.spool_path.glob("*.spool")
    again = Desk(tmp_path, remote, spool_bytes=path.stat().st_size + 1)
    unreadable(path)
    async with again.open():
        await until(lambda: again.ledger.spool_read_error)
        await again.put(plain_segment(5, "live"))
        await until(lambda: again.ledger.spool_error)
        remote.away = False
        await until(lambda: len(remote.stored) == 5)
        path.rmdir()


async def test_where_recovery_cannot_ask_one_shipment_at_a_time_does_and_only_now_and_then(
    tmp_path: Path, desk: Desk
) -> None:
    spool, ledger = Spool(tmp_path / "other", ROOM), Ledger()
    sender = Sender("out", desk.shipper, ledger, Concurrency(1))
    spooling = Spooling(
        "out", spool, ledger, sender, after_seconds=0.0, stored=lambda mark: None, backoff=lambda: Backoff(0.2)
    )
    one, other = (Shipment(batch(), [], set(), desk.delivery._from_logs) for _ in range(2))
    sender.away_since = 0.0
    ledger.spool_read_error = "the spool cannot be read"
    spool.append([plain_segment(1)], [])
    is_over, asked = asyncio.Event(), list[Shipment]()

    async def attempt(shipment: Shipment, backoff: Backoff) -> Answer:
        asked.append(shipment)
        await is_over.wait()
        return Answer(Receipt(), is_away=True)

    async def ask(shipment: Shipment) -> None:
        await spooling.send(shipment, attempt, Backoff(0.01))

    assert spooling._has_to_ask(one)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(ask(one))
        await until(lambda: asked == [one])
        assert not spooling._has_to_ask(other)  # while another does
        is_over.set()
    assert not spooling._has_to_ask(other)  # so soon
    await until(lambda: spooling._has_to_ask(other))
    assert not spooling._has_to_ask(one)  # twice running
    ledger.spool_read_error = ""
    assert not spooling._has_to_ask(other)


# ------------------------------------------------------------------ after recovery


async def test_a_held_target_in_a_record_holds_up_no_other_record(desk: Desk, remote: Remote) -> None:
    mended = False
    remote.answer = lambda _, text: "wait" if b'"@target":"held"' in text and not mended else None
    async with desk.open(workers=1):
        for n in range(5):
            await desk.put(plain_segment(5, "held", first=5 * n), plain_segment(5, "free", first=5 * n))
            await until(lambda n=n: len(desk.settled) == 2 * n + 2)  # type: ignore[misc]
        remote.away = False
        await until(lambda: len(remote.stored) == 25)
        assert desk.ledger.waits == {"held": "its index is closed"}
        assert list(desk.spool_path.glob("*.spool"))
        mended = True
        await until(lambda: len(remote.stored) == 50)
        await until(lambda: not desk.ledger.spool_bytes)
    assert desk.ledger.waits == {}


async def test_what_a_held_target_leaves_at_a_stop_stays_in_the_spool(
    tmp_path: Path, desk: Desk, remote: Remote
) -> None:
    remote.answer = lambda *_: "wait"
    async with desk.open():
        await desk.put(plain_segment(5))
        await until(lambda: desk.ledger.spooled)
        remote.away = False
        await until(lambda: desk.ledger.waits)
    assert (desk.ledger.in_flight, spooled(desk)) == (0, 5)
    remote.answer = lambda *_: None
    async with Desk(tmp_path, remote, spool_bytes=ROOM).open():
        await until(lambda: len(remote.stored) == 5)


async def test_a_document_that_was_text_before_it_was_spooled_is_a_dead_letter_when_it_is_refused(
    desk: Desk, remote: Remote
) -> None:
    sent = plain_segment(2)

    def answer(name: str, document: bytes) -> str | None:
        remote.away = not remote.batches[1:]
        return "mapper_exception" if name == sent.ids[0] else None

    remote.away = False
    remote.answer = answer
    async with desk.open(workers=1):
        await desk.put(sent)
        await until(lambda: desk.ledger.spooled)
        remote.away = False
        await until(lambda: desk.ledger.dead_lettered)
    (letter,) = desk.letters
    assert letter["_id"] == sent.ids[0]
    assert isinstance(letter["document"], dict)
    assert letter["document"]["delivery_error"] == "mapper_exception"
    assert len(remote.batches) == 2
    assert (desk.ledger.acknowledged, desk.ledger.dead_lettered) == (1, 1)


async def test_a_damaged_record_is_counted_as_lost_and_the_accounts_hold(
    tmp_path: Path, desk: Desk, remote: Remote
) -> None:
    async with desk.open(workers=1):
        for n in range(3):
            await desk.put(plain_segment(5, first=5 * n))
            await until(lambda n=n: len(desk.settled) == n + 1)  # type: ignore[misc]
    (path,) = desk.spool_path.glob("*.spool")
    with path.open("r+b") as file:
        os.pwrite(file.fileno(), b"\xff\x00\xff", 50)
    remote.away = False
    again = Desk(tmp_path, remote, spool_bytes=ROOM)
    async with again.open():
        await until(lambda: len(remote.stored) == 10)
        await until(lambda: not again.ledger.spool_bytes)
    assert again.ledger.dropped["spool_corrupt"] == 5
    assert again.ledger.recovered_from_spool == 15


@given(
    st.lists(st.sampled_from([None, "retry", "wait", "mapper_exception", "away"]), max_size=80), st.integers(0, 5000)
)
def test_every_document_is_accounted_for_whatever_is_answered_and_however_small_the_spool(
    tmp_path_factory: pytest.TempPathFactory, script: list[str | None], spool_bytes: int
) -> None:
    answers = iter(script)

    class Moody(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            if next(answers, None) == "away":
                self.before_each()
                raise Unavailable("away")
            return await super().ship(batch)

    def answer(name: str, document: bytes) -> str | None:
        said = next(answers, None)
        return None if said == "away" else said

    moody = Moody(answer)
    sent = [plain_segment(4, target, first=4 * n) for n in range(3) for target in ("a", "b")]

    directory = tmp_path_factory.mktemp("desk")

    async def run() -> Desk:
        desk = Desk(directory, moody, batch_bytes=sent[0].size * 2, spool_bytes=spool_bytes)
        async with desk.open():
            if not moody.batches:
                await desk.put(*sent)
            if desk.delivery._recovery is not None:
                await until(lambda: not desk.ledger.in_flight + spooled(desk))
        return desk

    for _ in range(2):
        desk = asyncio.run(run())  # ends the threads too, as the end of a process does
    everything = set(by_id([batch(*sent)]))
    dead = {str(letter["_id"]) for letter in desk.letters}
    assert set(moody.stored) | dead == everything
    assert set(moody.stored).isdisjoint(dead)
