"""`pilotfish healthcheck`: one line and an exit code."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from collector.web.connection_limit import MOST_OF_ONE
from tests.collector.cli.pilotfish import Agent, pilotfish

STUCK = (503, b"stuck: the reader\x1b[2J\n")
PAGE = b"<!doctype html>\n<title>Welcome to nginx!</title>\n"


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Someone who gives this answer, whatever is asked; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_healthy_agent_is_0_by_file_and_by_environment(agent: Agent) -> None:
    ended = pilotfish(agent.home, "healthcheck", "-c", str(agent.config))
    assert (ended.code, ended.out, ended.errors) == (0, "ok\n", "")
    address = (agent.state_dir / "http_address").read_text().strip()
    port = address.rpartition(":")[2]
    assert pilotfish(agent.home, "healthcheck", PILOTFISH_HTTP__LISTEN=f"0.0.0.0:{port}").code == 0
    assert pilotfish(agent.home, "healthcheck", PILOTFISH_CONFIG=str(agent.config)).code == 0
    assert pilotfish(agent.home, "healthcheck", "--config", str(agent.config), "--debug").code == 0


def test_nobody_there_is_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ended = pilotfish(tmp_path, "healthcheck", PILOTFISH_HTTP__LISTEN=f":{port}")
    assert ended.code == 1
    assert ended.complaint == f"127.0.0.1:{port} does not answer (Connection refused): check that the agent is running"


def test_a_stuck_part_is_1_and_named(tmp_path: Path) -> None:
    with answering(*STUCK) as address:
        ended = pilotfish(tmp_path, "healthcheck", PILOTFISH_HTTP__LISTEN=address)
    assert ended.code == 1
    assert ended.complaint == f"{address} answers 503: stuck: the reader\\x1b[2J"


def test_a_busy_agent_is_alive_and_told_as_busy(agent: Agent) -> None:
    host, _, port = (agent.state_dir / "http_address").read_text().strip().rpartition(":")
    with ExitStack() as stack:
        for _ in range(MOST_OF_ONE + 8):
            stack.enter_context(socket.create_connection((host, int(port))))
        for _ in range(3):
            ended = pilotfish(agent.home, "healthcheck", "-c", str(agent.config))
            assert (ended.code, ended.out, ended.errors) == (0, "ok, but busy: too many connections are open\n", "")
        refused = pilotfish(agent.home, "search", "-c", str(agent.config))
        assert refused.complaint == "busy: too many connections are open: close some of them, or try again later"
    assert pilotfish(agent.home, "healthcheck", "-c", str(agent.config)).out == "ok\n"


def test_an_agent_of_which_others_hold_all_connections_is_well(agent: Agent) -> None:
    host, _, port = (agent.state_dir / "http_address").read_text().strip().rpartition(":")
    with ExitStack() as stack:
        for number in range(80):
            source = (f"127.0.0.{2 + number % 2}", 0)
            stack.enter_context(socket.create_connection((host, int(port)), source_address=source))
        for _ in range(3):
            assert pilotfish(agent.home, "healthcheck", "-c", str(agent.config)).out == "ok\n"


@pytest.mark.parametrize(("status", "body"), [(200, PAGE), (404, PAGE), (503, PAGE), (200, b""), (404, b"ok\n")])
def test_another_program_is_1_and_nothing_of_its_page_is_shown(tmp_path: Path, status: int, body: bytes) -> None:
    with answering(status, body) as address:
        ended = pilotfish(tmp_path, "healthcheck", PILOTFISH_HTTP__LISTEN=address)
    assert (ended.code, ended.out) == (1, "")
    told = f"another program answers at {address} ({status}): correct http.listen, here and in the agent"
    assert ended.complaint == told


@pytest.mark.parametrize(
    ("text", "code", "complaint"),
    [
        ("http: off", 1, "http.listen is off: healthcheck needs the port: set http.listen"),
        (
            "http: {listen: nonsense}",
            78,
            "http.listen: a port from 0 to 65535 is missing at the end: write host:port, or off",
        ),
        ("http: {listen: ':0'}", 1, "state/pilotfish contains no address of an agent: check that the agent is running"),
        ("- x", 78, "p.yml:1: the top level is a list: write lines of `key: value`"),
    ],
)
def test_without_a_port_to_ask_it_says_why(tmp_path: Path, text: str, code: int, complaint: str) -> None:
    (tmp_path / "p.yml").write_text(f"{text}\nstate_dir: state/pilotfish\n" if text != "- x" else text)
    ended = pilotfish(tmp_path, "healthcheck", "-c", "p.yml")
    assert (ended.code, ended.out) == (code, "")
    assert ended.complaint == complaint
