"""The presets: what each kind of server wants of a request, and what its answer means."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import msgspec
import orjson

from collector.documents.apart import Apart, level_of_line, line_of, text_of
from collector.errors import UNREADABLE
from collector.model import Segment
from collector.net.http_node import Answer, Question

from .preset import UNKNOWN, Limits, Preset, Silent, Verdict


class VictoriaLogs(Silent):
    """Lines of JSON; it answers 200 with nothing, also where it left a line out."""

    kind = "VictoriaLogs"
    path = "/insert/jsonline"
    content_type = "application/stream+json"  # of another type it drops all, and answers 200
    health = "/health"

    @property
    def query(self) -> str:
        """The fields that it has to know."""
        of_stream = ",".join(self.form.field(name, is_trusted=True) for name in ("host", "docker_container", "@target"))
        words = [self.form.field(name, is_trusted=False) for name in ("message", "msg")]
        fields = {
            "_time_field": self.form.field("@timestamp", is_trusted=True),
            "_msg_field": ",".join(dict.fromkeys(words)),
            "_stream_fields": of_stream,
        }
        return urlencode(fields, safe=",@")

    def search(self, ids: Sequence[str]) -> Question:
        """Asks for documents by their ids."""
        names = ",".join(msgspec.json.encode(name).decode() for name in ids)
        words = urlencode({"query": f"{msgspec.json.encode(self.id_field).decode()}:in({names})"})
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return Question("POST", "/select/logsql/query", words.encode(), headers)

    def is_healthy(self, answer: Answer) -> bool:
        """It says OK."""
        return answer.status == 200 and answer.body.strip() == b"OK"


class Vector(Silent):
    """Vector's source `http_server` with `decoding.codec: json` and `framing.method: newline_delimited`."""

    kind = "Vector's http_server"
    content_type = "application/x-ndjson"


# Errors for what is in the data, and not for its table: https://clickhouse.com/docs, src/Common/ErrorCodes.cpp.
_CONTENT_CODES = frozenset({b"6", b"26", b"27", b"38", b"41", b"53", b"69", b"70", b"72", b"117", b"131", b"349"})
_CODE = re.compile(rb"Code: ([0-9]+)[.,]")


class ClickHouse(Silent):
    """`INSERT … FORMAT JSONEachRow` into a table that has a column for each member, or leaves unknown ones out."""

    kind = "ClickHouse's HTTP interface"
    content_type = "application/x-ndjson"
    health = "/ping"
    settings: ClassVar[Mapping[str, str]] = {
        "date_time_input_format": "best_effort",
        "input_format_skip_unknown_fields": "1",
    }

    def query_for(self, table: str) -> str:
        """The statement, and how it reads lines."""
        statement = quote(f"INSERT INTO {table} FORMAT JSONEachRow")
        return f"query={statement}&{urlencode(self.settings)}"

    def refusal(self, answer: Answer) -> Verdict:
        """By the code of its error: the same status is given for a table that is not there."""
        found = _CODE.search(answer.body[:300])
        if found and found[1] in _CONTENT_CODES:
            return Verdict(refused=f"clickhouse_{found[1].decode()}")
        return UNKNOWN

    def is_healthy(self, answer: Answer) -> bool:
        """It says Ok."""
        return answer.status == 200 and answer.body.startswith(b"Ok")


class Datadog(Preset):
    """Datadog's intake of logs, version 2: an array of objects, of which it knows some members by name."""

    kind = "Datadog's intake of logs"
    path = "/api/v2/logs"
    content_type = "application/json"
    format = "json_array"
    limits = Limits(documents=1000, size=5_000_000)
    other_words = ""

    def __init__(self, *args: Any, source: str = "", **more: Any) -> None:
        super().__init__(*args, **more)
        self._source = source or "pilotfish"
        self._apart = Apart(self._around)

    def items(self, segment: Segment) -> list[bytes]:
        """Each with the members that Datadog knows, and the trusted ones under their names."""
        return [self._item(name, body) for name, body in zip(segment.ids, segment.documents, strict=True)]

    def _item(self, name: str, document: bytes) -> bytes:
        try:
            log, time, (around, level) = self._apart(document)
        except ValueError:
            return msgspec.json.encode({self.id_field: name, "message": document.decode(errors="replace")})
        level = level or level_of_line(log, text_of(log))
        status = b',"status":"%b"' % level.encode() if level else b""
        message = text_of(log) or orjson.dumps(line_of(log).decode(errors="replace"))
        head = b'{"message":%b,"timestamp":"%b"%b,%b:%b' % (message, time, status, _json(self.id_field), _json(name))
        return b"%b,%b}" % (head, around)

    def _around(self, members: Mapping[str, Any]) -> tuple[bytes, str]:
        known = {
            "ddsource": self._source,
            "hostname": members.get("host", ""),
            "service": members.get("docker_service") or members.get("@target", ""),
            "ddtags": _tags({"container_name": members.get("docker_container"), "target": members.get("@target")}),
        }
        return orjson.dumps({**members, **known})[1:-1], str(members.get("level", ""))

    def is_understood(self, answer: Answer) -> bool:
        """It says nothing, or gives an empty object."""
        return answer.body.strip() in (b"", b"{}")


def found_ids(body: bytes, id_field: str) -> set[str]:
    """The ids in lines of JSON; lines in other words have none."""
    found = set()
    for line in body.splitlines():
        try:
            row = orjson.loads(line)
        except UNREADABLE:
            continue
        if isinstance(row, dict) and isinstance(name := row.get(id_field), str):
            found.add(name)
    return found


def _tags(tags: Mapping[str, Any]) -> str:
    """`name:value` with commas between; a comma in a value would begin another tag."""
    return ",".join(f"{name}:{str(value).replace(',', '_')}" for name, value in tags.items() if value)


def _json(text: str) -> bytes:
    return msgspec.json.encode(text)
