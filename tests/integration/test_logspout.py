"""The examples of logspout's README and of its modules' pages, each run as it stands there, and what happens here.

What is between braces in an example is a receiver of the test in place of a host of others. docs/migration.md has the
table; `EXAMPLES` says which test runs each of its rows.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent import AgentProcess, wait_until
from tests.integration.log_tree import LogTree, envelope
from tests.needs import marks
from tests.receivers.raw import Receiver
from tests.receivers.syslog import Receiver as SyslogReceiver
from tests.reference import ROOT, table_of

PAGE = "docs/migration.md"
HERE = "tests/integration/test_logspout.py"
EXAMPLES: Mapping[str, str] = {
    "`gliderlabs/logspout syslog+tcp://{host}`": "test_syslog_gets_the_lines_with_the_name_of_the_container",
    "`-e 'SYSLOG_FORMAT=rfc3164' -e 'SYSLOG_TAG={{.ContainerName}}-x' … syslog+tcp://{host}`": (
        "test_syslog_gets_the_lines_with_the_name_of_the_container"
    ),
    "`-e 'SYSLOG_STRUCTURED_DATA=…'`, `-e 'SYSLOG_DATA=…'`": (
        "test_syslog_gets_the_lines_with_the_name_of_the_container"
    ),
    "`gliderlabs/logspout raw+tcp://{host}`": "test_a_uri_as_the_command_ships_all_lines",
    "`-e 'ROUTE_URIS=raw+tcp://$HOST,raw://{other}'`": "test_routes_of_the_variable_are_several_destinations",
    "`docker run -e 'LOGSPOUT=ignore' image`": "test_a_container_is_left_out_by_its_environment_or_label",
    "`-e 'EXCLUDE_LABEL=logspout.exclude'`": "test_a_container_is_left_out_by_its_environment_or_label",
    "`-e 'BACKLOG=false'`": "test_without_the_backlog_only_new_lines_are_shipped",
    "`-e 'TAIL=100'`, `-e 'INACTIVITY_TIMEOUT=1m'`, `-e 'HTTP_BIND_ADDRESS=127.0.0.1'`": (
        "test_what_has_no_meaning_is_said_at_the_start"
    ),
    '`-e \'RAW_FORMAT={ "container" : "{{ .Container.Name }}", … "message": {{ toJSON .Data }} }\\n\'`': (
        "test_the_template_of_the_readme_makes_the_lines"
    ),
    "`raw+tcp://{host}?filter.name=*_db`": "test_filters_choose_what_a_route_gets",
    "`raw+tcp://{host}?filter.sources=stdout%2Cstderr`, `raw+tcp://{host}?filter.sources=stderr`": (
        "test_filters_choose_what_a_route_gets"
    ),
    "`raw+tcp://{host}?filter.labels=tier:web`": "test_filters_choose_what_a_route_gets",
    "`multiline+raw+tcp://{host}`": "test_multiline_joins_a_trace",
    "`curl http://127.0.0.1:8000/logs`": "test_logs_are_read_with_curl_and_the_token",
    "`curl http://127.0.0.1:8000/logs/name:shop_db?source=stdout,stderr`": "test_logs_are_read_with_curl_and_the_token",
    "`curl -H 'Accept: application/json' …/logs`": "test_logs_are_read_with_curl_and_the_token",
    '`curl …/routes -d \'{"adapter":"raw+tcp","address":…,"filter_sources":["stderr"]}\'`': (
        "test_a_route_is_posted_with_the_token_to_an_allowed_destination"
    ),
    '`curl …/routes -d \'{"source":{"filter":"db","types":["stderr"]},"target":…}\'`': (
        "test_a_route_is_posted_with_the_token_to_an_allowed_destination"
    ),
}

pytestmark = pytest.mark.slow


def test_each_row_of_the_page_is_an_example_that_a_test_runs() -> None:
    assert table_of(PAGE, "Examples of logspout's README") == list(EXAMPLES)
    text = (ROOT / HERE).read_text("utf-8")
    assert [name for name in EXAMPLES.values() if f"def {name}(" not in text] == []


class Started(AgentProcess):
    """`pilotfish ARGUMENTS` with an environment, as the image starts it: no file of a configuration."""

    def __init__(self, directory: Path, *arguments: str, **variables: str) -> None:
        super().__init__(directory, {})
        self.command = [sys.executable, "-m", "collector", *arguments]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PILOTFISH_")}
        own = {
            "PILOTFISH_STATE_DIR": str(self.state),
            "PILOTFISH_HTTP__LISTEN": "127.0.0.1:0",
            "PILOTFISH_LOG__FORMAT": "json",
            "PILOTFISH_INPUTS__DIRECTORY__PATH": str(directory / "tree"),
        }
        self._environment = {**kept, **own, **variables}

    def ask(
        self, path: str, *, body: object = None, accept: str = "*/*", method: str = "GET"
    ) -> urllib.request.Request:
        """A request with the token."""
        token = (self.state / "http_token").read_text().strip()
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        return urllib.request.Request(f"http://{self.address}{path}", headers=headers, data=data, method=method)


def opened(request: urllib.request.Request) -> HTTPResponse:
    answer: HTTPResponse = urllib.request.urlopen(request, timeout=30)  # noqa: S310 - our own address
    return answer


@contextmanager
def logspout(directory: Path, *arguments: str, **variables: str) -> Iterator[Started]:
    agent = Started(directory, *(arguments or ("run",)), **variables)
    try:
        agent.start()
        yield agent
    finally:
        agent.kill()


@pytest.fixture
@marks("engines")
def server(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "server") as receiver:
        yield receiver


@pytest.fixture
def tree(tmp_path: Path) -> LogTree:
    return LogTree(tmp_path / "tree")


def has(server: Receiver, *lines: str) -> bool:
    return sorted(server.lines()) == sorted(line.encode() for line in lines)


def test_a_uri_as_the_command_ships_all_lines(tmp_path: Path, tree: LogTree, server: Receiver) -> None:
    tree.container("web").write_bytes(envelope("one\n", 1) + envelope('{"n":2}\n', 2, stream="stderr"))
    with logspout(tmp_path, f"raw+tcp://127.0.0.1:{server.port}"):
        wait_until(lambda: has(server, "one", '{"n":2}'), "both lines are there as they were written")


@pytest.fixture
@marks("engines")
def rsyslog(tmp_path: Path) -> Iterator[SyslogReceiver]:
    with SyslogReceiver(tmp_path / "rsyslog", "tcp") as receiver:
        yield receiver


@pytest.mark.parametrize(
    ("variables", "tag"), [({}, "web"), ({"SYSLOG_FORMAT": "rfc3164", "SYSLOG_TAG": "{{.ContainerName}}-x"}, "web-x")]
)
def test_syslog_gets_the_lines_with_the_name_of_the_container(
    tmp_path: Path, tree: LogTree, rsyslog: SyslogReceiver, variables: dict[str, str], tag: str
) -> None:
    log = tree.container("web")
    log.write_bytes(envelope("one\n", 1) + envelope("two\n", 2, stream="stderr"))
    idle = {"SYSLOG_STRUCTURED_DATA": "a", "SYSLOG_DATA": "{{.Data}}"}
    with logspout(tmp_path, f"syslog+tcp://127.0.0.1:{rsyslog.port}", **variables, **idle) as agent:
        wait_until(lambda: len(rsyslog.messages()) == 2, "both lines are there")
        told = agent.log.read_text()
    found = {one["msg"].strip(): (one["app"], one["pri"], one["host"]) for one in rsyslog.messages()}
    host = log.parent.name[:12]
    assert found == {"one": (tag, "14", host), "two": (tag, "11", host)}  # user.info and user.err
    assert all(f"{name}: this word of logspout's is ignored: " in told for name in idle)


def test_routes_of_the_variable_are_several_destinations(tmp_path: Path, tree: LogTree, server: Receiver) -> None:
    tree.container("web").write_bytes(envelope("one\n", 1))
    uris = f"raw+tcp://$HOST,raw://127.0.0.1:{server.port}"
    with logspout(tmp_path, ROUTE_URIS=uris, HOST=f"127.0.0.1:{server.port}") as agent:
        wait_until(lambda: has(server, "one", "one"), "the line is there by TCP and by UDP")
        log = agent.log.read_text()
    assert all(f"ROUTE_URIS: route {number}: becomes the output raw_127_0_0_1" in log for number in (1, 2))


def test_a_container_is_left_out_by_its_environment_or_label(tmp_path: Path, tree: LogTree, server: Receiver) -> None:
    tree.container("web").write_bytes(envelope("one\n", 1))
    tree.container("by-label", labels={"logspout.exclude": "true"}).write_bytes(envelope("not this\n", 1))
    ignored = tree.container("by-variable")
    ignored.write_bytes(envelope("nor this\n", 1))
    described = ignored.parent / "config.v2.json"
    told = json.loads(described.read_text())
    described.write_text(json.dumps({**told, "Config": {"Labels": {}, "Env": ["LOGSPOUT=ignore"]}}))
    with logspout(tmp_path, f"raw+tcp://127.0.0.1:{server.port}", EXCLUDE_LABEL="logspout.exclude") as agent:
        wait_until(lambda: has(server, "one"), "the line of the third is there")
        wait_until(lambda: agent.ready()["ready"], "everything was looked at")
    assert has(server, "one")


def test_without_the_backlog_only_new_lines_are_shipped(tmp_path: Path, tree: LogTree, server: Receiver) -> None:
    log = tree.container("web")
    log.write_bytes(envelope("old\n", 1))
    with logspout(tmp_path, f"raw+tcp://127.0.0.1:{server.port}", BACKLOG="false") as agent:
        wait_until(lambda: agent.ready()["ready"], "the log is followed")
        with log.open("ab") as file:
            file.write(b'{"log":"new\\n","stream":"stdout","time":"2999-01-01T00:00:00Z"}\n')
        wait_until(lambda: has(server, "new"), "the new line is there, and not the old one")


def test_what_has_no_meaning_is_said_at_the_start(tmp_path: Path, tree: LogTree, server: Receiver) -> None:
    variables = {"TAIL": "100", "INACTIVITY_TIMEOUT": "1m", "HTTP_BIND_ADDRESS": "127.0.0.1"}
    with logspout(tmp_path, f"raw+tcp://127.0.0.1:{server.port}", **variables) as agent:
        log = agent.log.read_text()
    assert [name for name in variables if f"{name}: a variable of logspout's, ignored: " not in log] == []


def test_the_template_of_the_readme_makes_the_lines(tmp_path: Path, tree: LogTree, server: Receiver) -> None:
    template = (
        '{ "container" : "{{ .Container.Name }}", "labels": {{ toJSON .Container.Config.Labels }}, "timestamp": '
        '"{{ .Time.Format "2006-01-02T15:04:05Z07:00" }}", "source" : "{{ .Source }}", '
        '"message": {{ toJSON .Data }} }\\n'
    )
    tree.container("web", labels={"tier": "front"}).write_bytes(envelope('a "quoted" line\n', 1))
    with logspout(tmp_path, f"raw+tcp://127.0.0.1:{server.port}", RAW_FORMAT=template):
        wait_until(server.lines, "the line is there")
    [line] = server.lines()
    assert json.loads(line) == {
        "container": "/web", "labels": {"tier": "front"}, "timestamp": "2026-11-23T10:00:01Z", "source": "stdout",
        "message": 'a "quoted" line',
    }  # fmt: skip


def of_containers(server: Receiver) -> list[str]:
    """What stands behind `{{.Source}} `, but for Pilotfish's own lines about what was left out."""
    said = [line.decode().partition(" ") for line in server.lines()]
    return sorted(line for output, _, line in said if output != "limits")


