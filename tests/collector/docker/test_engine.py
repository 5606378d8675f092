"""Laws of asking a daemon: the version of its API is agreed on with whoever answers, and each refusal is told."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from collector.docker.address import canonical
from collector.docker.engine import Engine, EngineUnavailable, NoSuchContainer
from tests.collector.unix_site import serving, url_of


class Versions:
    """An engine that takes the versions of its API from `least` to `newest`, in Docker's words."""

    def __init__(self) -> None:
        self.least, self.newest = "1.12", "1.41"
        self.told: str | None = None  # what a proxy says in the place of `newest`
        self.content_type = "application/json"
        self.agreed = 0  # times that /version was asked for
        self.asked: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/version", self._version),
            web.get("/{version:v[0-9.]+}/{path:.+}", self._any),
        ]

    async def _version(self, _: web.Request) -> web.Response:
        self.agreed += 1
        return web.json_response({"ApiVersion": self.told or self.newest})

    async def _any(self, request: web.Request) -> web.StreamResponse:
        version, path = request.match_info["version"][1:], request.match_info["path"]
        self.asked.append(version)
        if words := self._refusal(version):
            body = f'{{"message":"{words}"}}\n'.encode()
            return web.Response(status=400, body=body, headers={"Content-Type": self.content_type})
        if path == "events":
            response = web.StreamResponse()
            await response.prepare(request)
            return response
        if path.startswith("containers/none/"):
            return web.json_response({"message": "No such container: none"}, status=404)
        return web.json_response([] if path == "containers/json" else {"Name": "moby", "ApiVersion": version})

    def _refusal(self, version: str) -> str:
        """moby `api/server/middleware/version.go`."""
        if _number(version) < _number(self.least):
            return (
                f"client version {version} is too old. Minimum supported API version is {self.least}, please upgrade "
                "your client to a newer version"
            )
        if _number(version) > _number(self.newest):
            return f"client version {version} is too new. Maximum supported API version is {self.newest}"
        return ""


def _number(version: str) -> int:
    return int(version.partition(".")[2])


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Versions]:
    daemon = Versions()
    async with serving(tmp_path, daemon.routes()):
        yield daemon


@pytest.fixture
async def engine(daemon: Versions, tmp_path: Path) -> AsyncIterator[Engine]:
    async with Engine(url_of(tmp_path)) as engine:
        yield engine


async def test_a_socket_whose_path_is_too_long_is_reached_by_a_link_as_the_remedy_says(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 110)
    deep.mkdir()
    with pytest.raises(ValueError, match="such as a symbolic link"):
        canonical(f"unix://{deep}/docker.sock")
    async with serving(deep, Versions().routes()) as url, Engine(canonical(url)) as engine:
        assert (deep / "docker.sock").is_socket()
        await engine.info()


KINDS = ["application/json", "application/json; charset=utf-8", "text/plain"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_daemon_that_was_up_or_downgraded_is_asked_in_its_version(
    daemon: Versions, engine: Engine, kind: str
) -> None:
    daemon.content_type = kind
    for least, newest in (("1.12", "1.41"), ("1.44", "1.52"), ("1.12", "1.41")):
        daemon.least, daemon.newest = least, newest
        assert await engine.containers() == []
        assert (await engine.version())["ApiVersion"] == newest
        with pytest.raises(NoSuchContainer):
            await engine.inspect("none")
    assert engine.calls.answers == {("list", "200"): 3, ("version", "200"): 3, ("inspect", "404"): 3}


async def test_all_who_ask_at_once_agree_once(daemon: Versions, engine: Engine) -> None:
    await asyncio.gather(*(engine.containers() for _ in range(20)))
    assert daemon.agreed == 1
    daemon.least = daemon.newest = "1.52"
    await asyncio.gather(*(engine.containers() for _ in range(20)))
    assert daemon.agreed == 2


async def test_a_new_stream_of_events_agrees_anew_though_the_old_version_is_taken(
    daemon: Versions, engine: Engine
) -> None:
    for newest in ("1.41", "1.52"):
        daemon.newest = newest
        async with engine.events() as events:
            with pytest.raises(EngineUnavailable):
                await anext(events)
        await engine.info()
        assert daemon.asked[-2:] == [newest, newest]


async def test_a_daemon_that_came_back_is_asked_for_its_version(daemon: Versions, tmp_path: Path) -> None:
    """Though it would take the old one: what is newer than that would never be used."""
    there = tmp_path / "other"
    there.mkdir()
    async with Engine(url_of(there)) as engine:
        for newest in ("1.41", "1.52"):
            daemon.newest = newest
            async with serving(there, daemon.routes()):
                await engine.info()
                assert daemon.asked[-1] == newest
            with pytest.raises(EngineUnavailable):
                await engine.info()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_version_that_is_refused_whatever_was_agreed_on_has_a_remedy_of_its_own(
    daemon: Versions, engine: Engine, kind: str
) -> None:
    daemon.content_type = kind
    daemon.least, daemon.newest, daemon.told = "1.44", "1.52", "1.41"
    with pytest.raises(EngineUnavailable) as refused:
        await engine.containers()
    assert "{" not in refused.value.cause
    assert refused.value.cause.endswith(
        " does not answer (client version 1.41 is too old. Minimum supported API version is 1.44, please upgrade "
        "your client to a newer version)"
    )
    assert refused.value.remedy.startswith("GET /version reports an API version that the daemon does not accept: ")
    assert engine.calls.answers == {("list", "400"): 1}


ANSWERS = {
    "another's error": (web.Response(status=502, text="<html>Bad\ngateway</html>"), "(<html>Bad gateway</html>)"),
    "an error without words": (web.Response(status=500, body=b""), "(refused with 500)"),
    "an error that is no mapping": (web.Response(status=500, body=b"[]"), "([])"),
    "bytes": (web.Response(status=500, body=b"\xff\x00"), "answers with an error ("),
    "a redirection": (web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}), "(refused with 302)"),
    "a forbidding": (web.Response(status=403, text='{"message":"no"}'), "(refused with 403)"),
    "no page": (web.Response(status=404, text='{"message":"page not found"}'), "(page not found)"),
    "a page": (web.Response(text="<html>", content_type="text/html"), "the response is not from the Docker Engine API"),
    "another thing": (web.json_response({"Name": "moby"}), "the response is not from the Docker Engine API"),
    "other things": (web.json_response([{"Name": "moby"}]), "the response is not from the Docker Engine API"),
    "nothing": (web.Response(body=b""), "the response is not from the Docker Engine API"),
}


@pytest.mark.parametrize("case", ANSWERS)
@pytest.mark.parametrize("where", ["/version", "/v1.41/containers/json"])
async def test_an_answer_that_is_not_the_daemons_is_told_in_one_line(tmp_path: Path, case: str, where: str) -> None:
    answer, words = ANSWERS[case]

    async def asked(request: web.Request) -> web.Response:
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    async def version(_: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": "1.41"})

    routes = [web.get(where, asked), *([] if where == "/version" else [web.get("/version", version)])]
    async with serving(tmp_path, routes) as url, Engine(url) as engine:
        with pytest.raises(EngineUnavailable) as refused:
            await engine.containers()
        if where == "/version":
            with pytest.raises(EngineUnavailable):  # and no container is taken for gone
                await engine.inspect("web-1")
    assert words in refused.value.cause
    assert "\n" not in str(refused.value)
    is_fault = answer.status >= 500
    assert ("answers with an error" in refused.value.cause) == is_fault  # and nobody looks for a daemon that is away
    assert ("check the daemon's log" in refused.value.remedy) == is_fault
