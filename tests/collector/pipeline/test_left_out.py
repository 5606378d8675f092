"""What is left out on its way to an output: the same over kills, in the books, and told."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from collector.pipeline.left_out import LeftOut
from collector.pipeline.pipeline import Pipeline
from collector.ports import ShipperSettings
from collector.reading import Limit, Multiline, Reading
from collector.transform.stamps import UTC_STAMPS
from tests.collector.docker_lines import log_stream, raw
from tests.collector.pipeline.test_pipeline import Host
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until

LEVELS = ("debug", "info", "warn", "error")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def lines(numbers: range, *, per_second: int = 50) -> list[bytes]:
    """So many a second, of all levels by turns."""
    found = []
    for number in numbers:
        second, rest = divmod(number, per_second)
        time = f"2026-11-23T02:{second // 60:02}:{second % 60:02}.{rest:03}Z"
        found.append(raw(json.dumps({"level": LEVELS[number % 4], "n": number}) + "\n", time=time))
    return found


def numbers(shipper: RecordingShipper) -> list[int]:
    """Of the lines that arrived; those of a log, not what tells of them."""
    logs = [json.loads(document)["log"] for document in shipper.stored.values()]
    return sorted(log["n"] for log in logs if "n" in log)


def told(shipper: RecordingShipper) -> Counter[str]:
    """What the documents of the target `pilotfish-limits` say, together."""
    found = Counter[str]()
    for document in map(json.loads, shipper.stored.values()):
        if document["@target"] == "pilotfish-limits":
            found.update(document["log"]["rules"])
    return found


def test_what_an_output_of_a_relay_does_not_want_is_no_loss_of_a_container() -> None:
    left_out = LeftOut(UTC_STAMPS)
    left_out.count(log_stream("/log"), {"target": 3, "container": 2, "container_id": 1})
    assert not left_out.has_any
    left_out.count(log_stream("/log"), {"target": 3, "level": 2, "stream": 1})
    (segment,) = left_out.told()
    assert json.loads(segment.documents[0])["log"]["rules"] == {"level": 2, "stream": 1}


async def test_an_output_has_a_minimum_level_of_its_own(host: Host) -> None:
    host.add("web", *lines(range(100)), reading=Reading(level="info"))
    near, far = RecordingShipper(), RecordingShipper()
    pipelines = host.pipeline(near, "near"), host.pipeline(far, "far", level="error")
    async with host.run(*pipelines):
        await until(lambda: len(numbers(near)) == 75 and len(numbers(far)) == 25)
    assert [one.ledger.filtered for one in pipelines] == [{"level": 25}, {"level": 75}]
    assert [told(one) for one in (near, far)] == [{"level": 25}, {"level": 75}]


class Store(ShipperSettings):
    has_excess = True


async def test_what_is_beyond_a_limit_is_in_the_store_alone_where_that_is_wanted(host: Host) -> None:
    reading = Reading(limits=(Limit(10, "lines", 1),), on_excess="store_only")
    host.add("web", *lines(range(100)), reading=reading)
    store, far = RecordingShipper(), RecordingShipper()
    async with host.run(host.pipeline(store, "store", settings=Store), host.pipeline(far, "far")):
        await until(lambda: len(numbers(store)) == 100 and len(numbers(far)) == 20)
    assert told(far) == {"limit": 80}
    assert told(store) == {}


@pytest.mark.parametrize("multiline", [None, Multiline()])
async def test_a_backlog_that_is_read_in_many_runs_loses_the_same_lines_as_one_that_is_read_at_once(
    host: Host, tmp_path: Path, multiline: Multiline | None
) -> None:
    reading = Reading(limits=(Limit(7, "lines", 1), Limit(60, "lines", 60)), multiline=multiline, adds=("line",))
    everything = lines(range(2_000), per_second=20)
    (tmp_path / "whole").mkdir()
    other, whole = Host(tmp_path / "whole"), RecordingShipper()
    other.add("web", *everything, reading=reading, running=False)
    async with other.run(other.pipeline(whole)):
        await until(lambda: len(numbers(whole)) > 0 and numbers(whole)[-1] >= 1_200)
    shipper = RecordingShipper()
    for end in range(100, 2_001, 100):
        host.add("web", *everything[end - 100 : end], reading=reading, running=end < 2_000)
        pipeline = host.pipeline(shipper)
        async with host.run(pipeline):
            await until(lambda: pipeline.ledger.read > 0)  # noqa: B023
            if end % 300:
                await until(lambda: pipeline.backlog_bytes == 0)  # noqa: B023
    lines_of = [{name: body for name, body in one.stored.items() if b'"n":' in body} for one in (shipper, whole)]
    assert lines_of[0] == lines_of[1]


async def test_lines_that_wait_are_all_delivered(host: Host) -> None:
    reading = Reading(limits=(Limit(2_000, "lines", 1),), on_excess="wait")
    host.add("web", *lines(range(3_000)), reading=reading)
    host.add("till", *lines(range(100)))
    shipper = RecordingShipper()
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        started = asyncio.get_running_loop().time()
        await until(lambda: len(numbers(shipper)) == 3_100)
        assert asyncio.get_running_loop().time() - started > 0.4  # half of what is beyond takes half a second
    assert pipeline.ledger.filtered == {}


async def test_what_is_left_out_is_told_while_the_agent_runs(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeftOut, "tell_seconds", 0.05)
    monkeypatch.setattr(Pipeline, "save_seconds", 0.05)
    log = host.add("web", *lines(range(40)), reading=Reading(level="warn"))
    shipper = RecordingShipper()
    async with host.run(host.pipeline(shipper)):
        await until(lambda: told(shipper) == {"level": 20})
        log.write(*lines(range(40, 80)))
        await until(lambda: told(shipper) == {"level": 40})
    messages = [json.loads(one)["log"].get("message") for one in shipper.stored.values()]
    assert messages.count("web-1: 20 lines were left out (20 by level)") == 2
    async with host.run(host.pipeline(shipper)):
        log.write(*lines(range(80, 84)))
        await until(lambda: told(shipper) == {"level": 42})


def test_no_more_containers_are_told_of_than_are_counted() -> None:
    one = LeftOut(UTC_STAMPS)
    for number in range(1_500):
        one.count(log_stream("/x", container_id=f"c{number}"), {"limit": number + 1})
    segments = list(one.told())
    assert len(segments) == 1_000
    assert len({segment.ids[0] for segment in segments}) == 1_000
    orders = [segment.ticket.end.order for segment in segments]
    assert orders == sorted(set(orders))
    assert not one.has_any
