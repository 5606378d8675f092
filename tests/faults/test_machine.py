"""The machine is short of disk, time, watches or descriptors: scenarios 25, 28 and 29 of the matrix."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median

import pytest

from tests.faults.rig import Rig
from tests.faults.test_rotations import write
from tests.faults.verifier import accepted_in
from tests.integration.agent import wait_until

pytestmark = pytest.mark.engines  # strace, libfaketime, mounts
_STATE_BYTES = 4 << 20


@contextmanager
def full_disk(rig: Rig) -> Iterator[None]:
    """Not a byte is left."""
    ballast = rig.agent.state / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            yield
    ballast.unlink()


@contextmanager
def read_only(rig: Rig) -> Iterator[None]:
    """A read-only mount over the directory: one with open files cannot be remounted."""
    state = str(rig.agent.state)
    _mount("--bind", state, state)
    _mount("-o", "remount,bind,ro", state)
    yield
    subprocess.run(["umount", "--lazy", state], check=True)


@contextmanager
def failing_fsync(rig: Rig) -> Iterator[None]:
    """Every fsync of the agent fails as on a broken disk."""
    command = ["strace", "-f", "-o", "/dev/null", "-e", "inject=fsync,fdatasync:error=EIO", "-p", str(rig.agent.pid)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        yield
        tracer.send_signal(signal.SIGINT)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


@pytest.mark.scenario(25, "state disk full, read-only, EIO on fsync", seeds=2)
@pytest.mark.parametrize("fault", [full_disk, read_only, failing_fsync])
@pytest.mark.parametrize("away", [False, True], ids=["there", "away"])
def test_scenario_25_a_disk_that_fails_holds_up_and_loses_nothing(rig: Rig, fault: object, away: bool) -> None:
    state = rig.directory / "state"
    state.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={_STATE_BYTES},mode=0700", "tmpfs", str(state))
    rig.defer(lambda: subprocess.run(["umount", "--lazy", str(state)], check=True))
    assert callable(fault)
    generator = rig.generator(3, 3_000)
    rig.start(output={"spool_after_seconds": 0.5, "spool_bytes": 2 << 20})
    rig.wait_for_documents(3_000)
    pid = rig.agent.pid
    with fault(rig):
        if away:
            rig.endpoint.order(mode="refuse")
        wait_until(lambda: not rig.agent.ready()["ready"], "the agent says that it is not ready", seconds=20)
        rig.wait(3)
        rig.endpoint.order()
    assert rig.agent.pid == pid
    wait_until(lambda: rig.agent.ready()["ready"], "the agent is ready again", seconds=60)
    generator.rate(200)
    rig.wait_for_positions()
    rig.agent.kill()
    rig.restart()
    rig.settle()
    rig.verdict()


@pytest.mark.scenario(28, "clock set by -1 h and +1 h, over midnight", seeds=2)
def test_scenario_28_the_clock_changes_neither_ids_nor_indices(rig: Rig) -> None:
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    clock = rig.directory / "clock"
    environment = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    log = rig.log("midnight")
    log.set_clock(1_795_478_400_000_000_000 - 1_000)
    write(rig, log, 2_000)  # a nanosecond each: they are on both sides
    log.set_clock(0)
    clock.write_text("+0")
    rig.generator(2, 1_000)
    rig.endpoint.order(requests={"reset": 0.2, "503": 0.1})
    rig.start(environment=environment)
    for offset in ("-3600", "+3600", "-86400", "+86400", "+0"):
        rig.wait_for_documents(500)
        clock.write_text(offset)
        rig.wait_for_documents(500)
        rig.agent.kill()
        rig.restart()
    rig.endpoint.order()
    rig.settle()
    rig.verdict()
    text = rig.agent.get("/metrics").decode()
    assert not [line for line in text.splitlines() if line.startswith("pilotfish_") and line.rsplit(" ")[-1][0] == "-"]


@pytest.mark.scenario(29, "1,000 containers and a slow destination; 10 watches; 256 descriptors", seeds=1)
def test_scenario_29_a_thousand_containers_share_a_slow_destination_fairly(rig: Rig) -> None:
    generator = rig.generator(1_000, 4_000)
    rig.rss_bytes = 128 << 20
    rig.endpoint.order(latency_seconds=0.15)
    rig.start()
    rig.wait_for_documents(30_000, seconds=60)
    rig.endpoint.told()
    newest = {document.key[0]: document.key[1] for document in accepted_in(rig.endpoint.accepted)}
    assert len(newest) == 1_000
    moments = sorted(datetime.fromisoformat(time[:19]).timestamp() for time in newest.values())
    ages = [moments[-1] - each for each in moments]
    rig.outcome.note += f" behind the newest: median {median(ages):.1f} s, worst {max(ages):.1f} s"
    rig.endpoint.order()
    generator.rate(100)
    rig.settle()
    rig.verdict()
    assert max(ages) < 2 * median(ages) + 3  # a container writes a line in a quarter of a second


@pytest.mark.scenario(29, "1,000 containers and a slow destination; 10 watches; 256 descriptors", seeds=1)
def test_scenario_29_without_watches_logs_are_polled(rig: Rig) -> None:
    logs = [rig.log(f"unwatched-{number}", max_bytes=20_000, max_files=5) for number in range(40)]
    limit = 'echo 10 > /proc/sys/user/max_inotify_watches && exec "$@"'
    rig.start(words=["unshare", "--map-root-user", "sh", "-c", limit, "sh"])
    for _ in range(3):
        for log in logs:
            write(rig, log, rig.random.randrange(1, 30))
        rig.wait(2.5)  # idle long enough that it would be watched
    rig.settle(seconds=20)
    rig.verdict()


@pytest.mark.scenario(29, "1,000 containers and a slow destination; 10 watches; 256 descriptors", seeds=1)
def test_scenario_29_more_logs_than_descriptors_are_all_delivered(rig: Rig) -> None:
    logs = [rig.log(f"many-{number}") for number in range(300)]
    for log in logs:
        write(rig, log, 5)
    rig.start(words=["prlimit", "--nofile=256:256"])
    rig.settle(seconds=60)
    rig.verdict()
