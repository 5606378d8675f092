"""`collector.app.live_routes`: routes that somebody posts, to real sockets, and what becomes of their lines."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from msgspec.structs import replace

from collector.app.live_routes import MOST_ROUTES, AgentRoutes
from collector.app.plugins import installed_types
from collector.errors import ConfigurationError
from collector.model import Batch, LogStream, Receipt, Segment
from collector.ports import OutputContext, Route, ShipperSettings, Translated
from collector.web.live import Live
from tests.collector.net.stream_server import StreamServer
from tests.collector.waiting import until
from tests.collector.web.agent import Site, site
from tests.contract.segments import document, log_stream, segment

ALLOWED = ("raw+tcp://127.0.0.1:*", "syslog+tls://*.example:6514")
WEB = replace(log_stream(container_id="c" * 64), container="web", labels={"tier": "web"})
DB = replace(log_stream(container_id="d" * 64), container="shop_db")


def said(where: LogStream, *lines: str, output: str = "stdout") -> Segment:
    logs = [b'{"message":%b}' % json.dumps(line).encode() for line in lines]
    return segment([document(log, where, output=output) for log in logs], where)


class Lines(StreamServer):
    """Keeps the lines that come."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(self._take, port=port)
        self.lines: list[bytes] = []
        self.news = asyncio.Event()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.lines.append(line.removesuffix(b"\n"))
            self.news.set()

    async def have(self, *lines: bytes) -> None:
        async with asyncio.timeout(10):
            while len(self.lines) < len(lines):
                self.news.clear()
                await self.news.wait()
        assert self.lines == list(lines)


@asynccontextmanager
async def agent(state: Path, allowed: Sequence[str] = ALLOWED) -> AsyncIterator[Site]:
    found: list[AgentRoutes] = []

    def routes(live: Live) -> AgentRoutes:
        found.append(AgentRoutes(allowed, state, live, installed_types().outputs))
        return found[0]

    async with site(state, routes=routes) as here, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(found[0].run())
        await asyncio.sleep(0)
        yield here
        running.cancel()


async def ask(here: Site, method: str, path: str = "/routes", body: Any = None) -> tuple[int, Any]:
    data = json.dumps(body).encode() if body is not None else None
    async with here.session.request(method, here.url(path), headers=here.headers, data=data) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text else None


async def watched(here: Site, count: int = 1) -> None:
    async with asyncio.timeout(10):
        while here.live.watchers != count:
            await ask(here, "GET")


async def numbers(here: Site, name: str, **expected: int) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            _, route = await ask(here, "GET", f"/routes/{name}")
            status: dict[str, Any] = route["status"]
            if all(status[key] == value for key, value in expected.items()):
                return status


async def test_a_route_ships_what_is_read_from_now_on_by_its_filters(tmp_path: Path) -> None:
    async with Lines() as server, agent(tmp_path) as here:
        here.live.publish(said(DB, "before", output="stderr"))
        route = {"adapter": "raw+tcp", "address": server.host, "filter_name": "*_db", "filter_sources": ["stderr"]}
        status, made = await ask(here, "POST", body=route)
        assert (status, made) == (201, {"id": made["id"], **route, "status": made["status"]})
        await watched(here)
        here.live.publish(said(WEB, "another", output="stderr"))
        here.live.publish(said(DB, "out"))
        here.live.publish(said(DB, "one", "two", output="stderr"))
        await server.have(b"one", b"two")
        assert await numbers(here, made["id"], delivered=2) == {
            "delivered": 2, "refused": 0, "left_out": 0, "error": "",
        }  # fmt: skip


async def test_a_route_ships_the_lines_of_containers_with_its_labels(tmp_path: Path) -> None:
    async with Lines() as server, agent(tmp_path) as here:
        route = {"adapter": "raw+tcp", "address": server.host, "filter_labels": ["tier:w*"]}
        assert (await ask(here, "POST", body=route))[0] == 201
        await watched(here)
        here.live.publish(said(DB, "without"))
        here.live.publish(said(replace(WEB, labels={"tier": "db"}), "another"))
        here.live.publish(said(WEB, "line"))
        await server.have(b"line")


async def test_a_route_is_listed_until_it_is_removed_and_ships_no_more_then(tmp_path: Path) -> None:
    async with Lines() as server, agent(tmp_path) as here:
        body = {"id": "mine", "adapter": "raw+tcp", "address": server.host}
        await ask(here, "POST", body=body)
        await watched(here)
        assert [one["id"] for one in (await ask(here, "GET"))[1]] == ["mine"]
        assert (await ask(here, "DELETE", "/routes/mine"))[0] == 200
        assert (await ask(here, "DELETE", "/routes/mine"))[0] == 404
        assert (await ask(here, "GET", "/routes/mine"))[0] == 404
        assert (await ask(here, "GET"), here.live.watchers) == ((200, []), 0)
        assert list((tmp_path / "routes").iterdir()) == []


