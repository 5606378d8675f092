"""Files that a power loss tore, and names that are larger than lines: scenarios 34 to 36 of the matrix."""

from collections.abc import Iterator
from typing import Any

import pytest

from collector.text.bounds import MOST_BYTES
from tests.faults.container_log import ContainerLog
from tests.faults.rig import Rig
from tests.faults.test_rotations import wait_for_all, write
from tests.faults.verifier import Arrived, accepted_in, without_strange


@pytest.mark.scenario(34, "NUL bytes before, between and behind lines, killed", short=1, seeds=3)
def test_scenario_34_nul_bytes_cost_no_line_wherever_they_are(rig: Rig) -> None:
    logs = [rig.log(f"nul-{number}", max_bytes=1 << 30, max_files=4, compress=number == 2) for number in range(3)]
    for log in logs:
        log.raw(b"\0" * rig.random.choice((1, 4096, 24 << 20)))
        write(rig, log, 200)
    rig.start()
    wait_for_all(rig)
    for size in (4096, 3 << 20, 24 << 20):
        for log in logs:
            log.raw(b"\0" * size)
            if rig.random.random() < 0.5:
                rig.agent.kill()
                rig.restart()
            write(rig, log, 100)
            log.raw(b"\0" * 512)
            if rig.random.random() < 0.5:
                log.rotate()
            write(rig, log, 100)
        wait_for_all(rig)
    rig.agent.kill()
    rig.restart()
    write(rig, logs[0], 10)
    rig.settle()
    rig.verdict()
    assert rig.looks.over_lives("pilotfish_torn_lines_total") > 0
    assert "NUL bytes left out of a log" in rig.agent.log.read_text()


@pytest.mark.scenario(35, "files that begin torn, killed and rotated", short=1, seeds=3)
def test_scenario_35_a_line_without_a_time_is_dated_by_its_neighbour_at_each_read(rig: Rig) -> None:
    log = rig.log("torn", max_bytes=1 << 30, max_files=20)
    rig.start()
    for number in range(6):
        log.raw(b'ed %d\\n","stream":"stdout","time":"2026-11-20T09:59:59.5Z"}\n' % number)
        if number % 2:
            rig.agent.kill()
            rig.restart()
        write(rig, log, 50)
        wait_for_known(rig)
        rig.agent.kill()
        rig.restart()
        log.rotate()
    write(rig, log, 10)
    rig.settle(patiently=True)
    known, strange = without_strange(accepted_in(rig.endpoint.accepted), rig.written)
    firsts = [log.lines[50 * number].time for number in range(6)]
    assert sorted(document.source["@timestamp"] for document in strange) == firsts
    assert [str(document.source["log"]["message"])[:4] for document in strange] == [f"ed {n}" for n in range(6)]
    assert len({document.stored_in for document in strange} | {document.stored_in for document in known}) == 1
    rig.verdict(arrived=known)


def wait_for_known(rig: Rig) -> None:
    """All lines are there, and what was no line besides."""
    before = rig.written.count
    rig.wait_for_documents(max(0, before - rig.documents()))


@pytest.mark.scenario(36, "labels of 200 KB on 3,000 lines of one letter", short=1, seeds=2)
def test_scenario_36_memory_follows_neither_labels_nor_names(rig: Rig) -> None:
    huge = {"com.docker.compose.project": "A" * 204_800, "io.kubernetes.pod.name": "\x01" * 204_800}
    large = [rig.log(f"large-{number}", target="large", labels=huge) for number in range(2)]
    for log in large:
        letters(log, 3000)
    others = [rig.log(f"other-{number}") for number in range(20)]
    for log in others:
        write(rig, log, 200)
    rig.rss_bytes = 150 << 20
    rig.start()
    rig.settle()
    for log in (*large, *others):
        write(rig, log, 10)
    rig.settle()
    rig.verdict(arrived=without_labels(accepted_in(rig.endpoint.accepted)))
    assert rig.agent.log.read_text().count("long names truncated") == len(large)


def letters(log: ContainerLog, count: int) -> None:
    """Lines of one letter."""
    for _ in range(count):
        log.line(b"x")


def without_labels(arrived: Iterator[Arrived]) -> Iterator[Arrived]:
    """The documents without what labels gave them, which is bounded."""
    for document in arrived:
        source: dict[str, Any] = dict(document.source)
        for member in ("docker_app", "k8s_pod"):
            assert len(source.pop(member, "").encode()) <= MOST_BYTES
        yield document._replace(source=source)
