"""`/metrics/docker` gives what the engine gives, asks it once for several, and never waits for it for long."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from collector.docker import engine_metrics
from tests.collector.web.agent import site

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def engine(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes([web.get("/metrics", handler)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"
    finally:
        await runner.cleanup()


async def test_what_the_engine_says_is_passed_through_and_kept_for_a_moment(tmp_path: Path) -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(text="engine_daemon_x 1\n", headers={"Content-Type": "text/plain; version=0.0.4"})

    async with engine(handler) as url, site(tmp_path, metrics_url=url) as here:
        answers = await asyncio.gather(*(here.session.get(here.url(engine_metrics.PATH)) for _ in range(3)))
        for answer in answers:
            assert (answer.status, await answer.text()) == (200, "engine_daemon_x 1\n")
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert len(asked) == 1


async def test_what_the_engine_says_is_gzipped_for_a_scraper_that_asks_for_it(tmp_path: Path) -> None:
    text = "engine_daemon_x 1\n" * 10_000

    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4"})

    async with engine(handler) as url, site(tmp_path, metrics_url=url) as here:
        answer = await here.session.get(here.url(engine_metrics.PATH), headers={"Accept-Encoding": "gzip"})
        assert (answer.headers["Content-Encoding"], await answer.text()) == ("gzip", text)
        assert int(answer.headers["Content-Length"]) < len(text) / 10
        answer = await here.session.get(here.url(engine_metrics.PATH), headers={"Accept-Encoding": "identity"})
        assert ("Content-Encoding" in answer.headers, await answer.text()) == (False, text)


async def test_without_an_address_it_says_which_key_is_missing(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        answer = await here.session.get(here.url(engine_metrics.PATH))
        told = await answer.text()
    assert (answer.status, told.partition(": ")[2]) == (
        404,
        "set inputs.left.metrics_url or inputs.right.metrics_url\n",
    )


async def test_an_engine_that_does_not_answer_is_a_bad_gateway_that_says_why(tmp_path: Path) -> None:
    async def broken(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    (tmp_path / "up").mkdir()
    async with engine(broken) as url, site(tmp_path / "up", metrics_url=url) as here:
        answer = await here.session.get(here.url(engine_metrics.PATH))
        assert (answer.status, "status 500" in await answer.text()) == (502, True)
    async with site(tmp_path, metrics_url=url) as here:
        answer = await here.session.get(here.url(engine_metrics.PATH))
        assert (answer.status, "metrics-addr" in await answer.text()) == (502, True)


async def test_an_engine_that_hangs_or_has_no_end_holds_up_nobody_for_long(tmp_path: Path) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * (1 << 20))

    async with engine(endless) as url, site(tmp_path, metrics_url=url) as here:
        answer = await here.session.get(here.url(engine_metrics.PATH))
        assert (answer.status, "more than 16 MiB" in await answer.text()) == (502, True)


async def test_it_is_led_nowhere_else(tmp_path: Path) -> None:
    async def elsewhere(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://127.0.0.1:1/secret")

    async with engine(elsewhere) as url, site(tmp_path, metrics_url=url) as here:
        answer = await here.session.get(here.url(engine_metrics.PATH))
        assert (answer.status, "status 302" in await answer.text()) == (502, True)
