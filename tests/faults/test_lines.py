"""Lines that are long, unfinished, cut, huge or hostile: scenarios 14 to 18 and 30 of the matrix."""

import gzip
from pathlib import Path
from string import ascii_lowercase, digits

import pytest

from tests.faults.container_log import ContainerLog
from tests.faults.rig import Rig
from tests.faults.test_rotations import wait_for_all, write
from tests.faults.verifier import accepted_in, without_strange
from tests.integration.agent import wait_until

_PIECE = 16 << 10


def long_text(rig: Rig, size: int) -> bytes:
    """Text of exactly so many bytes without a character that would be escaped."""
    return bytes(rig.random.choices(b"abcdefghijklmnopqrstuvwxyz ", k=size))


@pytest.mark.scenario(14, "17-200 KiB on stdout and stderr at once", short=1, seeds=5)
def test_scenario_14_long_lines_of_two_streams_are_joined_each_by_itself(rig: Rig) -> None:
    log = rig.log("long", max_bytes=1_000_000, max_files=10)
    rig.start()
    for number in range(30):
        sizes = [rig.random.randrange(17 << 10, 200 << 10) for _ in range(2)]
        log.interleaved(long_text(rig, sizes[0]), long_text(rig, sizes[1]))
        write(rig, log, 3)
        if number == 15:
            rig.agent.kill()
            rig.restart()
    rig.settle()
    rig.verdict()


@pytest.mark.scenario(15, "lines of exactly 16 and 32 KiB, characters over the cut", short=1, seeds=3)
def test_scenario_15_a_line_that_ends_at_a_cut_is_one_line(rig: Rig) -> None:
    log = rig.log("exact")
    for size in (_PIECE - 1, _PIECE, _PIECE + 1, 2 * _PIECE - 1, 2 * _PIECE, 2 * _PIECE + 1):
        log.line(long_text(rig, size))
        log.line(long_text(rig, size - 2) + "é世界🚀".encode(), "stderr")
        log.line(b"short")
    rig.start()
    rig.settle()
    rig.verdict()


@pytest.mark.scenario(16, "no newline at exit, started again", short=1, seeds=3)
def test_scenario_16_an_unended_line_and_the_first_of_the_next_run_are_two(rig: Rig) -> None:
    log = rig.log("restarted")
    rig.start()
    for number in range(3):
        write(rig, log, 10)
        log.unended(b"the last words of run %d" % number)
        log.describe(running=False)
        if number == 0:
            wait_for_all(rig)
        if number == 1:
            rig.agent.kill()
        log.describe(running=True)
        if number == 1:
            rig.restart()
        log.line(b"the first words of run %d" % (number + 1))
    rig.settle()
    rig.verdict()


@pytest.mark.scenario(17, "a long line over a rotation, killed between pieces", short=1, seeds=5)
def test_scenario_17_pieces_on_both_sides_of_a_rotation_and_a_kill_are_one_line(rig: Rig) -> None:
    log = rig.log("cut", max_bytes=10_000_000, max_files=10)
    write(rig, log, 100)
    rig.start()
    for number in range(4):
        wait_for_all(rig)
        finish = log.begin(long_text(rig, rig.random.randrange(20 << 10, 90 << 10)))
        write_other_stream(rig, log)
        if number % 2:
            log.rotate()
        wait_until(lambda: _backlog_is_read(rig), "the first piece is read", seconds=20)
        rig.agent.kill()
        if number > 1:
            log.rotate()
        finish()
        write(rig, log, 20)
        rig.restart()
    rig.settle()
    rig.verdict()


def write_other_stream(rig: Rig, log: ContainerLog) -> None:
    """Lines of stderr in between."""
    for _ in range(rig.random.randrange(3)):
        log.line(long_text(rig, 50), "stderr")


def _backlog_is_read(rig: Rig) -> bool:
    found = rig.looks.account()
    return found is not None and found.sum("pilotfish_backlog_bytes") == 0


