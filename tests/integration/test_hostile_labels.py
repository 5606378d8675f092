"""Labels and names that want to be more than text: from the container to documents, index, series and the own log."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from collector.telemetry import catalogue
from collector.text.bounds import bounded
from tests.engines.search_server import SearchServer
from tests.integration.agent import AgentProcess, running, wait_until
from tests.integration.log_tree import LogTree, envelope

LONG = "x" * 100_000
HOSTILE = {
    "newline": 'a\n{"create":{"_index":"victim","_id":"1"}}\n{"forged":true}',
    "return": 'a\r\nHTTP/1.1 200 OK\r\nX-Forged: 1\r\n\r\n{"forged":true}',
    "quotes": '","@target":"victim","host":"evil","x":"',
    "backslash": 'a\\"} 1\nforged_total{x="\\',
    "exposition": 'a"} 1\n# TYPE forged_total counter\nforged_total 666\n# EOF\n',
    "controls": "\x00\x01\x07\x08\x0b\x0c\x1b[2J\x1b]0;owned\x07\x7f\x9b31m\u2028\u2029\u202e",
    "json": '{"@target": "victim", "log": {"level": "error"}}',
    "braces": "{target}-%Y {0} {} {log.__class__} %s %n",
    "templates": "${HOME} $(id) `id` {{7*7}} {% raw %} <%= 1 %> #{1} ${jndi:ldap://127.0.0.1:1/x}",
    "path": "../../../../etc/passwd\x00/../..",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "wildcard": "*,-victim,<logstash-{now/d}>?ignore_unavailable=true#",
    "separator": "a\u0085b\u2028c\x1cd\x1ee",
    "long": LONG,
    "long_with_quotes": '"\\\n' * 33_000,
    "blank": " \t ",
    "dots": "...---___+++",
    "script": "Ünïcödé 日志 🚀 ℀ \u0041\u030a",
}
TRUSTED = {"log", "stream", "@timestamp", "host", "@target", "docker_container", "docker_app", "docker_service"}
TRUSTED |= {"k8s_pod", "k8s_pod_namespace", "k8s_container_name"}
LINES = 3
SERIES = {one.name + suffix for one in catalogue.ALL for suffix in ("", "_bucket", "_sum", "_count", "_created")}
LEGAL_INDEX = re.compile(r"[a-z0-9._-]{1,255}")


def labels(way: str, value: str) -> dict[str, str]:
    """The value wherever a label is read, and as a label's key."""
    return {
        f"aliyun.logs.{way}": "stdout",
        f"aliyun.logs.{way}.target": value,
        f"aliyun.logs.{value}.tags": value,
        f"aliyun.logs.other{way}": value,
        "com.docker.compose.project": value,
        "com.docker.compose.service": value,
        "io.kubernetes.pod.name": value,
        "io.kubernetes.pod.namespace": value,
        "io.kubernetes.container.name": value,
        "pilotfish.exclude": value,
        value: value,
    }


@pytest.fixture
def tree(tmp_path: Path) -> LogTree:
    """A container for each value: three lines of its own, labels and name made of it."""
    tree = LogTree(tmp_path / "tree")
    for way, value in HOSTILE.items():
        log = tree.container(way, labels=labels(way, value))
        described = json.loads((log.parent / "config.v2.json").read_text())
        described["Name"] = f"/{value}"
        (log.parent / "config.v2.json").write_text(json.dumps(described))
        lines = [json.dumps({"way": way, "number": number}) for number in range(LINES)]
        log.write_bytes(b"".join(envelope(f"{line}\n", number) for number, line in enumerate(lines)))
    return tree


def settled(agent: AgentProcess, output: str) -> float:
    names = ("acknowledged", "duplicate", "dead_lettered")
    return sum(agent.metric("pilotfish_documents_settled_total", output=output, result=name) for name in names)


def by_way(documents: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for document in documents:
        found.setdefault(document["log"]["way"], []).append(document)
    return found


def check(document: dict[str, Any], way: str) -> None:
    """It says what its container is, and nothing that the container would like to add."""
    assert set(document) <= TRUSTED, way
    assert document["host"] == "here", way
    assert document["log"] == {"way": way, "number": document["log"]["number"]}
    target = HOSTILE[way].strip()
    assert document["@target"] == (way if target[:1] in ("", ".") else bounded(target)), (
        way
    )  # names with a dot are reserved


def test_hostile_labels_are_text_from_end_to_end(tmp_path: Path, tree: LogTree, elasticsearch_8: SearchServer) -> None:
    written = tmp_path / "documents.ndjson"
    config = {
        "host": "here",
        "inputs": {"directory": {"path": str(tree.root)}},
        "outputs": {
            "elastic": {"type": "elasticsearch", "hosts": [elasticsearch_8.url], "index": "hostile-{target}-%Y.%m.%d"},
            "file": {"type": "ndjson_file", "path": str(written)},
        },
    }
    expected = LINES * len(HOSTILE)
    with running(tmp_path, config) as agent:
        wait_until(lambda: min(settled(agent, "elastic"), settled(agent, "file")) >= expected, "all is settled")
        pages = {kind: agent.get("/metrics", accept=kind).decode() for kind in ("text/plain", OPEN_METRICS)}
        status = agent.api("/api/status")
        assert agent.metric("pilotfish_documents_settled_total", output="elastic", result="dead_lettered") == 0
        assert agent.stop() == 0
    check_documents(written, elasticsearch_8, expected)
    check_series(pages)
    assert isinstance(json.loads(status), dict)
    log = agent.log.read_text().splitlines()
    assert all(json.loads(line)["event"] for line in log)
    assert not any(re.search(r"[\x00-\x1f\x7f-\x9f]", line) for line in log)
    assert max(len(line) for line in log) < 10_000


OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def check_documents(written: Path, server: SearchServer, expected: int) -> None:
    """A line a document, and an index of the right name for each."""
    lines = written.read_bytes().split(b"\n")
    assert len(lines) == expected + 1
    documents = [json.loads(line) for line in lines[:-1]]
    for document in documents:
        document.pop("_id")
        document.pop("_index", None)
    hits = server.refresh_and_fetch("hostile-*")
    for found in (by_way(documents), by_way([hit["_source"] for hit in hits])):
        assert {way: len(inner) for way, inner in found.items()} == dict.fromkeys(HOSTILE, LINES)
        for way, inner in found.items():
            for document in inner:
                check(document, way)
    assert all(LEGAL_INDEX.fullmatch(hit["_index"]) for hit in hits)
    assert all(len(hit["_index"].encode()) <= 255 for hit in hits)
    assert server.refresh_and_fetch("victim*") == []


def check_series(pages: dict[str, str]) -> None:
    """Both forms are read by strict readers, and no series is one that a label made."""
    for kind, text in pages.items():
        read = open_metrics if kind == OPEN_METRICS else plain_text
        families = list(read(text))
        names = {sample.name for family in families for sample in family.samples}
        assert {name for name in names if not name.startswith("process_")} <= SERIES
        assert "pilotfish_build_info" in names
        shown = {sample.labels["name"] for one in families for sample in one.samples if "name" in sample.labels}
        assert {HOSTILE["quotes"], HOSTILE["exposition"], HOSTILE["html"]} <= shown