@pytest.mark.parametrize(
    ("filters", "lines"),
    [
        ("filter.name=*_db", ["db out", "db err"]),
        ("filter.sources=stdout%2Cstderr", ["db out", "db err", "web out"]),
        ("filter.sources=stderr", ["db err"]),
        ("filter.labels=tier:web", ["web out"]),
        ("filter.labels=tier:*%2Capp:*", ["db out", "db err"]),
    ],
)
def test_filters_choose_what_a_route_gets(
    tmp_path: Path, tree: LogTree, server: Receiver, filters: str, lines: list[str]
) -> None:
    tree.container("web", labels={"tier": "web"}).write_bytes(envelope("web out\n", 1))
    database = tree.container("shop_db", labels={"tier": "db", "app": "shop"})
    database.write_bytes(envelope("db out\n", 1) + envelope("db err\n", 1, stream="stderr"))
    with logspout(
        tmp_path, f"raw+tcp://127.0.0.1:{server.port}?{filters}", RAW_FORMAT="{{.Source}} {{.Data}}"
    ) as agent:
        wait_until(lambda: of_containers(server) == sorted(lines), "these lines are there")
        wait_until(lambda: agent.ready()["ready"], "everything was looked at")
        assert of_containers(server) == sorted(lines)


def test_multiline_joins_a_trace(tmp_path: Path, tree: LogTree, server: Receiver) -> None:
    written = [envelope(f"{line}\n", 1) for line in ("Error: x", "  at a.js:1", "  at b.js:2", "next")]
    tree.container("web", running=False).write_bytes(b"".join(written))
    with logspout(tmp_path, f"multiline+raw+tcp://127.0.0.1:{server.port}", RAW_FORMAT="{{toJSON .Data}}"):
        wait_until(lambda: has(server, '"Error: x\\n  at a.js:1\\n  at b.js:2"', '"next"'), "two events are there")