async def test_a_route_takes_the_place_of_the_one_with_its_id(tmp_path: Path) -> None:
    async with Lines() as first, Lines() as second, agent(tmp_path) as here:
        for server in (first, second):
            assert (await ask(here, "POST", body={"id": "x", "adapter": "tcp", "address": server.host}))[0] == 201
        await watched(here)
        here.live.publish(said(WEB, "line"))
        await second.have(b"line")
        assert first.lines == []


async def test_routes_begin_again_with_the_agent_unless_they_are_allowed_no_more(tmp_path: Path) -> None:
    async with Lines() as server:
        async with agent(tmp_path) as here:
            assert (await ask(here, "POST", body={"adapter": "tcp", "address": server.host}))[0] == 201
        (tmp_path / "routes" / "damaged.json").write_text("{")
        async with agent(tmp_path) as here:
            await watched(here)
            here.live.publish(said(WEB, "again"))
            await server.have(b"again")
        async with agent(tmp_path, ["syslog+*"]) as here:
            assert await ask(here, "GET") == (200, [])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"adapter": "raw+tcp", "address": "10.0.0.1:9"}, 403),
        ({"adapter": "raw", "address": "127.0.0.1:9"}, 403),
        ({"adapter": "raw+tcp", "address": "evil:9/raw+tcp://127.0.0.1:9"}, 400),
        ({"adapter": "raw+tcp", "address": "127.0.0.1"}, 400),
        ({"adapter": "raw+tcp", "address": "127.0.0.1:9@evil:1"}, 400),
        ({"adapter": "raw+tcp", "address": "127.0.0.1:9 evil:1"}, 400),
        ({"adapter": "raw+tcp://127.0.0.1:9", "address": "evil:9"}, 400),
        ({"adapter": "raw+tcp", "address": "127.0.0.1:9", "filter_name": "\ud800"}, 400),
        ({"adapter": "raw+tcp", "address": "127.0.0.1:9", "x": float("nan")}, 400),
        ({"adapter": "raw+tcp", "address": "127.0.0.1:9", "filter_labels": ["a"]}, 400),
        ({"adapter": "multiline+raw+tcp", "address": "127.0.0.1:9"}, 400),
        ({"adapter": "pigeon", "address": "127.0.0.1:9"}, 403),
        ({"adapter": "raw+tcp", "address": "127.0.0.1:9", "id": "../../x"}, 400),
        ({"source": {"filter": "db"}, "target": {"type": "syslog", "addr": "logs.papertrailapp.com:55555"}}, 400),
        (["no", "route"], 400),
    ],
)  # fmt: skip
async def test_a_route_to_elsewhere_or_that_is_wrong_is_refused_and_leaves_nothing(
    tmp_path: Path, body: object, status: int
) -> None:
    async with agent(tmp_path) as here:
        found, told = await ask(here, "POST", body=body)
        assert (found, set(told)) == (status, {"error", "remedy"})
        assert (await ask(here, "GET"), list((tmp_path / "routes").iterdir())) == ((200, []), [])


async def test_there_is_a_most_of_routes(tmp_path: Path) -> None:
    async with agent(tmp_path) as here:
        for number in range(MOST_ROUTES):
            body = {"id": str(number), "adapter": "tcp", "address": "127.0.0.1:9"}
            assert (await ask(here, "POST", body=body))[0] == 201
        assert (await ask(here, "POST", body={"id": "more", "adapter": "tcp", "address": "127.0.0.1:9"}))[0] == 400
        assert (await ask(here, "POST", body={"id": "0", "adapter": "tcp", "address": "127.0.0.1:9"}))[0] == 201


async def test_a_destination_that_is_away_costs_nobody_anything_and_what_it_misses_is_counted(tmp_path: Path) -> None:
    async with Lines() as server:
        port = server.port
    async with agent(tmp_path) as here:
        await ask(here, "POST", body={"id": "away", "adapter": "tcp", "address": f"127.0.0.1:{port}"})
        await watched(here)
        here.live.publish(said(WEB, "first"))
        async with asyncio.timeout(10):
            while not (await numbers(here, "away"))["error"]:
                pass
        for number in range(5):
            here.live.publish(said(WEB, f"{number}" * 600))
        async with Lines(port) as server:
            await server.have(b"first", b"0" * 600)
            status = await numbers(here, "away", left_out=4)
            assert (status["delivered"], status["error"]) == (2, "")


async def test_of_routes_that_are_posted_at_once_under_one_id_the_last_alone_ships(tmp_path: Path) -> None:
    async with Lines() as server, agent(tmp_path) as here:
        body = {"id": "x", "adapter": "tcp", "address": server.host}
        await asyncio.gather(*(ask(here, "POST", body=body) for _ in range(8)))
        await watched(here)
        here.live.publish(said(WEB, "line"))
        await server.have(b"line")
        assert (await ask(here, "DELETE", "/routes/x"))[0] == 200
        await watched(here, 0)


