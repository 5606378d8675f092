"""`pilotfish run` as operators start it: a process of its own, its configuration a file, its health asked over HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Self

from prometheus_client.parser import text_string_to_metric_families

DRAIN_SECONDS = 30  # a server on a busy machine may take longer to make an index than the agent waits by default


class AgentProcess:
    """One agent with one configuration; may be started again after it ended. `directory` holds file, state and log."""

    def __init__(
        self, directory: Path, configuration: Mapping[str, Any], *, environment: Mapping[str, str] | None = None
    ) -> None:
        self.state = directory / "state"
        self.log = directory / "agent.log"
        self.config = directory / "pilotfish.yml"
        defaults = {
            "state_dir": str(self.state),
            "http": {"listen": "127.0.0.1:0"},
            "log": {"format": "json"},
            "drain_seconds": DRAIN_SECONDS,
        }
        self.config.write_text(json.dumps(defaults | dict(configuration)))
        self.command = [sys.executable, "-m", "collector", "run", "-c", str(self.config)]
        self._environment = os.environ | dict(environment or {})
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until its port answers."""
        (self.state / "http_address").unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(self.command, stdout=log, stderr=log, env=self._environment)
        wait_until(lambda: self._has_ended() or self._status("/healthz") == 200, "the agent answers")
        assert not self._has_ended(), self.log.read_text()
        return self

    def signal(self, number: int) -> None:
        """Send a signal."""
        assert self._child is not None
        self._child.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended; returns the exit code."""
        assert self._child is not None
        return self._child.wait(timeout=2 * DRAIN_SECONDS)

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        assert self._child is not None
        return self._child.pid

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait(timeout=10)

    def ready(self) -> dict[str, Any]:
        """What `/readyz` says."""
        body: dict[str, Any] = json.loads(self.get("/readyz"))
        return body

    def metrics(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """`/metrics`: (name, sorted labels) → value."""
        families = text_string_to_metric_families(self.get("/metrics").decode())
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    def metric(self, series: str, **labels: str) -> float:
        """One value; 0 when there is no such series."""
        return self.metrics().get((series, tuple(sorted(labels.items()))), 0.0)

    def get(self, path: str, accept: str = "*/*") -> bytes:
        """Any answer's body."""
        request = urllib.request.Request(f"http://{self.address}{path}", headers={"Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
                return bytes(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.read()

    def api(self, path: str) -> bytes:
        """An answer's body from behind the token."""
        try:
            with self.open(path) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.read()

    def open(self, path: str) -> HTTPResponse:
        """An answer from behind the token, to be read as it comes."""
        token = (self.state / "http_token").read_text().strip()
        request = urllib.request.Request(f"http://{self.address}{path}", headers={"Authorization": f"Bearer {token}"})
        answer: HTTPResponse = urllib.request.urlopen(request, timeout=30)  # noqa: S310 - our own address
        return answer

    def _status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code
        except OSError:
            return 0

    @property
    def address(self) -> str:
        """Where it listens, `host:port`."""
        return (self.state / "http_address").read_text().strip()

    def _has_ended(self) -> bool:
        return self._child is None or self._child.poll() is not None


@contextmanager
def running(
    directory: Path, configuration: Mapping[str, Any], *, environment: Mapping[str, str] | None = None
) -> Iterator[AgentProcess]:
    """An agent that runs at the start of the block and is gone after it; a test that fails shows what it logged."""
    agent = AgentProcess(directory, configuration, environment=environment)
    try:
        yield agent.start()
    finally:
        agent.kill()
        print(agent.log.read_text(errors="replace"))


def wait_until(condition: Callable[[], object], what: str, *, seconds: float = 60) -> None:
    """Ask again and again; fails with `what` if it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain until {what}"
        time.sleep(0.05)
