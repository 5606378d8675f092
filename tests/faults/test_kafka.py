"""Kafka amid kills: agents that write, brokers, and relays that share a group. Scenarios 42 to 45 of the matrix."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.engines import clients
from tests.engines.search_server import SearchServer
from tests.faults.agent import FaultyAgent
from tests.faults.rig import Rig
from tests.faults.test_outputs import Stored, judge
from tests.faults.verifier import HOST, Arrived
from tests.integration.agent import wait_until
from tests.receivers.kafka import Receiver

_RATE = 1_500
_REAL_RATE = 500  # for a server that indexes, on the cores of the test
_ALL_SECONDS = 150.0
_AGENT_KILLS, _BROKER_KILLS = 10, 2
_HALVES = ({"targets": ["Shop-*"]}, {"targets": ["!Shop-*"]})
_FAST = {"batch_bytes": 64 << 10, "linger_seconds": 0.1}


def receiver(rig: Rig) -> Receiver:
    """A broker whose topics have four partitions each."""
    made = Receiver(rig.directory / "kafka", {"num.partitions": "4"})
    rig.defer(made.stop)
    made.start()
    return made


def kills(rig: Rig, kafka: Receiver, relayed: FaultyAgent | None = None) -> None:
    """The agent is killed ten times, the broker twice and a relay three times, in mid-stream."""
    for number in range(_AGENT_KILLS):
        rig.wait(rig.random.uniform(0.3, 1.0))
        rig.agent.kill()
        if relayed is not None and number in (2, 5, 8):
            relayed.kill()
            relayed.launch()
        if number in (3, 7):
            kafka.kill()
            rig.wait(rig.random.uniform(0.0, 0.8))
            kafka.start()
        rig.restart()
    rig.wait(1.0)


def relay(
    rig: Rig, kafka: Receiver, number: int, parts: Sequence[Mapping[str, object]] = ({},), **output: object
) -> FaultyAgent:
    """One of a group, before the endpoint that plays Elasticsearch, if `output` names no other server.

    It has an output for each of the `parts`, which say what it gets.
    """
    directory = Path(rig.directory, f"relay-{number}")
    directory.mkdir()
    options: Mapping[str, Any] = {
        "brokers": kafka.options()["brokers"], "refresh_seconds": 1, "session_timeout_seconds": 6,
    }  # fmt: skip
    elastic = {"type": "elasticsearch", "hosts": rig.endpoint.urls, **_FAST, **output}
    outputs = {f"elastic_{part}": {**elastic, **content} for part, content in enumerate(parts)}
    made = FaultyAgent(directory, {"inputs": {"kafka": options}, "outputs": outputs, "host": HOST})
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
    parts = _HALVES if rig.seed % 2 else ({},)  # two outputs that share out the targets, or one
    relays = [relay(rig, kafka, number, parts) for number in range(2)]
    rig.generator(6, _RATE)
    rig.start(outputs={"far": {**kafka.options(), **_FAST, "record": "bundle"}})
    rig.wait(2.0)
    relays.append(relay(rig, kafka, 2, parts))
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


@pytest.mark.engines
@pytest.mark.scenario(46, "Kafka: kill -9 of agent, broker and relay, a real Elasticsearch", seeds=6)
@pytest.mark.timeout(600)
def test_scenario_46_a_real_elasticsearch_behind_a_relay_has_each_line_once(
    rig: Rig, elasticsearch_8: SearchServer
) -> None:
    kafka = receiver(rig)
    record = ("bundle", "document")[rig.seed % 2]
    rig.outcome.what += f": {record}"
    prefix = f"relayed-{uuid4().hex[:8]}-"
    index = f"{prefix}{{target}}-%Y.%m.%d"
    relayed = relay(rig, kafka, 0, hosts=[elasticsearch_8.url], index=index)
    rig.generator(3, _REAL_RATE)
    rig.start(outputs={"far": {**kafka.options(), **_FAST, "record": record}})
    kills(rig, kafka, relayed)
    rig.finish()

    def count() -> int:
        elasticsearch_8.request("POST", f"/{prefix}*/_refresh")
        return int(elasticsearch_8.get(f"/{prefix}*/_count").json()["count"])

    with suppress(AssertionError):  # the verdict tells what is missing
        wait_until(lambda: count() >= rig.written.count, "all is there", seconds=_ALL_SECONDS)
    rig.settle(expected=count, patiently=True, seconds=_ALL_SECONDS)
    hits = elasticsearch_8.refresh_and_fetch(f"{prefix}*")
    read = clients.read(elasticsearch_8, f"{prefix}*", "stdout")
    assert read["count"] == len(hits) == len(read["all"])
    assert read["all"] == {hit["_id"]: hit["_source"] for hit in hits}
    elasticsearch_8.request("DELETE", f"/{prefix}*")
    rig.verdict(arrived=[Arrived(hit["_index"].removeprefix(prefix), hit["_id"], hit["_source"]) for hit in hits])
