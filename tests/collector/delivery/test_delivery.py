"""Laws of delivery: a document leaves as acknowledged, as a duplicate, or as a dead letter on disk; nothing else."""

import asyncio
import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.delivery.shipment import halves, packed
from collector.documents.document import is_text
from collector.documents.refused import as_text
from collector.errors import TOO_LARGE, Refused, Unauthorized, Unavailable
from collector.model import Batch, Chunk, FileId, Position, Receipt, Rejected, Segment
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from tests.collector.desk import Desk
from tests.collector.docker_lines import raw
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until
from tests.contract.segments import batch, by_id, document, log_stream, messages, plain_segment, segment


@pytest.fixture
def shipper() -> RecordingShipper:
    return RecordingShipper()


@pytest.fixture
def desk(tmp_path: Path, shipper: RecordingShipper) -> Desk:
    return Desk(tmp_path, shipper)


async def test_what_is_taken_is_acknowledged_and_settled(desk: Desk, shipper: RecordingShipper) -> None:
    sent = [plain_segment(10), plain_segment(5, "till")]
    async with desk.open():
        await desk.put(*sent)
    assert shipper.stored == by_id([batch(*sent)])
    assert sorted(map(id, desk.settled)) == sorted(map(id, sent))
    assert (desk.ledger.acknowledged, desk.ledger.in_flight, desk.ledger.in_flight_bytes) == (15, 0, 0)


async def test_what_is_there_already_is_a_duplicate_and_settled(desk: Desk) -> None:
    async with desk.open(workers=1):
        await desk.put(plain_segment(10), plain_segment(10))
    assert (desk.ledger.acknowledged, desk.ledger.duplicate) == (10, 10)
    assert len(desk.settled) == 2


async def test_documents_refused_for_load_are_sent_again_alone(desk: Desk, shipper: RecordingShipper) -> None:
    sent = plain_segment(10)
    busy = set(sent.ids[3:5])

    def answer(name: str, document: bytes) -> str | None:
        return "retry" if name in busy and len(shipper.batches) < 3 else None

    shipper.answer = answer
    async with desk.open():
        await desk.put(sent)
    assert [one.count for one in shipper.batches] == [10, 2, 2]
    assert shipper.stored == by_id([batch(sent)])
    assert desk.ledger.retried == 4
    assert desk.settled == [sent]


async def test_pauses_stay_short_while_some_documents_are_taken(desk: Desk, shipper: RecordingShipper) -> None:
    """Of two hundred one is taken a request: growing pauses would take minutes."""
    sent = plain_segment(200)
    shipper.answer = lambda name, _: "retry" if name != sent.ids[len(shipper.batches) - 1] else None
    async with desk.open(workers=1):
        await desk.put(sent)
    assert len(shipper.stored) == 200


