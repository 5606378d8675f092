"""Debian's haproxy → a proxy of the tests' own, with the configuration that it is given."""

from typing import Self

from tests.engines.directories import discard, new_directory
from tests.engines.process import ServerProcess, accepts, free_ports

_READY_SECONDS = 20


class Haproxy:
    """One proxy; `host` and `port` tell where it listens. Starts with `start`."""

    def __init__(self, configuration: str, *, host: str = "127.0.0.1") -> None:
        """`{bind}` in the configuration is where it is to listen."""
        self.host = host
        (self.port,) = free_ports(1)
        self.directory = new_directory("haproxy")
        self.log = self.directory / "haproxy.log"
        file = self.directory / "haproxy.cfg"
        file.write_text(configuration.replace("{bind}", f"{host}:{self.port}"))
        self._process = ServerProcess(
            ["haproxy", "-db", "-f", file], log=self.log, env={"PATH": "/usr/sbin:/usr/bin:/bin"}
        )

    def start(self) -> Self:
        """Start it and wait until it listens.

        Raises:
            EngineError: it did not become ready; a mistake in the configuration is among the last lines of its output.
        """
        self._process.start(lambda: accepts(self.host, self.port), within_seconds=_READY_SECONDS)
        return self

    def close(self) -> None:
        """End it and remove what it kept; may be called twice."""
        self._process.kill()
        discard(self.directory)
