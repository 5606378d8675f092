import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from collector.documents.refused import as_text
from collector.errors import Refused, Unauthorized, Unavailable
from collector.model import Receipt, Rejected
from collector.ports import OutputContext
from shippers.elasticsearch import ElasticsearchShipper, Settings
from shippers.elasticsearch.indices import Indices
from shippers.elasticsearch.outcomes import receipt_of
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import settled
from tests.faults.bulk_endpoint import BulkEndpoint, Reply, documents_in, items

SENT = batch(plain_segment(2), plain_segment(0, "idle"), plain_segment(2, "till"))
MAPPING = {"type": "mapper_parsing_exception", "reason": "failed to parse", "caused_by": {"reason": "Duplicate field"}}
DEEP = b'{"x":%b%b,"error":"odd"}' % (b"[" * 100_000, b"]" * 100_000)
ODD = {"type": "a_type_of_next_year_exception", "reason": "because"}


@asynccontextmanager
async def shipping(endpoint: BulkEndpoint, path: Path, **options: object) -> AsyncIterator[ElasticsearchShipper]:
    given = {"type": "elasticsearch", "hosts": [endpoint.url], **options}
    shipper = Settings.model_validate(given).open(OutputContext("elastic", path))
    try:
        yield shipper
    finally:
        await shipper.aclose()


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Reply(status=413), Refused, "413"),
        (Reply(status=400, body=b'{"error":{"type":"parse_exception","reason":"odd"}}'), Refused, "odd"),
        (Reply(status=401), Unauthorized, "without credentials"),
        (Reply(status=403, body=b'{"error":{"type":"security_exception","reason":"no"}}'), Unauthorized, "tion: no"),
        (Reply(status=429), Unavailable, "overloaded"),
        (Reply(status=502, body=b"<html>", headers={"content-type": "text/html"}), Unavailable, "502: <html>"),
        (Reply(status=503, headers={"content-type": "application/octet-stream"}), Unavailable, "overloaded"),
        (Reply(status=504), Unavailable, "no reason given"),
        (Reply(status=500, body=b'{"error":"broken"}'), Unavailable, "500: broken"),
        (Reply(status=404, body=b"nothing\nhere"), Unavailable, "404: nothing here.*check that `hosts`"),
        (Reply(status=400, body=b'{"error":{"type":"parse","reason":"x"}}'), Unavailable, "400: parse: x"),
        (Reply(body=b"<html>log in</html>", headers={"content-type": "text/html"}), Unavailable, "not a bulk response"),
        (Reply(body=b""), Unavailable, "not a bulk response"),
        (Reply(body=b"{}"), Unavailable, "not a bulk response"),
        (Reply(body=items(201, 201, 201)), Unavailable, "of 4 documents covers 3"),
        (Reply(body=items(*[201] * 5)), Unavailable, "of 4 documents covers 5"),
        (Reply(body=items(*[201] * 4)[:-1]), Unavailable, "truncated"),
        (Reply(body=items(*[201] * 4)[:-12] + b"]}"), Unavailable, "truncated"),
        (Reply(body=b'{"errors":false}'), Unavailable, "not a bulk response"),
        (Reply(body=b'{"errors":true,"items":[{"index":{"status":201}}]}'), Unavailable, "not a bulk response"),
        (Reply(body=DEEP), Unavailable, "not a bulk response"),
        (Reply(status=400, body=DEEP), Unavailable, "400: "),
        (Reply(status=400, body=b'{"error":{"type":"parse"}}'), Unavailable, "400: parse"),
        (Reply(cut_bytes=20), Unavailable, "cannot be reached"),
        (Reply(cut_bytes=0), Unavailable, "cannot be reached"),
    ],
)  # fmt: skip
async def test_an_answer_that_does_not_tell_leaves_the_batch_unknown_and_says_why(
    tmp_path: Path, reply: Reply, error: type[Exception], words: str
) -> None:
    async with BulkEndpoint([reply]) as endpoint, shipping(endpoint, tmp_path) as shipper:
        with pytest.raises(error, match=words) as caught:
            await shipper.ship(SENT)
        assert type(caught.value) is error
        assert "\n" not in str(caught.value)
        again = settled(await shipper.ship(SENT), SENT)
        assert again.delivered + again.duplicate == 4


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=400, body=b'{"error":{"type":"json_parse_exception","reason":"Illegal character"},"status":400}'),
        Reply(status=400, body=b'{"error":{"type":"illegal_argument_exception","reason":"Malformed action/metadata"}}'),
        Reply(status=400, body=b"<html>Bad Request</html>"),
        Reply(status=406, body=b'{"error":"Content-Type header is not supported"}'),
        Reply(status=415),
        Reply(status=501),
    ],
)
@pytest.mark.parametrize("compress", [True, False])
async def test_a_refusal_that_may_be_for_the_compression_says_so(
    tmp_path: Path, reply: Reply, *, compress: bool
) -> None:
    async with BulkEndpoint([reply]) as endpoint, shipping(endpoint, tmp_path, compress=compress) as shipper:
        with pytest.raises((Refused, Unavailable)) as caught:
            await shipper.ship(SENT)
    assert ("set compress: false if it does not accept gzip" in str(caught.value)) is compress


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("1000000000", 60.0), ("9" * 999, 60.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)],
)
async def test_the_servers_wish_when_to_try_again_is_handed_on_up_to_a_minute(
    tmp_path: Path, status: int, text: str, seconds: float | None
) -> None:
    async with (
        BulkEndpoint([Reply(status=status, headers={"retry-after": text})]) as endpoint,
        shipping(endpoint, tmp_path) as shipper,
    ):
        with pytest.raises(Unavailable) as caught:
            await shipper.ship(SENT)
    assert caught.value.retry_after == seconds


