"""A real Redis, which keeps what it acknowledges: each command is on disk before it is answered."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import orjson
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.engines.process import ServerProcess, free_ports
from tests.receivers.receiver import Receiver as _Receiver

_READY_SECONDS = 30
_PAGE = 20_000


class Receiver(_Receiver):
    """Debian's redis-server with an append-only file; `more` are further words of its command line."""

    server: ClassVar[str] = "Redis 7.0.15"
    ways: ClassVar[Mapping[str, Mapping[str, Any]]] = {"list": {"mode": "list"}}

    def __init__(self, directory: Path, *more: str | Path, port: int = 0, is_plain: bool = True) -> None:
        super().__init__(directory)
        self._port = port or free_ports(1)[0]
        self._is_plain = is_plain  # else a caller asks with its own options whether it is there
        words: list[str | Path] = ["redis-server", "--bind", "127.0.0.1", "--dir", directory, "--save", ""]
        durable = ["--appendonly", "yes", "--appendfsync", "always"]
        listening = ["--port", str(self._port)] if "--tls-port" not in more else []
        self._process = ServerProcess(
            [*words, *listening, *durable, *more], log=directory / "redis.log", env={"PATH": "/usr/bin:/bin"}
        )

    def start(self) -> None:
        """Start it, or start it again on what it has, and wait until it has read that."""
        self._process.start(self._is_ready, within_seconds=_READY_SECONDS)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._process.kill()

    def stop(self) -> None:
        """End it for good."""
        self._process.kill()

    def options(self) -> Mapping[str, Any]:
        """Those of an output that delivers to it."""
        return {"type": "redis", "hosts": [f"redis://127.0.0.1:{self._port}"]}

    def client(self) -> Redis:
        """A client of its own."""
        return Redis(port=self._port, protocol=2, retry=Retry(NoBackoff(), 0))

    def stored(self) -> dict[str, list[bytes]]:
        """Each document by its id, from streams and lists alike."""
        found: dict[str, list[bytes]] = {}
        with self.client() as client:
            for key in client.scan_iter(match="pilotfish*", count=1000):
                read = _stream if client.type(key) == b"stream" else _list
                for name, document in read(client, key):
                    found.setdefault(name, []).append(document)
        return found

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def _is_ready(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except RedisError:
            return not self._is_plain and self._listens()

    def _listens(self) -> bool:
        text = (self.directory / "redis.log").read_text(errors="replace")
        return text.count("Ready to accept connections") > 0


def _stream(client: Redis, key: bytes) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    start = "-"
    while page := _range(client, key, start):
        found += [(fields[b"id"].decode(), fields[b"document"]) for _, fields in page]
        start = f"({page[-1][0].decode()}"
    return found


def _range(client: Redis, key: bytes, start: str) -> Any:
    return client.xrange(key, min=start, count=_PAGE)


def _list(client: Redis, key: bytes) -> list[tuple[str, bytes]]:
    lines: Any = client.lrange(key, 0, -1)
    return [split_line(line) for line in lines]


def split_line(line: bytes) -> tuple[str, bytes]:
    """The id of a document that has it inside, and the document without it."""
    head, _, rest = line.partition(b",")
    return orjson.loads(head + b"}")["_id"], b"{" + rest
