"""Apache Camel from its jars → a running server of the protocol lumberjack, by `LumberjackLauncher.java`."""

import os
from pathlib import Path
from typing import Self

from tests.engines.catalogue import CAMEL, installed, java_home
from tests.engines.process import ServerProcess, accepts, free_ports

_LAUNCHER = Path(__file__).with_name("LumberjackLauncher.java")
_READY_SECONDS = 90


class Camel:
    """One server on a port that stays the same; each event that it acknowledged is a line of JSON in `file`."""

    version = CAMEL.version

    def __init__(self, directory: Path) -> None:
        """Prepare only; `directory` is its own."""
        (self.port,) = free_ports(1)
        self.file = directory / "events"
        java: list[str | Path] = [
            java_home() / "bin/java",
            "-Xmx128m",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            f"{installed(CAMEL)}/*",
        ]
        env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(directory)}
        words = [*java, _LAUNCHER, str(self.port), self.file]
        self._process = ServerProcess(words, log=directory / "camel.log", env=env)

    def start(self) -> Self:
        """Start it, and wait until it takes connections.

        Raises:
            EngineError: it did not become ready.
        """
        self._process.start(lambda: accepts("127.0.0.1", self.port), within_seconds=_READY_SECONDS)
        return self

    def kill(self) -> None:
        """End it by SIGKILL; it starts again on the same port."""
        self._process.kill()

    def close(self) -> None:
        """End it for good; may be called twice."""
        self.kill()