async def test_a_redirect_sends_documents_nowhere_else(tmp_path: Path) -> None:
    async with BulkEndpoint() as elsewhere:
        redirect = Reply(status=307, headers={"location": f"{elsewhere.url}/_bulk"})
        async with BulkEndpoint([redirect]) as endpoint, shipping(endpoint, tmp_path) as shipper:
            with pytest.raises(Unavailable, match="307"):
                await shipper.ship(SENT)
        assert elsewhere.received == []


async def test_an_answer_that_is_far_too_long_is_read_no_further(tmp_path: Path) -> None:
    async with BulkEndpoint([Reply(body=b" " * (120 << 20))]) as endpoint, shipping(endpoint, tmp_path) as shipper:
        with pytest.raises(Unavailable, match="sends a response of more than 1 MiB: check the proxies"):
            await shipper.ship(SENT)
        assert (await shipper.ship(SENT)).duplicate == 4


async def test_a_bomb_in_gzip_as_an_answer_fills_no_memory(tmp_path: Path) -> None:
    bomb = Reply(body=gzip.compress(b" " * (300 << 20)), headers={"content-encoding": "gzip"})
    async with BulkEndpoint([bomb]) as endpoint, shipping(endpoint, tmp_path) as shipper:
        tracemalloc.start()
        try:
            with pytest.raises(Unavailable, match="sends a response of more than 1 MiB"):
                await shipper.ship(SENT)
            assert tracemalloc.get_traced_memory()[1] < 24 << 20
        finally:
            tracemalloc.stop()


