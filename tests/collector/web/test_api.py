"""`collector.web.api`: what the commands and the page ask."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from collector.ports import OutputContext
from collector.text.times import moment
from collector.web.api import MOST_WATCHERS, Patience
from shippers.store import Settings
from tests.collector.web.agent import Site, segment, site
from tests.contract.segments import batch, document, log_stream
from tests.contract.segments import segment as segment_of
from tests.contract.shippers import deliver


async def answer(here: Site, path: str) -> tuple[int, dict[str, object]]:
    async with here.session.get(here.url(path), headers=here.headers) as response:
        found: dict[str, object] = await response.json()
        return response.status, found


async def test_search_hands_everything_to_the_store_and_gives_its_documents(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        since = "2026-11-23T04:05:06.123456789Z"
        status, found = await answer(here, f"/api/search?q=level:error&target=shop&since={since}&limit=1")
        assert (status, found) == (200, {"total": 7, "cut": False, "documents": [{"log": {"message": "second"}}]})
        [query] = here.shelf.asked
        assert (query.text, query.target, query.until, query.limit) == ("level:error", "shop", None, 1)
        assert query.since == moment(since, now=0, zone=None)


async def test_explain_is_asked_by_name(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        for names, expected in (("", ["db", "web"]), ("?name=we", ["web"]), ("?name=d*&name=web", ["db", "web"])):
            told = await answer(here, f"/api/explain{names}")
            assert told == (200, {"containers": [{"container": name} for name in expected]})
        status, found = await answer(here, "/api/explain?names=web")
        assert (status, found["error"]) == (400, "names: no such argument")


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ("q=a:(", "the query is broken at character 3"),
        ("limit=x", "limit: not a number of documents"),
        ("limit=-1", "limit: not a number of documents"),
        ("limit=99999999999", "limit: not a number of documents"),
        ("since=yesterday", "since: not a time such as 15m, 2h, 3d or 2026-11-23T04:05:06Z"),
        ("query=x", "query: no such argument"),
        ("q=" + "x" * 4097, "q: is longer than 4096 characters"),
        ("sort=best", "sort: 'best' is unknown"),
        ("buckets=1001", "buckets: not a number that can be asked for"),
        ("values=-1", "values: not a number that can be asked for"),
        ("after=a&before=b", "after and before exclude each other"),
        ("after=" + "x" * 4097, "after: is longer than 4096 characters"),
        ("&".join(f"facet=f{number}" for number in range(11)), "facet: more than 10, or longer than 4096 characters"),
    ],
)
async def test_a_wrong_search_is_told_with_a_remedy(tmp_path: Path, arguments: str, cause: str) -> None:
    async with site(tmp_path) as here:
        status, found = await answer(here, f"/api/search?{arguments}")
        assert (status, found["error"]) == (400, cause)
        assert found["remedy"]


async def test_search_without_a_store_says_what_is_missing(tmp_path: Path) -> None:
    async with site(tmp_path, search=lambda _: None) as here:
        status, found = await answer(here, "/api/search?q=x")
        assert status == 501
        assert found["error"] == "search needs an output that can be searched"


async def test_pages_a_histogram_and_facets_of_a_store_are_had_over_http(tmp_path: Path) -> None:
    shop = log_stream()
    store = Settings.model_validate({"commit_seconds": 0.02}).open(OutputContext("local", tmp_path / "store"))
    bodies = [document({"message": str(n), "level": "warn" if n % 3 else "info"}, shop) for n in range(30)]
    await deliver(store, batch(segment_of(bodies, shop)))
    try:
        async with site(tmp_path, search=lambda _: store) as here:
            status, found = await answer(here, "/api/search?limit=12&sort=oldest&buckets=9&facet=level&facet=stream")
            assert status == 200
            seen = _messages(found)
            assert found["histogram"] == [{"start": "2026-11-23T02:13:00.768000000Z", "count": 30}]
            assert found["facets"] == {
                "level": [{"value": "warn", "count": 20}, {"value": "info", "count": 10}],
                "stream": [{"value": "stdout", "count": 30}],
            }
            while "cursor" in found:
                status, found = await answer(here, f"/api/search?limit=12&sort=oldest&after={found['cursor']}")
                seen += _messages(found)
            assert seen == [str(n) for n in range(30)]
            assert found.keys() == {"total", "cut", "documents", "start"}
            status, found = await answer(here, f"/api/search?limit=12&sort=oldest&before={found['start']}")
            assert _messages(found) == [str(n) for n in range(12, 24)]
            status, found = await answer(here, "/api/search?after=x")
            assert (status, found["error"]) == (400, "`x` is no cursor")
    finally:
        await store.aclose()


def _messages(found: dict[str, Any]) -> list[str]:
    return [one["log"]["message"] for one in found["documents"]]


async def test_status_is_what_the_agent_says(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        assert await answer(here, "/api/status") == (200, {"outputs": {"local": {"read": 3}}})


async def watch(here: Site, stack: AsyncExitStack, arguments: str = "") -> aiohttp.ClientResponse:
    """Start a tail; when this returns it is subscribed."""
    response = await stack.enter_async_context(
        here.session.get(here.url(f"/api/tail?{arguments}"), headers=here.headers)
    )
    assert response.status == 200
    return response


async def test_a_tail_streams_what_is_read_from_now_on(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        here.live.publish(segment("web-1", b'{"n":0}'))
        response = await watch(here, stack, "name=web&name=db&target=shop&text=n")
        here.live.publish(segment("web-1", b'{"n":1}', b'{"m":1}', b'{"n":2}'))
        here.live.publish(segment("cache", b'{"n":3}'))
        here.live.publish(segment("db", b'{"n":4}'))
        assert [json.loads(await response.content.readline()) for _ in range(3)] == [{"n": 1}, {"n": 2}, {"n": 4}]


async def test_a_tail_says_where_it_skipped(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        response = await watch(here, stack)
        for number in range(3):
            here.live.publish(segment("a", b'{"n":%d,"fill":"%b"}' % (number, b"x" * 900)))
        lines = [json.loads(await response.content.readline()) for _ in range(2)]
        assert (lines[0]["n"], lines[1]) == (0, {"skipped": 2})


async def admitted(here: Site) -> bool:
    async with here.session.get(here.url("/api/tail"), headers=here.headers) as response:
        return response.status == 200


async def test_watchers_are_limited_and_a_place_is_free_when_one_leaves(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        watching = [await watch(here, stack) for _ in range(MOST_WATCHERS)]
        assert not await admitted(here)
        watching[0].close()
        async with asyncio.timeout(10):
            while not await admitted(here):
                pass


async def test_a_wrong_tail_is_told(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        status, found = await answer(here, "/api/tail?container=x")
        assert (status, found["error"]) == (400, "container: no such argument")


async def test_a_stop_ends_tails_at_once(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack, asyncio.timeout(10), site(tmp_path) as here:
        response = await watch(here, stack)
        here.live.publish(segment("a", b"{}"))
        here.live.close()
        assert await response.content.read() == b"{}\n"


async def test_a_quiet_tail_has_a_heartbeat(tmp_path: Path) -> None:
    async with site(tmp_path, patience=Patience(heartbeat_seconds=0.01)) as here, AsyncExitStack() as stack:
        response = await watch(here, stack)
        assert [await response.content.readline() for _ in range(3)] == [b"\n"] * 3


async def test_a_client_that_takes_nothing_is_cut_off_and_costs_the_pipeline_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, patience=Patience(stall_seconds=0.2)) as here:
        reader, writer = await asyncio.open_connection(here.address.host, here.address.port, limit=1)
        head = (
            f"GET /api/tail HTTP/1.1\r\nHost: {here.address}\r\nAuthorization: {here.headers['Authorization']}\r\n\r\n"
        )
        writer.write(head.encode())
        assert (await reader.readexactly(15)) == b"HTTP/1.1 200 OK"
        async with asyncio.timeout(30):
            while here.live.watchers:
                here.live.publish(segment("a", b"x" * 1_000_000))
                await asyncio.wait_for(here.session.get(here.url("/healthz")), 5)
        writer.close()


async def test_a_client_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    async with site(tmp_path, patience=Patience(heartbeat_seconds=0.01)) as here:
        async with AsyncExitStack() as stack:
            response = await watch(here, stack)
            assert here.live.watchers == 1
            response.close()
        async with asyncio.timeout(10):
            while here.live.watchers:
                assert (await here.session.get(here.url("/healthz"))).status == 200
