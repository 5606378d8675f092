"""A target that is the name of the container follows a rename; no line is lost, or in two indices, whatever ends."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.delivery import shipment
from collector.model import Batch, Receipt
from collector.pipeline.pipeline import Pipeline
from collector.reading import Reading
from collector.sources.file_tail import FileTail
from tests.collector.docker_lines import log_stream, numbered, raw
from tests.collector.pipeline.test_pipeline import Host, messages, words
from tests.collector.pipeline.test_pipeline_returns import Closed
from tests.collector.waiting import until


class Indices:
    """A destination that keeps each target apart, as indices do."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], str] = {}  # by target and id: the line
        self.is_up = asyncio.Event()
        self.is_up.set()

    async def ship(self, batch: Batch) -> Receipt:
        await self.is_up.wait()
        new = 0
        for segment in batch.segments:
            for name, body in zip(segment.ids, segment.documents, strict=True):
                document = json.loads(body)
                assert document["@target"] == segment.stream.target
                new += (segment.stream.target, name) not in self.stored
                self.stored[segment.stream.target, name] = document["log"]["message"]
        return Receipt(delivered=new, duplicate=batch.count - new)

    async def aclose(self) -> None:
        return

    def lines(self, target: str) -> list[str]:
        return [line for (where, _), line in self.stored.items() if where == target]

    def all_once(self, lines: int) -> bool:
        return sorted(self.stored.values()) == sorted(f"line {number}" for number in range(lines))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def pipeline(host: Host, indices: Indices) -> Pipeline:
    made = host.pipeline(indices)  # type: ignore[arg-type]  # it ships, as any
    made.save_seconds = 0.02
    return made


def rename(host: Host, name: str, new: str) -> None:
    """The container gets another name, and the stream with it a target, as `Enricher` has it."""
    fields = {"host": "moby", "@target": new, "docker_container": new}
    host.put(replace(log_stream(host.logs[name].live, container_id=name, target=new), container=new, fields=fields))


def target_of(one: Pipeline) -> str:
    """That of its only stream, as it is read now; "" before it is read."""
    return next((reader.source.stream.target for reader in one.readers.values()), "")


async def test_lines_before_a_rename_keep_their_target_and_those_behind_it_have_the_new_one(host: Host) -> None:
    indices = Indices()
    log = host.add("app.upcoming", *numbered(range(10)))
    one = pipeline(host, indices)
    async with host.run(one):
        await until(lambda: len(indices.stored) == 10)
        rename(host, "app.upcoming", "app")
        await until(lambda: target_of(one) == "app")
        log.write(*numbered(range(10, 20)))
        await until(lambda: len(indices.stored) == 20)
    assert indices.lines("app.upcoming") == [f"line {number}" for number in range(10)]
    assert indices.lines("app") == [f"line {number}" for number in range(10, 20)]
    again = pipeline(host, indices)
    async with host.run(again):
        await until(lambda: len(again.readers) == 1)
    assert indices.all_once(20)


async def test_a_log_that_is_never_quiet_changes_too(host: Host) -> None:
    indices = Indices()
    log = host.add("busy", *numbered(range(10)))
    one = pipeline(host, indices)
    count = 10
    async with host.run(one):
        await until(lambda: len(indices.stored) >= 10)
        rename(host, "busy", "calm")
        async with asyncio.timeout(20):
            while not indices.lines("calm"):
                log.write(*numbered(range(count, count + 50)))
                count += 50
                await asyncio.sleep(0.002)
        await until(lambda: len(indices.stored) == count)
    assert indices.all_once(count)


