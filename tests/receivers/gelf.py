"""A server that plays Graylog's inputs for GELF 1.1, by the specification: HTTP, TCP and UDP, all on one port.

Source: go2docs.graylog.org, "GELF". As Graylog does, it takes a message over HTTP with 202, and refuses with 400 one
that breaks the rules; over TCP and UDP it says nothing of those. UDP: plain, gzip or zlib, whole or in chunks in
any order, which are dropped when they are not complete within five seconds.
"""

import asyncio
import gzip
import json
import os
import re
import socket
import ssl
import zlib
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Self

import orjson

from tests.receivers.framed_server import FramedProcess, FramedServer, main

_NAME = re.compile(r"_[\w.\-]*", re.ASCII)
_STANDARD = {"version", "host", "short_message", "full_message", "timestamp", "level", "facility", "line", "file"}
_CHUNK = b"\x1e\x0f"
_MOST_CHUNKS = 128
_CHUNK_SECONDS = 5.0
_RECEIVE_BYTES = 8 << 20
_SO_RCVBUFFORCE = 33
_REASONS = {200: "OK", 202: "Accepted", 400: "Bad Request", 413: "Too Large", 503: "Busy", 401: "No", 405: "Method"}


def fault_of(message: object) -> str:
    """What breaks the rules in a message, or ""."""
    if not isinstance(message, dict):
        return "no object"
    if message.get("version") != "1.1":
        return "version is not 1.1"
    for name in ("host", "short_message"):
        if not isinstance(message.get(name), str) or not message[name].strip():
            return f"missing mandatory {name}"
    if not isinstance(message.get("timestamp", 0), int | float) or not isinstance(message.get("level", 0), int):
        return "timestamp or level is no number"
    if "_id" in message:
        return "_id is not allowed"
    for name, value in message.items():
        if name not in _STANDARD and not _NAME.fullmatch(name):
            return f"{name!r} is not a name"
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            return f"{name} is neither text nor number"
    return ""


class GelfServer(FramedServer):
    """`answers` are statuses given instead of the true one, as they stand; `asked` are the requests over HTTP."""

    most_bytes = 2 << 20

    def __init__(self, directory: Path, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(directory, port=port, tls=tls)
        self.messages: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.answers: deque[int] = deque()
        self.asked: list[Mapping[str, str]] = []
        self.datagrams = 0
        self._udp: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        with suppress(PermissionError):
            taken.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)  # for root
        taken.bind(("127.0.0.1", self.port))
        taken.setblocking(False)
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Inbox(self), sock=taken)
        return self

    async def __aexit__(self, *more: object) -> None:
        if self._udp:
            self._udp.close()
        await super().__aexit__(*more)

    def take(self, data: bytes) -> str:
        """Keep a message; what is wrong with it, if it is refused."""
        try:
            message = json.loads(data)
        except ValueError:
            message = None
        fault = fault_of(message)
        if fault:
            self.faults.append(fault)
            return fault
        assert isinstance(message, dict)
        self.messages.append(message)
        document = message.get("full_message", "{}")
        if document.startswith("{"):
            name = orjson.dumps(message.get("_pilotfish_id", ""))
            os.write(self._kept, b'{"_id":%b,%b\n' % (name, document[1:].encode()))
        return ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """HTTP, or messages with a NUL behind each."""
        first = await reader.readexactly(1)
        if first == b"{":
            while True:
                data = await reader.readuntil(b"\0")
                self.take(first + data[:-1])
                first = b""
        while True:
            await self._request(first, reader, writer)
            first = await reader.readexactly(1)

    async def _request(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append({**headers, ":line": head[0]})
        status, words = self._answer(head[0], body, is_gzip=headers.get("content-encoding") == "gzip")
        reply = f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-length: {len(words)}\r\n\r\n{words}"
        writer.write(reply.encode())

    def _answer(self, line: str, body: bytes, *, is_gzip: bool) -> tuple[int, str]:
        if not line.startswith("POST /gelf "):
            return 405, ""
        if self.answers and (status := self.answers.popleft()) != 202:
            return status, "so I am told"
        if len(body) > self.most_bytes:
            return 413, ""
        lines = (gzip.decompress(body) if is_gzip else body).split(b"\n")
        faults = [fault for each in lines if (fault := self.take(each))]
        return (400, faults[0]) if faults else (202, "")


class _Inbox(asyncio.DatagramProtocol):
    """Datagrams, of which chunks are put together."""

    def __init__(self, server: GelfServer) -> None:
        self._server = server
        self._chunks: dict[bytes, dict[int, bytes]] = {}

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """One has come."""
        self._server.datagrams += 1
        if data[:2] != _CHUNK:
            self._server.take(_unpacked(data))
            return
        name, at, count = data[2:10], data[10], data[11]
        assert count <= _MOST_CHUNKS
        if name not in self._chunks:
            asyncio.get_running_loop().call_later(_CHUNK_SECONDS, self._chunks.pop, name, None)
        parts = self._chunks.setdefault(name, {})
        parts[at] = data[12:]
        if len(parts) == count:
            del self._chunks[name]
            self._server.take(_unpacked(b"".join(parts[each] for each in range(count))))


def _unpacked(data: bytes) -> bytes:
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    return zlib.decompress(data) if data[:1] == b"\x78" else data


class Receiver(FramedProcess):
    """It as a process."""

    server: ClassVar[str] = "own server by GELF 1.1"
    ways: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "bulk": {"bulk": True},
        "tcp": {"transport": "tcp"},
        "udp": {"transport": "udp"},
    }
    module = "tests.receivers.gelf"

    def options(self) -> Mapping[str, Any]:
        """The options of an output that delivers to it."""
        return {"type": "gelf", "hosts": [f"127.0.0.1:{self.port}"], "full_message": "document"}


if __name__ == "__main__":
    main(GelfServer)
