"""A server of Fluentd's forward protocol, version 1: PackedForward and CompressedPackedForward with acknowledgements.

By the protocol's specification and the source of Fluentd's `in_forward`: with a shared key it says HELO first and wants
PING; a message with `chunk` is acknowledged once its entries are kept, one that it does not understand ends the
connection.
"""

import asyncio
import gzip
import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson

from shippers.forward.message_pack import first_value
from tests.receivers import framed_server

Known = Mapping[str, str]
"""`shared_key`, and `username` and `password` if users are asked for."""


class EventTime(NamedTuple):
    """Seconds and nanoseconds."""

    seconds: int
    nanoseconds: int


class ForwardServer(framed_server.FramedServer):
    """`known` are the secrets that it asks for. `tags` and `times` are of what arrived, in order."""

    def __init__(
        self,
        directory: Path,
        *,
        known: Known | None = None,
        name: str = "server",
        keepalive: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(directory, **options)
        self.tags: list[str] = []
        self.times: list[EventTime] = []
        self.refused: list[str] = []
        self._known = known or {}
        self._name = name
        self._keepalive = keepalive

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = bytearray()
        if self._known and not await self._agree(data, reader, writer):
            return
        while True:
            tag, packed, options = await _next(data, reader)
            if options.get(b"compressed") == b"gzip":
                packed = gzip.decompress(packed)
            entries = _entries(packed, options[b"size"])
            self.tags.append(tag.decode())
            self.times += [when for when, _ in entries]
            await self.keep([orjson.dumps(record) for _, record in entries])
            writer.write(msgspec.msgpack.encode({"ack": options[b"chunk"].decode()}))
            await writer.drain()
            if not self._keepalive:
                return

    async def _agree(self, data: bytearray, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        nonce = secrets.token_bytes(16)
        salt = secrets.token_bytes(16) if "username" in self._known else b""
        writer.write(msgspec.msgpack.encode(["HELO", {"nonce": nonce, "auth": salt, "keepalive": self._keepalive}]))
        word, host, theirs, digest, username, password = await _next(data, reader)
        reason = ""
        key = self._known["shared_key"].encode()
        if word != b"PING" or _hex(theirs, host, nonce, key) != digest:
            reason = "shared_key mismatch"
        elif host == self._name.encode():
            reason = "same hostname between input and output"
        elif salt:
            whom = self._known["username"].encode(), self._known["password"].encode()
            if username != whom[0] or _hex(salt, *whom) != password:
                reason = "username/password mismatch"
        shown = "" if reason else _hex(theirs, self._name.encode(), nonce, key).decode()
        writer.write(msgspec.msgpack.encode(["PONG", not reason, reason, self._name, shown]))
        await writer.drain()
        if reason:
            self.refused.append(reason)
        return not reason


async def _next(data: bytearray, reader: asyncio.StreamReader) -> Any:
    while (found := first_value(data)) is None:
        if not (more := await reader.read(1 << 18)):
            raise asyncio.IncompleteReadError(bytes(data), None)
        data += more
    del data[: found[1]]
    return found[0]


def _entries(packed: bytes, count: int) -> list[tuple[EventTime, Any]]:
    """The entries, of which there are so many: together they are an array without its head."""
    entries: list[tuple[EventTime, Any]] = msgspec.msgpack.decode(
        b"\xdd" + count.to_bytes(4, "big") + packed, ext_hook=_event_time
    )
    if not all(isinstance(when, EventTime) and isinstance(record, dict) for when, record in entries):
        raise ValueError("an entry is no pair of an EventTime and a map")
    return entries


def _event_time(code: int, data: memoryview) -> EventTime:
    if code != 0 or len(data) != 8:
        raise ValueError("no EventTime")
    return EventTime(int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big"))


def _hex(*parts: bytes) -> bytes:
    return hashlib.sha512(b"".join(parts)).hexdigest().encode()


class Receiver(framed_server.FramedProcess):
    """The server as a process, without a shared key."""

    server = "own server by the specification of the forward protocol, version 1"
    module = "tests.receivers.forward"

    def options(self) -> Mapping[str, Any]:
        return {"type": "forward", "hosts": [f"127.0.0.1:{self.port}"]}


if __name__ == "__main__":
    framed_server.main(ForwardServer)
