"""Laws of one output's way: a tree of logs arrives whole and once, over restarts, kills and destinations in trouble."""

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from collector.container_settings.rule_book import RuleBook
from collector.discovery.registry import Container, Registry
from collector.errors import Unavailable
from collector.intake.input import Reads
from collector.intake.json_files import JsonFiles
from collector.model import Batch, LogStream, Receipt, Segment, StreamKey
from collector.pipeline.pipeline import Pipeline
from collector.pipeline.reader import Reader
from collector.pipeline.sharing import Sharing
from collector.ports import ShipperSettings, Tap
from collector.sources.file_tail import FileTail
from collector.sources.log_reader import LogReader
from collector.sources.tail_counts import CHUNK_BYTES
from collector.state.checkpoint import Checkpoints
from collector.transform import docker_event
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import ContainerLog, log_stream, numbered, raw
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until


class Host:
    """Containers with logs in a tree, the registry of them, and an agent's state directory beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / "state"
        self.state.mkdir()
        self.registry = Registry()
        self.listing = self.registry.join("docker")
        self.listing.answered()
        self.logs: dict[str, ContainerLog] = {}

    def add(self, name: str, *lines: bytes, **changes: object) -> ContainerLog:
        """A container called `name` whose target is its name, too."""
        log = self.logs[name] = self.logs.get(name) or ContainerLog(self.root, name)
        stream = replace(log_stream(log.live, container_id=name, target=name), **changes)
        log.write(*lines)
        self.put(stream)
        return log

    def put(self, stream: LogStream) -> None:
        state = "running" if stream.running else "exited"
        self.listing.put(Container(id=stream.container_id, name=stream.container, state=state, streams=(stream,)))

    def pipeline(
        self,
        shipper: RecordingShipper,
        output: str = "out",
        *,
        batch_bytes: int = 1 << 20,
        cutoff: str = "",
        spool: bool = False,
        tap: Tap | None = None,
        reads: Reads | None = None,
        settings: type[ShipperSettings] = ShipperSettings,
        more: Mapping[str, object] | None = None,
        rules: RuleBook | None = None,
        sharing: Sharing | None = None,
        level: str | None = None,
    ) -> Pipeline:
        reads = reads or JsonFiles(Stamps(), cutoff=cutoff)
        pipeline = Pipeline(
            output,
            shipper,
            settings.model_validate(
                {
                    "type": "recording",
                    "level": level,
                    "batch_bytes": batch_bytes,
                    "linger_seconds": 0.0,
                    "spool": spool,
                    "spool_after_seconds": 0.0,
                    **(more or {}),
                }
            ),
            registry=self.registry,
            checkpoints=Checkpoints(self.state, output),
            directory=self.state,
            inputs={"docker": reads},
            tap=tap,
            rules=rules,
            sharing=sharing,
        )
        pipeline.events.open(docker_event.STREAM, reads.cutoff)
        return pipeline

    @asynccontextmanager
    async def run(self, *pipelines: Pipeline, seconds: float = 30.0) -> AsyncIterator[None]:
        """Run them until the block ends, then drain; at the end everything read is settled and the positions kept."""
        self.registry.closed = False
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
            for pipeline in pipelines:
                tasks.create_task(pipeline.run())
            yield
            self.registry.close()
        for pipeline in pipelines:
            await pipeline.checkpoints.flush()
            assert pipeline.ledger.balance == 0
            assert pipeline.ledger.in_flight == pipeline.ledger.in_flight_bytes == 0


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def shipper() -> RecordingShipper:
    return RecordingShipper()


def log_of(reader: Reader) -> LogReader:
    """What holds the files of a stream."""
    assert isinstance(reader.source, FileTail)
    return reader.source._log


def messages(shipper: RecordingShipper, target: str | None = None) -> list[str]:
    found = [json.loads(document) for document in shipper.stored.values()]
    return [one["log"]["message"] for one in found if target in (None, one["@target"])]


def words(lines: Iterable[int]) -> list[str]:
    return [f"line {number}" for number in lines]


class ForgetfulShipper(RecordingShipper):
    """Takes everything and keeps nothing."""

    async def ship(self, batch: Batch) -> Receipt:
        return Receipt(delivered=batch.count)


async def test_quiet_logs_keep_nothing_of_what_was_read(host: Host) -> None:
    lines = numbered(range(2000))
    for number in range(20):
        host.add(f"c{number}", *lines)
    pipeline = host.pipeline(ForgetfulShipper())
    tracemalloc.start()
    try:
        async with host.run(pipeline):
            await until(lambda: pipeline.ledger.acknowledged == 40_000)
            await until(lambda: tracemalloc.get_traced_memory()[0] < pipeline.ledger.read_bytes / 5)
    finally:
        tracemalloc.stop()


async def test_every_line_of_a_tree_arrives_once_in_the_order_of_its_log(host: Host, shipper: RecordingShipper) -> None:
    for name in ("web", "till", "mail"):
        host.add(name, *numbered(range(3000)))
    pipeline = host.pipeline(shipper, batch_bytes=100_000)
    async with host.run(pipeline):
        await until(lambda: len(shipper.stored) == 9000)
    for name in ("web", "till", "mail"):
        assert sorted(messages(shipper, name), key=lambda it: int(it[5:])) == words(range(3000))
    assert (pipeline.ledger.read, pipeline.ledger.acknowledged, pipeline.ledger.duplicate) == (9000, 9000, 0)
    assert pipeline.ledger.read_bytes == 3 * sum(map(len, numbered(range(3000))))
    assert pipeline.backlog_bytes == 0


async def test_lines_that_come_while_it_runs_arrive_over_a_rotation(host: Host, shipper: RecordingShipper) -> None:
    log = host.add("web")
    async with host.run(host.pipeline(shipper)):
        for first in range(0, 50, 10):
            log.write(*numbered(range(first, first + 10)))
            await until(lambda first=first: len(shipper.stored) == first + 10)  # type: ignore[misc]
            log.rotate()
    assert messages(shipper) == words(range(50))


async def test_a_restart_goes_on_behind_what_was_settled(host: Host, shipper: RecordingShipper) -> None:
    log = host.add("web", *numbered(range(10)))
    async with host.run(host.pipeline(shipper)):
        await until(lambda: len(shipper.stored) == 10)
    log.write(*numbered(range(10, 15)))
    log.rotate(compress=True)
    log.write(*numbered(range(15, 20)))
    again = host.pipeline(shipper)
    async with host.run(again):
        await until(lambda: len(shipper.stored) == 20)
    assert messages(shipper) == words(range(20))
    assert (again.ledger.read, again.ledger.duplicate) == (10, 0)


async def test_a_kill_sends_again_under_the_same_ids(host: Host, shipper: RecordingShipper) -> None:
    log = host.add("web", *numbered(range(500)))
    for round_ in range(1, 6):
        task = asyncio.create_task(host.pipeline(shipper, batch_bytes=5000).run())
        await until(lambda round_=round_: len(shipper.stored) >= 80 * round_)  # type: ignore[misc]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        log.write(raw("half", time="2026-11-23T03:00:00Z"), raw(f" {round_}\n", time="2026-11-23T03:00:00Z"))
    last = host.pipeline(shipper)
    async with host.run(last):
        await until(lambda: last.ledger.read == 505)
    assert sorted(messages(shipper)) == sorted(words(range(500)) + [f"half {n}" for n in range(1, 6)])


async def test_a_kill_within_a_line_in_pieces_joins_it_after_all(host: Host, shipper: RecordingShipper) -> None:
    log = host.add("web", raw("first\n"), raw("a"), raw("b"))
    async with host.run(host.pipeline(shipper)):
        await until(lambda: len(shipper.stored) == 1)
    log.rotate()
    log.write(raw("c\n"), raw("last\n"))
    async with host.run(host.pipeline(shipper)):
        await until(lambda: len(shipper.stored) == 3)
    assert messages(shipper) == ["first", "abc", "last"]


async def test_a_restart_at_a_file_that_begins_with_a_piece_goes_on_in_it(
    host: Host, shipper: RecordingShipper
) -> None:
    """The line before its start is that of no file: the other stream has gone on meanwhile."""
    log = host.add("web", *numbered(range(10)))
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: len(shipper.stored) == 10)
        log.rotate()
        log.write(raw("a piece"))
        log.write(
            *(raw(f"error {number}\n", stream="stderr", time=f"2017-11-27T02:14:00.{number}Z") for number in range(5))
        )
        await until(lambda: len(shipper.stored) == 15)
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.duplicate == 5)
    assert len(shipper.stored) == 15
    assert pipeline.counts.truncated == 0


async def test_a_dead_output_delays_no_other(host: Host, shipper: RecordingShipper) -> None:
    class Dead(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            raise Unavailable("nobody answers", retry_after=60.0)

    log = host.add("web", *numbered(range(10)))
    dead, alive = host.pipeline(Dead(), "dead", batch_bytes=2000), host.pipeline(shipper, "alive")
    tasks = [asyncio.create_task(one.run()) for one in (dead, alive)]
    await until(lambda: len(shipper.stored) == 10 and dead.ledger.error)
    log.write(*numbered(range(10, 2000)))
    await until(lambda: len(shipper.stored) == 2000)
    assert dead.ledger.error == "nobody answers"
    assert dead.ledger.balance == alive.ledger.balance == 0
    assert dead.ledger.in_flight == dead.ledger.read
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_outputs_that_share_do_not_wait_for_one_that_is_away_and_it_has_all_when_it_is_back(host: Host) -> None:
    class Away(RecordingShipper):
        is_back = False

        async def ship(self, batch: Batch) -> Receipt:
            if not self.is_back:
                raise Unavailable("nobody answers", retry_after=0.01)
            return await super().ship(batch)

    sharing, first, second, away = Sharing(), RecordingShipper(), RecordingShipper(), Away()
    logs = [host.add(f"c{number}", *numbered(range(10))) for number in range(12)]
    outputs = {"away": away, "first": first, "second": second}
    pipelines = [
        host.pipeline(one, name, batch_bytes=2000 if one is away else 1 << 20, sharing=sharing)
        for name, one in outputs.items()
    ]
    async with host.run(*pipelines):
        for turn in range(1, 6):
            await until(lambda: len(first.stored) == len(second.stored) == 120 * turn)  # noqa: B023 - now
            for log in logs:
                log.write(*numbered(range(10 * turn, 10 * turn + 10)))
        await until(lambda: len(first.stored) == len(second.stored) == 720)
        assert not away.stored
        assert pipelines[0].ledger.read < 720
        shared = sum(second.stored[name] is document for name, document in first.stored.items())
        assert shared > 360, "else each has decoded by itself"
        away.is_back = True
        await until(lambda: len(away.stored) == 720)
    assert away.stored == first.stored == second.stored
    assert sharing.size == 0


async def test_an_output_that_is_away_bounds_what_is_read(host: Host) -> None:
    class Dead(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            raise Unavailable("nobody answers", retry_after=60.0)

    host.add("web", *numbered(range(50_000)))
    pipeline = host.pipeline(Dead(), batch_bytes=100_000)
    task = asyncio.create_task(pipeline.run())
    await until(lambda: pipeline.ledger.error)
    read = pipeline.ledger.read_bytes
    assert pipeline.ledger.in_flight_bytes < 3 * 1_000_000
    assert pipeline.backlog_bytes + read == host.logs["web"].live.stat().st_size
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_many_logs_that_wait_for_room_have_less_than_a_chunk_each_in_hand(host: Host) -> None:
    class Dead(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            raise Unavailable("nobody answers", retry_after=60.0)

    logs = 250
    for number in range(logs):
        host.add(f"c{number}", *[raw("x" * 8_000 + "\n")] * 40)
    pipeline = host.pipeline(Dead(), batch_bytes=100_000)
    task = asyncio.create_task(pipeline.run())
    await until(lambda: pipeline.counts.waiting_logs > 0.95 * logs)
    assert pipeline.ledger.read_bytes < 0.75 * logs * CHUNK_BYTES
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_rotation_takes_nothing_from_an_output_that_is_away_if_it_has_a_spool(
    host: Host, shipper: RecordingShipper
) -> None:
    """Its positions have moved: the next start does not miss the files that are gone."""

    class Dead(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            raise Unavailable("nobody answers")

    log = host.add("web")
    dead = host.pipeline(Dead(), spool=True)
    async with host.run(dead):
        for first in range(0, 2000, 500):
            log.write(*numbered(range(first, first + 500)))
            await until(lambda first=first: dead.ledger.read == first + 500)  # type: ignore[misc]
            log.rotate(keep=2)
        await until(lambda: dead.ledger.in_flight < 2000)
    log.write(*numbered(range(2000, 2010)))
    again = host.pipeline(shipper)  # what is there comes back even where the spool was turned off
    async with host.run(again):
        await until(lambda: len(shipper.stored) == 2010)
        await until(lambda: not again.ledger.spool_bytes)
    assert sorted(messages(shipper), key=lambda it: int(it[5:])) == words(range(2010))
    assert (again.ledger.read, again.ledger.recovered_from_spool, again.counts.gaps) == (10, 2000, 0)


async def test_a_target_that_waits_for_the_operator_holds_up_no_other(host: Host, shipper: RecordingShipper) -> None:
    """Even though it has more to read than the queue holds."""
    mended = False
    shipper.answer = lambda _, text: "wait" if b'"@target":"held"' in text and not mended else None
    host.add("held", *numbered(range(20_000)))
    pipeline = host.pipeline(shipper, batch_bytes=100_000)
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.waits)
        log = host.add("free", *numbered(range(5_000)))
        await until(lambda: len(messages(shipper, "free")) == 5_000)
        log.write(*numbered(range(5_000, 6_000)))
        await until(lambda: len(shipper.stored) == 6_000)
        assert pipeline.ledger.waits == {"held": "its index is closed"}
        assert pipeline.ledger.balance == 0
        assert pipeline.ledger.read < 20_000
        mended = True
        await until(lambda: len(shipper.stored) == 26_000)
    assert pipeline.ledger.waits == {}


async def test_stopping_delivers_what_was_read(host: Host) -> None:
    class Slow(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            await released.wait()
            return await super().ship(batch)

    released = asyncio.Event()
    slow = Slow()
    host.add("web", *numbered(range(100)))
    pipeline = host.pipeline(slow)
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.read)
        host.registry.close()
        await until(lambda: not pipeline.readers)
        host.logs["web"].write(*numbered(range(100, 110)))
        released.set()
    assert messages(slow) == words(range(100))


# ------------------------------------------------------------------ containers that come and go


async def test_a_container_that_comes_later_is_followed(host: Host, shipper: RecordingShipper) -> None:
    async with host.run(host.pipeline(shipper)):
        host.add("web", raw("hello\n"))
        await until(lambda: messages(shipper) == ["hello"])


async def test_what_a_removed_container_wrote_last_arrives_and_then_it_is_forgotten(
    host: Host, shipper: RecordingShipper
) -> None:
    """Its last line has no newline, and nobody told that it had stopped: `docker run --rm` in a hurry."""
    log = host.add("job", raw("one\n"))
    pipeline = host.pipeline(shipper)
    (key,) = host.registry.streams
    async with host.run(pipeline):
        await until(lambda: messages(shipper) == ["one"])
        log.write(raw("done"))
        host.listing.drop("job")
        await until(lambda: messages(shipper) == ["one", "done"])
        await until(lambda: pipeline.checkpoints.target_of(key) is None)
        assert pipeline.readers == {}


async def test_a_stopped_containers_last_line_ends_without_a_newline(host: Host, shipper: RecordingShipper) -> None:
    host.add("job", raw("done"))
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.read_bytes)
        assert messages(shipper) == []
        host.add("job", running=False)
        await until(lambda: messages(shipper) == ["done"])
        host.add("job", raw("again\n", time="2026-11-23T03:00:00Z"))
        await until(lambda: messages(shipper) == ["done", "again"])


async def test_an_unreadable_log_is_told_and_read_once_it_can_be(host: Host, shipper: RecordingShipper) -> None:
    loop = host.root / "loop"
    loop.symlink_to(loop)
    stream = log_stream(loop / "x.log")
    host.put(stream)
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: pipeline.unreadable)
        assert "cannot be read" in pipeline.unreadable[stream.key]
        loop.unlink()
        loop.mkdir()
        (loop / "x.log").write_bytes(raw("hello\n"))
        host.put(replace(stream, container="renamed"))
        await until(lambda: messages(shipper) == ["hello"])
        assert pipeline.unreadable == {}


@pytest.mark.parametrize(
    ("place", "words"),
    [("folder", "remove what is there instead of the log"), ("", "check that inputs.docker.logs_root is")],
)
async def test_a_log_that_cannot_be_read_is_told_with_what_helps(
    host: Host, shipper: RecordingShipper, place: str, words: str
) -> None:
    stream = log_stream(host.root / "web" / "web-json.log")
    (host.root / "web").mkdir()
    if place:
        (host.root / "web" / "web-json.log").mkdir()
    host.put(stream)
    pipeline = host.pipeline(shipper, reads=JsonFiles(Stamps(), logs_option="inputs.docker.logs_root"))
    async with host.run(pipeline):
        await until(lambda: stream.key in pipeline.unreadable)
        assert words in pipeline.unreadable[stream.key]


async def test_an_idle_log_that_can_be_read_again_is_told(host: Host, shipper: RecordingShipper) -> None:
    log = host.add("web", *numbered(range(10)))
    async with host.run(host.pipeline(shipper)):
        await until(lambda: len(shipper.stored) == 10)
    away = log.live.parent.rename(host.root / "away")
    pipeline = host.pipeline(shipper)
    pipeline.unreadable_seconds = 0.05
    async with host.run(pipeline):
        await until(lambda: pipeline.unreadable)
        away.rename(log.live.parent)
        await until(lambda: not pipeline.unreadable)


async def test_several_streams_of_one_container_ship_each_line_for_each(host: Host, shipper: RecordingShipper) -> None:
    log = ContainerLog(host.root)
    log.write(*numbered(range(5)))
    streams = tuple(log_stream(log.live, target=name, entry=name) for name in ("a", "b"))
    host.listing.put(Container(id="c0ffee", name="x", state="running", streams=streams))
    async with host.run(host.pipeline(shipper)):
        await until(lambda: len(shipper.stored) == 10)
    assert messages(shipper, "a") == messages(shipper, "b") == words(range(5))


# ------------------------------------------------------------------ what is left out, refused or shown


async def test_a_backlog_is_left_out_once_and_not_what_came_since_the_first_start(
    host: Host, shipper: RecordingShipper
) -> None:
    """The second start is later than the line, which nobody took before."""

    class Dead(RecordingShipper):
        async def ship(self, batch: Batch) -> Receipt:
            raise Unavailable("nobody answers", retry_after=60.0)

    log = host.add("web")
    first = host.pipeline(Dead(), cutoff="2026-11-23T00:00:00")
    task = asyncio.create_task(first.run())
    log.write(raw("since\n", time="2026-11-23T00:00:01Z"))
    await until(lambda: first.ledger.error)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await first.checkpoints.flush()
    async with host.run(host.pipeline(shipper, cutoff="2026-11-24T00:00:00")):
        await until(lambda: messages(shipper) == ["since"])


async def test_a_backlog_that_was_left_out_is_not_read_after_a_restart(host: Host, shipper: RecordingShipper) -> None:
    log = host.add("web", raw("old\n", time="2020-01-01T00:00:00Z"))
    first = host.pipeline(shipper, cutoff="2026-01-01T00:00:00")
    async with host.run(first):
        await until(lambda: first.readers)
        (stream,) = host.registry.streams.values()
        await until(lambda: first.checkpoints.begin(stream).resume)
    log.write(raw("new\n", time="2026-11-23T00:00:00Z"))
    second = host.pipeline(shipper)
    async with host.run(second):
        await until(lambda: messages(shipper) == ["new"])
    assert second.ledger.read == 1


async def test_refused_documents_move_the_position_as_dead_letters(host: Host, shipper: RecordingShipper) -> None:
    shipper.answer = lambda _, text: "mapper_exception" if b"line 3" in text else None
    host.add("web", *numbered(range(5)))
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.dead_lettered)
    assert messages(shipper) == words([0, 1, 2, 4])
    (letters,) = (host.state / "dead_letters" / "out").iterdir()
    assert b"line 3" in letters.read_bytes()
    again = host.pipeline(shipper)
    async with host.run(again):
        await until(lambda: again.readers)
    assert again.ledger.read == 0


async def test_the_tap_is_shown_what_is_read(host: Host, shipper: RecordingShipper) -> None:
    shown: list[Segment] = []

    class Recorded:
        def show(self, *segments: Segment) -> None:
            shown.extend(segments)

        def back(self, stream: StreamKey) -> None:
            assert stream.container_id == "web"

    host.add("web", *numbered(range(5)))
    pipeline = host.pipeline(shipper, tap=Recorded())
    async with host.run(pipeline):
        await until(lambda: len(shipper.stored) == 5)
    assert [document for segment in shown for document in segment.documents] == list(shipper.stored.values())


async def test_broken_lines_are_counted_and_arrive(host: Host, shipper: RecordingShipper) -> None:
    host.add("web", raw("good\n"), b"broken\n", raw("good\n"))
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: len(shipper.stored) == 3)
    assert messages(shipper) == ["good", "broken", "good"]
    assert pipeline.ledger.parse_errors == 1


@pytest.mark.slow
async def test_hundreds_of_targets_that_wait_for_the_operator_stop_none_that_is_taken(tmp_path: Path) -> None:
    """Each has more to say than there is room for; what comes last is read and delivered all the same."""
    host = Host(tmp_path)
    line = raw("x" * 200 + "\n")
    for number in range(200):
        host.add(f"stopped-{number}", *[line] * 1_000)
    is_mended = False
    shipper = RecordingShipper(lambda _, body: "wait" if b'"@target":"stopped-' in body and not is_mended else None)
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: len(pipeline.ledger.waits) == 200)
        host.add("free", *numbered(range(500)))
        await until(lambda: len(shipper.stored) == 500)
        host.logs["free"].write(*numbered(range(500, 1_000)))
        await until(lambda: len(shipper.stored) == 1_000)
        assert pipeline.ledger.in_flight_bytes < 96 << 20
        is_mended = True
