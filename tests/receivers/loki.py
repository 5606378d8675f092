"""A server that plays Loki's push API, by its documentation and the words of its source.

Sources: grafana.com/docs/loki/latest/reference/loki-http-api, `pkg/validation/validate.go`, `pkg/distributor/`. As Loki
does, it keeps the good entries of a push whose bad ones it refuses with 400, and drops an entry of a stream that it has
with equal time, text and structured metadata: Loki does so as long as the former is in its head block, this one always.
"""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from tests.receivers.own_server import Asked, OwnProcess, OwnServer, main

_NANOSECONDS = 1_000_000_000


class Entry(NamedTuple):
    """A line of a stream."""

    labels: dict[str, str]
    time: int
    line: str
    metadata: dict[str, str]

    @property
    def stream(self) -> str:
        return "{%s}" % ", ".join(f'{name}="{value}"' for name, value in sorted(self.labels.items()))  # noqa: UP031

    @property
    def key(self) -> str:
        return orjson.dumps((self.stream, self.time, self.line, sorted(self.metadata.items()))).decode()


class LokiServer(OwnServer):
    """`oldest` (nanoseconds) is the time before which lines are refused; `limited` streams have this label's value."""

    most_line_bytes = 256 << 10
    oldest = 0
    limited = ""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.entries: list[Entry] = []
        self._pieces: dict[str, dict[int, str]] = {}

    def answer(self, asked: Asked) -> web.Response:
        """By its path."""
        match asked.path:
            case "/loki/api/v1/push":
                return self._push(asked)
            case "/loki/api/v1/status/buildinfo":
                return web.json_response({"version": "3.9.9", "revision": "none"})
            case "/loki/api/v1/query_range":
                return self._search(asked)
        return web.Response(status=404, text="404 page not found")

    def _push(self, asked: Asked) -> web.Response:
        if asked.headers.get("content-type") != "application/json":
            return web.Response(status=415, text="content type not supported")
        try:
            streams = orjson.loads(asked.body)["streams"]
            entries = [entry for stream in streams for entry in _entries_of(stream)]
        except (ValueError, KeyError, TypeError) as error:
            return web.Response(status=400, text=f"loghttp.PushRequest.Streams: {error}")
        if not entries:
            return web.Response(status=422, text="error at least one valid stream is required for ingestion")
        faults = {index: fault for index, entry in enumerate(entries) if (fault := self._fault_of(entry))}
        over = [one for one in entries if self.limited and self.limited in one.labels.values()]
        good = [one for index, one in enumerate(entries) if index not in faults and one not in over]
        self._keep(good)
        if over:
            words = f"Per stream rate limit exceeded (limit: 3MB/sec) while attempting to ingest for '{over[0].stream}'"
            return web.Response(
                status=429, text=f"{words} totaling 1B, consider splitting a stream via additional labels"
            )
        if faults:
            return web.Response(status=400, text=f"{faults[max(faults)]}\n")
        return web.Response(status=204)

    def _fault_of(self, entry: Entry) -> str:
        if not entry.labels:
            return "error at least one label pair is required per stream"
        if len(entry.labels) > 15:
            return f"entry for stream '{entry.stream}' has {len(entry.labels)} label names; limit 15"
        if entry.time < self.oldest:
            times = [_iso(one) for one in (entry.time, self.oldest)]
            return (
                f"entry for stream '{entry.stream}' has timestamp too old: {times[0]}, "
                f"oldest acceptable timestamp is: {times[1]}"
            )
        if (size := len(entry.line.encode())) > self.most_line_bytes:
            return (
                f"Max entry size '{self.most_line_bytes}' bytes exceeded for stream '{entry.stream}' "
                f"while adding an entry with length '{size}' bytes"
            )
        if len(entry.metadata) > 128:
            return f"stream '{entry.stream}' has too many structured metadata labels: '{len(entry.metadata)}'."
        if (size := sum(len(name) + len(value) for name, value in entry.metadata.items())) > 64 << 10:
            return f"stream '{entry.stream}' has structured metadata too large: '{size}' bytes, limit: '65536' bytes."
        if entry.time > time.time_ns() + 600 * _NANOSECONDS:
            return f"entry for stream '{entry.stream}' has timestamp too new: {_iso(entry.time)}"
        if "p0ison" in entry.line:
            when = f"entry with timestamp {_iso(entry.time)}"
            return f"{when} ignored, reason: 'entry out of order' for stream: {entry.stream}"
        return ""

    def _keep(self, entries: list[Entry]) -> None:
        rows = []
        seen = set()
        for entry in entries:
            if entry.key in self.kept.keys or entry.key in seen:
                continue
            seen.add(entry.key)
            self.entries.append(entry)
            rows.append((*self._document(entry), entry.key))
        self.kept.add((name, key, body) for name, body, key in rows)

    def _document(self, entry: Entry) -> tuple[str, bytes]:
        """The id and the document that it was made of; no id as long as pieces of it are missing."""
        metadata = dict(entry.metadata)
        name = metadata.pop("_id")
        line = entry.line
        if piece := metadata.pop("piece", ""):
            number, of = map(int, piece.split("/"))
            pieces = self._pieces.setdefault(name, {})
            pieces[number] = line
            if len(pieces) < of:
                return "", b""
            line = "".join(pieces[each] for each in range(1, of + 1))
        body = line.encode() if _is_object(line) else orjson.dumps({"message": line})
        members = {"host": entry.labels.get("host", ""), "@target": entry.labels.get("target", "")}
        members["docker_container"] = entry.labels.get("container", "")
        metadata.pop("target", None)
        stamp = self.stamp(entry.time)
        return name, b'{"log":%b,"@timestamp":"%b",%b' % (
            body,
            stamp.encode(),
            orjson.dumps({**metadata, **members})[1:],
        )

    def _search(self, asked: Asked) -> web.Response:
        """Streams with their metadata, as Loki gives them; of the selector, each pair has to be a label."""
        wanted = asked.query["query"].strip("{}").split(",")
        first, end = int(asked.query["start"]), int(asked.query["end"])
        found = [
            {"stream": each.labels | each.metadata, "values": [[str(each.time), each.line]]}
            for each in self.entries
            if first <= each.time < end and all(_has(each, pair) for pair in wanted)
        ]
        return web.json_response({"status": "success", "data": {"resultType": "streams", "result": found}})


def _has(entry: Entry, pair: str) -> bool:
    name, _, value = pair.partition("=")
    return entry.labels.get(name) == str(orjson.loads(value))


def _entries_of(stream: Mapping[str, Any]) -> Iterator[Entry]:
    labels = {name: value for name, value in stream["stream"].items() if value}
    for stamp, line, *rest in stream["values"]:
        metadata = rest[0] if rest else {}
        texts = (stamp, line, *labels.values(), *metadata.values())
        if not all(isinstance(text, str) for text in texts) or not stamp.isdecimal():
            raise ValueError("Value is not a string")
        yield Entry(labels, int(stamp), line, metadata)


def _is_object(line: str) -> bool:
    try:
        return line.startswith("{") and isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _iso(nanoseconds: int) -> str:
    return f"{datetime.fromtimestamp(nanoseconds // _NANOSECONDS, UTC):%Y-%m-%dT%H:%M:%SZ}"


class Receiver(OwnProcess):
    """The server above."""

    server = "own server by Loki's push API"
    module = "tests.receivers.loki"

    def options(self) -> Mapping[str, Any]:
        return {"type": "loki", "hosts": [self.url]}


if __name__ == "__main__":
    main(LokiServer)
