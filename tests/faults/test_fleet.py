"""Agents of a thousand hosts → Kafka → relays that share a group → Elasticsearch. Scenario 45 of the matrix."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.fleet import DOCUMENTS, HOSTS, PER_HOST, Fleet, judge, truth
from tests.faults.looks import Account
from tests.faults.rig import Rig
from tests.faults.test_kafka import receiver, relay
from tests.faults.verifier import Arrived, accepted_in, dead_letters_in
from tests.integration.agent import AgentProcess, wait_until

_ALL_SECONDS = 240.0
_RSS_BYTES = 160 << 20


class Used(NamedTuple):
    """Seconds of processor and the most memory of a process so far."""

    cpu_seconds: float
    rss_bytes: int


def used(agent: AgentProcess) -> Used:
    """What the process that runs has used: proc(5)."""
    proc = Path(f"/proc/{agent.pid}")
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    found = re.search(r"VmHWM:\s+(\d+)", (proc / "status").read_text())
    assert found
    return Used((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(found[1]) << 10)


def account(agent: AgentProcess) -> Account:
    """Its `/metrics`."""
    return Account(agent.get("/metrics").decode())


def wait_for_share(rig: Rig, fleet: Fleet, share: float) -> None:
    """Until the endpoint has so much of all."""

    def is_there() -> bool:
        fleet.has_sent()
        return rig.documents() >= DOCUMENTS * share

    wait_until(is_there, f"{share:.0%} of the documents are there", seconds=_ALL_SECONDS)


def settle(rig: Rig, fleet: Fleet, relays: Sequence[AgentProcess]) -> None:
    """Until the endpoint has all, as far as it comes, and the relays know it."""
    with suppress(AssertionError):  # the verdict tells what is missing
        wait_until(lambda: fleet.has_sent() and rig.documents() >= DOCUMENTS, "all is there", seconds=_ALL_SECONDS)
    with suppress(AssertionError):
        wait_until(lambda: not any(account(each).lag for each in relays), "nothing is on its way", seconds=30)


def verdict(rig: Rig, relays: Sequence[AgentProcess]) -> None:
    """Each document is there once, each host has all of its own, and the relays' accounts agree."""
    found = judge(truth(), accepted_in(rig.endpoint.accepted))
    told = rig.endpoint.told()
    rig.outcome.written, rig.outcome.lost, rig.outcome.duplicates = DOCUMENTS, found["lost"], found["doubled"]
    rig.outcome.note += f" {told.duplicates:,} copies refused by their ids"
    assert not found
    assert not told.conflicting, "two documents have one id"
    assert not [letter for each in relays for letter in dead_letters_in(each.state / "dead_letters")]
    assert [account(each).difference for each in relays] == [0.0] * len(relays)


@pytest.mark.engines
@pytest.mark.scenario(45, f"Kafka: {HOSTS:,} hosts and three relays, one killed, one that comes later", seeds=3)
@pytest.mark.timeout(600)
def test_scenario_45_a_fleet_behind_kafka_has_each_document_once_and_each_host_whole(rig: Rig) -> None:
    kafka = receiver(rig)
    relays = [relay(rig, kafka, number) for number in range(2)]
    begun = [used(each) for each in relays]
    fleet = Fleet(rig.directory, kafka.kafka.plain, rig.seed)
    rig.defer(fleet.close)
    wait_for_share(rig, fleet, rig.random.uniform(0.1, 0.3))
    rig.endpoint.order(mode="hold")  # so that it has read documents that are not delivered
    rig.wait(rig.random.uniform(1.5, 3.0))  # offsets are committed every second
    spent = [used(relays[0])]
    relays[0].kill()
    rig.endpoint.order()
    wait_for_share(rig, fleet, rig.random.uniform(0.4, 0.5))
    relays.append(relay(rig, kafka, 2))
    begun.append(used(relays[2]))
    wait_for_share(rig, fleet, rig.random.uniform(0.6, 0.8))
    begun.append(used(relays[0].start()))
    settle(rig, fleet, relays)
    spent += [used(each) for each in relays]
    seconds = [sum(each.cpu_seconds for each in some) for some in (begun, spent)]
    rig.outcome.note += f" relays used {seconds[1]:.1f} s of processor, {seconds[0]:.1f} of them to start;"
    rig.outcome.peak_rss_bytes = max(each.rss_bytes for each in spent)
    verdict(rig, relays)
    assert rig.outcome.peak_rss_bytes < _RSS_BYTES
    rig.outcome.passed = True


def test_the_verdict_on_a_fleet_sees_what_is_lost_doubled_wrong_and_of_which_host() -> None:
    right = truth()
    arrived = [
        Arrived(kept.stored_in, name, {
            "host": kept.host, "docker_container": kept.container,
            "log": {"message": f"{kept.host} says {kept.number}", "number": kept.number},
        })
        for name, kept in list(right.items())[: 2 * PER_HOST]
    ]  # fmt: skip
    some = {each.id: right[each.id] for each in arrived}
    assert not judge(some, arrived)
    wrong = arrived[5]._replace(source=arrived[5].source | {"host": "host-0999"})
    strange = arrived[9]._replace(id="none")
    assert judge(some, [*arrived[1:5], wrong, *arrived[6:], arrived[7], strange]) == {
        "lost": 1, "doubled": 1, "wrong": 1, "unknown": 1, "incomplete": 1,
    }  # fmt: skip
