"""`collector.web.v1.streaming`: events of what is read, and nothing missed by who comes back."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from collector.search import cursor
from collector.text.times import moment
from collector.web.api import MOST_WATCHERS, Patience
from collector.web.v1.streaming import OVERLAP_NANOSECONDS
from tests.collector.web.agent import Site, site
from tests.collector.web.held import OPEN, VAULT, held, lines


async def tail(here: Site, stack: AsyncExitStack, arguments: str = "", **headers: str) -> aiohttp.ClientResponse:
    """Begin; when this returns it is subscribed."""
    url = here.url(f"/api/v1/tail?{arguments}")
    return await stack.enter_async_context(here.session.get(url, headers={**here.headers, **headers}))


async def event(answer: aiohttp.ClientResponse) -> tuple[str, str, Any]:
    """Name, id and data of the next."""
    told = dict(line.split(": ", 1) for line in (await answer.content.readuntil(b"\n\n")).decode().splitlines() if line)
    return told["event"], told.get("id", ""), json.loads(told["data"])


def numbers(documents: list[dict[str, Any]]) -> list[int]:
    return [int(one["log"]["message"].split()[2]) for one in documents]


async def test_documents_come_with_their_ids_and_a_cursor(tmp_path: Path) -> None:
    async with held(tmp_path) as here, AsyncExitStack() as stack:
        answer = await tail(here, stack, "name=web&level=ERROR&text=line&target=shop")
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert (await event(answer))[2] == []
        here.live.publish(lines(VAULT))
        here.live.publish(lines(OPEN, 4, 30))
        name, key, documents = await event(answer)
        assert (name, numbers(documents)) == ("documents", [30, 33])
        assert [one["_id"] for one in documents] == [lines(OPEN, 4, 30).ids[n] for n in (0, 3)]
        assert key


async def test_who_comes_back_gets_what_was_written_meanwhile_and_none_twice(tmp_path: Path) -> None:
    async with held(tmp_path) as here, AsyncExitStack() as stack:
        front = moment("2026-11-23T02:13:20Z", now=0, zone=None) + OVERLAP_NANOSECONDS
        answer = await tail(here, stack, "name=web-1", **{"Last-Event-ID": cursor.written([front])})
        assert (await event(answer))[1] == cursor.written([front])
        assert numbers((await event(answer))[2]) == list(range(20, 30))
        here.live.publish(lines(OPEN, 15, 25))
        assert numbers((await event(answer))[2]) == list(range(30, 40))


async def test_a_client_that_is_too_slow_is_told_how_much_it_missed(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        answer = await tail(here, stack)
        await event(answer)
        for first in (0, 20, 40):
            here.live.publish(lines(OPEN, 20, first))
        assert (await event(answer))[0] == "documents"
        assert await event(answer) == ("skipped", "", {"skipped": 40})


async def test_a_quiet_tail_has_a_comment_as_heartbeat(tmp_path: Path) -> None:
    async with site(tmp_path, patience=Patience(heartbeat_seconds=0.01)) as here, AsyncExitStack() as stack:
        answer = await tail(here, stack)
        await event(answer)
        assert (await answer.content.readuntil(b"\n\n")).startswith(b":")


async def test_a_cursor_that_is_none_is_told(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        for wrong in ("x", "W10", cursor.written(["a"]), cursor.written([2**70])):
            answer = await tail(here, stack, **{"Last-Event-ID": wrong})
            assert answer.status in ((400,) if wrong != cursor.written([2**70]) else (200, 400))
        assert (await tail(here, stack, "q=x")).status == 400


async def test_watchers_are_limited_and_a_stop_ends_them(tmp_path: Path) -> None:
    async with asyncio.timeout(10), AsyncExitStack() as stack, site(tmp_path) as here:
        answers = [await tail(here, stack) for _ in range(MOST_WATCHERS)]
        assert (await tail(here, stack)).status == 503
        here.live.close()
        for answer in answers:
            assert (await answer.content.read()).count(b"event: documents") == 1
