"""`collector.workers.gateway_v1`: the agent of several workers answers as one of one process, and shows no more."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.web
import pytest

from collector.discovery.share import Share
from collector.state.places import Address
from collector.telemetry.process import Process
from collector.web import access, tokens
from collector.web.routes import ROUTES
from collector.web.server import listening
from collector.workers import merged
from collector.workers.gateway import Gateway
from collector.workers.peer import peers
from collector.workers.supervisor import Worker
from tests.collector.web.agent import Site
from tests.collector.web.held import FILTER, OPEN, VAULT, held, lines
from tests.collector.web.test_rights import ASKED, SECRET, STREAMS

NAMES = [name for name, route in ROUTES.items() if route.is_filtered]


@asynccontextmanager
async def fleet(tmp_path: Path) -> AsyncIterator[tuple[str, list[Site]]]:
    """An agent with two workers: its address, and the workers."""
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()  # nobody looks at it here
    async with AsyncExitStack() as stack:
        sites, workers = [], []
        for number in range(2):
            directory = tmp_path / f"worker-{number}"
            directory.mkdir()
            sites.append(await stack.enter_async_context(held(directory)))
            workers.append(Worker(Share(number, 2), process, directory, sites[-1].address))
        found = await stack.enter_async_context(peers(workers))
        handlers = Gateway(found, Process({})).handlers()
        routes = [aiohttp.web.get(ROUTES[name].path, one, allow_head=False) for name, one in handlers.items()]
        bound = await stack.enter_async_context(listening(Address("127.0.0.1", 0), routes, state_dir=tmp_path))
        yield f"http://{bound}", sites


@pytest.mark.parametrize("name", NAMES)
async def test_no_route_shows_a_filtered_token_what_it_must_not_see(tmp_path: Path, name: str) -> None:
    text, _ = tokens.create(tmp_path, role="admin", filter_text=FILTER, seconds=None, name="")
    headers = {"Authorization": f"Bearer {text}"}
    path = ROUTES[name].path.format(which="name:*")
    async with fleet(tmp_path) as (url, sites), aiohttp.ClientSession(headers=headers) as session:
        arguments, expected = ASKED.get(name, ({}, b"shop line 41"))
        arguments = {key: text.replace("OPEN", lines(OPEN).ids[5]) for key, text in arguments.items()}
        async with session.get(f"{url}{path}", params=arguments) as answer:
            assert answer.status == 200
            for here in sites if name in STREAMS else []:
                here.live.publish(lines(VAULT, 2, 40))
                here.live.publish(lines(OPEN, 2, 40))
                here.live.close()
            body = await answer.read()
        spaced = (
            json.dumps(json.loads(body), separators=(",", ":")).encode()
            if body[:1] == b"{" and name not in STREAMS
            else body
        )
        assert expected in spaced
        assert not any(word in body for word in SECRET)


async def test_who_comes_back_is_told_once_what_he_has_missed(tmp_path: Path) -> None:
    async with fleet(tmp_path) as (url, sites), aiohttp.ClientSession() as session:
        token = {"Authorization": f"Bearer {access.token(tmp_path)}", "Last-Event-ID": "WzBd"}
        async with session.get(f"{url}/api/v1/tail?target=shop", headers=token) as answer:
            told = b""
            while told.count(b"shop line") < 30:
                told += await answer.content.readuntil(b"\n\n")
            for here in sites:
                here.live.close()
            assert (told + await answer.read()).count(b"shop line") == 30


def output(**changes: Any) -> dict[str, Any]:
    return {"name": "out", "type": "store", "state": "ok", "error": "", "read": 3, "lost": 1, "lag_seconds": 2.0,
            "last_acknowledged": None, "complete_until": "2026-11-23T02:13:00Z", **changes}  # fmt: skip


def test_books_add_up_and_the_worst_and_latest_is_told() -> None:
    one = output()
    two = output(state="blocked", error="full", lag_seconds=5.0, complete_until="2026-11-23T02:12:00Z",
                 last_acknowledged="2026-11-23T02:13:00Z")  # fmt: skip
    (found,) = merged.outputs([[one], [two]])
    assert found == {**two, "read": 6, "lost": 2}
    (found,) = merged.outputs([[one], [output(lag_seconds=None, complete_until=None)]])
    assert (found["lag_seconds"], found["complete_until"]) == (None, None)


def test_of_a_container_each_worker_tells_what_it_knows() -> None:
    one, two = {"id": "a", "name": "web", "lines": None, "cpu_percent": 3.0}, {"id": "a", "name": "web", "lines": 7}
    assert merged.containers([[one], [{**two, "cpu_percent": None}]]) == [
        {"id": "a", "name": "web", "lines": 7, "cpu_percent": 3.0}
    ]
