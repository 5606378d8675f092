"""The output `otlp`: the laws of every shipper, then what a server says of a part of a request."""

import math
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from structlog.testing import capture_logs

from collector.errors import Refused, Unauthorized, Unavailable
from collector.model import Batch
from collector.ports import OutputContext
from shippers.otlp.response import Outcome, outcome_of
from shippers.otlp.wire import DEEPEST, any_value
from tests.contract.segments import batch, document, log_stream, plain_segment, segment
from tests.contract.shippers import HOSTILE_LOGS, Destination, ShipperContract, deliver, same_json
from tests.receivers.otlp import OtlpServer, status, value_of
from tests.receivers.own_server import Fault
from tests.shippers.http_family import Halving, OnServer, delivered, opened

SENT = batch(plain_segment(3))
SECRET = "s3cret-in-a-test"


class TestOtlp(ShipperContract):
    deduplicates = False
    takes_anything = True

    @pytest.fixture
    async def destination(self, site: OutputContext) -> AsyncIterator[Destination]:
        async with OtlpServer() as server:
            yield OnServer(server, site, "otlp", {})


@pytest.fixture
async def server() -> AsyncIterator[OtlpServer]:
    async with OtlpServer() as server:
        yield server


def otlp(site: OutputContext, server: OtlpServer, **options: object) -> Any:
    return opened(site, "otlp", server.url, **options)


def lines(*logs: bytes) -> Batch:
    stream = log_stream(container_id="c0ffee" * 8)
    return batch(segment([document(log, stream) for log in logs], stream))


def texts(*words: str) -> Batch:
    return lines(*(b'{"message":%b}' % orjson.dumps(word) for word in words))


# ------------------------------------------------------------------ records


async def test_a_line_is_a_record_with_its_streams_resource(site: OutputContext, server: OtlpServer) -> None:
    shipper = otlp(site, server)
    sent = texts("ERROR: out of stock")
    await shipper.ship(sent)
    await shipper.aclose()
    ((resource, record),) = server.records
    assert resource == {
        "host.name": "moby",
        "pilotfish.target": "shop",
        "container.name": f"{'c0ffee' * 8}-1",
        "container.id": "c0ffee" * 8,
        "service.name": "shop",
    }
    assert {each.key: value_of(each.value) for each in record.attributes} == {
        "log.iostream": "stdout",
        "log.record.uid": sent.segments[0].ids[0],
    }
    assert (record.severity_text, record.severity_number) == ("error", 17)
    assert record.body.string_value == "ERROR: out of stock"
    assert record.time_unix_nano == record.observed_time_unix_nano == 1_795_399_980_768_123_456


async def test_a_line_of_json_is_a_map_with_its_level_and_trace(site: OutputContext, server: OtlpServer) -> None:
    log: dict[str, Any] = {
        "level": "WARN",
        "message": "x",
        "n": [1, -2, 0.5, None, True, {"a": {}}],
        "trace_id": "0a" * 16,
    }
    log["spanId"] = "B" * 16
    shipper = otlp(site, server)
    await shipper.ship(lines(orjson.dumps(log)))
    await shipper.aclose()
    ((_, record),) = server.records
    assert value_of(record.body) == log
    assert (record.severity_text, record.trace_id, record.span_id) == ("warn", b"\x0a" * 16, b"\xbb" * 8)


@pytest.mark.parametrize(
    "log",
    [b'{"a":1,"a":2}', b'{"a":{"b":1, "b" :2}}', b'{"n":9223372036854775808}', b'{"n":1e999}',
     b'{"d":' * 30 + b"1" + b"}" * 30],
)  # fmt: skip
async def test_json_that_a_map_cannot_say_is_sent_as_text(site: OutputContext, server: OtlpServer, log: bytes) -> None:
    shipper = otlp(site, server)
    await shipper.ship(lines(log))
    await shipper.aclose()
    assert server.records[0][1].body.string_value == log.decode()


async def test_every_line_of_json_may_be_sent_as_text(site: OutputContext, server: OtlpServer) -> None:
    shipper = otlp(site, server, body="text", compress=False)
    sent = lines(*(log.encode() for log in HOSTILE_LOGS))
    await shipper.ship(sent)
    await shipper.aclose()
    expected = zip(sent.segments[0].ids, sent.segments[0].documents, strict=True)
    assert all(same_json(server.kept.documents[name][0], body) for name, body in expected)


