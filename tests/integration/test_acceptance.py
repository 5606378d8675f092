"""What users of log-pilot and logspout expect of labels and of reading, case by case, on a real dockerd.

`CASES` has for each of the 25 cases the tests that check it; those that no other module has are here. They share one
agent: each writes into a container and a target of its own, with log-pilot's labels under a prefix of this run.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from docker.models.containers import Container
from docker.types import LogConfig

from tests.engines.dockerd import Dockerd
from tests.engines.search_server import SearchServer
from tests.integration.agent import AgentProcess, running, wait_until
from tests.integration.test_docker_to_elasticsearch import all_once, configuration, counts, write_lines
from tests.needs import marks
from tests.reference import ROOT

FORMS = "tests/integration/test_container_settings.py::test_each_form_of_log_pilot_and_of_ours_gives_what_it_asks_for"
DELIVERY = "tests/integration/test_docker_to_elasticsearch.py"
HERE = "tests/integration/test_acceptance.py"


class Case(NamedTuple):
    """What is expected, and the tests, as file::test, that check it on a real dockerd."""

    expected: str
    tests: Sequence[str]


CASES = {
    1: Case(
        "a label aliyun.logs.web=stdout gives the index web-YYYY.MM.DD and the documented members",
        [FORMS, f"{DELIVERY}::test_every_line_of_a_container_is_found_once_in_the_documented_form"],
    ),
    2: Case(
        "a label .target is the index and @target",
        [FORMS, f"{DELIVERY}::test_every_line_of_a_container_is_found_once_in_the_documented_form"],
    ),
    3: Case("environment variables alone give the same", [FORMS]),
    4: Case("a name with _ in a variable is a name", [FORMS]),
    5: Case("PILOT_LOG_PREFIX names the prefixes", [FORMS]),
    6: Case("tags are fields; a malformed one is counted and leaves the others alone", [FORMS]),
    7: Case("an invalid entry is told with container, key and reason, and leaves the others alone", [FORMS]),
    8: Case("templates, newlines and YAML in a label stay text", [FORMS]),
    9: Case("a variable wins over a label, and the log says at debug who said what", [FORMS]),
    10: Case("format=none stays text; format=json takes a line that is no JSON", [FORMS]),
    11: Case("containers with an excluded label, or with LOGSPOUT=ignore, are not followed", [FORMS]),
    12: Case(
        "a target that is no name of an index becomes one, or is refused with a reason",
        [FORMS, f"{HERE}::test_a_target_with_other_characters_gives_a_legal_index"],
    ),
    13: Case(
        "backlog says whether old lines are read",
        [f"{HERE}::test_old_lines_are_read_or_passed_over_as_backlog_says"],
    ),
    14: Case(
        "rotation at 10k with 3 files loses and doubles nothing",
        [f"{HERE}::test_small_files_that_rotate_under_load_lose_and_double_nothing"],
    ),
    15: Case(
        "after copytruncate, reading goes on at 0",
        [f"{HERE}::test_a_log_that_is_truncated_is_read_from_its_start"],
    ),
    16: Case("a line of 100 KB is one document", [f"{HERE}::test_a_line_of_100_kb_is_one_document"]),
    17: Case(
        "a last line without newline arrives when its container has ended",
        [
            f"{HERE}::test_a_container_that_is_started_again_goes_on_without_loss_or_repeat",
            "tests/faults/test_dockerd.py"
            "::test_scenario_16_a_real_container_that_ends_without_a_newline_starts_a_new_line",
        ],
    ),
    18: Case(
        "a torn envelope is read when it is whole; a corrupt line is counted and holds nobody up",
        [f"{HERE}::test_half_an_envelope_waits_and_a_corrupt_line_is_counted"],
    ),
    19: Case(
        "invalid UTF-8 and NUL bytes are taken by the server, and both are counted",
        [f"{HERE}::test_invalid_utf_8_and_nul_bytes_arrive"],
    ),
    20: Case(
        "a line of a terminal is of stdout and has no carriage return at its end",
        [f"{HERE}::test_lines_of_a_terminal_have_no_carriage_return"],
    ),
    21: Case(
        "a container with another log driver is told once, and no other file is read",
        [
            f"{HERE}::test_another_log_driver_is_told_once_and_nothing_is_read",
            f"{DELIVERY}::test_health_and_containers_that_are_not_followed_are_told",
        ],
    ),
    22: Case(
        "the line of a container that removes itself after 200 ms arrives",
        [f"{HERE}::test_the_line_of_a_container_that_lives_200_ms_arrives"],
    ),
    23: Case(
        "a container that is stopped and started again is read on",
        [f"{HERE}::test_a_container_that_is_started_again_goes_on_without_loss_or_repeat"],
    ),
    24: Case(
        "documents have the new name after a rename",
        [
            f"{HERE}::test_documents_have_the_new_name_after_a_rename",
            f"{DELIVERY}::test_a_renamed_container_goes_on_under_its_new_name_and_no_line_is_in_two_indices",
        ],
    ),
    25: Case(
        "multiline for one container joins its traces by stream, the last one too, and no others",
        [f"{HERE}::test_traces_are_joined_where_multiline_is_asked_for"],
    ),
}


def test_each_case_has_tests_that_exist_and_start_a_daemon() -> None:
    assert list(CASES) == list(range(1, 26))
    for number, case in CASES.items():
        assert case.tests, number
        for test in case.tests:
            file, _, name = test.partition("::")
            text = (ROOT / file).read_text("utf-8")
            assert f"def {name}(" in text, number
            assert "Dockerd" in text, number


def test_each_test_of_this_module_is_of_a_case() -> None:
    named = {test.partition("::")[2] for case in CASES.values() for test in case.tests if test.startswith(HERE)}
    there = {name for name, one in globals().items() if name.startswith("test_") and "stage" in one.__annotations__}
    assert there == named


class Stage(NamedTuple):
    """A daemon, and an agent that follows all its containers."""

    dockerd: Dockerd
    server: SearchServer
    agent: AgentProcess
    pre: str

    def run(self, case: str, script: str, **options: Any) -> Container:
        """A container with the name and the target `<pre>-<case>`; `go` lets a script go on that waits for it."""
        labels = self.labels(options.pop("target", self.target(case))) | options.pop("labels", {})
        return self.dockerd.run("sh", "-c", script, name=self.target(case), labels=labels, **options)

    def labels(self, target: str) -> dict[str, str]:
        return {f"{self.pre}.logs.x": "stdout", f"{self.pre}.logs.x.target": target}

    def go(self, container: Container) -> None:
        """Let its script behind `WAIT` run."""
        assert container.exec_run(["touch", "/go"]).exit_code == 0

    def target(self, case: str) -> str:
        return f"{self.pre}-{case}"

    def documents(self, case: str, count: int) -> list[dict[str, Any]]:
        """So many documents, by their time; fails if there are others."""
        found: list[dict[str, Any]] = []

        def are_there() -> bool:
            hits = self.server.refresh_and_fetch(f"{self.target(case)}-*")
            found[:] = sorted((hit["_source"] for hit in hits), key=lambda one: str(one["@timestamp"]))
            return len(found) >= count

        wait_until(are_there, f"{count} documents of {case} are there", seconds=60)
        assert len(found) == count
        return found

    def texts(self, case: str, count: int) -> list[str]:
        return [str(one["log"]["message"]) for one in self.documents(case, count)]

    def unread(self, name: str) -> float | None:
        """Bytes of the container's log that are left to read; None: it is not followed."""
        return self.agent.metrics().get(("pilotfish_backlog_bytes", (("name", name), ("output", "elastic"))))

    def is_told(self, name: str) -> bool:
        """Whether the container is said not to be followed because of its log driver."""
        return self.agent.metric("pilotfish_container_not_followed", name=name, reason="driver") == 1


