"""The agent under test, with what a scenario does to its process: words before the command, and an environment."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.integration.agent import AgentProcess, wait_until


class FaultyAgent(AgentProcess):
    """`words` stand before the command and have to end as the process that they start, so that the id stays its own."""

    def __init__(
        self,
        directory: Path,
        configuration: Mapping[str, Any],
        *,
        words: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(directory, configuration)
        self.words = list(words)
        self.environment = dict(environment or {})
        self._pids: set[int] = set()

    def launch(self) -> "FaultyAgent":
        """Start it without waiting for an answer."""
        self.kill()
        (self.state / "http_address").unlink(missing_ok=True)
        command = [*self.words, sys.executable, "-m", "collector", "run", "-c", str(self.config)]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | self.environment)
        self._pids.add(self._child.pid)
        return self

    def start(self) -> "FaultyAgent":
        """Start it and wait until its port answers."""
        return self.launch().answering()

    def answering(self) -> "FaultyAgent":
        """Wait until its port answers."""
        wait_until(lambda: not self.is_running or self._status("/healthz") == 200, "the agent answers")
        assert self.is_running, self.log.read_text()[-3000:]
        return self

    def wait(self, seconds: float = 60) -> int:
        """Wait for its end; the exit code."""
        assert self._child is not None
        return self._child.wait(timeout=seconds)

    @property
    def ended(self) -> set[int]:
        """Processes that are gone: what they held open and had not read is lost."""
        return self._pids - {self.pid}

    @property
    def pid(self) -> int:
        """Of the process; 0 when none runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else 0

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self.pid != 0
