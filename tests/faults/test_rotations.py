"""Files are renamed, compressed, cut, deleted and made anew while they are read: scenarios 7 to 12 of the matrix."""

import signal
from pathlib import Path

import pytest

from tests.faults.container_log import ContainerLog
from tests.faults.generator import payload_of, text_of
from tests.faults.rig import Rig
from tests.integration.agent import wait_until


def write(rig: Rig, log: ContainerLog, count: int, *, size: int = 100) -> None:
    """So many lines at once."""
    for _ in range(count):
        payload = payload_of(rig.random, rig.random.randrange(1, 2 * size))
        stream = rig.random.choice(("stdout", "stdout", "stderr"))
        plain = rig.random.random() < 0.2
        log.line(text_of(log.container.name, stream, len(log.lines), payload, plain=plain), stream)


def wait_for_all(rig: Rig) -> None:
    wait_until(lambda: rig.documents() >= rig.written.count, "all lines are there", seconds=20)


@pytest.mark.scenario(7, "rotation storm: 256 KB x 5, bursts of 50 MB/s", short=1, seeds=5)
def test_scenario_07_a_rotation_storm_takes_nothing_that_was_kept_or_held_and_the_rest_is_told(rig: Rig) -> None:
    generator = rig.generator(3, 2_000, payload_bytes=800, max_bytes=256_000, max_files=5)
    rig.start()
    rig.endpoint.order(latency_seconds=0.05)
    for number in range(3):
        generator.rate(60_000)  # more than one process can write
        rig.wait_for_documents(5_000)
        if number == 1:  # what it does not hold goes unseen
            rig.agent.kill()
            rig.wait(1)
            rig.restart()
        generator.rate(500)
        rig.wait_for_documents(200)
    rig.settle()
    rig.verdict(complete=False)


@pytest.mark.scenario(8, "max-file 1: unlink and create under load", short=1, seeds=5)
def test_scenario_08_a_held_file_without_a_name_is_read_to_its_end(rig: Rig) -> None:
    generator = rig.generator(3, 30, max_bytes=200_000, max_files=1)
    rig.start()
    rig.wait_for_documents(3)  # of a file that is gone before anybody looked nothing tells
    generator.rate(3_000)
    rig.wait_for_documents(15_000)
    rig.settle()
    rig.verdict(complete=False)


@pytest.mark.scenario(9, "compress while two files behind", short=1, seeds=5)
def test_scenario_09_a_file_that_is_compressed_while_it_waits_goes_on_where_it_was(rig: Rig) -> None:
    generator = rig.generator(2, 5_000, max_bytes=400_000, max_files=30, compress=True)
    rig.start()
    for _ in range(2):
        rig.endpoint.order(mode="hold")
        _wait_for_rotations(rig)
        rig.endpoint.order()
        rig.wait_for_documents(10_000)
    generator.rate(100)
    rig.settle()
    rig.verdict()


@pytest.mark.scenario(9, "compress while two files behind", short=1, seeds=5)
def test_scenario_09_an_agent_that_was_away_goes_on_in_a_compressed_file(rig: Rig) -> None:
    rig.generator(2, 5_000, max_bytes=400_000, max_files=30, compress=True)
    rig.start()
    for _ in range(2):
        rig.wait_for_documents(rig.random.randrange(1_000, 4_000))
        rig.agent.kill()
        _wait_for_rotations(rig)
        rig.restart()
    rig.wait_for_documents(5_000)
    rig.settle()
    rig.verdict()


def _wait_for_rotations(rig: Rig) -> None:
    """Until each of the two containers' logs was renamed and compressed a few times more."""
    before = _thirds(rig)

    def moved_on() -> bool:
        now = _thirds(rig)
        return len(now) == 2 and all(before.get(log) != inode for log, inode in now.items())

    wait_until(moved_on, "each log has rotated on", seconds=20)


def _thirds(rig: Rig) -> dict[Path, int]:
    return {log: log.stat().st_ino for log in rig.root.glob("*/*-json.log.3.gz")}


