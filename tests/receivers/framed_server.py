"""A server of the project's own over TCP: what it acknowledged is in a file, so that it outlives SIGKILL.

In a test it is an async context manager; as a process, `python -m tests.receivers.<module> PORT DIRECTORY`, it is what
`FramedProcess` starts and kills.
"""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self

from tests.engines.process import accepts, free_ports
from tests.receivers import receiver

_START_SECONDS = 30.0
_LIMIT = 1 << 26  # of a line
_value = json.JSONDecoder().raw_decode

Documents = dict[str, list[bytes]]


class FramedServer:
    """Subclass it: `serve` speaks the protocol, and keeps documents before it acknowledges them."""

    def __init__(self, directory: Path, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self.connections = 0
        self.file = directory / "kept"
        self._tls = tls
        self._kept = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.ftruncate(self._kept, self.file.read_bytes().rfind(b"\n") + 1)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def host(self) -> str:
        """As options name it."""
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end. A ValueError ends it, as it does in the real server."""
        raise NotImplementedError

    async def keep(self, lines: Sequence[bytes]) -> None:
        """Keep documents: JSON objects whose first member is `_id`, or `@metadata` with it."""
        os.write(self._kept, b"".join([line + b"\n" for line in lines]))

    def stored(self) -> Documents:
        return stored_in(self.file)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._tls, limit=_LIMIT, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        os.close(self._kept)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        if task := asyncio.current_task():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, ValueError):
                await self.serve(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()


class FramedProcess(receiver.Receiver):
    """A `FramedServer` as a process; `module` is where `main` is called."""

    module: ClassVar[str]

    def __init__(self, directory: Path, *arguments: str) -> None:
        super().__init__(directory)
        self._arguments = arguments
        self._port = free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._port

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        command = [sys.executable, "-m", self.module, str(self._port), str(self.directory), *self._arguments]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=Path(__file__).parents[2])
        deadline = time.monotonic() + _START_SECONDS
        while not accepts("127.0.0.1", self._port):
            is_late = self._process.poll() is not None or time.monotonic() > deadline
            assert not is_late, (self.directory / "log").read_text()
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

    def stored(self) -> Documents:
        return stored_in(self.directory / "kept")


def stored_in(file: Path) -> Documents:
    """What a file holds, but for a last line that is torn."""
    found: Documents = defaultdict(list)
    for line in file.read_bytes().splitlines(keepends=True) if file.exists() else ():
        if line.endswith(b"\n"):
            name, document = apart(line.decode())
            found[name].append(document)
    return found


def apart(line: str) -> tuple[str, bytes]:
    """The id of a line of JSON, which its first member tells, and the line without that member."""
    key, colon = _value(line, 1)
    value, end = _value(line, colon + 1)
    name = value["_id"] if key == "@metadata" else value
    return name, b"{" + line[end:].strip().removeprefix(",").encode()


def main(made: Callable[..., FramedServer]) -> None:
    """Serve until it is killed."""
    port, directory, *more = sys.argv[1:]

    async def serve() -> None:
        async with made(Path(directory), *more, port=int(port)):
            await asyncio.Event().wait()

    asyncio.run(serve())
