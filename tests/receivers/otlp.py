"""A server that plays a receiver of OTLP over HTTP, by opentelemetry.io/docs/specs/otlp and its proto files.

It reads requests by the published classes of opentelemetry-proto. A record whose body or id has `p0ison` in it is
rejected as a part of the request, one with `r0tten` refuses the whole of it.
"""

import json
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from collector.documents.forms.otel import FORM
from tests.receivers.own_server import Asked, OwnProcess, OwnServer, main


class OtlpServer(OwnServer):
    """`records` are those that it took, with the attributes of their resource."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.records: list[tuple[dict[str, Any], LogRecord]] = []

    def answer(self, asked: Asked) -> web.Response:
        """A request for logs; another path is not there."""
        if asked.path != "/v1/logs":
            return web.Response(status=404, text="404 page not found")
        if asked.headers.get("content-type") != "application/x-protobuf":
            return web.Response(status=415, text="unsupported media type")
        request = ExportLogsServiceRequest()
        try:
            request.ParseFromString(asked.body)
        except DecodeError as error:
            return web.Response(status=400, body=status(3, str(error)))
        found = [
            (of_attributes(logs.resource.attributes), record)
            for logs in request.resource_logs
            for scope in logs.scope_logs
            for record in scope.log_records
        ]
        if any("r0tten" in str(record.body) for _, record in found):
            return web.Response(status=400, body=status(3, "a record is bad"))
        good = [each for each in found if "p0ison" not in str(each[1].body)]
        self.records += good
        self.kept.add(_document(resource, record, self.stamp(record.time_unix_nano)) for resource, record in good)
        return _response(len(found) - len(good), "a record is poison" if len(good) < len(found) else "")


def _response(rejected: int, words: str) -> web.Response:
    response = ExportLogsServiceResponse()
    if rejected or words:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = words
    return web.Response(body=response.SerializeToString(), content_type="application/x-protobuf")


def status(code: int, words: str) -> bytes:
    """A google.rpc.Status in protobuf."""
    text = words.encode()
    return b"\x08%c\x12%c%b" % (code, len(text), text)


def value_of(value: AnyValue) -> Any:
    """What an AnyValue says, as JSON has it."""
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case "array_value":
            return [value_of(each) for each in value.array_value.values]
        case "kvlist_value":
            return of_attributes(value.kvlist_value.values)
    return None


def of_attributes(attributes: Any) -> dict[str, Any]:
    """Attributes by their names, which are there once."""
    pairs: list[KeyValue] = list(attributes)
    found = {each.key: value_of(each.value) for each in pairs}
    assert len(found) == len(pairs)
    return found


def _document(resource: Mapping[str, Any], record: LogRecord, stamp: str) -> tuple[str, str, bytes]:
    """The id, nothing, and the document, read back from the form `otel`."""
    attributes = of_attributes(record.attributes)
    name = attributes.pop("log.record.uid")
    of_stream = {key: value for key, value in resource.items() if key not in ("service.name", "container.id")}
    text = record.body.string_value
    is_map = record.body.WhichOneof("value") == "kvlist_value"
    is_json = not is_map and text.startswith("{") and _is_object(text)
    said = orjson.dumps(value_of(record.body)) if is_map else text.encode()
    log = said if is_map or is_json else orjson.dumps({"message": text})
    whole = {
        "@timestamp": stamp,
        "attributes": attributes,
        "resource": {"attributes": of_stream},
        "body": {"text": ""},
    }
    head = b'{"log":{"message":""}'
    return name, "", FORM.read(orjson.dumps(whole)).replace(head, b'{"log":%b' % log, 1)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


class Receiver(OwnProcess):
    """The server above."""

    server = "own server by the specification of OTLP 1.x, with the classes of opentelemetry-proto"
    module = "tests.receivers.otlp"

    def options(self) -> Mapping[str, Any]:
        return {"type": "otlp", "hosts": [self.url]}


if __name__ == "__main__":
    main(OtlpServer)