@pytest.mark.scenario(10, "copytruncate by a third tool", short=1, seeds=5)
def test_scenario_10_copytruncate_loses_at_most_what_was_written_in_between(rig: Rig) -> None:
    log = rig.log("copied")
    write(rig, log, 2_000)
    rig.start()
    for number in range(4):
        if number % 2:
            rig.wait_for_level()
        log.copy_and_truncate(lambda: write(rig, log, 5))
        write(rig, log, rig.random.randrange(100, 4_000))
    rig.settle()
    rig.verdict(complete=False)
    assert rig.agent.metric("pilotfish_files_truncated_total", output="elastic") >= 1


@pytest.mark.scenario(11, "inode reuse: deleted and made anew, equal size", short=1, seeds=5)
def test_scenario_11_another_file_under_an_old_inode_is_read_from_its_start(rig: Rig) -> None:
    log = rig.log("reused")
    write(rig, log, 1_000)
    rig.start()
    for number in range(4):
        wait_for_all(rig)
        if number % 2:
            rig.agent.kill()
        size, inode = log.path.stat().st_size, log.inode
        _recreate_until(log, inode)
        while log.path.stat().st_size < size:
            write(rig, log, 1)
        if number % 2:
            rig.restart()
    rig.settle()
    rig.verdict()


def _recreate_until(log: ContainerLog, inode: int) -> None:
    """Delete and make files until one has this inode; a file system that counts on never does."""
    log.recreate()
    for _ in range(50):
        if log.inode == inode:
            return
        log.recreate()


@pytest.mark.scenario(12, "containers with the same first 4 KiB", short=1, seeds=3)
def test_scenario_12_containers_that_begin_alike_are_never_taken_for_each_other(rig: Rig) -> None:
    logs = [rig.log(f"alike-{number}", max_bytes=100_000, max_files=20) for number in range(3)]
    for log in logs:
        _same_banner(log)
        write(rig, log, 500)
    rig.start()
    for _ in range(3):
        wait_for_all(rig)
        rig.agent.signal(signal.SIGKILL)
        rig.agent.wait()
        for log in rig.random.sample(logs, 2):
            write(rig, log, rig.random.randrange(100, 3_000))
        rig.restart()
    rig.settle()
    rig.verdict()


def _same_banner(log: ContainerLog) -> None:
    """Byte for byte the same lines, at the same moments, in each container."""
    log.set_clock(1_790_000_000_000_000_000)
    for number in range(40):
        log.line(b"%d " % number + b"=" * 100)
    log.set_clock(0)


@pytest.mark.scenario(31, "rotation over a stop before anything was taken", short=1, seeds=5)
@pytest.mark.parametrize("is_killed", [False, True])
def test_scenario_31_what_rotation_took_before_anything_was_taken_is_counted(rig: Rig, is_killed: bool) -> None:
    """Each container lost files before the output took one line, and while no agent ran: none in silence."""
    rig.prepare(output={"spool": False}, drain_seconds=1)
    rig.endpoint.order(requests={"429": 1.0})
    logs = [rig.log(f"app-{number}", max_bytes=20_000, max_files=number) for number in (1, 2, 3)]
    for log in logs:
        write(rig, log, 50)
    rig.restart()
    for log in logs:
        write(rig, log, rig.random.randrange(500, 1_500))
    wait_until(lambda: rig.agent.metric("pilotfish_documents_in_flight", output="elastic") > 0, "lines are read")
    wait_until(lambda: _with_position(rig) == len(logs), "each has a position", seconds=20)
    if is_killed:
        rig.agent.kill()
    else:
        assert rig.agent.stop() == 0
        assert "stopping: undelivered lines" in rig.agent.log.read_text()
    for log in logs:
        write(rig, log, 1_000)
    rig.endpoint.order()
    rig.restart()
    for log in logs:
        write(rig, log, 10)
    rig.settle()
    verdict = rig.verdict(complete=False)
    assert verdict.lost_in == {log.container.name for log in logs}
    assert rig.agent.metric("pilotfish_rotation_gaps_total", output="elastic") == len(logs)
    dropped = rig.agent.metric("pilotfish_documents_dropped_total", output="elastic", reason="stopped")
    assert (dropped > 0) != is_killed


def _with_position(rig: Rig) -> int:
    try:
        return rig.positions.read_text().count('"head"')
    except FileNotFoundError:  # not there yet, or between two generations
        return 0
