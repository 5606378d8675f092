"""What is asked of the daemon, how much at once, and what holds when it does not answer; an engine on a real socket."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from collector.discovery.registry import Container, Registry
from collector.docker.engine import Engine, EngineUnavailable, interval_seconds
from collector.telemetry.disk import Used
from collector.telemetry.poll import Poll
from tests.collector.telemetry.stats import STOPPED, V1
from tests.collector.unix_site import serving
from tests.collector.waiting import until


class Daemon:
    """As much of the Engine API as the poll asks."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}  # by container; one that is not in here is unknown
        self.status = 200
        self.broken: set[str] = set()  # containers whose stats fail
        self.asked = 0  # for stats
        self.at_once = self.most_at_once = 0
        self.free = asyncio.Event()
        self.free.set()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/version", self._version),
            web.get("/{version:v[0-9.]+}/version", self._version),
            web.get("/{version:v[0-9.]+}/info", self._info),
            web.get("/{version:v[0-9.]+}/system/df", self._disk),
            web.get("/{version:v[0-9.]+}/containers/{id}/stats", self._stats),
        ]

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": "1.41"})

    async def _info(self, _: web.Request) -> web.Response:
        await self.free.wait()
        return web.json_response({"NCPU": 2}, status=self.status)

    async def _disk(self, _: web.Request) -> web.Response:
        await self.free.wait()
        return web.json_response({"VolumeUsage": {"TotalSize": 5, "Reclaimable": 3}}, status=self.status)

    async def _stats(self, request: web.Request) -> web.Response:
        assert (request.query["stream"], request.query["one-shot"]) == ("false", "true")
        self.asked += 1
        if request.match_info["id"] in self.broken:
            return web.json_response({"message": "cgroups: cgroup deleted"}, status=500)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.free.wait()
        await asyncio.sleep(0)
        self.at_once -= 1
        found = self.answers.get(request.match_info["id"])
        if found is None:
            return web.json_response({"message": "No such container"}, status=404)
        return web.Response(body=found, status=self.status, content_type="application/json")


class Host:
    def __init__(self, daemon: Daemon, engine: Engine, root: Path) -> None:
        self.daemon = daemon
        self.engine = engine
        self.registry = Registry()
        self.listing = self.registry.join("docker")
        self.listing.answered()
        self.poll = Poll(self.listing, lambda: list(self.registry.containers.values()), root, engine=engine)

    async def look(self) -> None:
        """At what containers use, once."""
        await self.poll._look_at_usage(self.engine)

    def put(self, name: str, state: str = "running", answer: dict[str, Any] | None = None) -> None:
        self.listing.put(Container(id=name, name=name, state=state, log_limit_bytes=1.0))
        self.daemon.answers[name] = orjson.dumps(V1 if answer is None else answer)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    daemon = Daemon()
    async with serving(tmp_path, daemon.routes()) as url, Engine(url) as engine:
        yield Host(daemon, engine, tmp_path)


async def test_a_tenth_of_those_that_run_is_asked_at_once_and_nobody_else(host: Host) -> None:
    for number in range(40):
        host.put(f"up-{number}")
        host.put(f"down-{number}", "exited")
    host.daemon.free.clear()
    looking = asyncio.ensure_future(host.look())
    await until(lambda: host.daemon.at_once == 4)
    host.daemon.free.set()
    await looking
    assert host.daemon.most_at_once == 4
    assert set(host.poll.usage) == {f"up-{number}" for number in range(40)}


async def test_what_is_not_answered_is_unknown(host: Host) -> None:
    host.put("web")
    host.put("ends")
    host.put("goes")
    await host.look()
    assert set(host.poll.usage) == {"web", "ends", "goes"}
    host.put("ends", answer=STOPPED)
    del host.daemon.answers["goes"]
    await host.look()
    assert set(host.poll.usage) == {"web"}
    host.daemon.answers["web"] = b"nonsense"
    with pytest.raises(EngineUnavailable):
        await host.look()
    assert host.poll.usage == {}


async def test_one_that_cannot_be_asked_for_takes_nothing_from_the_others(host: Host) -> None:
    for name in ("broken", "web", "shop"):
        host.put(name)
    host.daemon.broken = {"broken"}
    await host.look()
    assert set(host.poll.usage) == {"web", "shop"}


async def test_a_daemon_that_answers_nobody_is_not_asked_for_each(host: Host) -> None:
    for number in range(100):
        host.put(f"up-{number}")
    host.daemon.status = 500
    with pytest.raises(EngineUnavailable):
        await host.look()
    assert host.daemon.asked < 20


async def test_what_was_seen_stands_while_it_is_asked_for_anew_and_not_if_that_fails(host: Host) -> None:
    for look in (host.poll._look_at_engine, host.poll._look_at_disk):
        await look(host.engine)
    assert (host.poll.engine, host.poll.disk) == ({"NCPU": 2}, {"volumes": Used(5, 3)})
    host.daemon.free.clear()
    looking = [
        asyncio.ensure_future(look(host.engine)) for look in (host.poll._look_at_engine, host.poll._look_at_disk)
    ]
    await asyncio.sleep(0)
    assert host.poll.engine
    assert host.poll.disk
    host.daemon.status = 500
    host.daemon.free.set()
    for one in await asyncio.gather(*looking, return_exceptions=True):
        assert isinstance(one, EngineUnavailable)
    assert (host.poll.engine, host.poll.disk) == ({}, {})


async def test_nothing_from_before_an_outage_is_told(host: Host) -> None:
    host.put("web")
    await host.look()
    host.listing.lost("away")
    host.listing.answered()
    assert host.poll.usage == {}
    await host.look()
    assert set(host.poll.usage) == {"web"}


async def test_a_look_tells_how_it_went_and_one_that_fails_harms_no_other(host: Host) -> None:
    host.put("web")
    host.daemon.status = 500
    running = asyncio.ensure_future(host.poll.run())
    await until(lambda: len(host.poll.looks) == 3 or running.done())
    assert not running.done(), running.exception()
    assert {name: look.succeeded for name, look in host.poll.looks.items()} == {
        "log_files": False,
        "engine": False,
        "stats": False,
    }
    assert host.poll.engine == {}
    running.cancel()


async def test_a_daemon_that_is_away_is_not_asked(host: Host) -> None:
    host.put("web")
    host.listing.lost("away")
    running = asyncio.ensure_future(host.poll.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert (host.poll.looks, host.daemon.most_at_once) == ({}, 0)
    host.listing.answered()
    await until(lambda: "web" in host.poll.usage)
    running.cancel()


def test_more_than_200_containers_are_asked_less_often() -> None:
    assert [interval_seconds(count) for count in (0, 200, 400, 1000)] == [15, 15, 30, 75]