async def test_there_are_no_more_routes_than_that_however_they_are_posted(tmp_path: Path) -> None:
    async with agent(tmp_path) as here:
        bodies = [{"adapter": "tcp", "address": "127.0.0.1:9"} for _ in range(2 * MOST_ROUTES)]
        told = await asyncio.gather(*(ask(here, "POST", body=body) for body in bodies))
        assert sorted(status for status, _ in told) == [201] * MOST_ROUTES + [400] * MOST_ROUTES
        assert len((await ask(here, "GET"))[1]) == MOST_ROUTES


async def test_an_address_in_brackets_allows_itself_and_nothing_else(tmp_path: Path) -> None:
    async with agent(tmp_path, ["raw+tcp://[fd00::5]:9"]) as here:
        statuses = [
            (await ask(here, "POST", body={"adapter": "tcp", "address": address}))[0]
            for address in ("[fd00::5]:9", "f:9", "[fd00::6]:9")
        ]
        assert statuses == [201, 403, 403]


async def test_a_password_of_a_route_is_not_told(tmp_path: Path) -> None:
    async with agent(tmp_path, ["redis+*"]) as here:
        options = {"password": "hunter2", "key": "logs"}
        body = {"id": "r", "adapter": "redis", "address": "127.0.0.1:9", "options": options}
        _, made = await ask(here, "POST", body=body)
        told = [made, *(await ask(here, "GET"))[1], (await ask(here, "GET", "/routes/r"))[1]]
        assert [one["options"]["key"] for one in told] == ["logs"] * 3
        assert "hunter2" not in str(told)


class OddSettings(ShipperSettings):
    """Of another package: takes any transport, and cannot be closed."""

    type: Literal["odd"] = "odd"

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        return Translated({}) if route.adapter == "odd" else None

    def open(self, context: OutputContext) -> "Odd":
        return Odd()


class Odd:
    async def ship(self, batch: Batch) -> Receipt:
        raise LookupError("whatever")

    async def aclose(self) -> None:
        raise LookupError("whatever")


async def test_an_output_of_another_package_that_fails_ends_neither_other_routes_nor_the_agent(tmp_path: Path) -> None:
    live = Live()
    routes = AgentRoutes(["odd+udp://server:9"], tmp_path, live, {"odd": OddSettings})
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(routes.run())
        await asyncio.sleep(0)
        for name in ("one", "two"):
            await routes.add(json.dumps({"id": name, "adapter": "odd", "address": "server:9"}).encode())
        await until(lambda: live.watchers == 2)
        live.publish(said(WEB, "line"))
        while not (await routes.listed())[0]["status"]["error"]:  # noqa: ASYNC110 - there is no event of it
            await asyncio.sleep(0.005)
        assert await routes.remove("one")
        assert [one["id"] for one in await routes.listed()] == ["two"]
        for adapter in ("odd+udp://server:9", "odd+x y"):
            with pytest.raises(ConfigurationError):
                await routes.add(json.dumps({"adapter": adapter, "address": "evil:9"}).encode())
        running.cancel()


async def test_a_directory_that_cannot_be_made_ends_no_agent(tmp_path: Path) -> None:
    (tmp_path / "routes").write_text("")
    async with agent(tmp_path) as here:
        assert (await ask(here, "POST", body={"adapter": "tcp", "address": "127.0.0.1:9"}))[0] == 503
        assert await ask(here, "GET") == (200, [])


class SlowSettings(OddSettings):
    """Takes long to be closed."""

    may_close: ClassVar[asyncio.Event]

    def open(self, context: OutputContext) -> "Slow":
        return Slow(self.may_close)


class Slow(Odd):
    def __init__(self, may_close: asyncio.Event) -> None:
        self._may_close = may_close

    async def aclose(self) -> None:
        await self._may_close.wait()


async def test_a_route_takes_the_place_of_another_though_who_posted_it_is_gone(tmp_path: Path) -> None:
    SlowSettings.may_close = asyncio.Event()
    routes = AgentRoutes(["odd+udp://server*:9"], tmp_path, Live(), {"odd": SlowSettings})
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(routes.run())
        await asyncio.sleep(0)
        first, second = (json.dumps({"id": "x", "adapter": "odd", "address": f"server{n}:9"}).encode() for n in (1, 2))
        await routes.add(first)
        posting = tasks.create_task(routes.add(second))
        await until(lambda: b"server2" in (tmp_path / "routes" / "x.json").read_bytes())
        await asyncio.wait([posting], timeout=0.1)
        posting.cancel()
        await asyncio.wait([posting])
        assert [one["address"] for one in await routes.listed()] == ["server2:9"]
        SlowSettings.may_close.set()
        running.cancel()
