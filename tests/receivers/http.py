"""A server that plays those of the presets of `http`, by their public documentation.

Sources: docs.victoriametrics.com/victorialogs/data-ingestion; help.splunk.com, "Format events for HTTP Event Collector"
and "About HTTP Event Collector Indexer Acknowledgment"; docs.datadoghq.com/api/latest/logs; clickhouse.com/docs, "HTTP
interface"; vector.dev, source `http_server`. `/once` takes a request with a known Idempotency-Key once.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from aiohttp import web

from tests.receivers.own_server import Asked, OwnProcess, OwnServer, main

TOKEN = "t0ken-of-a-test"
_LEFT_OUT = {"ddsource", "ddtags", "hostname", "service", "message", "timestamp", "status", "_id"}


class HttpServer(OwnServer):
    """Keeps documents as they were before a preset changed them. `poison` is text that is refused in a document."""

    poison = b"p0ison"
    indexes_after = 1
    """How often an acknowledgement of Splunk is asked for before it is given."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._acks: dict[int, int] = {}

    def answer(self, asked: Asked) -> web.Response:
        """By its path."""
        match asked.method, asked.path:
            case "GET", "/health":
                return web.Response(text="OK")
            case "GET", "/ping":
                return web.Response(text="Ok.\n")
            case "GET", "/services/collector/health":
                return web.json_response({"text": "HEC is healthy", "code": 17})
            case "GET", _:
                return web.Response(status=405)
            case _, "/insert/jsonline":
                return self._victorialogs(asked)
            case _, "/select/logsql/query":
                return self._select(asked)
            case _, "/services/collector/event":
                return self._splunk(asked)
            case _, "/services/collector/ack":
                return self._acknowledged(asked)
            case _, "/api/v2/logs":
                return self._datadog(asked)
        return self._lines(asked)

    def _lines(self, asked: Asked) -> web.Response:
        """Any server of lines; ClickHouse, if there is a statement."""
        key = asked.headers.get("idempotency-key", "") if asked.path == "/once" else ""
        if key and key in self.kept.keys:
            return web.Response()
        items = orjson.loads(asked.body) if asked.headers["content-type"] == "application/json" else None
        lines = asked.body.splitlines() if items is None else [orjson.dumps(each) for each in items]
        if any(self.poison in line for line in lines):
            if "query" in asked.query:
                return web.Response(status=400, text="Code: 117. DB::Exception: Unknown field (INCORRECT_DATA)")
            return web.Response(status=400, text="a document is poison")
        rows = [(name, "", body) for name, body in map(_of_line, lines)]
        self.kept.add([("", key, b"")] * bool(key) + rows)
        return web.Response()

    def _victorialogs(self, asked: Asked) -> web.Response:
        if asked.headers["content-type"] == "application/stream+json":  # else it drops them, in silence
            assert asked.query["_time_field"] == "@timestamp"
            self.kept.add((name, "", body) for name, body in map(_of_line, asked.body.splitlines()))
        return web.Response()

    def _select(self, asked: Asked) -> web.Response:
        found = [name for name in self.kept.documents if name.encode() in asked.body]
        return web.Response(body=b"".join(orjson.dumps({"_id": name}) + b"\n" for name in found))

    def _splunk(self, asked: Asked) -> web.Response:
        channel = asked.headers.get("x-splunk-request-channel")
        if asked.headers.get("authorization") != f"Splunk {TOKEN}":
            return web.json_response({"text": "Invalid token", "code": 4}, status=403)
        if not asked.body:
            return web.json_response({"text": "No data", "code": 5}, status=400)
        for number, line in enumerate(asked.body.splitlines()):
            if self.poison in line:
                words = {"text": "Invalid data format", "code": 6, "invalid-event-number": number}
                return web.json_response(words, status=400)
            self.kept.add([self._of_event(line)])
        if not channel:
            return web.json_response({"text": "Success", "code": 0})
        self._acks[len(self._acks)] = self.indexes_after
        return web.json_response({"text": "Success", "code": 0, "ackId": len(self._acks) - 1})

    def _acknowledged(self, asked: Asked) -> web.Response:
        assert asked.query["channel"] == asked.headers["x-splunk-request-channel"]
        states = {}
        for number in orjson.loads(asked.body)["acks"]:
            self._acks[number] = self._acks.get(number, 1 << 30) - 1
            states[str(number)] = self._acks[number] < 0
        return web.json_response({"acks": states})

    def _datadog(self, asked: Asked) -> web.Response:
        if asked.headers.get("dd-api-key") != TOKEN:
            return web.json_response({"errors": [{"status": "403"}]}, status=403)
        items = orjson.loads(asked.body)
        if len(asked.body) > 5_000_000 or len(items) > 1000:
            return web.json_response({"errors": [{"status": "413"}]}, status=413)
        if self.poison in asked.body:
            return web.json_response({"errors": [{"status": "400"}]}, status=400)
        self.kept.add(map(_of_datadog, items))
        return web.json_response({}, status=202)

    def _of_event(self, line: bytes) -> tuple[str, str, bytes]:
        event = json.loads(line, parse_float=str)
        fields = event["fields"]
        seconds, _, rest = event["time"].partition(".")
        members = {"host": event["host"], "@target": fields.pop("target")}
        name = fields.pop("line_id")
        at = line.index(b'"event":') + len(b'"event":')
        log = line[at : line.rindex(b',"fields":{')]  # as it stands, with members that are there twice
        stamp = self.stamp(int(seconds) * 1_000_000_000 + int(rest))
        return name, "", _document(log, stamp, {**fields, **members})


def _of_line(line: bytes) -> tuple[str, bytes]:
    """The id, and the document as it was."""
    head, _, rest = line.partition(b",")
    name: str = orjson.loads(head + b"}")["_id"]
    return name, b"{" + rest


def _of_datadog(item: dict[str, Any]) -> tuple[str, str, bytes]:
    message = item["message"]
    members = {name: value for name, value in item.items() if name not in _LEFT_OUT}
    log = message.encode() if message.startswith("{") else orjson.dumps(message)
    return item["_id"], "", _document(log, item["timestamp"], members)


def _document(log: bytes, stamp: str, members: Mapping[str, Any]) -> bytes:
    whole = log if log.startswith(b"{") else b'{"message":%b}' % log
    return b'{"log":%b,"@timestamp":"%b",%b' % (whole, stamp.encode(), orjson.dumps(dict(members))[1:])


class Receiver(OwnProcess):
    """The server above."""

    server = "own server by the public documentation of each preset"
    module = "tests.receivers.http"
    ways: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "idempotent": {"path": "/once", "idempotent": True},
        "victorialogs": {"preset": "victorialogs"},
        "splunk_hec": {"preset": "splunk_hec", "token": TOKEN, "acknowledge": True, "acknowledge_seconds": 5},
        "datadog": {"preset": "datadog", "token": TOKEN},
        "clickhouse": {"preset": "clickhouse"},
    }

    def options(self) -> Mapping[str, Any]:
        return {"type": "http", "hosts": [self.url]}


if __name__ == "__main__":
    main(HttpServer)
