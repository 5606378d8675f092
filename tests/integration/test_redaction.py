"""No secret that a container logs is stored or shown, however it is written and whatever outputs do with it."""

import gzip
import json
import threading
import zlib
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from collector.documents.formatted import WITHHELD
from tests.collector.redaction.test_rule_corpora import MARKED, RULES, lines, unmarked
from tests.integration.agent import AgentProcess, running, wait_until
from tests.integration.log_tree import LogTree, envelope

PIECE = 16384  # of a line: moby daemon/logger/copier.go
POSITIVE = [line for rule in RULES for line in lines(rule, "+")]
SECRETS = sorted({secret for line in POSITIVE for _, secret in MARKED.findall(line) if len(secret) > 9})
TOKEN = "ghp_" + "Fake" * 8 + "cut1"
REFUSED = {"type": "mapper_parsing_exception", "reason": "failed to parse"}
TOO_MANY = "token=Fake-too-many " * 3000


class Picky(BaseHTTPRequestHandler):
    """A stand-in for an Elasticsearch that refuses every document but the last for its content."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(
            {"name": "a", "cluster_name": "b", "version": {"number": "7.17.0"}, "tagline": "You Know, for Search"}
        )

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        elif self.headers.get("Content-Encoding"):
            body = zlib.decompress(body)
        sent = body.split(b"\n")
        items = []
        for action, document in zip(sent[:-1:2], sent[1::2], strict=True):
            ((kind, about),) = json.loads(action).items()
            outcome = {"status": 201} if b"the end" in document else {"status": 400, "error": REFUSED}
            items.append({kind: {"_id": about.get("_id"), **outcome}})
        self._answer({"took": 1, "errors": True, "items": items})

    def do_POST(self) -> None:
        self.do_PUT()

    def _answer(self, found: object) -> None:
        text = json.dumps(found).encode()
        self.send_response(200)
        for name, value in (("Content-Type", "application/json"), ("X-Elastic-Product", "Elasticsearch")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def picky() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Picky)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def raw_lines() -> Iterator[bytes]:
    """Each line of each corpus, one that Docker cut amid a secret, one with too much in it, and one that is torn."""
    second = 0
    for line in POSITIVE:
        yield envelope(f"{unmarked(line)}\n", second := second + 1)
    for long in (f"{'x' * (PIECE - 20)} {TOKEN} end\n", f"{TOO_MANY}\n"):
        second += 1
        yield from (envelope(long[at : at + PIECE], second) for at in range(0, len(long), PIECE))
    yield f'{{"log":"torn token={TOKEN}","stre\n'.encode()
    yield envelope("the end\n", second + 1)


def test_no_secret_of_a_log_is_stored_or_shown(tmp_path: Path, picky: str) -> None:
    tree = LogTree(tmp_path / "tree")
    labels = {"pilotfish.tags": f"team={TOKEN}", "pilotfish.redact": ""}
    tree.container("web", labels=labels).write_bytes(b"".join(raw_lines()))
    config = {
        "inputs": {"directory": {"path": str(tree.root)}},
        "redact": {"sets": ["secrets", "pii"]},
        "outputs": {
            "local": {"type": "store"},
            "plain": {"type": "ndjson_file", "path": str(tmp_path / "plain" / "out.ndjson")},
            "picky": {"type": "elasticsearch", "hosts": [picky]},
            "away": {"type": "elasticsearch", "hosts": ["http://127.0.0.1:9"], "spool": True, "spool_after_seconds": 0},
        },
        "log": {"format": "json", "level": "debug"},
        "drain_seconds": 0.5,
    }
    count = len(POSITIVE) + 4
    with running(tmp_path, config) as agent:
        for output, result in (("local", "acknowledged"), ("plain", "acknowledged"), ("picky", "dead_lettered")):
            most = count - (output == "picky")
            wait_until(partial(has_settled, agent, output, result, most), f"{output} has all of them")
        wait_until(lambda: agent.metric("pilotfish_documents_spooled_total", output="away") == count, "all are spooled")
        pages = [agent.api(page).decode() for page in PAGES] + [agent.get("/metrics").decode()]
        kept = "".join(path.read_text() for path in (tmp_path / "plain").rglob("*") if path.is_file())
        assert agent.metric("pilotfish_container_redactions_total", output="plain", name="web", rule="withheld") == 1
        assert agent.stop() == 0
    files = "".join(path.read_bytes().decode("latin-1") for path in agent.state.rglob("*") if path.is_file())
    for text in (kept, "".join(pages), agent.log.read_text(), files):
        assert [
            secret for secret in [*SECRETS, TOKEN, "Fake-too-many"] if secret in text or quote(secret) in text
        ] == []
    assert kept.count("\n") == count
    assert kept.count(WITHHELD) == 1
    assert kept.count("[redacted:github_token]") > count  # in the tag of each


PAGES = ("/api/search?q=*&limit=1000", "/api/explain?name=web", "/api/dead-letters", "/api/status")


def has_settled(agent: AgentProcess, output: str, result: str, count: int) -> bool:
    return agent.metric("pilotfish_documents_settled_total", output=output, result=result) == count
