"""Documents → the body of an ExportLogsServiceRequest: opentelemetry-proto, `logs/v1/logs.proto`.

Members have the names that the form `otel` gives them. Those of a stream are its resource, which is encoded once; of a
line, its body, time, level and id. A text is a body of text, a JSON object a body of members; one that protobuf cannot
say without a loss (a key that is there twice, a number out of range, too many levels) is sent as the text that it is.
"""

import json
import re
from collections.abc import Iterable, Mapping
from struct import pack
from typing import Any, NamedTuple

import msgspec
import orjson

from collector.documents.apart import Apart, Taken, level_of_line, text_of
from collector.documents.forms.otel import FORM
from collector.documents.levels import SEVERITY
from collector.errors import UNREADABLE
from collector.files import gzip
from collector.model import Batch, Rejected, Segment

from .wire import any_value, block, key_value, text_value, varint

ID = "log.record.uid"
NO_DOCUMENT = "no_document"

_RESOURCE, _RECORD = "resource.attributes.", "attributes."
_SCOPE = block(b"\x0a", block(b"\x0a", b"pilotfish"))
_TRACE = (("trace_id", "trace.id", "traceId"), 32, b"\x4a\x10")
_SPAN = (("span_id", "span.id", "spanId"), 16, b"\x52\x08")
_CONTAINER_ID = re.compile(r"[0-9a-f]{12,64}")
_HEX = re.compile(r"[0-9a-fA-F]+")
_APART = re.compile(rb'"[ \t\r\n]+:')  # a key and its colon


class _Around(NamedTuple):
    """What the members around a time come to: fields of the resource, fields of each record, and the level."""

    resource: bytes
    record: bytes
    level: str


class Export(NamedTuple):
    """A body, in gzip if asked for, and the documents that cannot be records."""

    body: bytes
    rejected: tuple[Rejected, ...]


class Records:
    """Makes records. `with_maps`: a line of JSON is a body of members, else the text that it is."""

    def __init__(self, *, with_maps: bool) -> None:
        self._with_maps = with_maps
        self._apart = Apart(_around)

    def export(self, batch: Batch, *, compress: bool) -> Export:
        """The body of a request with all documents; for a thread."""
        resources: dict[bytes, list[bytes]] = {}
        rejected: list[Rejected] = []
        for segment in batch.segments:
            container = _container_of(segment)
            for index, (name, document) in enumerate(zip(segment.ids, segment.documents, strict=True)):
                try:
                    taken = self._apart(document)
                    record = self._record(taken, name)
                except ValueError as error:
                    rejected.append(Rejected(segment, index, NO_DOCUMENT, str(error), is_final=True))
                    continue
                resources.setdefault(taken.around.resource + container, []).append(record)
        body = b"".join(_resource_logs(resource, records) for resource, records in resources.items())
        return Export(gzip.compress(body) if compress else body, tuple(rejected))

    def _record(self, taken: Taken[_Around], name: str) -> bytes:
        log, _, around = taken
        text = text_of(log)
        level = around.level or level_of_line(log, text)
        body, trace = (text_value(orjson.loads(text).encode()), b"") if text else self._body(log)
        uid = key_value(ID, text_value(name.encode()))
        time = pack("<Q", taken.nanoseconds)
        content = b"".join(
            (
                *(b"\x09", time, _SEVERITIES.get(level, b""), b"\x2a", varint(len(body)), body),
                *(b"\x32", varint(len(uid)), uid, around.record, trace, b"\x59", time),
            )
        )
        return b"\x12" + varint(len(content)) + content

    def _body(self, log: bytes) -> tuple[bytes, bytes]:
        """The AnyValue of a line of JSON, and the fields of the trace that it names."""
        try:
            members = msgspec.json.decode(log)
            if self._with_maps and not _is_doubtful(log, members):
                has_trace = b"trace" in log or b"span" in log
                trace = _hex(members, *_TRACE) + _hex(members, *_SPAN) if has_trace else b""
                return any_value(members), trace
        except UNREADABLE:
            pass
        return text_value(log.decode(errors="replace").encode()), b""


_SEVERITIES = {name: b"\x10%b%b" % (varint(number), block(b"\x1a", name.encode())) for name, number in SEVERITY.items()}


def _around(members: Mapping[str, Any]) -> _Around:
    resource: dict[str, Any] = {}
    record: dict[str, Any] = {}
    for name, value in members.items():
        place = FORM.field(name, is_trusted=True)
        if place.startswith(_RESOURCE):
            resource[place.removeprefix(_RESOURCE)] = value
        elif place.startswith(_RECORD):
            record[place.removeprefix(_RECORD)] = value
    if not resource.get("service.name"):  # some servers know lines by it alone
        resource["service.name"] = members.get("k8s_container_name") or members.get("@target") or "unknown_service"
    return _Around(_fields(b"\x0a", resource), _fields(b"\x32", record), str(members.get("level", "")))


def _fields(tag: bytes, values: Mapping[str, Any]) -> bytes:
    """A KeyValue each."""
    return b"".join(block(tag, key_value(name, any_value(value))) for name, value in values.items())


def _container_of(segment: Segment) -> bytes:
    """Which container the lines are of, where its id is not among the members."""
    found = segment.stream.container_id
    if "docker_container_id" in segment.stream.fields or not _CONTAINER_ID.fullmatch(found):
        return b""
    return _fields(b"\x0a", {"container.id": found})


def _resource_logs(resource: bytes, records: Iterable[bytes]) -> bytes:
    scope_logs = block(b"\x12", b"%b%b" % (_SCOPE, b"".join(records)))
    return block(b"\x0a", b"%b%b" % (block(b"\x0a", resource), scope_logs))


def _hex(members: Mapping[str, Any], names: Iterable[str], digits: int, tag: bytes) -> bytes:
    """An id in hexadecimal digits as a field of bytes; b"" for another one."""
    for name in names:
        value = members.get(name)
        if isinstance(value, str) and len(value) == digits and _HEX.fullmatch(value) and value.strip("0"):
            return tag + bytes.fromhex(value)
    return b""


def _is_doubtful(log: bytes, members: Mapping[str, Any]) -> bool:
    """Whether the object may have a key twice: its colons behind quotes are not as many as its keys."""
    colons = log.count(b'":') - log.count(b'\\":')  # JSON in a text has its quotes escaped
    is_sure = colons == _keys(members) and not _APART.search(log)
    return not is_sure and _has_doubles(log)


def _keys(value: Any) -> int:
    """How many members there are, those of members included."""
    if isinstance(value, dict):
        return len(value) + sum([_keys(each) for each in value.values() if isinstance(each, dict | list)])
    return sum([_keys(each) for each in value if isinstance(each, dict | list)])


def _has_doubles(log: bytes) -> bool:
    found = False

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        seen = dict(pairs)
        found = found or len(seen) < len(pairs)
        return seen

    json.loads(log, object_pairs_hook=look)
    return found
