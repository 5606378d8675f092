"""The agent dies, is stopped or is frozen, at the worst moments: scenarios 1 to 6 of the matrix."""

import os
import signal
import time
from hashlib import blake2b
from pathlib import Path

import pytest

from tests.faults.rig import Rig
from tests.integration.agent import wait_until


@pytest.mark.scenario(1, "kill -9 under load, at random moments", short=2, seeds=20)
def test_scenario_01_a_kill_at_any_moment_loses_and_doubles_nothing(rig: Rig) -> None:
    rig.generator(4, 10_000, max_bytes=2_000_000, max_files=40, long=0.001)
    rig.endpoint.order(latency_seconds=0.02)
    rig.start()
    for _ in range(3):
        rig.wait_for_documents(rig.random.randrange(1_000, 10_000))
        rig.agent.kill()
        rig.restart()
    rig.wait_for_documents(1_000)
    rig.settle()
    rig.verdict()


@pytest.mark.scenario(2, "kill -9 right after a bulk answer", short=2, seeds=20)
def test_scenario_02_a_kill_between_answer_and_position_doubles_nothing(rig: Rig) -> None:
    rig.generator(4, 10_000, max_bytes=2_000_000, max_files=40, long=0.001)
    rig.start()
    for number in range(3):
        before = number == 2  # once the documents are kept and the answer never comes
        rig.endpoint.order(kill_pid=rig.agent.pid, kill_after=rig.random.randrange(2, 12), kill_before_answer=before)
        assert rig.agent.wait() == -signal.SIGKILL
        rig.restart()
    rig.endpoint.order()
    rig.wait_for_documents(1_000)
    rig.settle()
    rig.verdict()


@pytest.mark.scenario(3, "kill -9 while positions are written", short=1, seeds=10)
def test_scenario_03_a_torn_write_of_positions_falls_back_to_the_whole_ones(rig: Rig) -> None:
    rig.generator(3, 5_000)
    rig.start()
    for torn in (_torn_aside, _between_renames, _both_at_once):
        rig.wait_for_documents(rig.random.randrange(1_000, 3_000))
        rig.wait_for_positions()
        rig.agent.kill()
        torn(rig.positions, rig)
        rig.restart()
    rig.wait_for_documents(1_000)
    rig.settle()
    rig.verdict()


def _torn_aside(positions: Path, rig: Rig) -> None:
    content = positions.read_bytes()
    positions.with_name(f"{positions.name}.new").write_bytes(content[: rig.random.randrange(len(content))])


def _between_renames(positions: Path, _: Rig) -> None:
    positions.rename(positions.with_name("elastic.positions.old"))


def _both_at_once(positions: Path, rig: Rig) -> None:
    _torn_aside(positions, rig)
    _between_renames(positions, rig)


@pytest.mark.scenario(4, "positions emptied, flipped, lost", short=1, seeds=10)
def test_scenario_04_damaged_positions_lead_to_older_ones_or_to_the_start(rig: Rig) -> None:
    rig.generator(3, 5_000)
    rig.start()
    for damage in ("empty", "flip", "both"):
        rig.wait_for_documents(rig.random.randrange(1_000, 3_000))
        rig.wait_for_positions()
        rig.agent.kill()
        warnings = rig.agent.log.read_text().count("positions file damaged")
        _damage(rig.positions, damage, rig)
        rig.restart()
        assert rig.agent.log.read_text().count("positions file damaged") > warnings
    rig.wait_for_documents(100)
    rig.settle()
    rig.verdict()


def _damage(positions: Path, damage: str, rig: Rig) -> None:
    if damage == "empty":
        positions.write_bytes(b"")
        return
    for path in [positions] + [positions.with_name("elastic.positions.old")] * (damage == "both"):
        content = bytearray(path.read_bytes())
        content[rig.random.randrange(len(content))] ^= 1 << rig.random.randrange(8)
        path.write_bytes(content)


@pytest.mark.scenario(4, "positions emptied, flipped, lost", short=1, seeds=1)
def test_scenario_04_positions_of_a_newer_version_are_refused_with_a_remedy(rig: Rig) -> None:
    rig.log("app").line(b"a line")
    rig.start()
    wait_until(lambda: rig.documents() == 1, "the line is there")
    assert rig.agent.stop() == 0
    positions = rig.positions
    body = positions.read_bytes().partition(b"\n")[2].replace(b'"version":1', b'"version":999')
    positions.write_bytes(_checksum(body[:-1]) + b"\n" + body)
    assert rig.agent.launch().wait() not in (0, -signal.SIGKILL)
    last = rig.agent.log.read_text().splitlines()[-1]
    assert "newer" in last
    assert "move the file away" in last
    positions.unlink()
    rig.restart()
    rig.settle()
    rig.verdict()


def _checksum(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).hexdigest().encode()


@pytest.mark.scenario(5, "SIGTERM with a slow, then a dead destination", short=1, seeds=5)
def test_scenario_05_a_stop_ends_within_its_grace_and_loses_nothing(rig: Rig) -> None:
    rig.generator(4, 5_000)
    rig.endpoint.order(latency_seconds=0.3)
    rig.start(drain_seconds=3)
    rig.wait_for_documents(rig.random.randrange(500, 5_000))
    _stop_in_time(rig)
    rig.endpoint.order(mode="hold")
    rig.restart()
    wait_until(lambda: rig.agent.metric("pilotfish_documents_in_flight", output="elastic") > 0, "lines are read")
    _stop_in_time(rig)
    rig.endpoint.order()
    rig.restart()
    rig.settle()
    rig.verdict()


def _stop_in_time(rig: Rig) -> None:
    started = time.monotonic()
    assert rig.agent.stop() == 0
    assert time.monotonic() - started < 3 + 4


@pytest.mark.scenario(6, "SIGSTOP while files rotate", seeds=3)
def test_scenario_06_a_frozen_agent_goes_on_where_it_was(rig: Rig) -> None:
    rig.generator(4, 3_000, max_bytes=1_000_000, max_files=60 if rig.full else 10)
    rig.start()
    rig.wait_for_documents(3_000)
    os.kill(rig.agent.pid, signal.SIGSTOP)
    frozen = time.monotonic() + (60 if rig.full else 3)
    wait_until(lambda: time.monotonic() > frozen, "the time is over", seconds=90)
    os.kill(rig.agent.pid, signal.SIGCONT)
    rig.wait_for_documents(3_000)
    rig.settle()
    rig.verdict()
