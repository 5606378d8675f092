"""SIGHUP: an agent takes over its rules while containers go on writing, or changes nothing; in real processes."""

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent import AgentProcess, running, wait_until
from tests.integration.log_tree import LogTree, envelope

pytestmark = pytest.mark.slow  # processes that write and read for seconds

SECRET = "hunter2"
LINE = "n={} password=" + SECRET
RELOADED = ["old", "new", "newer", "newest", "old"]


def rules(which: str) -> dict[str, Any]:
    """Each makes a document that shows by all of its settings which of them it was read by."""
    own = {"name": "number", "pattern": r"n=\d+"}
    found: dict[str, dict[str, Any]] = {
        "old": {"containers": [{"name": "web", "tags": {"rules": "old"}}]},
        "new": {
            "containers": [{"name": "web", "tags": {"rules": "new"}, "format": "logfmt", "redact": ["secrets"]}],
            "redact": {"patterns": [own]},
        },
        "newer": {
            "containers": [{"name": "web", "tags": {"rules": "newer"}, "redact": ["secrets", "number"]}],
            "redact": {"patterns": [own | {"pattern": r"n=\d"}]},
        },
    }
    found["newest"] = found["newer"] | {"redact": {"patterns": [own]}}  # the same names, and another pattern
    return found[which]


def read_by(document: dict[str, Any]) -> str:
    """The rules that all of its settings are of; "" if there are none."""
    log = document["log"]
    if set(log) == {"n", "password"} and log["password"] == "[redacted:password]":
        found = "new"
    elif re.fullmatch(rf"n=\d+ password={SECRET}", log["message"]):
        found = "old"
    else:
        match = re.fullmatch(r"\[redacted:number\](\d*) password=\[redacted:password\]", log["message"])
        found = "" if match is None else "newer" if match[1] else "newest"
    return found if document["rules"] == ("newer" if found == "newest" else found) else ""


def number_of(document: dict[str, Any], line: int) -> int:
    """The line's number; where it was taken out it is counted."""
    log = document["log"]
    return int(log["n"]) if "n" in log else line if "[" in log["message"] else int(log["message"].split()[0][2:])


