"""Laws of a cluster's nodes: which answers to bulk requests speak against the node that gives them."""

import pytest

from collector.net.http_client import HttpClient, Peer
from collector.net.http_node import Node
from collector.net.http_pool import Nodes
from shippers.elasticsearch.connection import Connection
from tests.collector.net.endpoint import Endpoint, reply

TOLD = b'{"errors":false,"items":[]}'


def connection_to(*endpoints: Endpoint) -> Connection:
    nodes = [Node(f"http://127.0.0.1:{one.port}", connections=4) for one in endpoints]
    peer = Peer(name="nodes", kind="Elasticsearch", who="", credentials="")
    return Connection(HttpClient(Nodes(nodes, timeout_seconds=60.0), peer), timeout_seconds=60.0)


@pytest.mark.parametrize("status", [307, 401, 403, 404, 405, 429, 500])
async def test_a_node_that_answers_an_error_at_once_draws_no_requests(status: int) -> None:
    await assert_it_draws_none(reply(status, b"{}"))


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"", b"{}", TOLD[:-1], b'{"version":{"number":"8"}}'])
async def test_a_node_that_answers_at_once_what_is_no_bulk_answer_draws_no_requests(body: bytes) -> None:
    await assert_it_draws_none(reply(200, body))


async def assert_it_draws_none(answer: bytes) -> None:
    good = reply(200, TOLD)
    async with Endpoint(0.01, good) as first, Endpoint(0.01, good) as second, Endpoint(0.0, answer) as bad:
        connection = connection_to(first, second, bad)
        answers = [await connection.bulk("errors,items", b"{}\n", gzipped=False) for _ in range(30)]
        await connection.aclose()
        assert {(each.status, each.body) for each in answers} == {(200, TOLD)}
        assert 1 <= bad.asked <= 2  # one more when a second has gone by


async def test_a_refusal_for_what_is_in_a_request_is_given_as_it_is_and_asked_nowhere_else() -> None:
    good = reply(200, TOLD)
    refusal = reply(413, b"{}")
    async with Endpoint(0.01, good) as one, Endpoint(0.0, refusal) as other:
        connection = connection_to(one, other)
        statuses = [(await connection.bulk("errors,items", b"{}\n", gzipped=False)).status for _ in range(6)]
        await connection.aclose()
        assert set(statuses) == {200, 413}
        assert one.asked + other.asked == 6
