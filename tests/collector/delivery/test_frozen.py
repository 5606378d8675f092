"""Laws of batches that are on disk before they are sent: after any crash the same batch again, no document twice."""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.dead_letters import DeadLetters
from collector.delivery.backoff import Backoff
from collector.delivery.batches import Batches
from collector.delivery.concurrency import Concurrency
from collector.delivery.delivery import Delivery
from collector.delivery.sender import summed
from collector.delivery.spool.entries import Entry, Stored
from collector.delivery.spool.files import Spool
from collector.delivery.spool.records import FILE_HEADER, RECORD_HEADER, head_of
from collector.errors import TOO_LARGE, Refused, Unavailable
from collector.ledger import Ledger
from collector.model import Batch, FileId, LogStream, Position, Receipt, Segment, Ticket
from collector.state.checkpoint import Checkpoints
from tests.collector.waiting import until
from tests.contract.segments import document, log_stream, segment
from tests.examples import examples

ROOM = 1 << 20
CONCURRENCY = 2
MOST_LIVE = CONCURRENCY + 2  # frozen batches without an outage


class Crash(BaseException):
    """The end of a life, in mid-work."""


class Fate:
    """Ends a life when something has happened so many times."""

    def __init__(self, after: int | None = None) -> None:
        self.left = after

    def step(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Crash


class Receiver:
    """Tells a batch that it has by its ids alone, all of them; keeps what it has over the lives of the agent."""

    def __init__(self) -> None:
        self.tokens: set[tuple[str, ...]] = set()
        self.copies: Counter[str] = Counter()
        self.away = 0  # answers that get lost, or are none
        self.most = 1 << 30  # documents of a request
        self.bad: set[str] = set()  # ids that are taken as text alone
        self.fate = Fate()
        self.is_away = False

    async def ship(self, batch: Batch) -> Receipt:
        self.fate.step()
        await asyncio.sleep(0)
        token = tuple(name for part in batch.segments for name in part.ids)
        if self.is_away:
            raise Unavailable("away")
        if len(token) > self.most:
            raise Refused("too many", type=TOO_LARGE)
        texts = {name for part in batch.segments for name, body in zip(part.ids, part.documents, strict=True)
                 if b'"delivery_error"' in body}  # fmt: skip
        if self.bad & {*token} - texts:
            raise Refused("a document is bad", type="bad")
        is_known = token in self.tokens
        if not is_known:
            self.tokens.add(token)
            self.copies.update(token)
        self.fate.step()
        if self.away:
            self.away -= 1
            raise Unavailable("the answer was lost")
        return Receipt(duplicate=len(token)) if is_known else Receipt(delivered=len(token))

    async def aclose(self) -> None:
        """Nothing is held."""


class MortalSpool(Spool):
    fate = Fate()

    def append(self, segments: Sequence[Segment], texts: object, *, is_live: bool = False) -> Stored:
        self.fate.step()
        stored = super().append(segments, (), is_live=is_live)
        self.fate.step()
        return stored

    def done(self, entry: Entry) -> None:
        self.fate.step()
        super().done(entry)
        self.fate.step()


class MortalPositions(Checkpoints):
    fate = Fate()

    async def flush(self) -> bool:
        self.fate.step()
        for _ in range(random.choice((0, 0, 200))):  # others have their turns before it begins
            await asyncio.sleep(0)
        is_flushed = await super().flush()
        self.fate.step()
        return is_flushed


class Life:
    """One run of an agent on what is on disk: each stream is read from its position on, in segments of any size."""

    def __init__(
        self,
        directory: Path,
        receiver: Receiver,
        fate: Fate,
        *,
        after_seconds: float = 60.0,
        memory_bytes: int | None = None,
    ) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.fate = receiver.fate = fate
        self.ledger = Ledger()
        self.checkpoints = MortalPositions(directory, "out")
        self.checkpoints.fate = fate
        mark = self.checkpoints.spool_mark
        in_memory = random.choice((0, 1 << 20)) if memory_bytes is None else memory_bytes
        self.spool = MortalSpool(
            directory / "spool", ROOM, file_bytes=4000, is_held=True, covered=mark, memory_bytes=in_memory
        )
        self.spool.fate = fate
        self.queue = Batches(batch_bytes=3000, linger_seconds=0.0, bound_bytes=9000)
        self.delivery = Delivery(
            "out",
            receiver,
            self.queue,
            DeadLetters(directory / "letters", 1 << 20),
            self.ledger,
            self.checkpoints.settle,
            concurrency=Concurrency(CONCURRENCY),
            spool=self.spool,
            spool_after_seconds=after_seconds,
            positions=self.checkpoints,
            is_frozen=True,
            backoff=lambda: Backoff(0.001, 0.01),
        )

    async def read(self, lines: int, streams: int, chance: random.Random, *, is_last: bool) -> None:
        keys = [log_stream(f"t{n}", container_id=f"c{n}") for n in range(streams)]
        places = {stream.key: _line_of(self.checkpoints, stream) for stream in keys}
        while waiting := [stream for stream in keys if places[stream.key] < lines]:
            stream = chance.choice(waiting)
            first = places[stream.key]
            until_line = places[stream.key] = min(first + chance.randint(1, 12), lines)
            made = _segment(stream, first, until_line)
            self.checkpoints.track(made)
            await self.queue.put(made)
            self.ledger.entered(made)
        if is_last:
            await until(lambda: not self.ledger.in_flight and self.spool.is_empty)
        self.queue.close()

    async def run(self, lines: int, streams: int, chance: random.Random, *, is_last: bool = False) -> None:
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(self.delivery.run(2))
            tasks.create_task(self.read(lines, streams, chance, is_last=is_last))
        await self.checkpoints.flush()
        assert self.ledger.balance == 0


def _line_of(checkpoints: Checkpoints, stream: LogStream) -> int:
    resume = checkpoints.begin(stream).resume
    return resume.position.line if resume is not None else 0


def _segment(stream: LogStream, first: int, end: int) -> Segment:
    made = segment([document({"message": f"line {n}"}, stream) for n in range(first, end)], stream, first=first)
    file = FileId(stream.container_id, "head", 0)
    return replace(made, ticket=Ticket(Position(file, end * 10, end), documents=end - first))


def _names(lines: int, streams: int) -> set[str]:
    return {name for n in range(streams) for name in _segment(log_stream(f"t{n}", container_id=f"c{n}"), 0, lines).ids}


@examples(3)
@given(
    ends=st.lists(st.integers(0, 60), max_size=6),
    streams=st.integers(1, 4),
    lines=st.integers(0, 90),
    most=st.sampled_from([1, 3, 20, 1 << 30]),
    bad=st.sets(st.integers(0, 89), max_size=2),
    away=st.integers(0, 4),
    seed=st.integers(0, 1 << 30),
)
def test_after_any_crash_each_document_is_there_once(
    tmp_path_factory: pytest.TempPathFactory,
    ends: list[int],
    streams: int,
    lines: int,
    most: int,
    bad: set[int],
    away: int,
    seed: int,
) -> None:
    directory, chance, receiver = tmp_path_factory.mktemp("frozen"), random.Random(seed), Receiver()
    receiver.most, receiver.away = most, away
    names = sorted(_names(lines, streams))
    receiver.bad = {names[n] for n in bad if n < len(names)} if most > 1 << 20 else set()
    for end in ends:
        with suppress(BaseExceptionGroup, Crash):
            asyncio.run(Life(directory, receiver, Fate(end)).run(lines, streams, chance))
    asyncio.run(Life(directory, receiver, Fate()).run(lines, streams, chance, is_last=True))
    assert receiver.copies == Counter(names)


class Slow(Receiver):
    """Answers nothing until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()

    async def ship(self, batch: Batch) -> Receipt:
        await self.may_answer.wait()
        return await super().ship(batch)


async def test_without_an_outage_few_batches_are_on_disk_and_none_counts_as_spooled(tmp_path: Path) -> None:
    receiver = Slow()
    life = Life(tmp_path, receiver, Fate(), after_seconds=0.0)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(life.run(300, 1, random.Random(1)))
        await until(lambda: len(list_of_records(life)) == MOST_LIVE)
        assert life.queue.bound_bytes == 9000
        receiver.may_answer.set()
    assert receiver.copies == Counter(_names(300, 1))
    assert (life.ledger.spooled, life.ledger.recovered_from_spool, life.spool.size_bytes) == (0, 0, 0)
    assert life.ledger.acknowledged == 300


async def test_in_an_outage_the_spool_takes_what_is_read_and_all_of_it_arrives_afterwards(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.is_away = True
    life = Life(tmp_path, receiver, Fate(), after_seconds=0.0)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(life.run(300, 2, random.Random(1), is_last=True))
        await until(lambda: life.ledger.spooled + life.ledger.in_flight >= 600)
        assert life.ledger.spooled > 300
        receiver.is_away = False
    assert receiver.copies == Counter(_names(300, 2))
    assert life.ledger.acknowledged == 600


async def test_without_a_spool_an_outage_pauses_reading(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.is_away = True
    life = Life(tmp_path, receiver, Fate(), after_seconds=math.inf)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(life.run(600, 1, random.Random(1), is_last=True))
        await until(lambda: life.ledger.requests["unavailable"] > 20)
        assert life.ledger.read < 300
        receiver.is_away = False
    assert receiver.copies == Counter(_names(600, 1))


async def test_a_stop_in_an_outage_leaves_what_is_frozen_and_the_next_start_sends_the_same_batches(
    tmp_path: Path,
) -> None:
    receiver = Receiver()
    receiver.is_away = True
    life = Life(tmp_path, receiver, Fate(), after_seconds=0.0)
    await life.run(100, 2, random.Random(1))
    assert life.ledger.in_flight == 0
    assert life.ledger.spooled - life.ledger.recovered_from_spool == 200
    receiver.is_away = False
    await Life(tmp_path, receiver, Fate()).run(100, 2, random.Random(2), is_last=True)
    assert receiver.copies == Counter(_names(100, 2))


async def test_where_every_document_is_refused_none_is_at_fault_and_batches_stay_whole(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.most = 0
    life = Life(tmp_path, receiver, Fate())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(life.run(100, 2, random.Random(1), is_last=True))
        await until(lambda: bool(life.ledger.error))
        receiver.most = 1 << 30
    assert receiver.copies == Counter(_names(100, 2))
    assert max(map(len, receiver.tokens)) > 3
    assert life.ledger.dead_lettered == 0


async def test_a_document_that_is_refused_arrives_as_text_and_its_neighbours_as_they_are(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.bad = {sorted(_names(100, 1))[7]}
    life = Life(tmp_path, receiver, Fate())
    await life.run(100, 1, random.Random(1), is_last=True)
    assert receiver.copies == Counter(_names(100, 1))
    assert tuple(receiver.bad) in receiver.tokens
    assert life.ledger.dead_lettered == 0


async def test_a_record_that_is_damaged_before_it_is_sent_is_counted_and_holds_up_none(tmp_path: Path) -> None:
    receiver = Slow()
    life = Life(tmp_path, receiver, Fate(), memory_bytes=0)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(life.run(300, 1, random.Random(1)))
        await until(lambda: len(list_of_records(life)) == MOST_LIVE)
        damage_the_newest_record(life)
        receiver.may_answer.set()
    assert life.ledger.dropped["spool_corrupt"] == 300 - receiver.copies.total() > 0
    assert (life.ledger.in_flight, life.ledger.in_flight_bytes) == (0, 0)


class Closed(Receiver):
    """Has one target that waits for the operator; each target is a part of its own."""

    closed = "t0"

    async def ship(self, batch: Batch) -> Receipt:
        taken = Receipt()
        left: list[Segment] = []
        for target in dict.fromkeys(part.stream.target for part in batch.segments):
            theirs = Batch(tuple(part for part in batch.segments if part.stream.target == target))
            if target == self.closed:
                left += theirs.segments
            else:
                taken = summed([taken, await super().ship(theirs)])
        waits = {self.closed: "its table is closed"} if left else {}
        return summed([taken, Receipt(retry=Batch(tuple(left)), waits=waits)])


async def test_what_waits_for_the_operator_holds_up_no_other_target_and_arrives_once(tmp_path: Path) -> None:
    receiver = Closed()
    life = Life(tmp_path, receiver, Fate())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(life.run(60, 2, random.Random(1), is_last=True))
        await until(lambda: life.delivery.is_blocked("t0"))
        others = Counter(name for name in _names(60, 2) if name in _names_of("t1", 60))
        await until(lambda: receiver.copies == others)
        receiver.closed = ""
    assert receiver.copies == Counter(_names(60, 2))
    assert not life.delivery.is_blocked("t0")


def _names_of(target: str, lines: int) -> set[str]:
    return set(_segment(log_stream(target, container_id=f"c{target[1:]}"), 0, lines).ids)


def damage_the_newest_record(life: Life) -> None:
    path = max(life.directory.glob("spool/*.spool"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def list_of_records(life: Life) -> list[int]:
    """Where the records of its spool begin."""
    found = []
    for path in sorted(life.directory.glob("spool/*.spool")):
        body, offset = path.read_bytes(), FILE_HEADER.size
        while (head := head_of(body[offset : offset + RECORD_HEADER.size])) is not None:
            found.append(offset)
            offset += RECORD_HEADER.size + head.length
    return found
