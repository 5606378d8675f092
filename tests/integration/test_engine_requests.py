"""What is asked of a Docker daemon only reads: every request is a GET, whatever the agent does there."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.engines.dockerd import Dockerd
from tests.faults.relay import Relay
from tests.integration.agent import AgentProcess, running, wait_until
from tests.integration.test_secrets import run
from tests.needs import marks

# Each kind of question that the agent has; without the version and with a container's id as `*`.
QUESTIONS = {
    *("/version", "/info", "/events", "/system/df", "/containers/json"),
    *("/containers/*/json", "/containers/*/stats"),
}


class Recorder:
    """Bytes of any number of connections → the first lines of the requests in them. No request has a body to be told
    from a head: only those that are no GET have one, and those are what is looked for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._lock = threading.Lock()
        self._rest: dict[int, bytes] = {}

    def __call__(self, connection: int, content: bytes) -> None:
        with self._lock:
            *heads, self._rest[connection] = (self._rest.get(connection, b"") + content).split(b"\r\n\r\n")
            self.lines += [head.partition(b"\r\n")[0].decode() for head in heads]

    @property
    def methods(self) -> set[str]:
        """The words before the paths."""
        return {line.split(" ")[0] for line in self.lines}

    @property
    def questions(self) -> set[str]:
        """The paths, as in `QUESTIONS`."""
        paths = [line.split(" ")[1].partition("?")[0].split("/") for line in self.lines]
        return {_general([part for part in path if not part.startswith("v1.")]) for path in paths}


def _general(path: list[str]) -> str:
    return "/".join("*" if len(part) == 64 else part for part in path)


@pytest.fixture
def asked(dockerd: Dockerd) -> Iterator[Recorder]:
    """What comes over a socket beside the daemon's own."""
    recorder = Recorder()
    relay = Relay(dockerd.directory / "recorded.sock", dockerd.socket, seen=recorder)
    yield recorder
    relay.cut()


@pytest.fixture
@marks("engines")
def engine_metrics() -> Iterator[tuple[str, list[str]]]:
    """The port of an engine's own metrics, and the methods that came there."""
    methods: list[str] = []

    class Asked(BaseHTTPRequestHandler):
        def parse_request(self) -> bool:
            is_good = super().parse_request()
            if is_good:
                methods.append(self.command)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"engine_daemon_engine_cpus_cpus 2\n")
            return False

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Asked) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/metrics", methods
        server.shutdown()
        thread.join()


def test_the_engine_is_only_ever_asked_by_get(
    tmp_path: Path, dockerd: Dockerd, asked: Recorder, engine_metrics: tuple[str, list[str]]
) -> None:
    url, methods = engine_metrics
    docker = {
        "url": f"unix://{dockerd.directory}/recorded.sock",
        "logs_root": str(dockerd.logs_root),
        "metrics_url": url,
    }
    config = {
        "inputs": {"docker": docker},
        "outputs": {"local": {"type": "store"}},
        "metrics": {"disk_usage": True},
    }
    with running(tmp_path, config) as agent:
        live_through(agent, dockerd, asked)
        assert b"engine_daemon" in agent.get("/metrics/docker")
        assert "docker: " in run(agent.config, "check")
        assert agent.stop() == 0
    assert asked.questions == QUESTIONS
    assert asked.methods == {"GET"}
    assert set(methods) == {"GET"}


def live_through(agent: AgentProcess, dockerd: Dockerd, asked: Recorder) -> None:
    """A container's life while the agent looks on: found, read, renamed, ended, started once more, removed."""
    container = dockerd.run("sh", "-c", "echo said; sleep 1000", name="asked-by-get")
    try:
        wait_until(lambda: 'name="asked-by-get"' in agent.get("/metrics").decode(), "the container is followed")
        container.rename("asked-by-get-2")
        wait_until(lambda: 'name="asked-by-get-2"' in agent.get("/metrics").decode(), "its new name is known")
        wait_until(lambda: asked.questions >= QUESTIONS, "the agent asked all that it ever asks")
        container.kill()
        container.start()
    finally:
        container.remove(force=True)
    wait_until(lambda: 'name="asked-by-get-2"' not in agent.get("/metrics").decode(), "it is forgotten")


def test_a_recorder_tells_a_request_that_writes() -> None:
    """Or the test above could not fail."""
    recorder = Recorder()
    recorder(1, b"GET /v1.41/info HTTP/1.1\r\nHost: x\r\n\r")
    recorder(2, b"POST /v1.41/containers/" + b"a" * 64 + b"/kill HTTP/1.1\r\nHost: x\r\n\r\n")
    recorder(1, b"\nGET /version HTTP/1.1\r\n\r\n")
    assert recorder.methods == {"GET", "POST"}
    assert recorder.questions == {"/info", "/version", "/containers/*/kill"}