async def test_a_machine_without_descriptors_makes_an_output_unavailable_and_ends_nothing(tmp_path: Path) -> None:
    class Refused(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            if len(self.batches) < 3:
                self.batches.append(batch)
                raise OSError(errno.EMFILE, "Too many open files")
            return await super().ship(batch)

    shipper = Refused()
    desk = Desk(tmp_path, shipper)
    async with desk.open():
        await desk.put(plain_segment(10))
    assert len(shipper.stored) == 10
    assert desk.ledger.requests["unavailable"] == 3


async def test_a_segment_is_settled_with_its_last_document(desk: Desk, shipper: RecordingShipper) -> None:
    late, early = plain_segment(10), plain_segment(10, "till")
    shipper.answer = lambda name, _: "retry" if name == late.ids[9] and early not in desk.settled else None
    async with desk.open(workers=1):
        await desk.put(late, early)
    assert desk.settled == [early, late]


async def test_a_destination_that_is_away_gets_the_same_batch_until_it_is_back(
    desk: Desk, shipper: RecordingShipper
) -> None:
    sent = plain_segment(10)
    shipper.raises = [Unavailable("away"), Unauthorized("no key"), Unavailable("busy", retry_after=0.001)]
    errors: list[str] = []
    shipper.before_each = lambda: errors.append(desk.ledger.error)
    async with desk.open():
        await desk.put(sent)
    assert [one.count for one in shipper.batches] == [10] * 4
    assert errors == ["", "away", "no key", "busy"]
    assert desk.ledger.error == ""
    assert desk.ledger.requests == {"ok": 1, "unavailable": 2, "unauthorized": 1, "refused": 0}
    assert desk.ledger.acknowledged == 10


async def test_an_answer_that_does_not_account_for_all_is_no_answer(tmp_path: Path) -> None:
    class Forgetful(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            receipt = await super().ship(batch)
            return receipt if len(self.batches) > 1 else Receipt(delivered=batch.count - 1)

    forgetful = Forgetful()
    desk = Desk(tmp_path, forgetful)
    async with desk.open():
        await desk.put(plain_segment(10))
    assert [one.count for one in forgetful.batches] == [10, 10]
    assert (desk.ledger.acknowledged, desk.ledger.duplicate) == (0, 10)


# ------------------------------------------------------------------ refused for their content


async def test_a_refused_document_is_sent_once_more_as_text_under_its_id(desk: Desk, shipper: RecordingShipper) -> None:
    stream = log_stream()
    sent = segment([document({"level": 1}, stream), document({"message": "fine"}, stream)], stream)
    shipper.answer = lambda name, text: "mapper_exception" if b'{"level"' in text else None
    async with desk.open():
        await desk.put(sent)
    found = orjson.loads(shipper.stored[sent.ids[0]])
    assert found["log"] == {"message": '{"level": 1}'}
    assert found["delivery_error"] == "mapper_exception"
    assert found["@target"] == "shop"
    assert [one.count for one in shipper.batches] == [2, 1]
    assert (desk.ledger.acknowledged, desk.ledger.dead_lettered) == (2, 0)
    assert desk.settled == [sent]


async def test_a_text_that_is_refused_is_a_dead_letter_with_its_reason(desk: Desk, shipper: RecordingShipper) -> None:
    sent = plain_segment(10)
    bad = sent.ids[4]
    shipper.answer = lambda name, _: "mapper_exception" if name == bad else None
    async with desk.open():
        await desk.put(sent)
    (letter,) = desk.letters
    assert (letter["_id"], letter["reason"], letter["detail"]) == (bad, "mapper_exception", "for a test")
    assert (letter["target"], letter["day"]) == ("shop", sent.day)
    assert [one.count for one in shipper.batches] == [10, 1]
    assert (desk.ledger.acknowledged, desk.ledger.dead_lettered) == (9, 1)
    assert desk.settled == [sent]


async def test_nothing_moves_before_the_dead_letter_is_on_disk(desk: Desk, shipper: RecordingShipper) -> None:
    desk.letters_path.write_text("a file where the folder should be")
    sent = plain_segment(1)
    shipper.answer = lambda name, _: "mapper_exception"
    async with desk.open():
        await desk.put(sent)
        await until(lambda: "dead letters" in desk.ledger.error)
        desk.check_balance()
        assert desk.settled == []
        assert desk.ledger.in_flight == 1
        desk.letters_path.unlink()
    assert desk.settled == [sent]
    assert len(desk.letters) == desk.ledger.dead_lettered == 1


async def test_an_output_whose_dead_letters_can_be_written_again_is_well(desk: Desk, shipper: RecordingShipper) -> None:
    desk.letters_path.write_text("a file where the folder should be")
    shipper.answer = lambda name, _: "mapper_exception"
    async with desk.open():
        await desk.put(plain_segment(1))
        await until(lambda: desk.ledger.error)
        desk.letters_path.unlink()
    assert desk.ledger.error == ""


# ------------------------------------------------------------------ too large


async def test_a_batch_that_is_too_large_is_halved_until_it_fits(tmp_path: Path) -> None:
    class Small(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            if batch.count > 3:
                raise Refused("over 3")
            return await super().ship(batch)

    small = Small()
    desk = Desk(tmp_path, small)
    sent = [plain_segment(7), plain_segment(1, "till"), plain_segment(5, "shop", first=7)]
    async with desk.open(workers=1):
        await desk.put(*sent)
    assert small.stored == by_id([batch(*sent)])
    assert desk.ledger.acknowledged == 13
    assert desk.ledger.requests["refused"] > 0


async def test_one_document_that_is_too_large_is_a_dead_letter_and_its_neighbours_arrive(tmp_path: Path) -> None:
    class Small(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            if batch.size > 1000:
                raise Refused("over 1000 bytes")
            return await super().ship(batch)

    small = Small()
    desk = Desk(tmp_path, small)
    stream = log_stream()
    documents = [document({"message": text}, stream) for text in ("a", "b" * 2000, "c")]
    sent = segment(documents, stream)
    async with desk.open():
        await desk.put(sent)
    assert list(small.stored) == [sent.ids[0], sent.ids[2]]
    assert [letter["_id"] for letter in desk.letters] == [sent.ids[1]]
    assert desk.letters[0]["reason"] == "too_large"
    assert (desk.ledger.acknowledged, desk.ledger.dead_lettered) == (2, 1)


async def test_one_document_that_ends_a_whole_request_is_sent_as_text_and_its_neighbours_arrive(tmp_path: Path) -> None:
    class Whole(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            documents = [one for part in batch.segments for one in part.documents]
            if any(b"poison" in one and b"delivery_error" not in one for one in documents):
                raise Refused("unreadable", type="parse_exception")
            return await super().ship(batch)

    whole = Whole()
    desk = Desk(tmp_path, whole)
    stream = log_stream()
    sent = segment([document({"message": text}, stream) for text in ("a", "poison", "c")], stream)
    async with desk.open():
        await desk.put(sent)
    assert sorted(whole.stored) == sorted(sent.ids)
    assert json.loads(whole.stored[sent.ids[1]])["delivery_error"] == "parse_exception"
    assert desk.ledger.dead_lettered == 0


async def test_a_destination_that_refuses_even_plain_text_gets_no_dead_letters_for_it(tmp_path: Path) -> None:
    class Broken(RecordingShipper):
        broken = True

        async def ship(self, batch: Batch) -> Receipt:
            if self.broken:
                raise Refused("unreadable", type="parse_exception")
            return await super().ship(batch)

    broken = Broken()
    desk = Desk(tmp_path, broken)
    async with desk.open():
        await desk.put(plain_segment(3))
        await until(lambda: desk.ledger.error)
        assert "unreadable" in desk.ledger.error
        broken.broken = False
    assert (desk.ledger.acknowledged, desk.ledger.dead_lettered) == (3, 0)


@pytest.mark.parametrize("kind", ["json_parse_exception", TOO_LARGE])
async def test_where_nothing_is_taken_no_document_is_at_fault_and_all_wait_as_they_are(
    tmp_path: Path, kind: str
) -> None:
    class Misled(RecordingShipper):
        refused: ClassVar[list[int]] = []
        is_told: Callable[[], bool]
        untold = 0

        async def ship(self, batch: Batch) -> Receipt:
            if self.raises:
                self.refused.append(batch.count)
                self.untold += not self.is_told()
                raise self.raises.pop()
            return await super().ship(batch)

    misled = Misled(raises=[Refused("no gzip", "set compress: false", type=kind)] * 10_000)
    misled.refused.clear()
    desk = Desk(tmp_path, misled)
    misled.is_told = lambda: bool(desk.ledger.error)
    stream = log_stream()
    sent = segment([document({"level": n}, stream) for n in range(500)], stream)
    async with desk.open():
        await desk.put(sent)
        await until(lambda: desk.ledger.error)
        assert desk.ledger.error == "no gzip: set compress: false"
        assert misled.untold < 15
        misled.raises = misled.raises[:5]
    assert misled.stored == by_id([batch(sent)])
    assert (desk.ledger.acknowledged + desk.ledger.duplicate, desk.letters) == (500, [])
    assert misled.refused.count(500) >= 2


@pytest.mark.parametrize("bad", [{0}, {0, 1}, {0, 1, 2, 97}])
async def test_documents_that_no_form_makes_readable_are_dead_letters_where_others_are_taken(
    tmp_path: Path, bad: set[int]
) -> None:
    class Picky(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            if any(b"odd" in one for part in batch.segments for one in part.documents):
                raise Refused("unreadable", type="parse_exception")
            return await super().ship(batch)

    picky = Picky()
    desk = Desk(tmp_path, picky)
    stream = log_stream()
    sent = segment([document({"odd" if n in bad else "even": n}, stream) for n in range(100)], stream)
    async with desk.open(workers=1):
        await desk.put(sent)
    assert {str(letter["_id"]) for letter in desk.letters} == {sent.ids[n] for n in bad}
    assert {letter["reason"] for letter in desk.letters} == {"parse_exception"}
    assert len(picky.stored) == 100 - len(bad)


async def test_a_destination_that_is_busy_for_long_is_told(desk: Desk, shipper: RecordingShipper) -> None:
    shipper.answer = lambda *_: None if desk.ledger.error else "retry"
    async with desk.open():
        await desk.put(plain_segment(2))
    assert desk.ledger.acknowledged == 2
    assert desk.ledger.error == ""


@given(st.lists(st.integers(0, 5), max_size=6))
def test_halves_hold_every_document_in_order(counts: list[int]) -> None:
    whole = batch(*(plain_segment(count, first=10 * n) for n, count in enumerate(counts)))
    first, second = halves(whole)
    assert [*by_id([first]).items(), *by_id([second]).items()] == list(by_id([whole]).items())
    assert abs(first.count - second.count) <= 1


# ------------------------------------------------------------------ waiting for the operator


async def test_documents_that_wait_hold_up_their_own_target_only(desk: Desk, shipper: RecordingShipper) -> None:
    held, free = plain_segment(5, "held"), [plain_segment(5, "free", first=5 * n) for n in range(20)]
    mended = False
    shipper.answer = lambda _, text: "wait" if b'"@target":"held"' in text and not mended else None
    async with desk.open(workers=1):
        await desk.put(held, free[0])
        await until(lambda: desk.ledger.waits)
        await desk.put(*free[1:])
        await until(lambda: len(desk.settled) == 20)
        assert desk.ledger.waits == {"held": "its index is closed"}
        desk.check_balance()
        mended = True
    assert desk.settled[-1] == held
    assert desk.ledger.waits == {}
    assert shipper.stored == by_id([batch(held, *free)])


async def test_readers_of_a_waiting_target_wait_and_go_on_when_it_is_mended(
    desk: Desk, shipper: RecordingShipper
) -> None:
    mended = False
    shipper.answer = lambda _, text: "wait" if b'"@target":"held"' in text and not mended else None
    async with desk.open():
        await desk.delivery.wait_for("held")
        await desk.put(plain_segment(5, "held"))
        await until(lambda: desk.ledger.waits)
        reader = asyncio.ensure_future(desk.delivery.wait_for("held"))
        await desk.delivery.wait_for("free")
        assert not reader.done()
        mended = True
        await reader
        assert desk.ledger.waits == {}


async def test_waiting_documents_leave_room_for_others(tmp_path: Path, shipper: RecordingShipper) -> None:
    held, free = plain_segment(50, "held"), plain_segment(50, "free")
    desk = Desk(tmp_path, shipper, batch_bytes=held.size, bound_bytes=held.size)
    mended = False
    shipper.answer = lambda _, text: "wait" if b'"@target":"held"' in text and not mended else None
    async with desk.open():
        await desk.put(held)
        await desk.put(free)
        await until(lambda: free in desk.settled)
        assert held not in desk.settled
        mended = True
    assert desk.ledger.acknowledged == 100


async def test_held_documents_that_are_refused_later_are_dead_letters(desk: Desk, shipper: RecordingShipper) -> None:
    said = ["wait"]
    shipper.answer = lambda name, _: said[0]
    async with desk.open():
        await desk.put(plain_segment(3))
        await until(lambda: desk.ledger.waits)
        said[0] = "mapper_exception"
    assert desk.ledger.dead_lettered == 3


async def test_hundreds_of_targets_that_wait_leave_the_others_their_requests(tmp_path: Path) -> None:
    class Slow(RecordingShipper):
        is_mended = False
        asked = most = 0

        async def ship(self, batch: Batch) -> Receipt:
            is_blocked = any(b'"@target":"held-' in one for part in batch.segments for one in part.documents)
            self.asked += is_blocked
            self.most = max(self.most, self.asked if desk.ledger.waits and free else 0)
            await asyncio.sleep(0.002 * is_blocked)
            self.asked -= is_blocked
            return await super().ship(batch)

    slow = Slow()
    slow.answer = lambda _, body: "wait" if b'"@target":"held-' in body and not slow.is_mended else None
    desk = Desk(tmp_path, slow)
    free: list[Segment] = []
    async with desk.open(workers=4):
        await desk.put(*(plain_segment(1, f"held-{n}") for n in range(200)))
        await until(lambda: len(desk.ledger.waits) == 200)
        free += [plain_segment(5, "free", first=5 * n) for n in range(40)]
        for one in free:
            await desk.put(one)
        await until(lambda: len(desk.settled) == 40)
        assert slow.most == 1
        slow.is_mended = True
    assert len(slow.stored) == 400


class Strict(RecordingShipper):
    """Refuses what `bad` says in any form; as long as it took nothing it takes that for the operator's fault."""

    def __init__(self, bad: Callable[[bytes], bool]) -> None:
        super().__init__()
        self.bad = bad

    async def ship(self, batch: Batch) -> Receipt:
        def answer(_: str, body: bytes) -> str | None:
            if not self.bad(body):
                return None
            return "wait" if is_text(body) and not self.stored else "mapper_exception"

        self.answer = answer
        receipt = await super().ship(batch)
        return replace(receipt, unsure=frozenset(receipt.waits))


def fields(count: int, first: int = 0) -> Segment:
    stream = log_stream()
    return segment([document({"level": n}, stream) for n in range(first, first + count)], stream, first=first)


async def test_where_an_index_takes_nothing_in_any_form_all_wait_and_keep_their_fields(tmp_path: Path) -> None:
    strict = Strict(lambda _: True)
    desk = Desk(tmp_path, strict)
    sent = fields(30)
    async with desk.open():
        await desk.put(sent)
        await until(lambda: desk.ledger.waits)
        await until(lambda: len(strict.batches) > 6)
        assert (desk.letters, desk.ledger.waits) == ([], {"shop": "its index is closed"})
        assert desk.delivery.is_blocked("shop")
        strict.bad = lambda _: False
    assert strict.stored == by_id([batch(sent)])
    assert (desk.ledger.acknowledged, desk.ledger.waits) == (30, {})


async def test_one_document_that_no_form_lets_in_stops_no_reader_and_is_judged_by_what_comes_next(
    tmp_path: Path,
) -> None:
    first, rest = fields(1), fields(20, 1)
    strict = Strict(lambda body: b'"level": 0' in body or rb"\"level\": 0" in body)
    desk = Desk(tmp_path, strict)
    async with desk.open():
        await desk.put(first)
        await until(lambda: desk.ledger.waits)
        async with asyncio.timeout(5):
            await desk.delivery.wait_for("shop")
        assert desk.letters == []
        await desk.put(rest)
    assert [letter["_id"] for letter in desk.letters] == first.ids
    assert strict.stored == by_id([batch(rest)])
    assert desk.ledger.waits == {}


@given(st.lists(st.sampled_from([None, "retry", "wait", "mapper_exception", "away", "large"]), max_size=60))
def test_every_document_is_accounted_for_whatever_is_answered(
    tmp_path_factory: pytest.TempPathFactory, script: list[str | None]
) -> None:
    answers = iter(script)

    class Moody(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            if (said := next(answers, None)) in ("away", "large"):
                self.before_each()
                raise Refused("large") if said == "large" else Unavailable("away")
            return await super().ship(batch)

    def answer(name: str, document: bytes) -> str | None:
        said = next(answers, None)
        return None if said in ("away", "large") else said

    moody = Moody(answer)
    sent = [plain_segment(4, target, first=4 * n) for n in range(3) for target in ("a", "b")]

    async def run() -> Desk:
        desk = Desk(tmp_path_factory.mktemp("desk"), moody, batch_bytes=sent[0].size * 2)
        async with desk.open():
            await desk.put(*sent)
        return desk

    desk = asyncio.run(run())
    everything = set(by_id([batch(*sent)]))
    dead = {str(letter["_id"]) for letter in desk.letters}
    assert set(moody.stored) | dead == everything
    assert set(moody.stored).isdisjoint(dead)
    assert desk.ledger.acknowledged + desk.ledger.dead_lettered == desk.ledger.read == 24
    assert sorted(map(id, desk.settled)) == sorted(map(id, sent))
    assert desk.ledger.waits == {}


# ------------------------------------------------------------------ dead letters once more


async def test_replayed_documents_are_delivered_beside_what_is_read(desk: Desk, shipper: RecordingShipper) -> None:
    read, letters = plain_segment(5), [plain_segment(5, "till", first=5 * n) for n in range(3)]
    async with desk.open():
        await desk.put(read)
        await desk.delivery.replay(letters)
        assert set(by_id([batch(*letters)])) <= set(shipper.stored)
        desk.check_balance()
    assert (desk.ledger.replayed, desk.ledger.acknowledged, desk.ledger.in_flight) == (15, 20, 0)
    assert desk.settled == [read]


async def test_a_replay_needs_no_running_delivery_and_keeps_to_the_size_of_a_batch(
    tmp_path: Path, shipper: RecordingShipper
) -> None:
    letters = [plain_segment(10, first=10 * n) for n in range(3)]
    desk = Desk(tmp_path, shipper, batch_bytes=letters[0].size // 2)
    desk.queue.close()
    shipper.raises = [Unavailable("away")]
    await desk.delivery.replay(letters)
    assert shipper.stored == by_id([batch(*letters)])
    assert max(one.size for one in shipper.batches) <= letters[0].size // 2
    assert (desk.ledger.in_flight, desk.ledger.in_flight_bytes, desk.ledger.balance) == (0, 0, 0)


async def test_a_replayed_document_that_is_refused_is_a_dead_letter_again(
    desk: Desk, shipper: RecordingShipper
) -> None:
    """The letter holds its text form already, which may not be made into text once more."""
    shipper.answer = lambda *_: "mapper_exception"
    async with desk.open():
        await desk.put(plain_segment(1))
    (letter,) = desk.letters
    text = json.dumps(letter["document"], separators=(",", ":")).encode()
    assert is_text(text)
    again = segment([text, *messages(1, log_stream())], log_stream())
    other = Desk(desk.letters_path.with_name("other"), shipper)  # where they stand they would not be written twice
    await other.delivery.replay([again])
    assert [one["_id"] for one in other.letters] == again.ids
    assert other.letters[0]["document"] == letter["document"]
    assert [one.count for one in shipper.batches[2:]] == [2, 1]


async def test_a_replay_returns_when_what_waits_for_the_operator_is_settled(
    desk: Desk, shipper: RecordingShipper
) -> None:
    mended = False
    shipper.answer = lambda _, text: "wait" if b'"@target":"held"' in text and not mended else None
    replay = asyncio.ensure_future(desk.delivery.replay([plain_segment(5, "held"), plain_segment(5)]))
    await until(lambda: desk.ledger.waits and len(shipper.stored) == 5)
    assert not replay.done()
    mended = True
    await replay
    assert len(shipper.stored) == 10


async def test_a_replay_that_is_cut_short_leaves_dead_letters(desk: Desk, shipper: RecordingShipper) -> None:
    shipper.answer = lambda _, text: "retry" if b"line 3" in text else None
    async with desk.open():
        replay = asyncio.ensure_future(desk.delivery.replay([plain_segment(5)]))
        await until(lambda: desk.ledger.acknowledged)
    with pytest.raises(Unavailable, match="the dead letters again"):
        await replay
    assert (desk.ledger.replayed, desk.ledger.acknowledged, desk.ledger.dead_lettered) == (5, 4, 1)
    assert (desk.ledger.in_flight, desk.ledger.in_flight_bytes, desk.ledger.balance) == (0, 0, 0)


async def cancelled(task: asyncio.Future[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def test_a_replay_that_is_cancelled_waits_for_the_operator_no_longer(
    desk: Desk, shipper: RecordingShipper
) -> None:
    shipper.answer = lambda *_: "wait"
    replay = asyncio.ensure_future(desk.delivery.replay([plain_segment(5)]))
    await until(lambda: desk.ledger.waits)
    await cancelled(replay)
    assert desk.ledger.waits == {}


async def test_a_replay_that_is_cancelled_hides_nothing_that_still_waits(desk: Desk, shipper: RecordingShipper) -> None:
    mended = False
    shipper.answer = lambda *_: None if mended else "wait"
    async with desk.open():
        await desk.put(plain_segment(5))
        await until(lambda: desk.ledger.waits)
        before = len(shipper.batches)
        replay = asyncio.ensure_future(desk.delivery.replay([plain_segment(5, first=5)]))
        await until(lambda: any(one.segments[0].ids[0].endswith("-5") for one in shipper.batches[before:]))
        await cancelled(replay)
        assert desk.ledger.waits == {"shop": "its index is closed"}
        mended = True
    assert desk.ledger.waits == {}


async def test_a_replay_that_is_cancelled_while_the_output_is_away_leaves_it_unknown(
    desk: Desk, shipper: RecordingShipper
) -> None:
    shipper.raises = [Unavailable("away")] * 1000
    replay = asyncio.ensure_future(desk.delivery.replay([plain_segment(5)]))
    await until(lambda: desk.ledger.error)
    await cancelled(replay)
    assert desk.ledger.error == ""


# ------------------------------------------------------------------ parts


@given(st.lists(st.integers(0, 30), max_size=6), st.integers(1, 3000))
def test_packed_batches_hold_every_document_in_order(counts: list[int], batch_bytes: int) -> None:
    segments = [plain_segment(count, first=100 * n) for n, count in enumerate(counts)]
    found = list(packed(segments, batch_bytes))
    assert list(by_id(found).items()) == list(by_id([batch(*segments)]).items())
    assert all(one.size <= batch_bytes or one.count == 1 for one in found)


@given(
    st.sampled_from(
        [
            '{"a":1}',
            '{"message":"x"}',
            '{"message":"x","stream":"y"}',
            '{"message":"a","message":"b"}',
            '{"message":{"an":"object"}}',
            '{"message": "spaced"}',
            '{"n":1e999}',
            '{"s":",\\"stream\\":\\""}',
            "plain",
            "größe 🐟",
            "",
            ',"stream":"',
            '{"log":{},"stream":"stdout","@timestamp":"x"}',
        ]
    )
    | st.text(max_size=20)
)
def test_a_refused_line_reads_the_same_as_text(line: str) -> None:
    data = raw(line + "\n")
    end = Position(FileId("c0ffee", "aa", 0), len(data), 1)
    (found,) = DockerJson(Stamps()).segments(
        Chunk(stream=log_stream(), data=data, start=Position(end.file, 0, 0), end=end)
    )
    text = as_text(Rejected(found, 0, "mapper_exception", ""))
    assert text.ids == found.ids
    assert text.size == len(text.documents[0])
    assert b"\n" not in text.documents[0]
    members = orjson.loads(text.documents[0])
    assert members.pop("delivery_error") == "mapper_exception"
    expected = line.removesuffix("\r")
    assert members["log"] in ({"message": expected}, {"message": "x"} if line == '{"message":"x"}' else None)
    assert list(members) == ["log", "stream", "@timestamp", "host", "@target", "docker_container"]


def test_a_part_of_a_segment_keeps_ids_with_their_documents() -> None:
    whole = plain_segment(5)
    some = whole.part([1, 3])
    assert by_id([batch(some)]) == {whole.ids[n]: whole.documents[n] for n in (1, 3)}
    assert some.size == len(whole.documents[1]) + len(whole.documents[3])
