"""Lines that are joined to events, on real processes: scenario 39 of the matrix."""

import re
from collections import Counter

import orjson
import pytest

from tests.faults.container_log import ContainerLog
from tests.faults.rig import Rig
from tests.faults.verifier import accepted_in

_MARK = re.compile(r"#(\d+)#")
_QUIET_SECONDS = 5.0  # after which the last event is whole


def write(rig: Rig, log: ContainerLog, numbers: range) -> None:
    """Log lines, some with a trace, each line with its number; now and then of the other stream."""
    chance = rig.random
    for number in numbers:
        kind = chance.random()
        shape = ("2026-11-23 INFO #%d#" if kind < 0.4 else "2026-11-23 ERROR #%d#" if kind < 0.6 else
                 "java.io.IOException: #%d#" if kind < 0.65 else "\tat a.B.c#%d#(B.java:1)")  # fmt: skip
        stream = "stderr" if chance.random() < 0.1 else "stdout"
        entry = {"log": f"{shape % number}\n", "stream": stream, "time": log.now()}
        log.raw(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))


@pytest.mark.scenario(39, "events of several lines: kill -9, quiet, late lines, rotation", short=1, seeds=10)
def test_scenario_39_each_line_is_in_one_event_whenever_the_agent_dies(rig: Rig) -> None:
    labels = {"pilotfish.multiline": "auto"}
    logs = [rig.log(f"app-{number}", max_bytes=1 << 30, max_files=9, labels=labels) for number in range(3)]
    rig.endpoint.order(latency_seconds=0.05)
    rig.start()
    done = 0
    for turn in range(6):
        for log in logs:
            write(rig, log, range(done, done + 400))
        done += 400
        rig.wait(rig.random.choice((0.05, 0.5, 1.5, 3.0, 4.0)))
        rig.agent.kill()
        if turn % 2:
            rig.random.choice(logs).rotate()
        for log in logs:  # what comes late: indented, near in time or not
            write(rig, log, range(done, done + 3))
        done += 3
        rig.restart()
    rig.wait(_QUIET_SECONDS)
    rig.settle(patiently=True)
    found = list(accepted_in(rig.endpoint.accepted))
    assert len({document.id for document in found}) == len(found)
    for log in logs:
        theirs = [one.source["log"]["message"] for one in found if one.source["docker_container"] == log.container.name]
        marks = Counter(mark for text in theirs for mark in _MARK.findall(text))
        assert marks == Counter(map(str, range(done)))
        assert max(text.count("\n") for text in theirs) > 1
    assert rig.looks.over_lives("pilotfish_parse_errors_total") == 0
    rig.outcome.written, rig.outcome.passed = done * len(logs), True
