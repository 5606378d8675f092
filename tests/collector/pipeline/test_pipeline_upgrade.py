"""A state that version 0.1.0 left behind is read by this one: nothing is lost, and nothing is delivered twice.

`tests/fixtures/state-0.1.0` was made by the code of that version: two logs, one of them rotated and the other with half
a line, what was delivered of them and of two events, and the positions; then lines were added.
"""

import json
import shutil
from pathlib import Path

import pytest

from collector.docker.event import Event
from collector.transform import docker_event
from collector.transform.stamps import Stamps
from tests.collector.pipeline.test_pipeline import Host, messages
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until

FIXTURE = Path(__file__).parents[2] / "fixtures" / "state-0.1.0"
DELIVERED = json.loads((FIXTURE / "delivered.json").read_text())
LAST_EVENT = 1_795_400_000_000_000_001


@pytest.fixture
def host(tmp_path: Path) -> Host:
    for name in ("web", "till"):
        shutil.copytree(FIXTURE / name, tmp_path / name)
    host = Host(tmp_path)
    shutil.copy(FIXTURE / "out.positions", host.state)
    (host.state / "out.positions").chmod(0o600)
    return host


async def test_lines_go_on_behind_the_positions_of_version_0_1_0(host: Host) -> None:
    shipper = RecordingShipper()
    pipeline = host.pipeline(shipper)
    host.add("web")
    host.add("till")
    async with host.run(pipeline):
        await until(lambda: len(shipper.stored) == 6)
    assert messages(shipper, "web") == [f"line {number}" for number in range(25, 30)]
    assert messages(shipper, "till") == ["piece end"]
    assert pipeline.ledger.read == 6
    assert pipeline.counts.gaps == 0
    assert not shipper.stored.keys() & DELIVERED.keys()


async def test_ids_are_those_of_version_0_1_0(host: Host) -> None:
    (host.state / "out.positions").unlink()
    shipper = RecordingShipper()
    host.add("web")
    async with host.run(host.pipeline(shipper)):
        await until(lambda: len(shipper.stored) == 30)
    before = {name: document for name, document in DELIVERED.items() if json.loads(document)["@target"] == "web"}
    assert {name: shipper.stored[name].decode() for name in before} == before


def event(time: int) -> Event:
    return Event(container_id="web", action="die", time=time, name="web", image="i", exit_code=1)


async def test_events_go_on_behind_the_time_that_version_0_1_0_kept(host: Host) -> None:
    shipper = RecordingShipper()
    for expected, last in ((LAST_EVENT, LAST_EVENT + 1), (LAST_EVENT + 1, LAST_EVENT + 2)):  # kept by both versions
        pipeline = host.pipeline(shipper)
        async with host.run(pipeline):
            assert pipeline.events.open(docker_event.STREAM, "") == expected
            for time in (last - 1, last):
                made = docker_event.segment_of(event(time), "error", stamps=Stamps(), fields=lambda *_: {"host": "m"})
                pipeline.events.put(made)
            await until(lambda pipeline=pipeline: pipeline.ledger.acknowledged == 1)  # type: ignore[misc]
    assert len(shipper.stored) == 2
