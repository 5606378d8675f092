"""`collector.web.rights`: each route of the table keeps the role and the filter of a token."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from collector.web import tokens
from collector.web.rights import ONLY, Role
from collector.web.routes import ROUTES
from tests.collector.web.agent import Site
from tests.collector.web.held import FILTER, OPEN, VAULT, headers, held, lines

GUARDED = [name for name, route in ROUTES.items() if route.path.startswith(("/api/", "/logs", "/routes"))]
FILTERED = [name for name in GUARDED if ROUTES[name].is_filtered]
SECRET = (b"vault", b"secret")
STREAMS = {"tail", "logs", "logs_of", "v1/tail"}

# Of each route that a filtered token may ask: arguments that ask for all, and what has to be in the answer.
ASKED: dict[str, tuple[dict[str, str], bytes]] = {
    "search": ({"limit": "100", "facet": "target", "buckets": "9"}, b'"total":30'),
    "explain": ({}, b'{"containers":[]}'),
    "v1/search": ({"limit": "100"}, b'"total":30'),
    "v1/histogram": ({"by": "container"}, b'"web-1":'),
    "v1/facets": ({"facet": "container"}, b'{"value":"web-1","count":30}'),
    "v1/patterns": ({}, b'"count":30'),
    "v1/context": ({"id": "OPEN", "of": "all", "before": "100", "after": "100"}, b'"at":5'),
    "v1/export": ({"format": "csv"}, b"shop line 29"),
    "v1/export_size": ({}, b'"documents":30'),
    "v1/containers": ({}, b'"name":"web-1"'),
    "v1/explain": ({}, b'{"containers":[]}'),
    "v1/whoami": ({}, FILTER.encode()),
    "v1/openapi": ({}, b'"openapi"'),
}


def role_of(name: str) -> str:
    return ROUTES[name].role


async def asked(here: Site, name: str, token: dict[str, str], **arguments: str) -> tuple[int, bytes]:
    route = ROUTES[name]
    url = here.url(route.path.format(which="name:*", id="x"))
    async with here.session.request(route.method, url, headers=token, params=arguments) as answer:
        return answer.status, await answer.read()


def id_of(number: int, *, is_open: bool = True) -> str:
    return lines(OPEN if is_open else VAULT).ids[number]


@pytest.mark.parametrize("name", GUARDED)
async def test_no_route_shows_a_filtered_token_what_it_must_not_see(tmp_path: Path, name: str) -> None:
    async with held(tmp_path) as here, AsyncExitStack() as stack:
        token = headers(here, "admin", FILTER)
        if name not in FILTERED:
            status, body = await asked(here, name, token)
            assert status == 403, "a route that does not narrow what it shows refuses a token with a filter"
            assert b"use a token without a filter" in body
        elif name in STREAMS:
            url = here.url(ROUTES[name].path.format(which="name:*"))
            answer = await stack.enter_async_context(here.session.get(url, headers=token))
            here.live.publish(lines(VAULT, 2, 40))
            here.live.publish(lines(OPEN, 2, 40))
            here.live.close()
            body = await answer.read()
            assert b"shop line 41" in body
            assert not any(word in body for word in SECRET)
        else:
            arguments, expected = ASKED[name]
            status, body = await asked(
                here, name, token, **{k: v.replace("OPEN", id_of(5)) for k, v in arguments.items()}
            )
            assert (status, expected in body) == (200, True), body
            assert not any(word in body for word in SECRET)


@pytest.mark.parametrize("name", GUARDED)
@pytest.mark.parametrize("role", ["view", "download"])
async def test_no_route_does_more_than_the_role_permits(tmp_path: Path, name: str, role: Role) -> None:
    async with held(tmp_path) as here, AsyncExitStack() as stack:
        rank = ("view", "download", "admin")
        route = ROUTES[name]
        url = here.url(route.path.format(which="name:*", id="x"))
        answer = await stack.enter_async_context(
            here.session.request(
                route.method, url, headers=headers(here, role), params={"id": id_of(1)} if "context" in name else {}
            )
        )
        is_permitted = rank.index(role) >= rank.index(role_of(name))
        assert (answer.status == 403) is not is_permitted


@pytest.mark.parametrize("name", sorted(STREAMS))
async def test_a_filter_by_stream_holds_for_each_line_as_it_is_read(tmp_path: Path, name: str) -> None:
    async with held(tmp_path) as here, AsyncExitStack() as stack:
        url = here.url(ROUTES[name].path.format(which="name:*"))
        token = headers(here, "view", "target:shop -stream:stdout")
        answer = await stack.enter_async_context(here.session.get(url, headers=token))
        here.live.publish(lines(OPEN, 4, 40))
        here.live.close()
        body = await answer.read()
        assert [b"shop line %d" % n in body for n in (40, 41, 42, 43)] == [False, True, False, True]


async def test_what_may_not_be_seen_is_answered_as_what_is_not_there(tmp_path: Path) -> None:
    async with held(tmp_path) as here:
        token = headers(here, "view", FILTER)
        hidden = await asked(here, "v1/context", token, id=id_of(3, is_open=False))
        missing = await asked(here, "v1/context", token, id="nosuch-3")
        assert hidden == missing
        assert hidden[0] == 404
        for query in ("target:vault", "vault", "container:secret*", "* OR target:vault", "NOT target:shop"):
            _, body = await asked(here, "v1/search", token, q=query, target="vault")
            assert b'"total":0' in body, query


async def test_a_request_can_narrow_itself_and_never_widen(tmp_path: Path) -> None:
    async with held(tmp_path) as here:
        token = headers(here, "view", FILTER)
        _, body = await asked(here, "v1/search", {**here.headers, ONLY: "stream%3Astderr"})
        assert b'"total":30' in body
        _, body = await asked(here, "v1/search", {**token, ONLY: "target%3Avault"})
        assert b'"total":0' in body
        status, _ = await asked(here, "v1/search", {**token, ONLY: "level%3Aerror"})
        assert status == 400


async def test_a_token_opens_nothing_once_it_is_revoked_or_expired(tmp_path: Path) -> None:
    async with held(tmp_path) as here:
        text, made = tokens.create(here.state_dir, role="view", filter_text="", seconds=3600, name="page")
        token = {"Authorization": f"Bearer {text}"}
        link = await here.session.get(here.url(f"/?token={text}"), allow_redirects=False)
        name, cookie = next(iter(link.cookies.items()))
        session = {"Cookie": f"{name}={cookie.value}"}
        here.session.cookie_jar.clear()
        assert (await asked(here, "v1/whoami", token))[0] == (await asked(here, "v1/whoami", session))[0] == 200
        async with here.session.get(here.url("/api/v1/tail"), headers=session) as tail:
            await tail.content.readuntil(b"\n\n")
            assert tokens.revoke(here.state_dir, "page") == made
            here.live.publish(lines(OPEN, 1, 50))
            assert await tail.content.read() == b""
        assert (await asked(here, "v1/whoami", token))[0] == (await asked(here, "v1/whoami", session))[0] == 401
        past = headers(here, "view", seconds=-1)
        assert (await asked(here, "v1/whoami", past))[0] == 401


async def test_a_session_has_the_rights_of_its_token(tmp_path: Path) -> None:
    async with held(tmp_path) as here:
        text, _ = tokens.create(here.state_dir, role="view", filter_text=FILTER, seconds=None, name="")
        link = await here.session.get(here.url(f"/?token={text}"), allow_redirects=False)
        name, cookie = next(iter(link.cookies.items()))
        here.session.cookie_jar.clear()
        session = {"Cookie": f"{name}={cookie.value}"}
        _, body = await asked(here, "v1/whoami", session)
        assert body == b'{"role":"view","filter":"target:shop","expires":null}\n'
        until, _, rest = cookie.value.partition(".")
        forged = {"Cookie": f"{name}={until}.{rest.rpartition('.')[2]}"}
        assert (await asked(here, "v1/whoami", forged))[0] == 401
