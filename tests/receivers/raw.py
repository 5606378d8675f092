"""A server that takes lines over TCP and UDP: `python -m tests.receivers.raw PORT FILE` appends each to a file.

It reads whatever comes and says nothing, as the servers do that logspout's adapter `raw` writes to.
"""

import asyncio
import socket
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import orjson

from tests.engines.process import ServerProcess, accepts, free_ports
from tests.receivers import receiver

_POLLS = 4
_RECEIVE_BYTES = 8 << 20
_RCVBUFFORCE = 33  # of Linux: asm-generic/socket.h


class Receiver(receiver.Receiver):
    """Documents as JSON, a line each."""

    server = "own server: lines over TCP and UDP"
    ways: ClassVar[Mapping[str, Mapping[str, Any]]] = {"": {}, "udp": {"transport": "udp"}}

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        (self._port,) = free_ports(1)
        self.file = directory / "lines"
        words = [sys.executable, "-m", __name__, str(self._port), str(self.file)]
        self._server = ServerProcess(words, log=directory / "server.log", env={"PYTHONPATH": ":".join(sys.path)})

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._server.start(lambda: accepts("127.0.0.1", self._port), within_seconds=30)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._server.kill()

    def stop(self) -> None:
        """End it for good."""
        self._server.kill()

    def options(self) -> Mapping[str, Any]:
        """The options of an output that delivers to it."""
        return {"type": "raw", "hosts": [f"127.0.0.1:{self._port}"]}

    def lines(self) -> list[bytes]:
        """Each whole line, once no more come."""
        sizes = [-1, *range(_POLLS)]
        while len({*sizes[-_POLLS:]}) > 1:  # what nobody acknowledges may still be on its way
            time.sleep(0.02)
            sizes.append(self.file.stat().st_size if self.file.exists() else 0)
        return self.file.read_bytes().split(b"\n")[:-1] if self.file.exists() else []

    def stored(self) -> dict[str, list[bytes]]:
        """Each document under its `_id`, one entry per copy."""
        found: dict[str, list[bytes]] = defaultdict(list)
        for line in self.lines():
            if line.startswith(b'{"_id":"') and line.endswith(b"}"):
                name, _, body = line.removeprefix(b'{"_id":').partition(b",")
                found[orjson.loads(name)].append(b"{" + body)
        return dict(found)

    @property
    def port(self) -> int:
        """Where documents arrive."""
        return self._port


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Append what came."""
        self._out.write(data)


def _bound(port: int) -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.bind(("127.0.0.1", port))
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    with suppress(PermissionError):  # beyond the bound of the system, as root
        found.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _RECEIVE_BYTES)
    return found


async def _serve(port: int, file: Path) -> None:
    with file.open("ab", buffering=0) as out:

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            rest = b""
            while data := await reader.read(1 << 16):
                whole, newline, rest = (rest + data).rpartition(b"\n")
                out.write(whole + newline)
            writer.close()

        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: _Datagrams(out), sock=_bound(port))
        async with await asyncio.start_server(take, "127.0.0.1", port) as server:
            await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