async def test_a_request_that_is_refused_for_its_size_before_it_was_read_is_refused(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = b'{"version":{"number":"8.19.0"}}'
        status = b"413 Too Large" if b"_bulk" in head else b"200 OK"
        writer.write(b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()
        writer.close()

    many = batch(plain_segment(20_000))
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = Settings.model_validate(
            {"type": "elasticsearch", "hosts": [url], "compress": False, "template": "off"}
        )
        shipper = settings.open(OutputContext("elastic", tmp_path))
        with pytest.raises(Refused, match="413"):
            await shipper.ship(many)
        await shipper.aclose()


async def test_a_slow_answer_is_given_up_after_the_configured_time(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with (
        BulkEndpoint([Reply(hold=never)]) as endpoint,
        shipping(endpoint, tmp_path, request_timeout_seconds=0.05) as shipper,
    ):
        with pytest.raises(Unavailable, match=r"within 0\.05 s.*request_timeout_seconds"):
            await shipper.ship(SENT)


async def test_batches_that_wait_for_a_server_that_hangs_share_its_silence(tmp_path: Path) -> None:
    opened = 0

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await reader.read()  # until the other side has enough
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        given = {"type": "elasticsearch", "hosts": [url], "request_timeout_seconds": 0.2}
        shipper = Settings.model_validate(given).open(OutputContext("elastic", tmp_path))
        for rounds in (1, 2):
            ended = await asyncio.gather(*(shipper.ship(SENT) for _ in range(4)), return_exceptions=True)
            assert [type(each) for each in ended] == [Unavailable] * 4
            assert len({str(each) for each in ended}) == 1
            assert opened == rounds
        await shipper.aclose()


async def test_a_refused_connection_names_the_host_and_ends_when_it_is_back(tmp_path: Path) -> None:
    async with BulkEndpoint() as endpoint, shipping(endpoint, tmp_path) as shipper:
        await endpoint.stop()
        with pytest.raises(
            Unavailable, match=rf"{endpoint.url} cannot be reached \(Connection refused\): check `hosts`"
        ):
            await shipper.ship(SENT)
        await endpoint.start()
        assert (await shipper.ship(SENT)).delivered == 4


async def test_a_host_name_that_does_not_exist_is_unavailable(tmp_path: Path) -> None:
    async with BulkEndpoint() as endpoint, shipping(endpoint, tmp_path, hosts=["http://nowhere.invalid"]) as shipper:
        with pytest.raises(Unavailable, match=r"nowhere\.invalid cannot be reached \([^\[\]]*\): check"):
            await shipper.ship(SENT)


async def test_a_node_that_is_away_is_passed_over(tmp_path: Path) -> None:
    async with BulkEndpoint() as away, BulkEndpoint() as there:
        await away.stop()
        async with shipping(there, tmp_path, hosts=[away.url, there.url]) as shipper:
            await asyncio.gather(shipper.ship(SENT), return_exceptions=True)
            receipts = [await shipper.ship(SENT) for _ in range(3)]
        assert [receipt.delivered + receipt.duplicate for receipt in receipts] == [4, 4, 4]


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Reply(status=429, headers={"retry-after": "7"}), Unavailable, "overloaded"),
        (Reply(status=401), Unauthorized, "without credentials"),
        (Reply(status=403), Unauthorized, "does not permit"),
        (Reply(status=500, body=b'{"error":"broken"}'), Unavailable, "500: broken"),
        (Reply(body=b"<html>log in</html>"), Unavailable, "not a bulk response"),
    ],
)
async def test_what_all_nodes_answer_is_told_as_it_would_be_of_one(
    tmp_path: Path, reply: Reply, error: type[Exception], words: str
) -> None:
    async with (
        BulkEndpoint([reply] * 2) as one,
        BulkEndpoint([reply] * 2) as other,
        shipping(one, tmp_path, hosts=[one.url, other.url]) as shipper,
    ):
        with pytest.raises(error, match=words) as caught:
            await shipper.ship(SENT)
        assert type(caught.value) is error
        assert (len(one.bulks), len(other.bulks)) == (1, 1)
        if reply.status == 429:
            assert isinstance(caught.value, Unavailable)
            assert caught.value.retry_after == 7


async def test_an_upgrade_while_running_is_noticed_in_both_directions(tmp_path: Path) -> None:
    wants = b'{"error":{"type":"x","reason":"Validation Failed: 1: type is missing;"}}'
    refuses = b'{"error":{"type":"x","reason":"Action/metadata line [1] contains an unknown parameter [_type]"}}'
    script = [Reply(status=400, body=wants), Reply(), Reply(), Reply(status=400, body=refuses), Reply()]
    async with BulkEndpoint(script) as endpoint, shipping(endpoint, tmp_path) as shipper:
        for _ in range(3):
            await shipper.ship(SENT)
    types = [documents_in(each.body)[0].type for each in endpoint.bulks]
    assert types == [None, "_doc", "_doc", "_doc", None]


