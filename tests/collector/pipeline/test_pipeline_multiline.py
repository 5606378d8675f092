"""Laws of events on their way: the last one of a quiet log arrives, once, whatever comes late, crashes or is away."""

import asyncio
import json
from pathlib import Path

import pytest

from collector.pipeline.pipeline import Pipeline
from collector.reading import Multiline, Reading
from tests.collector.docker_lines import raw
from tests.collector.pipeline.test_pipeline import Host
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until

TIMES = [f"2026-11-23T10:00:00.{number:03}Z" for number in range(1000)]
TRACE = ("2026-11-23 ERROR boom", "java.lang.IllegalStateException: x", "\tat a.B.c(B.java:1)")
AUTO = Reading(multiline=Multiline())


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def line(text: str, number: int, *, stream: str = "stdout") -> bytes:
    return raw(f"{text}\n", time=TIMES[number], stream=stream)


def quick(pipeline: Pipeline) -> Pipeline:
    pipeline.save_seconds = 0.02
    return pipeline


def stored(shipper: RecordingShipper) -> dict[str, str]:
    """The texts of all documents by the end of their id."""
    return {name.rsplit("-")[-1]: json.loads(body)["log"]["message"] for name, body in shipper.stored.items()}


async def test_the_last_event_of_a_quiet_log_is_shipped_whole_and_once(host: Host) -> None:
    shipper = RecordingShipper()
    host.add("app", *[line(text, number) for number, text in enumerate(TRACE)], reading=AUTO)
    async with host.run(pipeline := quick(host.pipeline(shipper))):
        await until(lambda: pipeline.ledger.acknowledged == 1)
    assert stored(shipper) == {"0~3": "\n".join(TRACE)}
    async with host.run(again := quick(host.pipeline(shipper))):
        await asyncio.sleep(0.3)
    assert again.ledger.read == 0


async def test_an_end_that_was_decided_stays_over_a_crash_whatever_follows(host: Host) -> None:
    refusing = RecordingShipper(answer=lambda name, document: "retry")
    log = host.add("app", line("a", 0), line("b", 1), line("err", 2, stream="stderr"), reading=AUTO)
    pipeline = quick(host.pipeline(refusing))
    task = asyncio.create_task(pipeline.run())
    await until(lambda: len({name for batch in refusing.batches for one in batch.segments for name in one.ids}) == 3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    log.write(line("\tlate", 3), line("c", 4))
    shipper = RecordingShipper()
    async with host.run(pipeline := quick(host.pipeline(shipper))):
        await until(lambda: pipeline.ledger.acknowledged == 5)
    assert stored(shipper) == {"0": "a", "1": "b", "2": "err", "3": "\tlate", "4": "c"}


async def test_a_line_that_comes_in_time_is_joined(host: Host) -> None:
    shipper = RecordingShipper()
    log = host.add("app", line(TRACE[0], 0), reading=AUTO)
    async with host.run(pipeline := host.pipeline(shipper)):
        await until(lambda: pipeline.ledger.read_bytes)
        log.write(line(TRACE[1], 1))
        await asyncio.sleep(0.05)
        log.write(line(TRACE[2], 2), line("next", 3))
        pipeline.save_seconds = 0.02
        await until(lambda: pipeline.ledger.acknowledged == 2)
    assert stored(shipper) == {"0~3": "\n".join(TRACE), "3": "next"}


async def test_an_event_goes_on_over_a_rotation_and_over_a_restart(host: Host) -> None:
    shipper = RecordingShipper()
    log = host.add("app", line("first", 0), line(TRACE[0], 1), reading=AUTO)
    async with host.run(pipeline := host.pipeline(shipper)):
        await until(lambda: pipeline.ledger.acknowledged == 1)
    log.rotate()
    log.write(line(TRACE[1], 2), line(TRACE[2], 3))
    async with host.run(pipeline := quick(host.pipeline(shipper))):
        await until(lambda: pipeline.ledger.acknowledged == 1)
    assert stored(shipper) == {"0": "first", "1~3": "\n".join(TRACE)}


async def test_a_container_that_has_stopped_ends_its_event_at_once(host: Host) -> None:
    shipper = RecordingShipper()
    host.add("app", *[line(text, number) for number, text in enumerate(TRACE)], reading=AUTO, running=False)
    async with host.run(pipeline := host.pipeline(shipper)):
        await until(lambda: pipeline.ledger.acknowledged == 1, seconds=1.5)
    assert stored(shipper) == {"0~3": "\n".join(TRACE)}


async def test_nothing_is_taken_while_an_end_is_being_saved_and_nothing_decided_where_it_cannot_be(host: Host) -> None:
    shipper = RecordingShipper()
    log = host.add("app", line("a", 0), reading=AUTO)
    pipeline = quick(host.pipeline(shipper))
    saving, go_on = asyncio.Event(), asyncio.Event()
    flush = pipeline.checkpoints.flush

    async def slow() -> bool:
        if any(one.ended for one in pipeline.checkpoints.whole()):
            saving.set()
            await go_on.wait()
            return False  # the disk is full
        return await flush()

    pipeline.checkpoints.flush = slow  # type: ignore[method-assign]
    async with host.run(pipeline):
        await saving.wait()
        log.write(line("\tb", 1), line("c", 2))
        await asyncio.sleep(0.3)
        assert pipeline.ledger.read == 0
        go_on.set()
        await until(lambda: pipeline.ledger.acknowledged == 1)
        pipeline.checkpoints.flush = flush  # type: ignore[method-assign]
        await until(lambda: pipeline.ledger.acknowledged == 2)
    assert stored(shipper) == {"0~2": "a\n\tb", "2": "c"}


async def test_half_a_line_of_one_stream_holds_no_event_of_the_other(host: Host) -> None:
    """As a progress bar on stdout, before the error that says why it stands still."""
    shipper = RecordingShipper()
    log = host.add("app", raw("50 %", time=TIMES[0]), reading=AUTO)
    async with host.run(pipeline := quick(host.pipeline(shipper))):
        log.write(line("FATAL disk full", 1, stream="stderr"))
        await until(lambda: pipeline.ledger.acknowledged == 1)
        assert stored(shipper) == {"1": "FATAL disk full"}
        log.write(raw(" 60 %\n", time=TIMES[0]))
        await until(lambda: len(shipper.stored) == 2)
    assert stored(shipper) == {"1": "FATAL disk full", "0.2": "50 % 60 %"}