async def test_an_escaped_quote_before_a_colon_leaves_a_map_a_map(site: OutputContext, server: OtlpServer) -> None:
    log = {"message": 'said "x":1 and "y":2', "a": {"b": 1}}
    shipper = otlp(site, server)
    await shipper.ship(lines(orjson.dumps(log)))
    await shipper.aclose()
    assert value_of(server.records[0][1].body) == log


@pytest.mark.parametrize("trace", ["0" * 32, "g" * 32, "12", 7, "٣" * 32])
async def test_what_is_no_trace_stays_in_the_body_alone(site: OutputContext, server: OtlpServer, trace: object) -> None:
    shipper = otlp(site, server)
    await shipper.ship(lines(orjson.dumps({"trace_id": trace})))
    await shipper.aclose()
    assert server.records[0][1].trace_id == b""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(JSON)
def test_any_json_is_read_back_by_the_published_classes(value: object) -> None:
    with suppress(ValueError):  # a number without end
        assert value_of(AnyValue.FromString(any_value(value))) == value


@pytest.mark.parametrize("value", [1 << 63, math.inf, math.nan, -(1 << 63) - 1])
def test_a_number_without_an_equal_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="a number"):
        any_value({"a": value})


def test_the_deepest_value_is_read_by_a_parser_with_the_usual_bound() -> None:
    value: Any = 1
    for _ in range(DEEPEST):
        value = {"d": [value]} if value == 1 else {"d": value}
    with pytest.raises(ValueError, match="too deep"):
        any_value(value)
    assert value_of(AnyValue.FromString(any_value(value["d"]))) == value["d"]


async def test_what_is_no_document_is_rejected_and_its_neighbours_arrive(
    site: OutputContext, server: OtlpServer
) -> None:
    stream = log_stream()
    sent = batch(segment([*texts("a").segments[0].documents, b"{}", document({}, stream, time="never")], stream))
    shipper = otlp(site, server)
    receipt = await shipper.ship(sent)
    await shipper.aclose()
    assert (receipt.delivered, [each.index for each in receipt.rejected]) == (1, [1, 2])


# ------------------------------------------------------------------ answers


def response(rejected: int, words: str) -> bytes:
    said = ExportLogsServiceResponse()
    said.partial_success.rejected_log_records = rejected
    said.partial_success.error_message = words
    return bytes(said.SerializeToString())


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (Fault(200, b"<html>login</html>"), Unavailable, "answers 200 with something else than OTLP"),
        (Fault(200, b"OK"), Unavailable, "something else"),
        (Fault(200, b"accepted"), Unavailable, "something else"),
        (Fault(200, b'{"status":"success"}'), Unavailable, "something else"),
        (Fault(200, response(1, "too long")), Refused, r"rejected 1 of 3 records \(too long\)"),
        (Fault(200, b'{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"no"}}'), Refused, "rejected 2 of 3"),
        (Fault(200, response(-1, "")), Unavailable, "something else"),
        (Fault(400, status(3, "bad data")), Refused, r"rejected the request \(bad data\)"),
        (Fault(400, b"<html>"), Unavailable, "check that `hosts` names a receiver of OTLP"),
        (Fault(401), Unauthorized, "401"),
        (Fault(404, b"404 page not found"), Unavailable, "404 page not found"),
        (Fault(413), Refused, "413"),
        (Fault(415), Unavailable, "set compress: false"),
        (Fault(500, status(13, "internal")), Unavailable, "internal"),
        (Fault(502), Unavailable, "overloaded or starting"),
        (Fault(503, status(14, "queue is full")), Unavailable, r"overloaded or starting \(503: queue is full\)"),
        (Fault(is_cut=True), Unavailable, "cannot be reached"),
    ],
)
async def test_an_answer_that_takes_nothing_is_told_and_the_batch_goes_through_again(
    site: OutputContext, server: OtlpServer, fault: Fault, error: type[Exception], text: str
) -> None:
    shipper = otlp(site, server)
    server.faults.append(fault)
    with pytest.raises(error, match=text):
        await shipper.ship(SENT)
    assert (await deliver(shipper, SENT)).delivered == 3
    await shipper.aclose()


async def test_the_wish_when_to_be_asked_again_is_passed_on(site: OutputContext, server: OtlpServer) -> None:
    shipper = otlp(site, server)
    server.faults.append(Fault(429, headers={"retry-after": "9"}))
    with pytest.raises(Unavailable) as caught:
        await shipper.ship(SENT)
    await shipper.aclose()
    assert caught.value.retry_after == 9.0