class QueryEndpoint(BulkEndpoint):
    """Keeps how long each bulk request lets it wait for shards."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[str] = []

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/_bulk":
            self.timeouts.append(request.query["timeout"])
        return await super()._handle(request)


@pytest.mark.parametrize(("seconds", "told"), [(600.0, "3000ms"), (60.0, "3000ms"), (6.0, "2000ms"), (1.0, "1000ms")])
async def test_a_server_waits_for_shards_for_a_small_part_of_the_time_and_of_the_patience_with_a_node(
    tmp_path: Path, seconds: float, told: str
) -> None:
    async with QueryEndpoint() as endpoint, shipping(endpoint, tmp_path, request_timeout_seconds=seconds) as shipper:
        await shipper.ship(SENT)
        assert endpoint.timeouts == [told]


class TemplateEndpoint(BulkEndpoint):
    """Answers requests for the template with `statuses`, then as it should."""

    def __init__(self, *statuses: int) -> None:
        super().__init__()
        self.statuses = list(statuses)

    @property
    def templates(self) -> int:
        return sum(each.path.startswith("/_template/") for each in self.received)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = await super()._handle(request)
        if request.path.startswith("/_template/") and self.statuses:
            return web.Response(status=self.statuses.pop(0), body=b'{"error":"no master"}')
        return answer


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_no_document_is_sent_before_a_template_that_is_refused_in_passing_is_there(
    tmp_path: Path, status: int
) -> None:
    async with TemplateEndpoint(status, status) as endpoint, shipping(endpoint, tmp_path) as shipper:
        for _ in range(2):
            with pytest.raises(Unavailable, match=f"{status}: no master"):
                await shipper.ship(SENT)
        assert endpoint.bulks == []
        for _ in range(2):
            await shipper.ship(SENT)
        assert endpoint.templates == 3


async def test_a_template_that_is_forbidden_keeps_no_document_back(tmp_path: Path) -> None:
    async with TemplateEndpoint(403) as endpoint, shipping(endpoint, tmp_path) as shipper:
        assert (await shipper.ship(SENT)).delivered == 4
        assert endpoint.templates == 1


class WantsComposable(BulkEndpoint):
    """Takes no legacy template, and answers with `status` to who asks which templates are there."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = await super()._handle(request)
        if request.method == "PUT" and request.path.startswith("/_template/"):
            return web.Response(status=400, body=b'{"error":"use composable templates (/_index_template) instead"}')
        if request.method == "GET" and request.path == "/_template":
            return web.Response(status=self.status, body=b'{"error":"no"}')
        return answer


async def test_who_may_not_see_the_templates_installs_none_and_keeps_no_document_back(tmp_path: Path) -> None:
    async with WantsComposable(403) as endpoint, shipping(endpoint, tmp_path) as shipper:
        with capture_logs() as logged:
            assert (await shipper.ship(SENT)).delivered == 4
        assert [each["reason"] for each in logged if each["log_level"] == "warning"] == ["403: no"]
        assert [each.path for each in endpoint.received if each.method == "PUT"] == ["/_template/pilotfish"]
    async with WantsComposable(503) as endpoint, shipping(endpoint, tmp_path) as shipper:
        with pytest.raises(Unavailable, match="503: no"):
            await shipper.ship(SENT)


async def test_the_version_is_asked_again_after_an_outage(tmp_path: Path) -> None:
    async with BulkEndpoint(version="6.8.23") as endpoint, shipping(endpoint, tmp_path) as shipper:
        await shipper.ship(SENT)
        endpoint.version = "7.17.0"
        endpoint.script.append(Reply(cut_bytes=0))
        with pytest.raises(Unavailable):
            await shipper.ship(SENT)
        await shipper.ship(SENT)
    types = [documents_in(each.body)[0].type for each in endpoint.bulks]
    assert types == ["_doc", "_doc", None]


