"""Lines of which some are left out, on real processes: scenario 40 of the matrix."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import orjson
import pytest

from collector.container_settings.policy import Policy
from collector.container_settings.statement import Asking
from collector.intake.json_files import JsonFiles
from collector.model import BEGINNING, Chunk, FileId, LogStream, Position
from collector.transform.stamps import Stamps
from tests.faults.container_log import ContainerLog
from tests.faults.rig import Rig
from tests.faults.verifier import Arrived, accepted_in

_MARK = re.compile(r"#(\d+)#")
_QUIET_SECONDS = 5.0  # after which the last event is whole
CHOICES = {
    "limited": {"pilotfish.limit": "40 lines/s, 3KB/s", "pilotfish.fold": "2s", "pilotfish.fields.level": "true"},
    "sampled": {"pilotfish.sample": "1/3 by trace", "pilotfish.level": "info", "pilotfish.limit": "900 lines/min",
                "pilotfish.on_excess": "sample", "pilotfish.lines.exclude": "health"},
    "joined": {"pilotfish.multiline": "auto", "pilotfish.limit": "30 lines/s", "pilotfish.fold": "3s"},
}  # fmt: skip


def write(rig: Rig, log: ContainerLog, numbers: range) -> list[bytes]:
    """Log lines, each with its number: with a level and a trace where they are sampled by it, else text."""
    chance, found = rig.random, []
    for number in numbers:
        forms = ("2026-11-23 INFO #%d#", "2026-11-23 ERROR #%d#", "\tat a.B.c#%d#(B)")
        text = chance.choice(forms) % number
        if log.container.name == "sampled":
            said = {"level": chance.choice(["debug", "info", "warn", "error"]), "trace": number // 7}
            text = orjson.dumps(said | {"message": f"#{number}# {chance.choice(['order', 'health'])}"}).decode()
        stream = "stderr" if chance.random() < 0.1 else "stdout"
        entry = {"log": f"{text}\n", "stream": stream, "time": log.now()}
        found.append(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
        log.raw(found[-1])
    return found


def expected(labels: dict[str, str], lines: Sequence[bytes]) -> Counter[bytes]:
    """What becomes of the lines where they are read at one go."""
    settings = Policy().settings(Asking("0" * 64, "app", "app", labels, {}, "app"), select="all")
    (entry,) = settings.entries
    stream = LogStream(
        container_id="", container="", entry="", target="", path="", running=True, fields={}, reading=entry.reading
    )
    data, file = b"".join(lines), FileId("", "", 0)
    chunk = Chunk(stream=stream, data=data, start=Position(file, 0, 0), end=Position(file, len(data), len(lines)))
    taken = JsonFiles(Stamps()).transform(stream, BEGINNING).take(chunk)
    return told(orjson.loads(one) for segment in taken.segments for one in segment.documents)


def told(documents: Iterable[dict[str, object]]) -> Counter[bytes]:
    members = ("log", "@timestamp", "level", "sampled", "repeated", "first", "last")
    return Counter(orjson.dumps([document.get(member) for member in members]) for document in documents)


@pytest.mark.scenario(40, "limits, samples and folding: kill -9, quiet, rotation", short=1, seeds=10)
def test_scenario_40_the_same_lines_are_left_out_whenever_the_agent_dies(rig: Rig) -> None:
    logs = {name: rig.log(name, max_bytes=1 << 30, max_files=9, labels=labels) for name, labels in CHOICES.items()}
    lines: dict[str, list[bytes]] = {name: [] for name in CHOICES}
    rig.endpoint.order(latency_seconds=0.05)
    rig.start()
    done = 0
    for turn in range(6):
        for name, log in logs.items():
            lines[name] += write(rig, log, range(done, done + 400))
        done += 400
        rig.wait(rig.random.choice((0.05, 0.3, 0.7, 1.5)))
        rig.agent.kill()
        if turn % 2:
            rig.random.choice(list(logs.values())).rotate()
        rig.restart()
    for name, log in logs.items():
        lines[name] += write(rig, log, range(done, done + 400))
    done += 400
    rig.wait(_QUIET_SECONDS)
    rig.settle(patiently=True)
    rig.agent.stop()  # what was left out last is told then
    rig.endpoint.told()  # all of it is in its file then
    found = list(accepted_in(rig.endpoint.accepted))
    assert len({document.id for document in found}) == len(found)
    for name in ("limited", "sampled"):
        assert told(one.source for one in of(found, name)) == expected(CHOICES[name], lines[name])
    marks = Counter(mark for one in of(found, "joined") for mark in _MARK.findall(str(one.source["log"])))
    assert set(marks.values()) == {1}
    assert marks.total() < done
    told_of = {one.source["docker_container"] for one in found if one.source["@target"] == "pilotfish-limits"}
    assert told_of == CHOICES.keys()
    rig.check_bounds()
    rig.outcome.written, rig.outcome.passed = done * len(logs), True


def of(found: Sequence[Arrived], name: str) -> list[Arrived]:
    """Documents of its lines."""
    return [one for one in found if one.source["docker_container"] == name and one.source["stream"] != "limits"]