async def test_a_log_that_has_something_left_at_each_look_changes_once_it_is_read_to_where_it_ended(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    indices = Indices()
    log = host.add("busy", *numbered(range(10)))
    one = pipeline(host, indices)
    async with host.run(one):
        await until(lambda: len(indices.stored) == 10)
        left = len(b"".join(numbered(range(10, 20))))
        monkeypatch.setattr(FileTail, "backlog_bytes", left)
        rename(host, "busy", "calm")
        await asyncio.sleep(0.2)
        assert not indices.lines("calm")
        log.write(*numbered(range(10, 20)))
        await until(lambda: target_of(one) == "calm")
        log.write(*numbered(range(20, 30)))
        await until(lambda: len(indices.stored) == 30)
    assert (len(indices.lines("busy")), len(indices.lines("calm"))) == (20, 10)


async def test_what_waits_for_its_output_keeps_its_target(host: Host) -> None:
    indices = Indices()
    log = host.add("first", *numbered(range(10)))
    one = pipeline(host, indices)
    async with host.run(one):
        await until(lambda: len(indices.stored) == 10)
        indices.is_up.clear()
        log.write(*numbered(range(10, 20)))
        await until(lambda: one.ledger.in_flight == 10)
        rename(host, "first", "second")
        await asyncio.sleep(0.3)
        log.write(*numbered(range(20, 30)))
        await asyncio.sleep(0.1)
        indices.is_up.set()
        await until(lambda: len(indices.stored) == 30)
    assert indices.all_once(30)
    assert set(map(indices.lines("first").count, (f"line {number}" for number in range(20)))) == {1}


async def test_a_name_that_comes_back_changes_nothing(host: Host) -> None:
    indices = Indices()
    log = host.add("first", *numbered(range(10)))
    one = pipeline(host, indices)
    async with host.run(one):
        await until(lambda: len(indices.stored) == 10)
        indices.is_up.clear()
        log.write(*numbered(range(10, 20)))
        await until(lambda: one.ledger.in_flight == 10)
        rename(host, "first", "second")
        await asyncio.sleep(0.3)
        rename(host, "first", "first")
        indices.is_up.set()
        log.write(*numbered(range(20, 30)))
        await until(lambda: len(indices.stored) == 30)
    assert len(indices.lines("first")) == 30


async def test_a_change_that_cannot_be_kept_is_not_made(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    indices = Indices()
    log = host.add("first", *numbered(range(10)))
    one = pipeline(host, indices)
    async with host.run(one):
        await until(lambda: len(indices.stored) == 10)

        async def fails() -> bool:
            return False

        monkeypatch.setattr(one.checkpoints, "flush", fails)
        rename(host, "first", "second")
        await asyncio.sleep(0.2)
        log.write(*numbered(range(10, 20)))
        await until(lambda: len(indices.stored) == 20)
        monkeypatch.undo()
        await until(lambda: target_of(one) == "second")
        log.write(*numbered(range(20, 30)))
        await until(lambda: len(indices.stored) == 30)
    assert (len(indices.lines("first")), len(indices.lines("second"))) == (20, 10)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ends=st.lists(st.floats(0.0, 0.15), min_size=1, max_size=4))
async def test_a_kill_at_any_moment_puts_no_line_into_two_indices(
    tmp_path_factory: pytest.TempPathFactory, ends: list[float]
) -> None:
    """Nothing is drained or saved at an end; what is on disk is all that the next run knows."""
    host = Host(tmp_path_factory.mktemp("host"))
    indices = Indices()
    log = host.add("a", *numbered(range(10)))
    count = 10
    for number, seconds in enumerate(ends):
        host.registry.closed = False
        one = pipeline(host, indices)
        running = asyncio.ensure_future(one.run())
        await asyncio.sleep(seconds / 2)
        rename(host, "a", f"name-{number}")
        log.write(*numbered(range(count, count + 20)))
        count += 20
        await asyncio.sleep(seconds / 2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.sleep(0.02)
        with one.checkpoints._file._writing:  # a kill leaves no thread that writes on
            pass
    host.registry.closed = False
    async with host.run(pipeline(host, indices)):
        await until(lambda: len(set(indices.stored.values())) == count)
    assert indices.all_once(count)


async def test_a_format_that_changes_while_its_container_runs_is_applied_from_a_safe_place_on(host: Host) -> None:
    """As of a swarm service, whose labels change without a new task."""
    indices = Indices()
    log = host.add("web", raw('{"message":"1"}\n'), raw("piece"))
    stream = log_stream(log.live, container_id="web", target="web")
    one = pipeline(host, indices)
    async with host.run(one):
        await until(lambda: len(indices.stored) == 1)
        host.put(replace(stream, reading=Reading("none")))
        await asyncio.sleep(0.3)
        log.write(raw(" two\n"))
        await until(lambda: len(indices.stored) == 2)
        await until(lambda: next(iter(one.readers.values())).source.stream.reading.format == "none")
        log.write(raw('{"message":"3"}\n'))
        await until(lambda: len(indices.stored) == 3)
    assert indices.lines("web") == ["1", "piece two", '{"message":"3"}']


@pytest.mark.parametrize("is_shut", [False, True])
async def test_lines_of_a_slow_format_arrive_once_in_parts(
    host: Host, monkeypatch: pytest.MonkeyPatch, is_shut: bool
) -> None:
    """Also where they go back to their log, since their target is closed for a while and memory is short."""
    monkeypatch.setattr(shipment, "_HELD_BOUND_BYTES", 1_000)
    shipper = Closed()
    shipper.is_shut = is_shut
    log = host.add("web", *numbered(range(2_000)))
    stream = log_stream(log.live, container_id="web", target="web")
    host.put(replace(stream, reading=Reading("regexp", {"pattern": r"(?P<message>line \d+)"})))
    one = pipeline(host, shipper)  # type: ignore[arg-type]  # it ships, as any
    async with host.run(one):
        await asyncio.sleep(0.5)
        log.write(*numbered(range(2_000, 3_000)))
        shipper.is_shut = False
        await until(lambda: len(shipper.stored) == 3_000)
    assert sorted(messages(shipper)) == sorted(words(range(3_000)))
    assert (one.ledger.read, one.ledger.duplicate) == (3_000, 0)