@pytest.mark.parametrize("compress", [True, False])
async def test_a_request_says_how_it_is_encoded_in_plain_media_types(tmp_path: Path, *, compress: bool) -> None:
    many = batch(plain_segment(8000))
    async with BulkEndpoint() as endpoint, shipping(endpoint, tmp_path, compress=compress) as shipper:
        assert (await shipper.ship(many)).delivered == 8000
    (bulk,) = endpoint.bulks
    headers = {name.lower(): value for name, value in bulk.headers.items()}
    assert (headers["content-type"], headers["accept"]) == ("application/x-ndjson", "application/json")
    assert headers.get("content-encoding") == ("gzip" if compress else None)
    assert (bulk.size < len(bulk.body) / 5) is compress
    assert [each.source for each in documents_in(bulk.body)] == many.segments[0].documents


def told(*outcomes: tuple[int, Mapping[str, object] | None]) -> Receipt:
    entries = [{"create": {"status": status, **({"error": error} if error else {})}} for status, error in outcomes]
    return settled(receipt_of(SENT, msgspec.json.encode({"errors": True, "items": entries})), SENT)


OK = (201, None)


def test_each_item_is_accounted_for_by_itself() -> None:
    conflict = {"type": "version_conflict_engine_exception", "reason": "is there"}
    receipt = told(OK, (409, conflict), (400, MAPPING), (429, {"type": "es_rejected_execution_exception"}))
    assert (receipt.delivered, receipt.duplicate, receipt.retry.count, receipt.waits) == (1, 1, 1, {})
    (rejected,) = receipt.rejected
    assert (rejected.segment.stream.target, rejected.index, rejected.type) == ("till", 0, "mapper_parsing_exception")
    assert rejected.reason == "failed to parse (Duplicate field)"
    (again,) = receipt.retry.segments
    assert (again.ids, again.documents) == (SENT.segments[2].ids[1:], SENT.segments[2].documents[1:])
    assert (again.size, again.ticket) == (len(again.documents[0]), SENT.segments[2].ticket)


@pytest.mark.parametrize("status", [-1, 0, 100, 202, 302])
def test_a_status_that_tells_nothing_leaves_the_document_unknown(status: int) -> None:
    assert told(OK, (status, None), OK, OK).retry.count == 1


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504, 409])
def test_a_refusal_for_load_is_sent_again_without_an_alarm(status: int) -> None:
    receipt = told(OK, OK, OK, (status, {"type": "es_rejected_execution_exception"}))
    assert (receipt.retry.count, receipt.waits, receipt.rejected) == (1, {}, ())


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("unavailable_shards_exception", "_cluster/allocation/explain"),
        ("process_cluster_event_timeout_exception", "_cluster/pending_tasks"),
    ],
)
def test_an_index_that_cannot_take_documents_waits_alone_though_the_status_is_503(kind: str, remedy: str) -> None:
    receipt = told(OK, OK, OK, (503, {"type": kind, "reason": "primary shard is not active"}))
    assert (receipt.delivered, receipt.retry.count, receipt.rejected) == (3, 1, ())
    assert list(receipt.waits) == ["till"]
    assert remedy in receipt.waits["till"]


def test_a_document_that_an_ingest_pipeline_fails_on_is_refused_though_the_status_is_500() -> None:
    receipt = told((500, {"type": "fail_processor_exception", "reason": "no date"}), OK, OK, OK)
    assert ([each.type for each in receipt.rejected], receipt.retry.count) == (["fail_processor_exception"], 0)


def test_a_servers_own_fault_waits_for_the_operator_and_does_not_hold_up_other_targets() -> None:
    receipt = told((500, {"type": "exception", "reason": "FailProcessorException"}), OK, OK, OK)
    assert (receipt.delivered, receipt.retry.count) == (3, 1)
    assert receipt.waits == {
        "shop": "index shop-2026.11.23: exception (500): FailProcessorException: fix the template or the settings of "
        "the index shop-2026.11.23; the documents are then sent again automatically"
    }


@pytest.mark.parametrize("status", [400, 402, 410, 418])
def test_an_unknown_refusal_is_the_documents_where_its_neighbour_was_taken(status: int) -> None:
    receipt = told(OK, (status, ODD), OK, OK)
    assert [each.type for each in receipt.rejected] == [ODD["type"]]