WAIT = "; while [ ! -e /go ]; do sleep 0.05; done; rm /go; "
STAY = "; sleep 300"


def labelled(dockerd: Dockerd, server: SearchServer, pre: str) -> dict[str, Any]:
    """The configuration of an agent that follows no container of other tests."""
    told = configuration(dockerd, server)
    told["inputs"]["docker"]["select"] = "labelled"
    return told | {"labels": {"prefixes": [pre]}}


@pytest.fixture(scope="module")
@marks("engines")
def stage(tmp_path_factory: pytest.TempPathFactory, dockerd: Dockerd, elasticsearch_8: SearchServer) -> Iterator[Stage]:
    pre = f"ac{uuid4().hex[:8]}"
    with running(tmp_path_factory.mktemp("acceptance"), labelled(dockerd, elasticsearch_8, pre)) as agent:
        wait_until(lambda: agent.metric("docker_up") == 1, "the daemon is followed")
        yield Stage(dockerd, elasticsearch_8, agent, pre)
    for container in dockerd.client().containers.list(all=True, filters={"name": pre}):
        container.remove(force=True)


def test_a_target_with_other_characters_gives_a_legal_index(stage: Stage) -> None:
    wanted = f"{stage.target('Shop')}/Ärger 1"
    stage.run("names", "echo one", target=wanted)
    index = f"{stage.target('shop')}__rger_1-*"
    wait_until(lambda: stage.server.refresh_and_fetch(index), "the document is there")
    (hit,) = stage.server.refresh_and_fetch(index)
    assert hit["_source"]["@target"] == wanted


