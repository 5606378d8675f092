"""A page of numbers is gzipped for who asks for it, and held once however many do not take theirs."""

import asyncio
import gzip
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from collector.web.pages import Pages, takes_gzip
from tests.collector.waiting import until
from tests.collector.web.agent import site

NOISE = os.urandom(16 << 20)  # more than sockets take by themselves, zipped too
PAGE = b'docker_container_state{name="web",state="running"} 1\n' * 100_000


@pytest.mark.parametrize(
    ("accepted", "gzips"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("identity", False),
        ("deflate, br", False),
        ("", False),
        (";;,;q=", False),
        ("gzip;q=nonsense", True),
    ],
)
def test_gzip_is_sent_to_who_takes_it(accepted: str, gzips: bool) -> None:
    assert takes_gzip(accepted) == gzips


@pytest.mark.parametrize("accept", ["*/*", "application/openmetrics-text;version=1.0.0"])
async def test_metrics_are_gzipped_for_a_scraper_that_asks_for_it(tmp_path: Path, accept: str) -> None:
    async with site(tmp_path, page=PAGE) as here, aiohttp.ClientSession(auto_decompress=False) as session:
        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        async with session.get(here.url("/metrics"), headers=headers) as answer:
            body = await answer.read()
            assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
            assert int(answer.headers["Content-Length"]) == len(body) < len(PAGE) / 10
            assert gzip.decompress(body) == PAGE
        async with session.get(here.url("/metrics"), headers={"Accept-Encoding": "identity"}) as answer:
            assert "Content-Encoding" not in answer.headers
            assert await answer.read() == PAGE
        async with session.head(here.url("/metrics"), headers=headers) as answer:
            assert (answer.status, await answer.read()) == (200, b"")


class Counted:
    """A page of which every render is counted."""

    def __init__(self) -> None:
        self.renders = 0
        self.pages = Pages()

    async def _render(self) -> tuple[bytes, str]:
        self.renders += 1
        return NOISE, "text/plain"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        return await self.pages.answer(request, "text", self._render)


@asynccontextmanager
async def shown(counted: Counted) -> AsyncIterator[tuple[str, int]]:
    app = web.Application()
    app.add_routes([web.get("/metrics", counted.answer)])
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][:2]
    finally:
        await runner.cleanup()


async def test_many_who_take_nothing_hold_one_page_together_and_leave_none(tmp_path: Path) -> None:
    counted = Counted()
    async with shown(counted) as (host, port):
        async with AsyncExitStack() as stack:
            ends = []
            for number in range(30):
                reader, writer = await asyncio.open_connection(host, port)
                ends.append((reader, writer))  # what is forgotten takes all, or is closed
                stack.callback(writer.transport.abort)
                encoding = b"Accept-Encoding: gzip\r\n" if number % 2 else b""
                writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + encoding + b"\r\n")
            await asyncio.sleep(0.5)
            assert counted.renders <= 2
        await until(lambda: counted.pages.held == 0)


async def test_each_scrape_that_was_taken_is_followed_by_a_new_page(tmp_path: Path) -> None:
    counted = Counted()
    async with shown(counted) as (host, port), aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(f"http://{host}:{port}/metrics") as answer:
                assert len(await answer.read()) == 16 << 20
            await until(lambda: counted.pages.held == 0)
    assert counted.renders == 3


HOLDING = """
import asyncio, os, socket, sys
from pathlib import Path
import uvloop
from collector.state.places import Address
from collector.web.api import Views
from collector.web.live import Live
from collector.web.server import serve

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

async def main():
    views = Views(health=lambda: None, not_ready=list, metrics=lambda accept: (os.urandom(5_000_000), "text/plain"),
                  status=dict, explain=lambda is_meant: [], search=None, live=Live(), dead_letters=[], replays={})
    async with serve(Address("127.0.0.1", 0), state_dir=Path(sys.argv[1]), views=views) as address:
        before, clients = resident(), []
        for _ in range(30):
            clients.append(socket.create_connection(address))
            clients[-1].send(b"GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        print(resident() - before)

uvloop.run(main())
"""


def test_thirty_who_take_nothing_cost_the_agent_the_memory_of_few_pages(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOLDING, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) < 40_000_000