def test_logs_are_read_with_curl_and_the_token(tmp_path: Path, tree: LogTree) -> None:
    log = tree.container("shop_db")
    log.write_bytes(b"")
    with logspout(tmp_path, PILOTFISH_OUTPUTS__NONE__TYPE="null") as agent:
        with pytest.raises(urllib.error.HTTPError) as raised:
            opened(urllib.request.Request(f"http://{agent.address}/logs"))
        raised.value.close()
        assert raised.value.code == 401
        wait_until(lambda: b"shop_db" in agent.api("/api/explain"), "the container is known")
        asked = [
            ("/logs?colors=off", "*/*"),
            ("/logs/name:shop_db?source=stdout,stderr", "*/*"),
            ("/logs", "application/json"),
        ]
        answers = [opened(agent.ask(path, accept=kind)) for path, kind in asked]
        with log.open("ab") as file:
            file.write(envelope("ready\n", 1))
        named, alone, message = (answer.readline().decode().rstrip("\n") for answer in answers)
        for answer in answers:
            answer.close()
    assert (named, alone) == ("         shop_db|ready", "ready")
    container = {"Id": log.parent.name, "Name": "/shop_db"}
    assert json.loads(message) == {
        "Container": container, "Source": "stdout", "Data": "ready", "Time": "2026-11-23T10:00:01.5Z",
    }  # fmt: skip


