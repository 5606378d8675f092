"""Kafka amid kills: agents that write, brokers, and relays that share a group. Scenarios 42 to 44 of the matrix."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.rig import Rig
from tests.faults.test_outputs import Stored, judge
from tests.faults.verifier import HOST
from tests.integration.agent import AgentProcess, wait_until
from tests.receivers.kafka import Receiver

_RATE = 1_500
_ALL_SECONDS = 150.0
_AGENT_KILLS, _BROKER_KILLS = 10, 2
_FAST = {"batch_bytes": 64 << 10, "linger_seconds": 0.1}


def receiver(rig: Rig) -> Receiver:
    """A broker whose topics have four partitions each."""
    (directory := rig.directory / "kafka").mkdir()
    made = Receiver(directory, {"num.partitions": "4"})
    rig.defer(made.stop)
    made.start()
    return made


def kills(rig: Rig, kafka: Receiver) -> None:
    """The agent is killed ten times and the broker twice, in mid-stream."""
    for number in range(_AGENT_KILLS):
        rig.wait(rig.random.uniform(0.3, 1.0))
        rig.agent.kill()
        if number in (3, 7):
            kafka.kill()
            rig.wait(rig.random.uniform(0.0, 0.8))
            kafka.start()
        rig.restart()
    rig.wait(1.0)


def relay(rig: Rig, kafka: Receiver, number: int) -> AgentProcess:
    """One of a group, before the endpoint that plays Elasticsearch."""
    directory = Path(rig.directory, f"relay-{number}")
    directory.mkdir()
    options: Mapping[str, Any] = {
        "brokers": kafka.options()["brokers"], "refresh_seconds": 1, "session_timeout_seconds": 6,
    }  # fmt: skip
    elastic = {"type": "elasticsearch", "hosts": rig.endpoint.urls, **_FAST}
    made = AgentProcess(directory, {"inputs": {"kafka": options}, "outputs": {"elastic": elastic}, "host": HOST})
    rig.defer(made.kill)
    return made.start()


def settle(rig: Rig) -> None:
    """Until the endpoint has all that was written, as far as it comes; then it has each line once."""
    rig.finish()
    with suppress(AssertionError):  # the verdict tells what is missing
        wait_until(lambda: rig.documents() >= rig.written.count, "all is there", seconds=_ALL_SECONDS)
    rig.settle(seconds=_ALL_SECONDS)
    rig.verdict()


@pytest.mark.engines
@pytest.mark.scenario(
    42, "Kafka: kill -9 of the agent ten times and of the broker twice, transactions", short=1, seeds=20
)
@pytest.mark.timeout(600)
def test_scenario_42_a_reader_of_committed_records_sees_each_line_once(rig: Rig) -> None:
    kafka = receiver(rig)
    rig.generator(3, _RATE)
    rig.start(outputs={"far": {**kafka.options(), **_FAST, "transactional": True}})
    kills(rig, kafka)
    rig.settle(expected=Stored(kafka).count, seconds=_ALL_SECONDS)
    lines = {(name, line.time): line for name, each in rig.written.lines.items() for line in each}
    found = judge(lines, kafka.stored())
    rig.outcome.written, rig.outcome.lost, rig.outcome.duplicates = len(lines), found["lost"], found["doubled"]
    assert not found
    rig.check_bounds()
    rig.outcome.passed = True


@pytest.mark.engines
@pytest.mark.scenario(43, "Kafka: the same kills, and a relay behind it", short=1, seeds=20)
@pytest.mark.parametrize("record", ["document", "bundle"])
@pytest.mark.timeout(600)
def test_scenario_43_elasticsearch_behind_a_relay_has_each_line_once(rig: Rig, record: str) -> None:
    kafka = receiver(rig)
    rig.outcome.what += f": {record}"
    relay(rig, kafka, 0)
    rig.generator(3, _RATE)
    rig.start(outputs={"far": {**kafka.options(), **_FAST, "record": record}})
    kills(rig, kafka)
    settle(rig)


@pytest.mark.engines
@pytest.mark.scenario(44, "Kafka: three relays that come, go and are killed under load", short=1, seeds=20)
@pytest.mark.timeout(600)
def test_scenario_44_relays_that_share_a_group_leave_out_nothing(rig: Rig) -> None:
    kafka = receiver(rig)
    relays = [relay(rig, kafka, number) for number in range(2)]
    rig.generator(6, _RATE)
    rig.start(outputs={"far": {**kafka.options(), **_FAST, "record": "bundle"}})
    rig.wait(2.0)
    relays.append(relay(rig, kafka, 2))
    for number in range(6):
        rig.wait(rig.random.uniform(0.5, 2.5))
        one = rig.random.choice(relays)
        if number % 3:
            one.kill()
        else:
            one.stop()
        rig.wait(rig.random.uniform(0.0, 2.0))
        one.start()
    settle(rig)