class Host:
    """A container that writes, and the configuration of an agent that follows it."""

    def __init__(self, directory: Path, workers: int = 1) -> None:
        self.tree = LogTree(directory / "tree")
        self.log = self.tree.container("web")
        self.log.touch()
        self.documents = directory / "documents.ndjson"
        output: dict[str, Any] = {"type": "ndjson_file", "path": str(self.documents), "linger_seconds": 0.1}
        self.common: dict[str, Any] = {
            "inputs": {"directory": {"path": str(self.tree.root)}},
            "outputs": {"file": output if workers == 1 else {"type": "null"}},
            "workers": workers,
        }
        self.written = 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A container that writes some 500 lines a second meanwhile."""
        ended = threading.Event()

        def write() -> None:
            with self.log.open("ab", buffering=0) as file:
                while not ended.wait(0.01):
                    file.write(b"".join(envelope(LINE.format(self.written + one) + "\n", 0) for one in range(5)))
                    self.written += 5

        thread = threading.Thread(target=write)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def found(self) -> list[dict[str, Any]]:
        lines = self.documents.read_bytes().split(b"\n")[:-1] if self.documents.exists() else []
        return [json.loads(line) for line in lines]

    def has(self, which: str) -> bool:
        return bool(found := self.found()) and read_by(found[-1]) == which


def configure(agent: AgentProcess, found: dict[str, Any]) -> None:
    before = json.loads(agent.config.read_text())
    kept = {key: before[key] for key in ("state_dir", "http", "log", "inputs", "outputs", "workers")}
    agent.config.write_text(json.dumps(kept | found))


def reload(agent: AgentProcess) -> None:
    """Have it reload, and wait until it has."""
    before = reloads(agent)
    agent.signal(signal.SIGHUP)
    wait_until(lambda: reloads(agent) > before, "the agent reloads")


def reloads(agent: AgentProcess) -> float:
    return sum(agent.metric("pilotfish_config_reloads_total", result=result) for result in ("ok", "failed"))


def test_each_line_is_read_once_by_all_of_the_old_rules_or_all_of_the_new(tmp_path: Path) -> None:
    host = Host(tmp_path)
    with running(tmp_path, host.common | rules("old")) as agent:
        with host.writing():
            wait_until(partial(host.has, RELOADED[0]), "a line is read")
            for which in RELOADED[1:]:
                configure(agent, rules(which))
                reload(agent)
                wait_until(partial(host.has, which), f"a line is read by the {which} rules")
        wait_until(lambda: len(host.found()) >= host.written, "all lines are there")
        assert agent.stop() == 0
    found = host.found()
    assert [number_of(document, line) for line, document in enumerate(found)] == list(range(host.written))
    assert [which for which, _ in groupby(map(read_by, found))] == RELOADED


BROKEN = [
    "containers: [{name: web, format: nonesuch}]",
    "containers: [",
    json.dumps(rules("new") | {"tests": [{"container": {"name": "web"}, "target": "elsewhere"}]}),
    json.dumps({"redact": {"sets": ["secrets"], "hash_key_file": "/nonexistent/key"}}),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_file_that_is_wrong_changes_nothing_and_is_told(tmp_path: Path, broken: str) -> None:
    host = Host(tmp_path)
    with running(tmp_path, host.common | rules("old")) as agent:
        loaded = agent.metric("pilotfish_config_last_reload_success_timestamp_seconds")
        good = agent.config.read_text()
        inner = json.loads(broken) if broken.startswith("{") else None
        agent.config.write_text(broken if inner is None else json.dumps(json.loads(good) | inner))
        reload(agent)
        assert agent.metric("pilotfish_config_last_reload_successful") == 0
        assert agent.metric("pilotfish_config_reloads_total", result="failed") == 1
        assert agent.metric("pilotfish_config_last_reload_success_timestamp_seconds") == loaded
        with host.writing():
            wait_until(lambda: host.written > 50, "the container writes")
        wait_until(lambda: len(host.found()) >= host.written, "all lines are there")
        assert {document["rules"] for document in host.found()} == {"old"}
        agent.config.write_text(good)
        reload(agent)
        assert agent.metric("pilotfish_config_last_reload_successful") == 1
        assert agent.metric("pilotfish_config_last_reload_success_timestamp_seconds") > loaded
    (error,) = [one for one in told(agent) if one["level"] == "error"]
    assert error["event"] == "configuration not reloaded: the configuration from before stays in effect"
    assert error["error"]


def test_what_needs_a_restart_is_named_in_one_warning_and_the_rest_is_taken_over(tmp_path: Path) -> None:
    host = Host(tmp_path)
    with running(tmp_path, host.common | rules("old")) as agent:
        configure(agent, rules("new") | {"state_dir": "/elsewhere", "log": {"level": "debug", "format": "console"},
                                         "outputs": {"other": {"type": "null"}}, "drain_seconds": 3})  # fmt: skip
        reload(agent)
        with host.writing():
            wait_until(lambda: host.has("new"), "a line is read by the new rules")
    (warning,) = [one for one in told(agent) if one["event"] == "settings changed that need a restart of the agent"]
    assert warning["settings"] == ["drain_seconds", "log.format", "outputs.file", "outputs.other", "state_dir"]
    (info,) = [one for one in told(agent) if one["event"] == "configuration reloaded"]
    assert info["changed"] == ["containers", "log.level", "redact"]


def test_the_workers_of_an_agent_get_what_it_has_checked(tmp_path: Path) -> None:
    host = Host(tmp_path, workers=2)
    others = [host.tree.container(f"other-{number}") for number in range(8)]
    for log in others:
        log.write_bytes(envelope("line\n", 0))
    every = {"containers": [{"tags": {"rules": "new"}}]}
    with running(tmp_path, host.common) as agent:
        wait_until(lambda: len(tags(agent)) == 9, "all are followed")
        agent.config.write_text("containers: [")
        reload(agent)
        assert set(tags(agent)) == {""}
        agent.config.write_text(json.dumps({"state_dir": str(agent.state), "http": {"listen": "127.0.0.1:0"},
                                            "log": {"format": "json"}} | host.common | every))  # fmt: skip
        reload(agent)
        wait_until(lambda: set(tags(agent)) == {"new"}, "each worker has the rules")
        assert agent.metric("pilotfish_config_reloads_total", result="ok") == 1
        assert agent.metric("pilotfish_config_last_reload_successful") == 1
        assert agent.stop() == 0
    assert len([one for one in told(agent) if one["level"] == "error"]) == 1


def tags(agent: AgentProcess) -> list[str]:
    """Those of all containers that are followed."""
    found = json.loads(agent.api("/api/explain"))["containers"]
    settings = [one["settings"] for each in found for one in each["streams"]]
    return [next((one["value"] for one in each if one["key"] == "tags.rules"), "") for each in settings]


def told(agent: AgentProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in agent.log.read_text().splitlines() if line.startswith("{")]


def test_an_agent_below_nohup_reloads_too(tmp_path: Path) -> None:
    host = Host(tmp_path)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with running(tmp_path, host.common | rules("old")) as agent:
            signal.signal(signal.SIGHUP, before)
            configure(agent, rules("new"))
            os.kill(agent.pid, signal.SIGHUP)
            wait_until(lambda: agent.metric("pilotfish_config_reloads_total", result="ok") == 1, "it reloads")
    finally:
        signal.signal(signal.SIGHUP, before)