@pytest.mark.scenario(18, "a line of 100 MB, garbage, broken and half lines", seeds=2)
def test_scenario_18_what_is_no_line_ends_nothing_and_half_a_line_waits(rig: Rig) -> None:
    log = rig.log("odd")
    write(rig, log, 100)
    log.line(long_text(rig, 3 << 20), oversized=True)  # many pieces of one line
    write(rig, log, 100)
    rig.start()
    log.raw(b'{"log":"' + b"x" * (100 << 20) + b'\\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}\n')
    log.raw(b"\x00\x01\xff\xfe garbage \x16\n\n")
    log.raw(b'{"log":"broken\n')
    write(rig, log, 100)
    before = rig.written.count
    half = b'{"log":"half a line\\n","stream":"stdout","time":"%s"}\n' % log.now().encode()
    log.raw(half[:20])
    wait_until(lambda: rig.documents() >= before + 3, "all whole lines are there", seconds=40)
    log.raw(half[20:])
    write(rig, log, 100)
    rig.settle(patiently=True)
    known, strange = without_strange(accepted_in(rig.endpoint.accepted), rig.written)
    texts = {str(document.source["log"].get("message"))[:13] for document in strange}
    assert {"half a line", '{"log":"broken'[:13]} <= texts
    assert len(strange) <= 6 + 101  # what is no line may be cut into many, but none is invented
    rig.verdict(arrived=known, cut_bytes=100 << 20)


HOSTILE = [
    b'{"@timestamp":"1999-01-01T00:00:00Z","_index":"victim","_id":"1","host":"evil","@target":"victim"}',
    b'{"k":1,"k":2}',
    b'{"f":\n{"delete":{"_index":"victim","_id":"1"}}\n}',
    b'"}\n{"delete":{"_index":"victim","_id":"1"}}\n{"a":"',
    b"\x1b[31mred\x1b]0;title\x07 \xe2\x80\xae",
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"n":1e999}',
    b"[1,2,3]",
    b"null",
    b"",
    b"   ",
    b"\\u0000 \\ud800",
    b'{"":1,".":2,"a..b":3}',
    b'{"log":{"log":"nested"},"stream":"x"}',
    b"\xff\xfe not utf-8",
]
LABELS = ["../../etc/passwd", "_evil", "Ünder SHOP*?", "..", '"},{"delete":{}', "a" * 300]


@pytest.mark.scenario(30, "hostile lines and labels, a gzip bomb", seeds=3)
def test_scenario_30_no_line_and_no_label_reaches_what_is_trusted(rig: Rig) -> None:
    logs = [rig.log(f"hostile-{number}", target=label) for number, label in enumerate(LABELS)]
    for log, label in zip(logs, LABELS, strict=True):
        if label.startswith("."):  # a target of hidden indices is refused: the name of the stream stands for it
            log.container.target = "faults"
    bombed = rig.log("bombed", max_bytes=1 << 30, max_files=3)
    _bomb(bombed.generation(1, ".gz"))
    rig.endpoint.order(strict=True)
    rig.start()
    for log in [*logs, bombed]:
        for text in rig.random.sample(HOSTILE, len(HOSTILE)):
            log.line(text, rig.random.choice(("stdout", "stderr")))
            write(rig, log, 2)
    rig.settle(patiently=True)
    known, strange = without_strange(accepted_in(rig.endpoint.accepted), rig.written)
    assert {document.source["docker_container"] for document in strange} <= {"bombed"}
    for document in known + strange:
        assert set(document.stored_in) <= set(ascii_lowercase + digits + "._-")
        assert document.stored_in[0] not in "._-"
        assert len(document.stored_in) <= 255
    rig.verdict(arrived=known, cut_bytes=200 << 20)


def _bomb(path: Path) -> None:
    """200 MiB without a newline in 200 KiB."""
    path.write_bytes(gzip.compress(b"\0" * (200 << 20), 9))