@pytest.mark.parametrize("word", ["p0ison", "r0tten"])
async def test_records_that_are_rejected_as_a_part_or_spoil_all_are_found(
    site: OutputContext, server: OtlpServer, word: str
) -> None:
    sent = texts(*(word if n in (7, 23) else f"line {n}" for n in range(40)))
    shipper = Halving(otlp(site, server))
    receipt = await shipper.ship(sent)
    await shipper.aclose()
    assert receipt.delivered == 38
    assert [each.segment.ids[each.index] for each in receipt.rejected] == [sent.segments[0].ids[n] for n in (7, 23)]
    assert server.kept.documents.keys() == {*sent.segments[0].ids} - {sent.segments[0].ids[n] for n in (7, 23)}


@pytest.mark.parametrize("word", ["p0ison", "r0tten"])
async def test_a_bad_record_is_a_dead_letter_and_the_others_arrive(
    site: OutputContext, server: OtlpServer, tmp_path: Path, word: str
) -> None:
    bad = texts(*(word if n in (7, 23) else f"line {n}" for n in range(40))).segments[0]
    desk = await delivered(otlp(site, server), tmp_path, plain_segment(20), bad, plain_segment(20, "till"))
    assert (desk.ledger.acknowledged, desk.ledger.dead_lettered, len(desk.settled)) == (78, 2, 3)
    assert {letter["_id"] for letter in desk.letters} == {bad.ids[7], bad.ids[23]}


async def test_where_all_are_rejected_each_is_with_the_servers_words(site: OutputContext, server: OtlpServer) -> None:
    shipper = otlp(site, server)
    server.faults.append(Fault(200, response(3, "too  old")))
    receipt = await shipper.ship(SENT)
    await shipper.aclose()
    assert [(each.type, each.reason) for each in receipt.rejected] == [("rejected_by_server", "too old")] * 3


@pytest.mark.parametrize("body", [b"", b"\x0a\x00", b"{}", b'{"partialSuccess":{}}', b'{"partialSuccess":null}'])
def test_these_say_that_all_is_taken(body: bytes) -> None:
    if body.endswith(b"null}"):
        assert outcome_of(body) is None
    else:
        assert outcome_of(body) == Outcome()


async def test_words_without_a_number_are_a_warning_said_once(site: OutputContext, server: OtlpServer) -> None:
    shipper = otlp(site, server)
    server.faults += [Fault(200, response(0, "use gRPC"))] * 3
    with capture_logs() as logs:
        for _ in range(3):
            assert (await shipper.ship(SENT)).delivered == 3
    await shipper.aclose()
    assert [line["detail"] for line in logs] == ["use gRPC"]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_response_or_none(body: bytes) -> None:
    found = outcome_of(body)
    assert found is None or found.rejected >= 0


@given(st.integers(0, 1 << 40), st.text(max_size=40))
def test_a_response_of_the_published_classes_is_read(rejected: int, words: str) -> None:
    found = outcome_of(response(rejected, words))
    assert found is not None
    assert found.rejected == rejected
    assert found.words.split() == words.split() or not words.strip()


# ------------------------------------------------------------------ check, secrets


async def test_a_receiver_is_told_by_probe_and_another_server_too(site: OutputContext, server: OtlpServer) -> None:
    shipper = otlp(site, server)
    assert server.url in await shipper.probe()
    for fault, error in ((Fault(200, b"<html>"), Unavailable), (Fault(403), Unauthorized), (Fault(400), Unavailable)):
        server.faults.append(fault)
        with pytest.raises(error):
            await shipper.probe()
    await shipper.aclose()


async def test_a_secret_is_told_to_the_server_alone(site: OutputContext, server: OtlpServer) -> None:
    server.authorization = ("authorization", f"Bearer {SECRET}")
    shipper = otlp(site, server, bearer_token=SECRET, headers={"X-Key": SECRET})
    assert (await shipper.ship(SENT)).delivered == 3
    server.authorization = ("authorization", "other")
    with pytest.raises(Unauthorized, match="the bearer token") as caught:
        await shipper.ship(SENT)
    await shipper.aclose()
    assert SECRET not in f"{caught.value!r} {shipper!r}"


def test_json_numbers_keep_their_kind() -> None:
    assert value_of(AnyValue.FromString(any_value(msgspec.json.decode(b"[1,1.0,-1]")))) == [1, 1.0, -1]
