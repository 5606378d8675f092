"""A server of the project's own, over HTTP: what it acknowledged is in a file, and it misbehaves on order.

In a test it is an async context manager; as a process, `python -m tests.receivers.<module> PORT DIRECTORY`, it is what
`OwnProcess` starts and kills.
"""

import asyncio
import os
import ssl
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import orjson
import zstandard
from aiohttp import web

from collector.files import gzip
from tests.engines.process import accepts, free_ports
from tests.receivers import receiver

_SHUTDOWN_SECONDS = 0.01  # 0 would wait for ever
_START_SECONDS = 30.0


class Fault(NamedTuple):
    """An answer instead of the true one. `is_cut`: the connection breaks; `is_kept`: what was asked is done before."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    is_cut: bool = False
    is_kept: bool = False


class Asked(NamedTuple):
    """A request, its body unpacked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Kept:
    """Documents under their ids, one entry a copy; in a file too, so that they outlive the process."""

    def __init__(self, directory: Path | None) -> None:
        self._file = None
        self.documents: dict[str, list[bytes]] = {}
        self.keys: set[str] = set()
        if directory is None:
            return
        path = directory / "kept"
        whole = path.read_bytes() if path.exists() else b""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.ftruncate(self._file, whole.rfind(b"\n") + 1)
        for name, key, document in entries(whole):
            self._note(name, key, document)

    def add(self, rows: Iterable[tuple[str, str, bytes]]) -> None:
        """Keep each document: its id, what tells it from others ("": nothing does), and its JSON."""
        rows = list(rows)
        if self._file is not None and rows:
            os.write(self._file, b"".join(orjson.dumps((name, key, body.decode())) + b"\n" for name, key, body in rows))
        for name, key, document in rows:
            self._note(name, key, document)

    def _note(self, name: str, key: str, document: bytes) -> None:
        if name:
            self.documents.setdefault(name, []).append(document)
        if key:
            self.keys.add(key)


def entries(text: bytes) -> Iterable[tuple[str, str, bytes]]:
    """What a file of `Kept` holds, but for a last line that is torn."""
    for line in text.splitlines(keepends=True):
        if line.endswith(b"\n"):
            name, key, document = orjson.loads(line)
            yield name, key, document.encode()


class OwnServer:
    """Subclass it: `answer` carries a request out. `faults` are used up in their order, `asked` has every request.

    `is_trimming`: times of documents are written as Docker does, without zeros at the end; else with nine digits.
    """

    is_trimming = False

    def __init__(
        self,
        *,
        directory: Path | None = None,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        authorization: tuple[str, str] = ("", ""),
    ) -> None:
        """`authorization` is a header that each request must have, and its value."""
        self.kept = Kept(directory)
        self.faults: deque[Fault] = deque()
        self.asked: list[Asked] = []
        self.authorization = authorization
        self.port = port
        self._tls = tls
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def answer(self, asked: Asked) -> web.Response:
        """Carry it out."""
        raise NotImplementedError

    def stamp(self, nanoseconds: int) -> str:
        """A time of a document, as it was written."""
        seconds, rest = divmod(nanoseconds, 1_000_000_000)
        fraction = f".{rest:09}"
        written = fraction.rstrip("0").rstrip(".") if self.is_trimming else fraction
        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}{written}Z"

    async def __aenter__(self) -> Self:
        handler = web.Server(self._handle, auto_decompress=False)
        self._runner = web.ServerRunner(handler, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await _unpacked(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(request.method, request.path, request.query, headers, body)
        self.asked.append(asked)
        name, value = self.authorization
        if name and headers.get(name) != value:
            return web.Response(status=401, text=f"not {headers.get(name)}")
        if not self.faults:
            return self.answer(asked)
        fault = self.faults.popleft()
        if fault.is_kept:
            self.answer(asked)
        if fault.is_cut:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=fault.status, body=fault.body, headers=fault.headers)


async def _unpacked(request: web.BaseRequest) -> bytes:
    body = await request.content.read()
    match request.headers.get("content-encoding"):
        case "gzip":
            return gzip.decompress(body)
        case "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return body


class OwnProcess(receiver.Receiver):
    """An `OwnServer` as a process; `module` is where `main` is called."""

    module: ClassVar[str]

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._port = free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with (self.directory / "log").open("ab") as log:
            command = [sys.executable, "-m", self.module, str(self._port), str(self.directory)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=Path(__file__).parents[2])
        deadline = time.monotonic() + _START_SECONDS
        while not accepts("127.0.0.1", self._port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.directory / "log").read_text())
            time.sleep(0.02)

    def kill(self) -> None:
        """End it by SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it for good."""
        self.kill()

    def stored(self) -> dict[str, list[bytes]]:
        """By its file: a copy that the server told apart is not there."""
        found: dict[str, list[bytes]] = {}
        path = self.directory / "kept"
        for name, _, document in entries(path.read_bytes() if path.exists() else b""):
            if name:
                found.setdefault(name, []).append(document)
        return found

    def options(self) -> Mapping[str, Any]:
        raise NotImplementedError


def main(made: Callable[..., OwnServer]) -> None:
    """Serve until it is killed."""
    port, directory = sys.argv[1:]

    async def serve() -> None:
        server = made(port=int(port), directory=Path(directory))
        server.is_trimming = True
        async with server:
            await asyncio.Event().wait()

    asyncio.run(serve())