def test_old_lines_are_read_or_passed_over_as_backlog_says(stage: Stage, tmp_path: Path) -> None:
    container = stage.run("backlog", f"echo old{WAIT}echo new{STAY}")
    stage.texts("backlog", 1)  # it is in the file
    told = labelled(stage.dockerd, stage.server, stage.pre)
    told["inputs"]["docker"]["backlog"] = "new"
    told["outputs"]["elastic"]["index"] = "new-{target}"
    with running(tmp_path, told) as agent:
        wait_until(lambda: stage._replace(agent=agent).unread(str(container.name)) == 0, "its log is followed")
        stage.go(container)
        index = f"new-{stage.target('backlog')}*"
        wait_until(lambda: stage.server.refresh_and_fetch(index), "the new line is there")
        assert [hit["_source"]["log"]["message"] for hit in stage.server.refresh_and_fetch(index)] == ["new"]
        assert agent.stop() == 0
    assert stage.texts("backlog", 2) == ["old", "new"]


def test_small_files_that_rotate_under_load_lose_and_double_nothing(stage: Stage) -> None:
    lines = 1_500
    options = {"type": "json-file", "config": {"max-size": "10k", "max-file": "3"}}
    labels = stage.labels(stage.target("rotation"))
    before = stage.agent.metric("pilotfish_files_rotated_total", output="elastic")
    write_lines(stage.dockerd, lines, burst=30, labels=labels, log_config=options, name=stage.target("rotation"))
    wait_until(lambda: len(counts(stage.server, stage.target("rotation"))) >= lines, "all lines are there")
    assert counts(stage.server, stage.target("rotation")) == all_once(lines)
    assert stage.agent.metric("pilotfish_files_rotated_total", output="elastic") > before + 20
    assert stage.agent.metric("pilotfish_rotation_gaps_total", output="elastic") == 0


def test_a_log_that_is_truncated_is_read_from_its_start(stage: Stage) -> None:
    container = stage.run("truncated", f"echo 1; echo 2; echo 3{WAIT}echo 4; echo 5{STAY}")
    assert stage.texts("truncated", 3) == ["1", "2", "3"]
    wait_until(lambda: stage.unread(str(container.name)) == 0, "the log is read")
    os.truncate(stage.dockerd.log_file(container), 0)
    stage.go(container)
    assert stage.texts("truncated", 5) == ["1", "2", "3", "4", "5"]
    wait_until(lambda: stage.unread(str(container.name)) == 0, "nothing is left")


def test_a_line_of_100_kb_is_one_document(stage: Stage) -> None:
    container = stage.run("long", "head -c 102400 /dev/zero | tr '\\0' x; echo; echo behind")
    long, behind = stage.texts("long", 2)
    assert (long, behind) == ("x" * 102_400, "behind")
    assert len(stage.dockerd.log_file(container).read_text().splitlines()) == 8  # Docker split it


def test_half_an_envelope_waits_and_a_corrupt_line_is_counted(stage: Stage) -> None:
    container = stage.run("torn", f"echo first{WAIT}echo last{STAY}")
    stage.texts("torn", 1)
    half, rest = b'{"log":"torn\\n","stream":"stdout","ti', b'me":"2027-01-02T03:04:05.5Z"}\n'
    before = stage.agent.metric("pilotfish_parse_errors_total", output="elastic")
    log = stage.dockerd.log_file(container)
    with log.open("ab") as file:
        file.write(half)
        file.flush()
        wait_until(lambda: stage.unread(str(container.name)) == len(half), "the half is seen")
        assert stage.texts("torn", 1) == ["first"]
        file.write(rest + b"no envelope\n")
    stage.go(container)
    assert sorted(stage.texts("torn", 4)) == ["first", "last", "no envelope", "torn"]
    assert stage.agent.metric("pilotfish_parse_errors_total", output="elastic") == before + 1


def test_invalid_utf_8_and_nul_bytes_arrive(stage: Stage) -> None:
    container = stage.run("bytes", f"printf 'bad \\377 and \\000 nul\\n'{WAIT}echo last{STAY}")
    assert stage.texts("bytes", 1) == ["bad \ufffd and \0 nul"]
    before = stage.agent.metric("pilotfish_torn_lines_total", output="elastic")
    odd = stage.agent.metric("pilotfish_parse_errors_total", output="elastic")
    with stage.dockerd.log_file(container).open("ab") as file:  # as a power loss leaves it
        file.write(b"\0" * 4096 + b'{"log":"caf\xe9\\n","stream":"stdout","time":"2027-01-02T03:04:05.5Z"}\n')
    stage.go(container)
    assert sorted(stage.texts("bytes", 3)) == ["bad \ufffd and \0 nul", "caf\ufffd", "last"]
    assert stage.agent.metric("pilotfish_torn_lines_total", output="elastic") == before + 1
    assert stage.agent.metric("pilotfish_parse_errors_total", output="elastic") == odd + 1


