"""Logstash as its protocols show it: its inputs `beats` and `tcp` with the codec `json_lines`, on one port.

By the source of logstash-input-beats (`BeatsParser`, `BeatsHandler`): a window is acknowledged by the number of its
last document, and a frame that is no JSON ends the connection. With the URL of Elasticsearch it also plays the pipeline
of docs/outputs/logstash.md, which creates each event under its id before the window is acknowledged.
"""

import asyncio
import json
import struct
import urllib.request
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from tests.receivers import framed_server


class _Object(msgspec.Struct, gc=False):
    """Any JSON object: decoding into it validates the text and keeps nothing."""


_validate = msgspec.json.Decoder(_Object).decode


class LogstashServer(framed_server.FramedServer):
    """Both inputs; `pipeline` is where events go besides: the URL of Elasticsearch, and an index with `{target}`."""

    def __init__(self, directory: Path, *pipeline: str, **options: Any) -> None:
        super().__init__(directory, **options)
        self._pipeline = pipeline

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        if first == b"{":
            await self._json_lines(first, reader)
        else:
            await self._beats(first, reader, writer)

    async def keep(self, lines: Sequence[bytes]) -> None:
        """Keep them, and create them in Elasticsearch."""
        if self._pipeline:
            url, index = self._pipeline
            await asyncio.to_thread(create, url, index, lines)
        await super().keep(lines)

    async def _json_lines(self, first: bytes, reader: asyncio.StreamReader) -> None:
        rest = first
        while more := await reader.read(1 << 18):
            *lines, rest = (rest + more).split(b"\n")
            for line in lines:
                _check(line)
            await self.keep(lines)

    async def _beats(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            if (first or await reader.readexactly(1)) + await reader.readexactly(1) != b"2W":
                raise ValueError("no window")
            first = b""
            count = await _number(reader)
            documents = [] if count == 0 else await documents_of(reader, count)
            await self.keep(documents)
            writer.write(b"2A" + struct.pack(">I", count))
            await writer.drain()


async def _number(reader: asyncio.StreamReader) -> int:
    return int(struct.unpack(">I", await reader.readexactly(4))[0])


async def documents_of(reader: asyncio.StreamReader, count: int) -> list[bytes]:
    """The documents of a window, in one deflated frame or each in a plain one."""
    if (kind := await reader.readexactly(2)) == b"2C":
        inner = asyncio.StreamReader(1 << 26)
        inner.feed_data(zlib.decompress(await reader.readexactly(await _number(reader))))
        inner.feed_eof()
        found = [await _document(inner, number, await inner.readexactly(2)) for number in range(1, count + 1)]
        if not inner.at_eof():
            raise ValueError("more documents than the window tells")
        return found
    return [
        await _document(reader, number, kind if number == 1 else await reader.readexactly(2))
        for number in range(1, count + 1)
    ]


async def _document(reader: asyncio.StreamReader, number: int, kind: bytes) -> bytes:
    if kind != b"2J" or await _number(reader) != number:
        raise ValueError("no document, or not the next one")
    body = await reader.readexactly(await _number(reader))
    if b"\n" in body:
        raise ValueError("a newline in a document")
    _check(body)
    return body


def _check(body: bytes) -> None:
    """Whether it is JSON to Java's reader, which takes halves of surrogate pairs as Python's does."""
    try:
        _validate(body)
    except ValueError:
        json.loads(body)


def create(url: str, index: str, lines: Sequence[bytes]) -> None:
    """As the output `elasticsearch` of Logstash does with `document_id` and `action => "create"`."""
    if not lines:
        return
    body = b""
    for line in lines:
        name, document = framed_server.apart(line.decode())
        place = index.replace("{target}", json.loads(document)["@target"])
        body += json.dumps({"create": {"_index": place, "_id": name}}).encode() + b"\n" + document + b"\n"
    headers = {"content-type": "application/x-ndjson"}
    request = urllib.request.Request(f"{url}/_bulk", body, headers)  # noqa: S310 - a server of the tests
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - a server of the tests
        items = json.load(answer)["items"]
    failed = [item for item in items if item["create"]["status"] not in (201, 409)]
    if failed:
        raise ValueError(f"not taken: {failed[:3]}")


class Receiver(framed_server.FramedProcess):
    """Both inputs as a process."""

    server = "own server by the source of logstash-input-beats"
    module = "tests.receivers.logstash"
    ways: ClassVar = {"json_lines": {"protocol": "json_lines"}}

    def options(self) -> Mapping[str, Any]:
        return {"type": "logstash", "hosts": [f"127.0.0.1:{self.port}"]}


if __name__ == "__main__":
    framed_server.main(LogstashServer)
