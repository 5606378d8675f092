"""The output `http` with each preset: the laws of every shipper, then what servers answer."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from pydantic import ValidationError

from collector.documents.refused import as_text
from collector.errors import ConfigurationError, Refused, Unauthorized, Unavailable
from collector.model import Rejected
from collector.ports import OutputContext, ReadsBack
from shippers.http import Settings
from tests.contract.segments import batch, document, log_stream, plain_segment, segment
from tests.contract.shippers import Destination, ShipperContract, deliver
from tests.receivers.http import TOKEN, HttpServer, Receiver
from tests.receivers.own_server import Fault
from tests.shippers.http_family import OnServer, delivered, opened

SENT = batch(plain_segment(3))
WAYS: Mapping[str, Mapping[str, Any]] = Receiver.ways


class TestHttp(ShipperContract):
    deduplicates = False
    takes_anything = True
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    async def destination(self, site: OutputContext) -> AsyncIterator[Destination]:
        async with HttpServer() as server:
            yield OnServer(server, site, "http", self.options)


class TestHttpWithKeys(TestHttp):
    deduplicates_batches = True
    options = WAYS["idempotent"]


class TestVictoriaLogs(TestHttp):
    options = WAYS["victorialogs"]


class TestClickHouse(TestHttp):
    options: ClassVar[Mapping[str, Any]] = {**WAYS["clickhouse"], "compress": "zstd"}


class TestDatadog(TestHttp):
    options = WAYS["datadog"]


class TestSplunk(TestHttp):
    options: ClassVar[Mapping[str, Any]] = {**WAYS["splunk_hec"], "acknowledge": False}


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with HttpServer() as server:
        yield server


def http(site: OutputContext, server: HttpServer, **options: object) -> Any:
    return opened(site, "http", server.url, **options)


async def test_a_server_that_honours_the_key_stores_a_batch_once(site: OutputContext, server: HttpServer) -> None:
    shipper = http(site, server, path="/once", idempotent=True)
    server.faults.append(Fault(is_cut=True, is_kept=True))
    with pytest.raises(Unavailable):
        await shipper.ship(SENT)
    await shipper.ship(SENT)
    await shipper.ship(batch(plain_segment(2)))
    await shipper.aclose()
    first, second = plain_segment(3).ids[0], plain_segment(3).ids[2]
    assert [len(server.kept.documents[name]) for name in (first, second)] == [2, 1]


def test_a_promise_follows_from_the_options() -> None:
    def kind(**options: object) -> str:
        settings = Settings.model_validate({"hosts": ["http://server"], **options})
        assert settings.has_frozen_batches == (settings.promise().kind == "exactly_once")
        return settings.promise().kind

    assert kind() == kind(preset="victorialogs") == "at_least_once"
    assert kind(idempotent=True) == "exactly_once"
    assert kind(preset="splunk_hec", token="x") == "unsafe"
    assert kind(preset="splunk_hec", token="x", acknowledge=True) == "at_least_once"


# ------------------------------------------------------------------ answers


@pytest.mark.parametrize(
    ("preset", "fault", "error", "text"),
    [
        ("none", Fault(503, b"starting"), Unavailable, r"is overloaded or starting \(503: starting\)"),
        ("none", Fault(500), Unavailable, r"rejected the request \(500: no reason given\)"),
        ("none", Fault(404), Unavailable, "check that `hosts` names a server that takes documents"),
        ("none", Fault(302, headers={"location": "/login"}), Unavailable, "rejected the request"),
        ("none", Fault(200, b"<html>login</html>"), Unavailable, "answers 200 in other words"),
        ("none", Fault(200, b'{"took":3,"errors":true}'), Unavailable, "in other words .*set success_text"),
        ("none", Fault(200, b'{"error" : {"reason":"x"}}'), Unavailable, "in other words"),
        ("none", Fault(200, b"java.lang.Exception: x"), Unavailable, "in other words"),
        ("none", Fault(400, b"<html>plain HTTP to an HTTPS port"), Unavailable, "set compress: none"),
        ("none", Fault(422, b"bad field"), Refused, "bad field"),
        ("none", Fault(413), Refused, "requests of this size"),
        ("none", Fault(403, b"no"), Unauthorized, "does not permit"),
        ("none", Fault(200, b" " * (9 << 20)), Unavailable, "more than 8 MiB"),
        ("victorialogs", Fault(200, b"no such tenant"), Unavailable, "in other words"),
        ("vector", Fault(400, b'{"code":400,"message":"Error parsing"}'), Refused, "Error parsing"),
        ("datadog", Fault(202, b"queued"), Unavailable, "in other words"),
        ("clickhouse", Fault(200, b"Code: 241. DB::Exception: Memory limit"), Unavailable, "Memory limit"),
        ("clickhouse", Fault(400, b"Code: 27. DB::Exception: Cannot parse"), Refused, "Cannot parse"),
        ("clickhouse", Fault(404, b"Code: 60. DB::Exception: no table"), Unavailable, "no table"),
        ("splunk_hec", Fault(200, b"ok"), Unavailable, "answers 200 in other words"),
        ("splunk_hec", Fault(200, b'{"code":9}'), Unavailable, "answers 200 with the code 9"),
        ("splunk_hec", Fault(503, b'{"text":"Server is busy","code":9}'), Unavailable, "Server is busy"),
        ("splunk_hec", Fault(400, b'{"text":"Incorrect index","code":7}'), Unavailable, "allow the token to write"),
        ("splunk_hec", Fault(400, b'{"text":"Event field is required","code":12}'), Refused, "is required"),
    ],
)
async def test_an_answer_that_takes_nothing_is_told_and_the_batch_goes_through_again(
    site: OutputContext, server: HttpServer, preset: str, fault: Fault, error: type[Exception], text: str
) -> None:
    shipper = http(site, server, **WAYS.get(preset, {"preset": preset}))
    server.faults.append(fault)
    with pytest.raises(error, match=text) as caught:
        await shipper.ship(SENT)
    assert TOKEN not in f"{caught.value!r}"
    assert (await deliver(shipper, SENT)).delivered == 3
    await shipper.aclose()


async def test_the_wish_when_to_be_asked_again_is_passed_on(site: OutputContext, server: HttpServer) -> None:
    shipper = http(site, server)
    server.faults.append(Fault(429, headers={"retry-after": "7"}))
    with pytest.raises(Unavailable) as caught:
        await shipper.ship(SENT)
    await shipper.aclose()
    assert caught.value.retry_after == 7.0


async def test_a_success_text_that_is_missing_means_that_nothing_is_known(
    site: OutputContext, server: HttpServer
) -> None:
    shipper = http(site, server, success_text='"stored":3')
    with pytest.raises(Unavailable, match="correct success_text"):
        await shipper.ship(SENT)
    server.faults.append(Fault(200, b'{"stored":3}'))
    assert (await shipper.ship(SENT)).delivered == 3
    await shipper.aclose()


@pytest.mark.parametrize(
    "body", [b"", b"ok", b'{"error":null,"stored":3}', b'{"errors": []}', b'{"errors":false,"exceptional":1}']
)
async def test_a_body_that_names_no_error_is_a_success(site: OutputContext, server: HttpServer, body: bytes) -> None:
    shipper = http(site, server)
    server.faults.append(Fault(201, body))
    assert (await shipper.ship(SENT)).delivered == 3
    await shipper.aclose()


async def test_a_document_that_splunk_numbers_is_rejected_alone(site: OutputContext, server: HttpServer) -> None:
    stream = log_stream()
    bodies = [document({"message": text}, stream) for text in ("one", "p0ison", "three", "four")]
    sent = batch(plain_segment(2, "till"), segment(bodies, stream))
    shipper = http(site, server, **WAYS["splunk_hec"])
    receipt = await deliver(shipper, sent)
    await shipper.aclose()
    (rejected,) = receipt.rejected
    assert rejected.segment.ids[rejected.index] == sent.segments[1].ids[1]
    assert rejected.type == "invalid_data"
    assert receipt.delivered == 5


@pytest.mark.parametrize("name", ["", "splunk_hec", "datadog", "clickhouse"])
async def test_a_bad_document_is_a_dead_letter_and_the_others_arrive(
    site: OutputContext, server: HttpServer, tmp_path: Path, name: str
) -> None:
    stream = log_stream()
    bodies = [document({"message": "p0ison" if n in (7, 23) else f"line {n}"}, stream) for n in range(40)]
    bad = segment(bodies, stream)
    shipper = http(site, server, **WAYS.get(name, {}))
    desk = await delivered(shipper, tmp_path, plain_segment(20, file="a"), bad, plain_segment(20, "till"))
    assert (desk.ledger.acknowledged, desk.ledger.dead_lettered, len(desk.settled)) == (78, 2, 3)
    assert {letter["_id"] for letter in desk.letters} == {bad.ids[7], bad.ids[23]}


# ------------------------------------------------------------------ Splunk's acknowledgements


async def test_splunk_is_asked_until_events_are_indexed(site: OutputContext, server: HttpServer) -> None:
    shipper = http(site, server, **WAYS["splunk_hec"])
    assert (await shipper.ship(SENT)).delivered == 3
    await shipper.aclose()
    assert [each.path.rpartition("/")[2] for each in server.asked] == ["event", "ack", "ack"]


async def test_a_splunk_that_is_busy_is_asked_again_and_one_that_was_away_is_sent_the_events_again(
    site: OutputContext, server: HttpServer
) -> None:
    shipper = http(site, server, **WAYS["splunk_hec"])
    event = Fault(200, b'{"text":"Success","code":0,"ackId":0}', is_kept=True)
    server.faults += [event, Fault(503), Fault(429)]
    assert (await shipper.ship(SENT)).delivered == 3
    assert [each.path.rpartition("/")[2] for each in server.asked] == ["event", "ack", "ack", "ack", "ack"]
    server.faults += [event, Fault(is_cut=True)]
    with pytest.raises(Unavailable, match="cannot be reached"):
        await shipper.ship(SENT)
    server.faults += [event, Fault(400, b'{"text":"ACK is disabled","code":14}')]
    with pytest.raises(Unavailable, match="ACK is disabled"):
        await shipper.ship(SENT)
    server.faults += [event, Fault(200, b"<html>")]
    with pytest.raises(Unavailable, match="in other words when acknowledgements are asked for"):
        await shipper.ship(SENT)
    await shipper.aclose()


async def test_events_that_splunk_does_not_confirm_are_sent_again(site: OutputContext, server: HttpServer) -> None:
    server.indexes_after = 1_000
    shipper = http(site, server, **{**WAYS["splunk_hec"], "acknowledge_seconds": 0.05})
    with pytest.raises(Unavailable, match=r"did not confirm within 0.05 s .*: check its indexers"):
        await shipper.ship(SENT)
    server.faults.append(Fault(200, b'{"text":"Success","code":0}'))
    with pytest.raises(Unavailable, match="gives no acknowledgement: enable indexer acknowledgement"):
        await shipper.ship(SENT)
    await shipper.aclose()


# ------------------------------------------------------------------ requests


async def test_a_batch_over_the_limits_goes_in_several_requests(site: OutputContext, server: HttpServer) -> None:
    shipper = http(site, server, format="json_array", max_request_documents=4, max_request_bytes=900)
    sent = batch(plain_segment(6), plain_segment(7, "till"))
    assert (await shipper.ship(sent)).delivered == 13
    counts = [len(msgspec.json.decode(each.body)) for each in server.asked]
    assert max(counts) <= 4
    assert sum(counts) == 13
    assert all(len(each.body) <= 902 for each in server.asked)
    assert len({each.headers["idempotency-key"] for each in server.asked}) == len(server.asked)
    server.asked.clear()
    server.faults += [Fault(), Fault(503)]
    receipt = await shipper.ship(sent)
    assert (receipt.delivered, receipt.retry.count) == (counts[0], 13 - counts[0])
    await shipper.aclose()


async def test_datadog_gets_a_thousand_documents_a_request(site: OutputContext, server: HttpServer) -> None:
    shipper = http(site, server, **WAYS["datadog"])
    assert (await shipper.ship(batch(plain_segment(2_500)))).delivered == 2_500
    await shipper.aclose()
    assert [len(msgspec.json.decode(each.body)) for each in server.asked] == [1000, 1000, 500]


async def test_a_refused_line_arrives_as_text_with_each_preset(site: OutputContext, server: HttpServer) -> None:
    stream = log_stream()
    whole = segment([document({"message": {"a": 1}, "n": 2}, stream)], stream)
    text = as_text(Rejected(whole, 0, "too_odd", ""))
    for name, options in WAYS.items():
        shipper = http(site, server, **options)
        assert (await shipper.ship(batch(text))).delivered == 1, name
        await shipper.aclose()
    assert len(server.kept.documents[whole.ids[0]]) == len(WAYS)
    assert all(b'"delivery_error":"too_odd"' in each for each in server.kept.documents[whole.ids[0]])


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
async def test_each_compression_is_unpacked_to_the_same(
    site: OutputContext, server: HttpServer, compression: str
) -> None:
    shipper = http(site, server, compress=compression, path="/in?x=1", method="PUT", id_field="event.id")
    server.faults.append(Fault())
    await shipper.ship(SENT)
    await shipper.aclose()
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.query["x"]) == ("PUT", "/in", "1")
    assert [msgspec.json.decode(line)["event.id"] for line in asked.body.splitlines()] == [*SENT.segments[0].ids]


async def test_another_form_of_documents_is_sent_and_victorialogs_told_its_fields(
    site: OutputContext, server: HttpServer
) -> None:
    shipper = http(site, server, preset="victorialogs", document="ecs")
    await shipper.ship(SENT)
    await shipper.aclose()
    (asked,) = server.asked
    assert asked.query["_msg_field"] == "message,app.msg"
    assert asked.query["_stream_fields"] == "host.name,container.name,pilotfish.target"
    assert b'"container":{"name":' in asked.body


# ------------------------------------------------------------------ check, read back, secrets


@pytest.mark.parametrize("name", ["", *WAYS])
async def test_a_server_that_is_up_is_told_by_probe(site: OutputContext, server: HttpServer, name: str) -> None:
    shipper = http(site, server, **WAYS.get(name, {}))
    assert server.url in await shipper.probe()
    server.faults.append(Fault(401))
    with pytest.raises(Unauthorized):
        await shipper.probe()
    server.faults.append(Fault(200 if name not in ("", "idempotent", "datadog") else 500, b"<html>"))
    with pytest.raises(Unavailable):
        await shipper.probe()
    await shipper.aclose()


async def test_a_wrong_token_is_found_by_probe(site: OutputContext, server: HttpServer) -> None:
    shipper = http(site, server, preset="splunk_hec", token="wr0ng-secret")
    with pytest.raises(Unauthorized) as caught:
        await shipper.probe()
    await shipper.aclose()
    assert "wr0ng" not in f"{caught.value!r} {shipper!r}"


async def test_victorialogs_is_asked_which_documents_are_there(site: OutputContext, server: HttpServer) -> None:
    shipper = http(site, server, preset="victorialogs")
    part = plain_segment(3)
    await shipper.ship(batch(part))
    assert await shipper.read_back(plain_segment(5)) == set(part.ids)
    await shipper.aclose()
    assert not isinstance(http(site, server), ReadsBack)  # others cannot be asked


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"token": TOKEN}, "token has no effect with preset: none"),
        ({"preset": "datadog", "token": TOKEN, "document": "ecs"}, "document has no effect"),
        ({"preset": "splunk_hec", "idempotent": True}, "idempotent has no effect"),
        ({"preset": "splunk_hec", "token": TOKEN, "bearer_token": TOKEN}, "exclude each other"),
        (
            {"preset": "splunk_hec", "acknowledge": True, "hosts": ["http://a", "http://b"]},
            "acknowledge needs one host",
        ),
        ({"preset": "clickhouse", "table": "x; drop"}, "pattern"),
        ({"path": "/a b"}, "pattern"),
    ],
)
def test_an_option_without_effect_is_refused_and_no_secret_told(options: Mapping[str, object], text: str) -> None:
    with pytest.raises(ValidationError, match=text) as caught:
        Settings.model_validate({"hosts": ["http://server"], **options})
    assert TOKEN not in str(caught.value)


async def test_a_token_in_a_file_is_read_again(site: OutputContext, server: HttpServer) -> None:
    file = site.directory.parent / "token"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("old")
    shipper = http(site, server, preset="splunk_hec", token_file=file)
    with pytest.raises(Unauthorized, match="the token"):
        await shipper.ship(SENT)
    file.write_text(f"{TOKEN}\n")
    assert (await shipper.ship(SENT)).delivered == 3
    await shipper.aclose()


def test_a_file_that_is_missing_is_named(site: OutputContext) -> None:
    with pytest.raises(ConfigurationError, match="token_file"):
        opened(site, "http", "http://server", preset="splunk_hec", token_file="/nowhere/token")


async def test_ships_side_by_side_do_not_mix(site: OutputContext, server: HttpServer) -> None:
    shipper = http(site, server, **WAYS["splunk_hec"])
    parts = [batch(plain_segment(20, first=20 * n)) for n in range(5)]
    receipts = await asyncio.gather(*(shipper.ship(part) for part in parts))
    await shipper.aclose()
    assert [each.delivered for each in receipts] == [20] * 5
    assert {len(each) for each in server.kept.documents.values()} == {1}
