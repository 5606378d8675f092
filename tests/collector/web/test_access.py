"""`collector.web.access`: who may ask, and how the token is kept."""

import asyncio
import stat
from pathlib import Path

import pytest

from collector.errors import StateError
from collector.state.places import Address
from collector.web.access import announced, token
from tests.collector.web.agent import Site, site

OPEN = ["/", "/metrics", "/healthz", "/readyz"]
GUARDED = ["/api/status", "/api/search", "/api/tail", "/api/nothing", "/logs", "/logs/name:x"]


def test_the_token_is_made_once_for_the_agent_s_user_alone(tmp_path: Path) -> None:
    first = token(tmp_path)
    assert len(first) >= 43
    assert token(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "http_token").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["http_token"]


def test_a_token_that_others_could_read_is_closed(tmp_path: Path) -> None:
    token(tmp_path)
    (tmp_path / "http_token").chmod(0o644)
    token(tmp_path)
    assert stat.S_IMODE((tmp_path / "http_token").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 40])
def test_a_damaged_token_is_never_used(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "http_token").write_bytes(content)
    with pytest.raises(StateError):
        token(tmp_path)


def test_a_missing_state_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="must own the state directory"):
        token(tmp_path / "none")


def test_the_address_stands_there_while_the_agent_listens(tmp_path: Path) -> None:
    with announced(tmp_path, Address("0.0.0.0", 81)):  # noqa: S104
        assert (tmp_path / "http_address").read_text() == "127.0.0.1:81\n"
    assert list(tmp_path.iterdir()) == []


async def test_open_pages_need_no_token_and_the_api_always_does(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        for path in OPEN:
            assert (await here.session.get(here.url(path))).status == 200
        for path in GUARDED:
            answer = await here.session.get(here.url(path))
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert set(await answer.json()) == {"error", "remedy"}


async def test_only_the_bearer_token_itself_is_taken(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        right = here.headers["Authorization"].removeprefix("Bearer ")
        for value in [
            "",
            "Bearer",
            "Bearer ",
            right,
            f"Basic {right}",
            f"Bearer {right}x",
            f"Bearer {right[:-1]}",
            "Bearer ü",
        ]:
            headers = {"Authorization": value}
            assert (await here.session.get(here.url("/api/status"), headers=headers)).status == 401
        assert (await here.session.get(here.url(f"/api/status?token={right}"))).status == 401
        headers = {"Authorization": f"bearer {right}"}
        assert (await here.session.get(here.url("/api/status"), headers=headers)).status == 200


async def status_for(here: Site, **headers: str) -> int:
    return (await here.session.get(here.url("/api/status"), headers={**here.headers, **headers})).status


async def test_a_name_that_was_made_to_point_here_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        for host in [
            "evil.example",
            "evil.example:9880",
            "127.0.0.1.evil.example",
            "192.0.2.1",
            "",
            "[",
            "localhost.evil",
        ]:
            assert await status_for(here, Host=host) == 403, host
        for host in ["localhost", "LOCALHOST:1", "127.0.0.1:9880", "127.8.9.1", "[::1]:9880"]:
            assert await status_for(here, Host=host) == 200, host


async def test_an_agent_that_listens_everywhere_answers_to_its_addresses(tmp_path: Path) -> None:
    async with site(tmp_path, "0.0.0.0") as here:  # noqa: S104
        assert await status_for(here, Host="192.0.2.1:9880") == 200
        assert await status_for(here, Host="evil.example:9880") == 403


async def test_another_site_s_page_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        own = f"http://{here.address}"
        for origin in ["http://evil.example", "null", "https://" + str(here.address), f"http://{here.address.host}"]:
            assert await status_for(here, Origin=origin) == 403, origin
        assert await status_for(here, Origin=own) == 200


async def test_every_answer_keeps_a_browser_careful(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        for path in [*OPEN, *GUARDED, "/nothing"]:
            answer = await here.session.get(here.url(path))
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Server"] == "pilotfish"


async def test_a_request_with_a_huge_head_or_body_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        assert (await here.session.get(here.url("/healthz?" + "x" * 70_000))).status == 400
        assert (await here.session.post(here.url("/api/search"), data=b"x" * 100, headers=here.headers)).status == 405


async def test_two_first_starts_at_once_agree_on_one_token(tmp_path: Path) -> None:
    tokens = await asyncio.gather(*(asyncio.to_thread(token, tmp_path) for _ in range(8)))
    assert len(set(tokens)) == 1
