"""Who answers that is no Elasticsearch is told from one that hides its version."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web

from collector.errors import Unavailable
from collector.ports import Setup, Site
from shippers.elasticsearch import Settings
from tests.contract.segments import batch, plain_segment
from tests.faults.bulk_endpoint import BulkEndpoint
from tests.shippers.test_elasticsearch_faults import shipping

SENT = batch(plain_segment(2))
PAGE = b"<!doctype html><title>Welcome</title>"
WRONG_METHOD = b'{"error":"Incorrect HTTP method for uri [/] and method [GET], allowed: [HEAD]","status":405}'
KIBANA = b'{"statusCode":404,"error":"Not Found","message":"Not Found"}'
FORBIDDEN = b'{"error":{"type":"security_exception","reason":"action is unauthorized"},"status":403}'
NO_SUCH = "is no Elasticsearch: it answers .* check that `hosts` names Elasticsearch or OpenSearch"


class Answers(BulkEndpoint):
    """Gives an answer by its path, else that of the path "" if it has one."""

    def __init__(self, answers: Mapping[str, tuple[int, bytes]]) -> None:
        super().__init__()
        self._answers = answers

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = self._answers.get(request.path) or self._answers.get("")
        if not answer:
            return await super()._handle(request)
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
        steps = [step async for step in settings.set_up(Site("elastic", tmp_path), Setup(), print)]
        assert [step.outcome for step in steps] == ["failed"]
        assert "is no Elasticsearch" in steps[0].text
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
        assert await shipper.probe() == f"a server that hides its version at {endpoint.url}"


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