@pytest.mark.parametrize("status", [400, 402, 410, 418])
def test_an_unknown_refusal_of_all_of_an_index_waits_for_the_operator(status: int) -> None:
    receipt = told((status, ODD), (status, ODD), OK, OK)
    assert (receipt.delivered, receipt.retry.count, receipt.rejected) == (2, 2, ())
    assert receipt.waits == {
        "shop": f"index shop-2026.11.23: a_type_of_next_year_exception ({status}): because: fix the template or the "
        "settings of the index shop-2026.11.23; the documents are then sent again automatically"
    }


@pytest.mark.parametrize("status", [400, 409, 429, 503])
def test_an_item_that_failed_is_seen_though_the_answer_says_that_none_did(status: int) -> None:
    entries = [{"create": {"status": one}} for one in (201, 201, 201, status)]
    receipt = settled(receipt_of(SENT, msgspec.json.encode({"errors": False, "items": entries})), SENT)
    assert receipt.delivered == 3


def test_a_success_with_an_error_is_sent_again() -> None:
    receipt = told((201, MAPPING), OK, OK, OK)
    assert (receipt.delivered, receipt.retry.count) == (3, 1)


@pytest.mark.parametrize("kind", ["node_disconnected_exception", "receive_timeout_transport_exception"])
def test_a_node_of_the_cluster_that_is_away_is_no_fault_for_the_operator(kind: str) -> None:
    receipt = told((500, {"type": kind}), OK, OK, OK)
    assert (receipt.retry.count, receipt.waits) == (1, {})


TEXT = as_text(Rejected(plain_segment(1), 0, "mapper_parsing_exception", ""))
FOREIGN = [
    (
        "mapper_parsing_exception",
        "object mapping for [log] tried to parse field [log] as object, but found a value",
        "log",
    ),
    ("document_parsing_exception", "[1:8] object mapping for [log] tried to parse field [log] as object", "log"),
    ("strict_dynamic_mapping_exception", "mapping set to strict, dynamic introduction of [log] within [_doc]", "log"),
    ("mapper_parsing_exception", "failed to parse field [host] of type [long] in document with id '1'", "host"),
    ("illegal_argument_exception", "Limit of total fields [1000] has been exceeded", ""),
]


@pytest.mark.parametrize(("kind", "reason", "field"), FOREIGN)
def test_an_index_that_takes_no_text_and_took_nothing_waits_by_name(kind: str, reason: str, field: str) -> None:
    indices = Indices()
    answer = items(400, error={"type": kind, "reason": reason})
    receipt = settled(receipt_of(batch(TEXT), answer, indices=indices), batch(TEXT))
    assert (receipt.rejected, receipt.retry.count, list(receipt.unsure)) == ((), 1, ["shop"])
    for word in (
        "index shop-2026.11.23",
        kind,
        reason,
        f"correct the mapping of its field{f' {field}' if field else 's'}",
    ):
        assert word in receipt.waits["shop"]
    assert receipt_of(batch(plain_segment(1)), answer, indices=indices).rejected  # it has a text still
    receipt_of(batch(plain_segment(1, first=1)), items(201), indices=indices)
    assert len(receipt_of(batch(TEXT), answer, indices=indices).rejected) == 1


def test_a_word_that_is_too_long_for_any_index_is_the_documents_fault() -> None:
    error = {"type": "illegal_argument_exception", "reason": 'Document contains at least one immense term in field="x"'}
    assert len(receipt_of(batch(TEXT), items(400, error=error)).rejected) == 1


def test_an_index_that_took_something_long_ago_is_not_known_to_take_anything() -> None:
    now = [0.0]
    indices = Indices(clock=lambda: now[0])
    indices.take_note(["a"])
    assert indices.takes("a")
    now[0] = 601.0
    assert not indices.takes("a")
    indices.take_note(str(number) for number in range(20_000))
    assert indices.takes("19999")
    assert not indices.takes("0")


def test_a_whole_segment_to_send_again_is_the_same_segment() -> None:
    load = (429, {"type": "es_rejected_execution_exception"})
    assert told(load, load, OK, OK).retry.segments[0] is SENT.segments[0]
