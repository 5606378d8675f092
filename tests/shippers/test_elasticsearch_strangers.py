"""Who answers that is not Elasticsearch is told from one that hides its version."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from collector.errors import Unavailable
from collector.ports import OutputContext, Setup
from shippers.elasticsearch import Settings
from tests.contract.segments import batch, plain_segment
from tests.faults.bulk_endpoint import BulkEndpoint
from tests.shippers.test_elasticsearch_faults import shipping

SENT = batch(plain_segment(2))
PAGE = b"<!doctype html><title>Welcome</title>"
WRONG_METHOD = b'{"error":"Incorrect HTTP method for uri [/] and method [GET], allowed: [HEAD]","status":405}'
KIBANA = b'{"statusCode":404,"error":"Not Found","message":"Not Found"}'
FORBIDDEN = b'{"error":{"type":"security_exception","reason":"action is unauthorized"},"status":403}'
NO_SUCH = "is not Elasticsearch: .* check that `hosts` names Elasticsearch or OpenSearch"


class Answers(BulkEndpoint):
    """Gives an answer by its path, else that of the path "" if it has one."""

    def __init__(self, answers: Mapping[str, tuple[int, bytes]]) -> None:
        super().__init__()
        self._answers = answers

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        usual = await super()._handle(request)
        answer = self._answers.get(request.path) or self._answers.get("")
        if not answer:
            return usual
        status, body = answer
        return web.Response(status=status, body=body)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, PAGE),
        (404, PAGE),
        (403, PAGE),
        (302, b""),
        (200, b"[]"),
        (404, b'{"detail":"Not Found"}'),
        (404, KIBANA),
        (200, b"\xff"),
    ],
)
async def test_another_program_fails_the_check_and_the_first_batch_and_the_setup(
    tmp_path: Path, status: int, body: bytes
) -> None:
    async with Answers({"": (status, body)}) as endpoint, shipping(endpoint, tmp_path) as shipper:
        with pytest.raises(Unavailable, match=NO_SUCH) as caught:
            await shipper.probe()
        assert f"answers {status} " in str(caught.value)
        with pytest.raises(Unavailable, match=NO_SUCH):
            await shipper.ship(SENT)
        settings = Settings.model_validate({"type": "elasticsearch", "hosts": [endpoint.url]})
        steps = [step async for step in settings.set_up(OutputContext("elastic", tmp_path), Setup(), print)]
        assert [step.outcome for step in steps] == ["failed"]
        assert "is not Elasticsearch" in steps[0].text
        assert "check that `hosts`" in steps[0].remedy
        assert "monitor" not in f"{steps}"


@pytest.mark.parametrize(
    "answers",
    [
        {"/": (405, WRONG_METHOD), "/_nodes/_local": (403, FORBIDDEN)},
        {"/": (403, FORBIDDEN), "/_nodes/_local": (403, FORBIDDEN)},
        {"/": (403, b'{"Message":"User: anonymous is not authorized"}'), "/_nodes/_local": (403, b"")},
        {"/": (200, b'{"tagline":"You Know, for Search"}'), "/_nodes/_local": (404, b"")},
        {"/": (403, PAGE), "/_nodes/_local": (403, PAGE), "/_bulk": (405, WRONG_METHOD)},
    ],
)
async def test_a_server_that_hides_its_version_passes_also_behind_a_proxy_that_lets_bulk_requests_through_alone(
    tmp_path: Path, answers: Mapping[str, tuple[int, bytes]]
) -> None:
    async with Answers(answers) as endpoint, shipping(endpoint, tmp_path) as shipper:
        assert await shipper.probe() == f"a server that does not report its version at {endpoint.url}"


@pytest.mark.parametrize("body", [b'{"index_templates":[7]}', b'{"index_templates":7}', b"[]", b"<html>"])
async def test_templates_told_in_other_words_keep_no_document_back(tmp_path: Path, body: bytes) -> None:
    answers = {"/_index_template/pilotfish*": (200, body)}
    async with Answers(answers) as endpoint, shipping(endpoint, tmp_path) as shipper:
        assert (await shipper.ship(SENT)).delivered == 2
        assert [each.path for each in endpoint.received if each.method == "PUT"] == ["/_template/pilotfish"]


async def test_a_server_that_hides_its_version_gets_documents(tmp_path: Path) -> None:
    answers = {"/": (405, WRONG_METHOD), "/_nodes/_local": (403, FORBIDDEN)}
    async with Answers(answers) as endpoint, shipping(endpoint, tmp_path, template="off") as shipper:
        assert (await shipper.ship(SENT)).delivered == 2


ZINC = (
    b'{"name":"zinc","cluster_name":"N/A","cluster_uuid":"N/A","version":{"number":"0.2.3","build_flavor":"default",'
    b'"build_hash":"1bb1154","build_date":"2022-05-11T21:32:26Z","build_snapshot":false,"lucene_version":"N/A",'
    b'"minimum_wire_version":"N/A","minimum_index_compatibility":"N/A"},"tagline":"You Know, for Search"}'
)
QUICKWIT = (
    b'{"name":"node-1","cluster_name":"quickwit-default-cluster","cluster_uuid":"quickwit-default-cluster","tagline":'
    b'"You Know, for Search","version":{"distribution":"quickwit","number":"7.17.0","build_hash":"f00","build_date":'
    b'"2026-01-01","build_snapshot":false,"lucene_version":"8.11.1","minimum_wire_compatibility_version":"6.8.0"}}'
)
VICTORIA = (200, b'{\n\t\t\t"version": {\n\t\t\t\t"number": "8.9.0"\n\t\t\t}\n\t\t}')  # as 1.52.1 answers, seen
VICTORIAS_NO = b'unsupported path requested: "/insert/elasticsearch/_template"\n'
BULK = (200, b'{"took":4,"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}')
KINDRED: Mapping[str, tuple[str, str, Mapping[str, tuple[int, bytes]]]] = {
    "victoria": ("VictoriaLogs", "8.9.0", {"/": VICTORIA, "/_template": (400, VICTORIAS_NO), "/_bulk": BULK}),
    "greptime": (
        "another program",
        "8.16.0",
        {"/": (200, b'{"version":{"number":"8.16.0"}}'), "/_template": (404, b"")},
    ),
    "zinc": ("ZincSearch", "0.2.3", {"/": (200, ZINC), "/_template": (404, b'{"error":"page not found"}')}),
    "observe": ("another program", "0.2.3", {"/": (200, ZINC.replace(b"zinc", b"NONE"))}),
    "quickwit": ("Quickwit", "7.17.0", {"/": (200, QUICKWIT), "/_template": (404, b'{"message":"Route not found"}')}),
}


@pytest.mark.parametrize("kind", KINDRED)
async def test_a_server_that_only_speaks_bulk_is_told_as_what_it_is_and_sends_nobody_to_setup(
    tmp_path: Path, kind: str
) -> None:
    product, version, answers = KINDRED[kind]
    async with Answers(answers) as endpoint, shipping(endpoint, tmp_path) as shipper:
        told = await shipper.probe()
        assert told.startswith(
            f"{product} (it accepts bulk requests like Elasticsearch {version}, has no templates, and may"
        )
        assert told.endswith(f" at {endpoint.url}")
        with capture_logs() as logged:
            assert (await shipper.ship(SENT)).delivered == 2
        assert [each["log_level"] for each in logged] == ["info"]
        assert product in logged[0]["server"]
        assert "setup" not in f"{told} {logged}"
        assert [each.path for each in endpoint.received if each.method == "PUT"] == []
        bulk = endpoint.bulks[0].body
        assert b"_type" not in bulk
        settings = Settings.model_validate({"type": "elasticsearch", "hosts": [endpoint.url]})
        (step,) = [step async for step in settings.set_up(OutputContext("elastic", tmp_path), Setup(), print)]
        assert (step.outcome, step.text) == ("failed", f"it is {product}, which has no templates")


async def test_a_root_that_a_proxy_cut_down_is_still_elasticsearchs(tmp_path: Path) -> None:
    async with (
        Answers({"/": (200, b'{"version":{"number":"8.19.0"}}')}) as endpoint,
        shipping(endpoint, tmp_path) as shipper,
    ):
        assert await shipper.probe() == f"Elasticsearch 8.19.0 at {endpoint.url}"
        await shipper.ship(SENT)
        assert [each.path for each in endpoint.received if each.method == "PUT"] == ["/_template/pilotfish"]


@pytest.mark.parametrize("body", [b"404 page not found", b'{"message":"Route not found"}', b""])
async def test_a_server_that_answers_in_other_words_to_a_template_sends_nobody_to_setup(
    tmp_path: Path, body: bytes
) -> None:
    answers = {"/_template/pilotfish": (404, body)}
    async with Answers(answers) as endpoint, shipping(endpoint, tmp_path) as shipper:
        with capture_logs() as logged:
            assert (await shipper.ship(SENT)).delivered == 2
    (told,) = [each for each in logged if each["log_level"] == "warning"]
    assert told["remedy"] == "it seems to have no templates: set template: off"


async def test_a_name_that_a_server_gives_itself_is_shown_on_one_line(tmp_path: Path) -> None:
    body = b'{"version":{"distribution":"\\u001b[31mevil\\n' + b"x" * 100 + b'","number":"1"}}'
    async with Answers({"/": (200, body)}) as endpoint, shipping(endpoint, tmp_path) as shipper:
        assert (await shipper.probe()).startswith("31mevil" + "x" * 33 + " (it accepts")
