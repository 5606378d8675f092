"""Laws of files without times: their lines arrive all the same, and are the same at each read, whatever comes later."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from collector.model import Segment
from tests.collector.docker_lines import ContainerLog, raw
from tests.collector.pipeline.test_pipeline import Host, messages
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until

CHANGED = 1_511_748_780_768_123_456
TIME = "2017-11-27T02:13:00.768123456Z"
TORN = b'ed\\n","stream":"stdout","time":"2017-11-20T09:59:59.5Z"}\n'


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def set_changed(log: ContainerLog) -> None:
    os.utime(log.live, ns=(CHANGED, CHANGED))


def sent(shipper: RecordingShipper) -> list[Segment]:
    return [segment for batch in shipper.batches for segment in batch.segments]


async def test_a_file_without_any_time_is_shipped_with_its_own_while_its_container_runs(host: Host) -> None:
    shipper = RecordingShipper()
    set_changed(host.add("app", TORN, b"torn\n"))
    pipeline = host.pipeline(shipper)
    pipeline.save_seconds = 0.05
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.acknowledged == 2)
    assert messages(shipper) == [TORN.decode()[:-1], "torn"]
    assert {(json.loads(body)["@timestamp"], one.day) for one in sent(shipper) for body in one.documents} == {
        (TIME, "2017-11-27")
    }
    async with host.run(again := host.pipeline(shipper)):
        await asyncio.sleep(0.3)
    assert again.ledger.read == 0


async def test_a_time_that_was_given_stays_over_a_crash_whatever_follows(host: Host) -> None:
    refusing = RecordingShipper(answer=lambda name, document: "retry")
    log = host.add("app", TORN)
    set_changed(log)
    pipeline = host.pipeline(refusing)
    pipeline.save_seconds = 0.05
    task = asyncio.create_task(pipeline.run())
    await until(lambda: refusing.batches)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    log.write(raw("good\n", time="2017-11-29T10:00:00Z"), b"torn\n")
    shipper = RecordingShipper()
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.acknowledged == 3)
    first = sent(refusing)[0]
    assert (sent(shipper)[0].day, shipper.stored[first.ids[0]]) == (first.day, first.documents[0])
    assert [json.loads(body)["@timestamp"] for body in shipper.stored.values()] == [
        TIME,
        "2017-11-29T10:00:00Z",
        "2017-11-29T10:00:00Z",
    ]


async def test_a_good_line_in_time_dates_the_torn_one_before_it(host: Host) -> None:
    shipper = RecordingShipper()
    log = host.add("app", TORN)
    set_changed(log)
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.read_bytes)
        log.write(raw("good\n", time="2017-11-29T10:00:00Z"))
        await until(lambda: pipeline.ledger.acknowledged == 2)
    assert {json.loads(body)["@timestamp"] for body in shipper.stored.values()} == {"2017-11-29T10:00:00Z"}
    assert [name.rsplit("-")[-1] for name in shipper.stored] == ["0", "1"]
