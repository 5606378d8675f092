"""What plays a ClickHouse with tokens of inserts: a process of its own, see `clickhouse_server`."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import orjson

from tests.engines.process import ServerProcess, accepts, free_ports
from tests.receivers.receiver import Receiver as _Receiver

_READY_SECONDS = 30
_ROOT = Path(__file__).parents[2]


class Receiver(_Receiver):
    """The server of the project's own, with one table."""

    server: ClassVar[str] = "own server by ClickHouse's documentation"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        (self._port,) = free_ports(1)
        self._process = ServerProcess(
            [sys.executable, "-m", "tests.receivers.clickhouse_server", str(self._port), directory],
            log=directory / "clickhouse.log",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT)},
        )

    def start(self) -> None:
        """Start it, or start it again on what it has."""
        self._process.start(lambda: accepts("127.0.0.1", self._port), within_seconds=_READY_SECONDS)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._process.kill()

    def stop(self) -> None:
        """End it for good."""
        self._process.kill()

    def options(self) -> Mapping[str, Any]:
        """Those of an output that delivers to it."""
        return {"type": "clickhouse", "hosts": [f"http://127.0.0.1:{self._port}"], "linger_seconds": 0.2}

    def stored(self) -> dict[str, list[bytes]]:
        """Each document by its id, made of its row again."""
        found: dict[str, list[bytes]] = {}
        file = self.directory / "inserts.ndjson"
        for line in file.read_bytes().splitlines() if file.exists() else []:
            for row in orjson.loads(line)["rows"]:
                found.setdefault(row["id"], []).append(document_of(row))
        return found

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port


def document_of(row: Mapping[str, Any]) -> bytes:
    """The document that a row was made of; members that are no texts have become texts."""
    members = {"stream": row["stream"], "@timestamp": row["timestamp"], **row["fields"]}
    return b'{"log":%b,%b' % (row["log"].encode(), orjson.dumps(members)[1:])