def posted(agent: Started, body: object) -> tuple[int, Any]:
    try:
        with opened(agent.ask("/routes", body=body, method="POST")) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_route_is_posted_with_the_token_to_an_allowed_destination(
    tmp_path: Path, tree: LogTree, server: Receiver, workers: str
) -> None:
    labels = {"tier": "db"}
    logs = [tree.container(name, labels=labels) for name in ("shop_db", "till_db", "web")]
    for log in logs:
        log.write_bytes(envelope("before\n", 1, stream="stderr"))
    policy = {"PILOTFISH_HTTP__ROUTES": "true", "PILOTFISH_HTTP__ROUTES_ALLOW": "raw+tcp://127.0.0.1:*"}
    with logspout(tmp_path, PILOTFISH_OUTPUTS__NONE__TYPE="null", PILOTFISH_WORKERS=workers, **policy) as agent:
        wait_until(lambda: agent.metric("pilotfish_documents_read_total", output="none") == 3, "all is read")
        old = {"source": {"filter": "db", "types": ["stderr"]}, "target": {"type": "syslog", "addr": "logs.example:1"}}
        assert posted(agent, old)[0] == 400
        assert posted(agent, {"adapter": "raw+tcp", "address": "10.0.0.1:1"})[0] == 403
        route = {
            "adapter": "raw+tcp",
            "address": f"127.0.0.1:{server.port}",
            "filter_name": "*_db",
            "filter_labels": ["tier:db"],
            "filter_sources": ["stderr"],
        }
        status, made = posted(agent, route)
        assert status == 201
        for log in logs:
            with log.open("ab") as file:
                file.write(envelope("out\n", 2) + envelope(f"{log.parent.name[:4]} err\n", 2, stream="stderr"))
        wait_until(lambda: has(server, *(f"{log.parent.name[:4]} err" for log in logs[:2])), "both lines are there")
        with opened(agent.ask(f"/routes/{made['id']}")) as answer:
            assert json.loads(answer.read())["status"]["delivered"] == 2
        with opened(agent.ask(f"/routes/{made['id']}", method="DELETE")) as answer:
            assert answer.status == 200


def test_an_adapter_that_is_not_there_ends_the_start_with_what_there_is(tmp_path: Path) -> None:
    agent = Started(tmp_path, "carrier-pigeon://loft.example")
    done = subprocess.run(
        agent.command, env=agent._environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 78
    assert "names the adapter 'carrier-pigeon'" in done.stderr