def test_lines_of_a_terminal_have_no_carriage_return(stage: Stage) -> None:
    stage.run("terminal", "echo one; echo two >&2", tty=True)
    found = stage.documents("terminal", 2)
    assert [(one["log"], one["stream"]) for one in found] == [
        ({"message": "one"}, "stdout"),
        ({"message": "two"}, "stdout"),
    ]


def test_another_log_driver_is_told_once_and_nothing_is_read(stage: Stage) -> None:
    labels = stage.labels(stage.target("driver"))
    names = {driver: stage.target(driver) for driver in ("none", "journald")}
    image = stage.dockerd.image
    for driver, name in names.items():  # created alone: this machine need not have a journal
        stage.dockerd.client().containers.create(image, name=name, labels=labels, log_config=LogConfig(type=driver))
    stage.run("beside", "echo one")
    stage.texts("beside", 1)
    for driver, name in names.items():
        wait_until(partial(stage.is_told, name), f"{driver} is told")
        told = [json.loads(line) for line in stage.agent.log.read_text().splitlines() if name in line]
        assert [(one["event"], driver in one["reason"]) for one in told] == [("container not followed", True)]
        assert not [key for key in stage.agent.metrics() if "read" in key[0] and ("name", name) in key[1]]
    assert stage.server.refresh_and_fetch(f"{stage.target('driver')}-*") == []


def test_the_line_of_a_container_that_lives_200_ms_arrives(stage: Stage) -> None:
    for number in range(5):
        stage.run(f"short-{number}", f"echo {number}; sleep 0.2", auto_remove=True, target=stage.target("short"))
    assert sorted(stage.texts("short", 5)) == [str(number) for number in range(5)]


def test_a_container_that_is_started_again_goes_on_without_loss_or_repeat(stage: Stage) -> None:
    container = stage.run("again", f"echo begun; printf 'no end'{STAY}")
    for runs in (1, 2, 3):
        assert Counter(stage.texts("again", 2 * runs - 1)) == {"begun": runs} | (
            {"no end": runs - 1} if runs > 1 else {}
        )
        container.stop()
        assert Counter(stage.texts("again", 2 * runs)) == {"begun": runs, "no end": runs}
        container.start()


def test_documents_have_the_new_name_after_a_rename(stage: Stage) -> None:
    container = stage.run("renamed", f"echo before{WAIT}echo after{STAY}")
    stage.texts("renamed", 1)
    container.rename(stage.target("new-name"))
    wait_until(lambda: stage.unread(stage.target("new-name")) == 0, "the new name is known")
    stage.go(container)
    found = {one["log"]["message"]: one["docker_container"] for one in stage.documents("renamed", 2)}
    assert found == {"before": stage.target("renamed"), "after": stage.target("new-name")}


JAVA = (
    'Exception in thread "main" java.lang.IllegalStateException: broken',
    "\tat shop.Cart.add(Cart.java:12)",
    "\tat shop.Main.main(Main.java:5)",
)
PYTHON = (
    "Traceback (most recent call last):",
    '  File "/app/main.py", line 3, in <module>',
    "    run()",
    "ValueError: broken",
)


def test_traces_are_joined_where_multiline_is_asked_for(stage: Stage) -> None:
    def quoted(line: str) -> str:
        return "'" + line.replace("\t", "\\t") + "\\n'"

    both = [*JAVA, *PYTHON]
    outs = [f"printf {quoted(line)}" for line in JAVA]
    errors = [f"printf {quoted(line)} >&2" for line in PYTHON]
    mixed = [one for pair in zip(outs, errors, strict=False) for one in pair] + errors[len(outs) :]
    script = "; ".join(["echo ready", *mixed]) + STAY
    stage.run("traces", script, labels={"pilotfish.multiline": "auto"})
    stage.run("lines", script)
    found = {(one["stream"], one["log"]["message"]) for one in stage.documents("traces", 3)}
    assert found == {("stdout", "ready"), ("stdout", "\n".join(JAVA)), ("stderr", "\n".join(PYTHON))}
    assert sorted(stage.texts("lines", 8)) == sorted(["ready", *both])
