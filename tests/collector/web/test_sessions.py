"""`collector.web.sessions`: the token in a link opens the page in one browser, for reading, and nowhere else."""

import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp
import pytest

from collector.web import sessions
from collector.web.routes import ROUTES
from tests.collector.web.agent import Site, site
from tests.integration.agent import running

READS = [name for name, route in ROUTES.items() if route.path.startswith("/api/") and route.method == "GET"]
WRITES = [name for name, route in ROUTES.items() if route.path.startswith("/api/") and route.method != "GET"]


def token(here: Site) -> str:
    return here.headers["Authorization"].removeprefix("Bearer ")


async def opened(here: Site, **headers: str) -> SimpleCookie:
    """The cookies that the link with the token sets."""
    url = here.url(f"/?token={token(here)}")
    answer = await here.session.get(url, headers=headers, allow_redirects=False)
    assert answer.status == 303
    return SimpleCookie(answer.headers["Set-Cookie"])


def pair(cookies: SimpleCookie) -> str:
    ((name, cookie),) = cookies.items()
    return f"{name}={cookie.value}"


@asynccontextmanager
async def browser(here: Site) -> AsyncIterator[aiohttp.ClientSession]:
    """One that has opened the link."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        answer = await session.get(here.url(f"/?token={token(here)}"))
        assert (answer.status, str(answer.url)) == (200, here.url("/"))
        assert "Pilotfish" in await answer.text()
        yield session


async def status(here: Site, cookie: str, **headers: str) -> int:
    headers = {"Cookie": cookie, **headers}
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(here.url("/api/status"), headers=headers) as answer,
    ):
        return answer.status


async def test_a_browser_that_opened_the_link_may_ask_each_route_that_reads(tmp_path: Path) -> None:
    async with site(tmp_path) as here, browser(here) as session:
        for name in READS:
            arguments = {"id": "x"} if name == "v1/context" else {}
            async with session.get(here.url(ROUTES[name].path), params=arguments) as answer:
                assert answer.status == 200, name
        async with session.head(here.url("/api/status")) as answer:
            assert answer.status == 200


async def test_a_session_never_writes(tmp_path: Path) -> None:
    async with site(tmp_path) as here, browser(here) as session:
        for name in WRITES:
            async with session.request(ROUTES[name].method, here.url(ROUTES[name].path)) as answer:
                assert answer.status == 401, name
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
            async with session.request(method, here.url("/api/status")) as answer:
                assert answer.status == 401, method


async def test_the_link_leads_to_an_address_without_the_token_and_keeps_the_rest(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        url = here.url(f"/?q=a%26b&token={token(here)}&q=%2F%2Fevil.example")
        for ask in (here.session.get, here.session.head):
            answer = await ask(url, allow_redirects=False)
            assert (answer.status, answer.headers["Location"]) == (303, "/?q=a%26b&q=//evil.example")
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_the_cookie_holds_no_token_and_keeps_to_the_api_of_its_site(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        ((name, cookie),) = (await opened(here)).items()
        assert cookie["httponly"]
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Strict", "/api", "")
        assert int(cookie["max-age"]) == sessions.SECONDS
        assert token(here) not in f"{name}={cookie.value}"
        for replayed in (cookie.value, cookie.value.partition(".")[2], name):
            headers = {"Authorization": f"Bearer {replayed}"}
            assert (await here.session.get(here.url("/api/status"), headers=headers)).status == 401
            answer = await here.session.get(here.url(f"/?token={replayed}"), allow_redirects=False)
            assert (answer.status, "Set-Cookie" in answer.headers) == (401, False)


@pytest.mark.parametrize("query", ["token=", "token=x", "token={token}x", "token={token}&token={token}", "token=%FF"])
async def test_a_link_with_anything_but_the_token_opens_nothing(tmp_path: Path, query: str) -> None:
    async with site(tmp_path) as here:
        answer = await here.session.get(here.url(f"/?{query.format(token=token(here))}"), allow_redirects=False)
        assert (answer.status, "Set-Cookie" in answer.headers) == (401, False)
        assert set(await answer.json()) == {"error", "remedy"}


async def test_the_link_opens_nothing_at_a_name_that_is_not_the_agents_and_on_no_other_path(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        link = here.url(f"/?token={token(here)}")
        answer = await here.session.get(link, headers={"Host": "evil.example"}, allow_redirects=False)
        assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)
        for path in ("/api/status", "/metrics", "/healthz", "/page/style.css"):
            answer = await here.session.get(here.url(f"{path}?token={token(here)}"), allow_redirects=False)
            assert "Set-Cookie" not in answer.headers


async def test_host_and_origin_are_checked_for_a_session_as_for_the_token(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        cookie = pair(await opened(here))
        assert await status(here, cookie, Host="evil.example") == 403
        assert await status(here, cookie, Origin="http://evil.example") == 403
        assert await status(here, cookie, Origin="null") == 403
        assert await status(here, cookie, Origin=f"http://{here.address}") == 200


@pytest.mark.parametrize(
    ("site_of_the_page", "expected"), [("same-origin", 200), ("none", 200), ("same-site", 401), ("cross-site", 401)]
)
async def test_a_session_is_for_the_agents_own_page(tmp_path: Path, site_of_the_page: str, expected: int) -> None:
    """A page on another port of the host is of the same site: its requests bring the cookie."""
    async with site(tmp_path) as here:
        assert await status(here, pair(await opened(here)), **{"Sec-Fetch-Site": site_of_the_page}) == expected


async def test_the_cookie_of_another_agent_on_the_host_opens_nothing_and_takes_no_place(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with site(tmp_path / "one") as one, site(tmp_path / "two") as two:
        first, second = await opened(one), await opened(two)
        assert first.keys().isdisjoint(second.keys())
        assert await status(one, pair(second)) == 401
        (name,), value = first.keys(), next(iter(second.values())).value
        assert await status(one, f"{name}={value}") == 401
        both = f"{pair(first)}; {pair(second)}"
        assert (await status(one, both), await status(two, both)) == (200, 200)


async def test_a_session_ends_with_its_time_and_with_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(tmp_path) as here:
        cookie = pair(await opened(here))
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + sessions.SECONDS - 2)
        assert await status(here, cookie) == 200
        monkeypatch.setattr(time, "time", lambda: now + sessions.SECONDS + 2)
        assert await status(here, cookie) == 401
        monkeypatch.undo()
    async with site(tmp_path) as here:
        assert await status(here, cookie) == 200
    (tmp_path / "http_token").unlink()
    async with site(tmp_path) as here:
        assert await status(here, cookie) == 401


async def test_a_cookie_that_was_changed_opens_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        name, _, value = pair(await opened(here)).partition("=")
        until, _, signature = value.partition(".")
        for changed in (
            "",
            ".",
            until,
            f"{until}.",
            f".{signature}",
            f"{int(until) + 1}.{signature}",
            f"0{until}.{signature}",
            f"-{until}.{signature}",
            f"٣{until}.{signature}",
            f"{until}.{signature.upper()}",
            f"{until}.{signature}x",
            f'"{value}"',
            f"{'9' * 5_000}.{signature}",
            f"{until}.{'f' * 8_000}",
            "\xff\xfe",
        ):
            assert await status(here, f"{name}={changed}") == 401, changed
            assert await status(here, f"{name.upper()}={value}") == 401
        assert await status(here, f"{name}={value}") == 200


async def test_cookies_of_others_with_its_name_do_not_hide_it_and_cost_little(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        good = pair(await opened(here))
        name = good.partition("=")[0]
        assert await status(here, f"{name}=evil; {good}") == 200
        assert await status(here, f"{good}; {name}=evil; other=1;;=; x") == 200
        started = time.process_time()
        assert await status(here, f"{name}=1.f;" * 250 + good) == 401
        assert time.process_time() - started < 0.5


async def test_a_cookie_longer_than_a_header_may_be_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        cookie = pair(await opened(here))
        assert await status(here, f"{'x' * 9_000}=1; {cookie}") == 400


@pytest.mark.parametrize("workers", [1, 2])
def test_an_agent_of_any_number_of_workers_gives_a_session_that_reads(tmp_path: Path, workers: int) -> None:
    (tmp_path / "logs").mkdir()
    configuration = {
        "inputs": {"directory": {"path": str(tmp_path / "logs")}},
        "outputs": {"out": {"type": "null"}},
        "workers": workers,
    }
    with running(tmp_path, configuration) as agent:
        link = f"http://{agent.address}/?token={(agent.state / 'http_token').read_text().strip()}"
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(link) as page, opener.open(f"http://{agent.address}/api/status") as told:
            assert (page.url, told.status) == (f"http://{agent.address}/", 200)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            opener.open(f"http://{agent.address}/api/dead-letters/replay", data=b"")
        for peer in (agent.state / "workers").glob("*/http_token"):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                opener.open(f"http://{agent.address}/?token={peer.read_text().strip()}")
