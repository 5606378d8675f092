"""Hostile and broken input, files to real servers: none loses another line, forges anything, or ends the process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engines.search_server import SearchServer
from tests.integration.agent import AgentProcess, running, wait_until
from tests.integration.log_tree import LogTree, envelope

DEEP = '{"a":' * 10_000 + "1" + "}" * 10_000
FORGED = '{"f":\n{"delete":{"_index":"victim","_id":"1"}}\n}'
LINES = {
    "broken_envelope": b'{"log":"broken\n',
    "two_objects_on_one_line": envelope("one\n", 1)[:-1] + envelope("two\n", 2),
    "blank": b"\n",
    "not_json_at_all": b"\x16\x03\x01 what is this\n",
    "invalid_utf8": b'{"log":"bad \xff\xfe bytes\\n","stream":"stdout","time":"2026-11-23T10:00:04Z"}\n',
    "invalid_utf8_in_json": b'{"log":"{\\"a\\":\\"\xff\\"}\\n","stream":"stdout","time":"2026-11-23T10:00:04Z"}\n',
    "nul_bytes": envelope("nul \0 byte\n", 5),
    "raw_nul_bytes": b"\0\0\0\0\n",
    "one_megabyte": envelope("x" * (1 << 20) + "\n", 6),
    "duplicate_keys": envelope('{"k":1,"k":2}\n', 7),
    "own_trusted_members": envelope(
        '{"@timestamp":"1999-01-01T00:00:00Z","@target":"victim","_index":"victim","_id":"1","host":"evil"}\n', 8
    ),
    "raw_newlines_and_a_forged_action": envelope(FORGED + "\n", 9),
    "nested_10000_deep": envelope(DEEP + "\n", 10),
    "beyond_2_63": envelope('{"n":99999999999999999999999999}\n', 11),
    "beyond_a_double": envelope('{"n":1e999}\n', 12),
    "empty_key": envelope('{"":1}\n', 13),
    "dot_key": envelope('{".":1,"a..b":2}\n', 14),
    "a_number": envelope('{"conflict":1}\n', 15),
    "an_object_in_its_place": envelope('{"conflict":{"a":1}}\n', 16),
    "a_text_in_its_place": envelope('{"conflict":"no number"}\n', 17),
    "message_as_an_object": envelope('{"message":{"a":1}}\n', 18),
    "carriage_return": envelope("tty line\r\n", 19),
    "wrong_stream": b'{"log":"x\\n","stream":"stdin","time":"2026-11-23T10:00:20Z"}\n',
    "no_such_date": b'{"log":"x\\n","stream":"stdout","time":"2026-02-30T10:00:20Z"}\n',
    "escapes": envelope("\x1b[31mred\x1b]0;title\x07\u202e\n", 21),
    "lone_surrogate": b'{"log":"\\ud800 lone\\n","stream":"stdout","time":"2026-11-23T10:00:22Z"}\n',
}
TRUSTED = {"log", "stream", "@timestamp", "host", "@target", "docker_container"}

pytestmark = pytest.mark.slow


def output(server: SearchServer, **more: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {"type": "elasticsearch", "hosts": [server.url], **more}
    if server.ca_file is not None:
        settings |= {"ca_file": str(server.ca_file), "username": server.username, "password": server.password} | more
    return {"outputs": {"elastic": settings}}


def settled(agent: AgentProcess) -> float:
    results = ("acknowledged", "duplicate", "dead_lettered")
    name = "pilotfish_documents_settled_total"
    return sum(agent.metric(name, output="elastic", result=result) for result in results)


@pytest.mark.parametrize("target", ["plain-bad-input", "Ünder/Übel..SHOP *?"])
def test_each_bad_line_arrives_or_is_a_dead_letter_and_every_good_line_arrives(
    tmp_path: Path, search_server: SearchServer, target: str
) -> None:
    tree = LogTree(tmp_path / "tree")
    log = tree.container(
        f"bad-{search_server.version}-{len(target)}",
        labels={"aliyun.logs.bad": "stdout", "aliyun.logs.bad.target": f"{target}-{search_server.version}"},
    )
    good = [envelope(f'{{"good":{number}}}\n', 30 + number) for number in range(len(LINES) + 1)]
    pairs = zip(good, [*LINES.values(), b""], strict=True)
    log.write_bytes(b"".join(line for pair in pairs for line in pair) + b'{"log":"half a li')
    config = {"inputs": {"directory": {"path": str(tree.root)}}, "host": "here", **output(search_server)}
    expected = len(LINES) + len(good)
    with running(tmp_path, config) as agent:
        wait_until(lambda: settled(agent) >= expected, f"{expected} lines are settled")
        assert settled(agent) == expected
        assert agent.metric("pilotfish_documents_in_flight", output="elastic") == 0
        assert agent.stop() == 0
    hits = search_server.refresh_and_fetch("*bad-input*,*shop*")
    hits = [hit for hit in hits if hit["_source"]["@target"] == f"{target}-{search_server.version}"]
    letters = [
        json.loads(line)
        for path in (agent.state / "dead_letters/elastic").glob("*.ndjson")
        for line in path.read_text().splitlines()
    ]
    assert len({hit["_id"] for hit in hits} | {letter["_id"] for letter in letters}) == expected
    assert len(hits) + len(letters) == expected
    arrived = sorted(hit["_source"]["log"]["good"] for hit in hits if "good" in hit["_source"]["log"])
    assert arrived == list(range(len(good)))
    for hit in hits:
        document = hit["_source"]
        assert document["host"] == "here"
        assert document["@timestamp"].startswith("2026-11-23T10:")
        assert set(document) - {"delivery_error"} == TRUSTED
        assert hit["_index"].endswith("-2026.11.23")
        assert hit["_index"] == hit["_index"].lower()
    assert search_server.refresh_and_fetch("victim*") == []
    texts = {str(hit["_source"]["log"].get("message")) for hit in hits}
    assert {"x" * (1 << 20), "nul \0 byte", "tty line", "", '{"log":"broken'} <= texts
    forged = [hit["_source"] for hit in hits if "delete" in json.dumps(hit["_source"])]
    assert [document["log"] for document in forged] == [json.loads(FORGED)]


def test_a_half_line_ships_when_its_other_half_comes(tmp_path: Path, elasticsearch_8: SearchServer) -> None:
    tree = LogTree(tmp_path / "tree")
    log = tree.container("half")
    line = envelope('{"whole":1}\n', 1)
    log.write_bytes(envelope("first\n", 0) + line[:20])
    config = {"inputs": {"directory": {"path": str(tree.root)}}, **output(elasticsearch_8)}
    with running(tmp_path, config) as agent:
        wait_until(lambda: settled(agent) == 1, "the first line is settled")
        with log.open("ab") as file:
            file.write(line[20:])
        wait_until(lambda: settled(agent) == 2, "the whole line is settled")
    logs = [hit["_source"]["log"] for hit in elasticsearch_8.refresh_and_fetch("half-*")]
    assert {"whole": 1} in logs
    assert len(logs) == 2


def test_a_wrong_password_is_told_once_and_mended_without_loss(tmp_path: Path, elasticsearch_7: SearchServer) -> None:
    tree = LogTree(tmp_path / "tree")
    log = tree.container("locked-out")
    log.write_bytes(b"".join(envelope(f"line {number}\n", number) for number in range(100)))
    inputs = {"inputs": {"directory": {"path": str(tree.root)}}, "drain_seconds": 0.5}
    with running(tmp_path, inputs | output(elasticsearch_7, password="wrong-5ecret")) as agent:
        wait_until(lambda: agent.metric("pilotfish_requests_total", output="elastic", result="unauthorized") > 1, "401")
        (reason,) = agent.ready()["reasons"]
        assert "password" in reason
        assert agent.metric("pilotfish_documents_in_flight", output="elastic") == 100
        assert agent.stop() == 0
    told = agent.log.read_text()
    assert told.count('"event": "output unavailable"') == 1
    assert "wrong-5ecret" not in told + reason
    with running(tmp_path, inputs | output(elasticsearch_7)) as agent:
        wait_until(lambda: settled(agent) == 100, "all lines are settled")
    assert len(elasticsearch_7.refresh_and_fetch("locked-out-*")) == 100


def test_a_host_that_nobody_answers_at_is_told_and_ends_nothing(tmp_path: Path) -> None:
    tree = LogTree(tmp_path / "tree")
    tree.container("unheard").write_bytes(envelope("line\n", 0))
    elastic = {"type": "elasticsearch", "hosts": ["http://127.0.0.1:9"]}
    config = {"inputs": {"directory": {"path": str(tree.root)}}, "outputs": {"elastic": elastic}, "drain_seconds": 0.5}
    with running(tmp_path, config) as agent:
        wait_until(lambda: "http://127.0.0.1:9" in str(agent.ready()["reasons"]), "the host is named")
        assert agent.get("/healthz") == b"ok\n"
        assert agent.stop() == 0


def run_once(config: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "collector", "run", "-c", str(config)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PILOTFISH_")}
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)


def test_a_state_directory_in_use_is_one_line_with_cause_and_remedy(tmp_path: Path) -> None:
    tree = LogTree(tmp_path / "tree")
    config = {"inputs": {"directory": {"path": str(tree.root)}}, "outputs": {"none": {"type": "null"}}}
    with running(tmp_path, config) as agent:
        second = run_once(agent.config)
    assert second.returncode == 1
    (line,) = second.stderr.splitlines()
    assert "in use by another agent" in line
    assert "state_dir" in line


def test_a_state_directory_that_cannot_be_made_is_one_line_with_cause_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    config = tmp_path / "pilotfish.yml"
    config.write_text(json.dumps({"state_dir": str(tmp_path / "file/state"), "outputs": {"none": {"type": "null"}}}))
    ended = run_once(config)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "cannot be created" in line
    assert "state_dir" in line


def test_an_unknown_key_is_one_line_that_names_the_nearest(tmp_path: Path) -> None:
    config = tmp_path / "pilotfish.yml"
    config.write_text("outptus:\n  local: {type: store}\n")
    ended = run_once(config)
    assert ended.returncode == 78
    (line,) = ended.stderr.splitlines()
    assert "outputs" in line


def test_links_and_pipes_in_the_tree_are_refused_and_told(tmp_path: Path, elasticsearch_8: SearchServer) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(envelope("secret\n", 0))
    tree = LogTree(tmp_path / "tree")
    tree.container("linked").symlink_to(secret)
    os.mkfifo(tree.container("piped"))
    tree.container("device").symlink_to("/dev/zero")
    tree.container("honest").write_bytes(envelope("line\n", 0))
    config = {"inputs": {"directory": {"path": str(tree.root)}}, **output(elasticsearch_8)}
    with running(tmp_path, config) as agent:
        wait_until(lambda: settled(agent) == 1, "the honest line is settled")
        assert agent.stop() == 0
    assert elasticsearch_8.refresh_and_fetch("linked-*,piped-*,device-*") == []
