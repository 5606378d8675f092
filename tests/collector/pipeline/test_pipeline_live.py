"""Laws of what is shown while it is read: every document once, in the order of its log, whatever an output does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from collector.app.agent import Agent
from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.docker.event import Event
from collector.errors import Unavailable
from collector.model import Batch, Receipt
from collector.pipeline.pipeline import Pipeline
from collector.transform.docker_event import segment_of
from collector.transform.stamps import Stamps
from collector.web.ahead import Reached
from collector.web.live import Live, Wanted
from tests.collector.docker_lines import ContainerLog, numbered, raw
from tests.collector.pipeline.test_pipeline import Host, words
from tests.collector.pipeline.test_pipeline_held import Closed
from tests.collector.pipeline.test_pipeline_returns import Gate, few_bytes
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until

__all__ = ["few_bytes"]

_LINES = 20_000


class Switched(RecordingShipper):
    """An output that may be away."""

    def __init__(self, *, is_away: bool = False) -> None:
        super().__init__()
        self.is_away = is_away

    async def ship(self, batch: Batch) -> Receipt:
        if self.is_away:
            raise Unavailable("it is away")
        return await super().ship(batch)


class Watch:
    """What somebody who watches has seen, by container."""

    def __init__(self, live: Live, wanted: Wanted | None = None) -> None:
        self.seen: dict[str, list[str]] = {}
        self.skipped = 0
        self._live = live
        self._wanted = wanted or Wanted()

    @asynccontextmanager
    async def on(self) -> AsyncIterator["Watch"]:
        with self._live.subscribe(self._wanted) as watcher:

            async def look() -> None:
                async for glimpse in watcher:
                    self.skipped += glimpse.skipped
                    for document in map(json.loads, glimpse.documents):
                        self.seen.setdefault(document["@target"], []).append(document["log"]["message"])

            task = asyncio.create_task(look())
            try:
                yield self
            finally:
                task.cancel()

    @property
    def count(self) -> int:
        return sum(map(len, self.seen.values()))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def tapped(host: Host, **shippers: RecordingShipper) -> tuple[Live, list[Pipeline]]:
    """A pipeline for each, which show what they read in one place."""
    pipelines: list[Pipeline] = []
    live = Live(
        64 << 20,
        reached=lambda: (Reached(one.output, *place) for one in pipelines for place in one.checkpoints.reached()),
    )
    for name, shipper in shippers.items():
        pipelines.append(host.pipeline(shipper, name, batch_bytes=100_000, tap=live.tap(name)))
    return live, pipelines


async def test_an_output_that_is_away_hides_nothing_from_those_who_watch(host: Host) -> None:
    away = Switched(is_away=True)
    live, pipelines = tapped(host, a=away, b=RecordingShipper())
    async with host.run(*pipelines), Watch(live).on() as watch:
        for name in ("web", "till"):
            host.add(name, *numbered(range(_LINES // 2)))
        await until(lambda: watch.count >= _LINES)
        assert pipelines[0].ledger.acknowledged == 0
        assert pipelines[0].ledger.read < _LINES
        away.is_away = False
        await until(lambda: pipelines[0].ledger.acknowledged == _LINES)
    assert watch.seen == {name: words(range(_LINES // 2)) for name in ("web", "till")}


@pytest.mark.parametrize("rotates", [False, True])
async def test_each_document_is_shown_once_and_in_order_when_another_output_takes_the_lead(
    host: Host, rotates: bool
) -> None:
    outputs = {name: Switched() for name in "abc"}
    live, pipelines = tapped(host, **outputs)
    log = host.add("web")
    async with host.run(*pipelines), Watch(live).on() as watch:
        for turn, leader in enumerate("abcacb"):
            for name, output in outputs.items():
                output.is_away = name != leader
            log.write(*numbered(range(3000 * turn, 3000 * (turn + 1))))
            await until(lambda turn=turn: watch.count >= 3000 * (turn + 1))  # type: ignore[misc]
            if rotates:
                log.rotate(keep=9)
        for output in outputs.values():
            output.is_away = False
        await until(lambda: all(one.ledger.acknowledged == 18_000 for one in pipelines))
    assert watch.seen == {"web": words(range(18_000))}


async def test_a_target_that_one_output_holds_is_shown_all_the_same(host: Host) -> None:
    held = Closed()
    live, pipelines = tapped(host, a=held, b=RecordingShipper())
    async with host.run(*pipelines), Watch(live).on() as watch:
        for name in ("closed", "open"):
            host.add(name, *numbered(range(_LINES // 2)))
        await until(lambda: watch.count >= _LINES)
        assert pipelines[0].ledger.waits
        held.is_shut = False
        await until(lambda: pipelines[0].ledger.acknowledged == _LINES)
    assert watch.seen == {name: words(range(_LINES // 2)) for name in ("closed", "open")}


async def test_who_begins_to_watch_sees_nothing_of_an_output_that_is_behind(host: Host) -> None:
    behind = Switched(is_away=True)
    live, pipelines = tapped(host, a=behind, b=RecordingShipper())
    log = host.add("web", *numbered(range(6000)))
    async with host.run(*pipelines):
        await until(lambda: pipelines[1].ledger.acknowledged == 6000)
        log.rotate()
        log.write(*numbered(range(6000, 7000)))
        await until(lambda: pipelines[1].ledger.acknowledged == 7000)
        async with Watch(live).on() as watch:
            behind.is_away = False
            await until(lambda: pipelines[0].ledger.acknowledged == 7000)
            log.write(*numbered(range(7000, 7500)))
            await until(lambda: all(one.ledger.acknowledged == 7500 for one in pipelines))
    assert watch.seen == {"web": words(range(7000, 7500))}


async def test_pieces_of_lines_are_shown_once_and_in_order_when_another_output_takes_the_lead(host: Host) -> None:
    """Lines of both streams that begin in one order and end in another, so that ids do not count up."""
    outputs = {name: Switched() for name in "ab"}
    live, pipelines = tapped(host, **outputs)
    log = host.add("web")
    async with host.run(*pipelines), Watch(live).on() as watch:
        for turn in range(6):
            outputs["a"].is_away, outputs["b"].is_away = turn % 2 == 0, turn % 2 == 1
            for line in range(2000 * turn, 2000 * (turn + 1)):
                log.write(*_in_pieces(line))
                if line % 500 == 0:
                    await asyncio.sleep(0.01)
            await until(lambda turn=turn: watch.count >= 4000 * (turn + 1) - 1)  # type: ignore[misc]
        log.write(raw(" ends\n", stream="stderr", time=_time(11_999)))
        outputs["a"].is_away = outputs["b"].is_away = False
        await until(lambda: all(one.ledger.acknowledged == 24_000 for one in pipelines))
    expected = [words_of(line) for line in range(12_000)]
    assert watch.seen == {"web": ["out 0", *(each for one in expected[1:] for each in one), "error 11999 ends"]}


def words_of(line: int) -> tuple[str, str]:
    return f"error {line - 1} ends", f"out {line}"


def _in_pieces(line: int) -> list[bytes]:
    """An error's end, the next one's beginning, and a line of the other stream between them."""
    end = [raw(" ends\n", stream="stderr", time=_time(line - 1))] if line else []
    return [*end, raw(f"error {line}", stream="stderr", time=_time(line)), raw(f"out {line}\n", time=_time(line))]


def _time(line: int) -> str:
    return f"2026-11-23T02:13:00.{line:09}Z"


@pytest.mark.parametrize("others", [(), ("b",)])
async def test_what_goes_back_to_its_log_is_not_shown_again(
    host: Host, few_bytes: None, others: tuple[str, ...]
) -> None:
    shut = Gate()
    live, pipelines = tapped(host, a=shut, **{name: RecordingShipper() for name in others})
    async with host.run(*pipelines), Watch(live).on() as watch:
        log = host.add("shut", *numbered(range(3000)))
        await until(lambda: pipelines[0].ledger.waits)
        log.write(*numbered(range(3000, 6000)))
        await asyncio.sleep(0.5)
        assert any(pipelines[0]._returning._documents.values())
        shut.is_shut = False
        await until(lambda: len(shut.ids) == 6000 and watch.count >= 6000)
    assert watch.seen == {"shut": words(range(6000))}


async def test_each_event_is_shown_once_whichever_output_takes_it_first(host: Host) -> None:
    outputs = {name: Switched() for name in "ab"}
    live, pipelines = tapped(host, **outputs)
    async with host.run(*pipelines), Watch(live).on() as watch:
        for turn in range(4):
            outputs["a"].is_away, outputs["b"].is_away = turn % 2 == 0, turn % 2 == 1
            for number in range(50 * turn, 50 * (turn + 1)):
                told = Event(
                    container_id="c0ffee", action="health_status", time=number + 2, name=f"c{number}", health="x"
                )
                for pipeline in pipelines if turn < 2 else reversed(pipelines):
                    pipeline.events.put(segment_of(told, "", stamps=Stamps(), fields=lambda *_: {"@target": "events"}))
            await until(lambda turn=turn: watch.count >= 50 * (turn + 1))  # type: ignore[misc]
        outputs["a"].is_away = outputs["b"].is_away = False
        await until(lambda: all(one.ledger.acknowledged == 200 for one in pipelines))
    assert watch.seen == {"events": [f"c{number} is x" for number in range(200)]}


async def test_an_agent_shows_what_none_of_its_outputs_takes_out(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "logs", "c" * 64)
    (log.live.parent / "config.v2.json").write_text(
        json.dumps({"ID": "c" * 64, "Name": "/web", "LogPath": str(log.live), "State": {"Running": True}, "Config": {}})
    )
    variables = {
        "PILOTFISH_STATE_DIR": str(tmp_path / "state"),
        "PILOTFISH_HTTP": "false",
        "PILOTFISH_INPUTS__DIRECTORY__PATH": str(tmp_path / "logs"),
        "PILOTFISH_OUTPUTS__WHOLE__TYPE": "null",
        "PILOTFISH_OUTPUTS__PUBLIC": json.dumps({"type": "null", "containers": ["db"], "redact": ["pii"]}),
        "PILOTFISH_DRAIN_SECONDS": "0",
    }
    agent = Agent(load(None, installed_types(), variables))
    log.write(raw("before\n"))
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(agent.run())
        await until(lambda: any(one.ledger.acknowledged for one in agent.pipelines))
        async with Watch(agent.live).on() as watch:
            log.write(raw("mail to me@example.com\n"))
            await until(lambda: watch.count == 1)
        agent.stop()
        await running
    assert watch.seen == {"web": ["mail to [redacted:email]"]}


async def test_an_agent_shows_what_it_reads_while_its_first_output_is_away(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "logs", "c" * 64)
    (log.live.parent / "config.v2.json").write_text(
        json.dumps({"ID": "c" * 64, "Name": "/web", "LogPath": str(log.live), "State": {"Running": True}, "Config": {}})
    )
    agent = Agent(
        load(
            None,
            installed_types(),
            {
                "PILOTFISH_STATE_DIR": str(tmp_path / "state"),
                "PILOTFISH_HTTP": "false",
                "PILOTFISH_INPUTS__DIRECTORY__PATH": str(tmp_path / "logs"),
                "PILOTFISH_OUTPUTS__A__TYPE": "elasticsearch",
                "PILOTFISH_OUTPUTS__A__HOSTS": "http://127.0.0.1:9",
                "PILOTFISH_OUTPUTS__A__SPOOL": "false",
                "PILOTFISH_OUTPUTS__B__TYPE": "null",
                "PILOTFISH_DRAIN_SECONDS": "0",
            },
        )
    )
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(agent.run())
        await until(lambda: len(agent.pipelines) == 2 and bool(agent.pipelines[1].readers))
        async with Watch(agent.live).on() as watch:
            log.write(*numbered(range(_LINES)))
            await until(lambda: watch.count + watch.skipped >= _LINES)
            assert agent.pipelines[0].ledger.acknowledged == 0
        agent.stop()
        await running
    assert watch.skipped == 0
    assert [message for messages in watch.seen.values() for message in messages] == words(range(_LINES))
