"""Laws of following a daemon whose events do not come, or whose list does not: neither waits for the other."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.collector.discovery.test_docker import ID, Daemon, followed
from tests.collector.waiting import until


class Deaf(Daemon):
    """Its stream is `open`, `held` until there is an event, `cut` before its header, `ended` at once, or `silent`.

    It remembers its events, as dockerd and podman do, and a stream begins with those since the time that was asked for.
    """

    def __init__(self, stream: str) -> None:
        super().__init__()
        self.stream = stream
        self.past: list[dict[str, Any]] = []
        self.hangs: set[str] = set()  # of `list` and `info`
        self._news = asyncio.Event()

    def tell(self, action: str, at: int, container_id: str = ID, **attributes: str) -> None:
        actor = {"ID": container_id, "Attributes": attributes}
        self.past.append({"Action": action, "Actor": actor, "timeNano": time.time_ns()})
        self._news.set()
        self._news = asyncio.Event()

    async def _list(self, request: web.Request) -> web.Response:
        if "list" in self.hangs:
            await asyncio.Event().wait()
        return await super()._list(request)

    async def _info(self, request: web.Request) -> web.Response:
        return web.Response(status=500) if "info" in self.hangs else await super()._info(request)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.since.append(float(request.query.get("since", "0")))
        response = web.StreamResponse()
        if self.stream == "cut":
            assert request.transport is not None
            request.transport.abort()
            return response
        if self.stream != "held":
            await response.prepare(request)
        if self.stream == "ended":
            return response
        told = 0
        while True:
            news = [one for one in self.past[told:] if one["timeNano"] / 1e9 >= self.since[-1]]
            told = len(self.past)
            if news and self.stream != "silent":
                if not response.prepared:
                    await response.prepare(request)
                await response.write(b"".join(json.dumps(one).encode() + b"\n" for one in news))
            await self._news.wait()


@pytest.mark.parametrize("stream", ["held", "cut", "ended", "silent"])
async def test_who_is_there_is_listed_whatever_becomes_of_the_stream(tmp_path: Path, stream: str) -> None:
    daemon = Deaf(stream)
    daemon.change("start", "running")
    daemon.past.clear()
    async with followed(daemon, tmp_path, begin_seconds=30) as host:
        await until(lambda: host.state == "running" and host.listing.up)


@pytest.mark.parametrize(
    ("stream", "words"), [("held", "event stream did not begin within 0.3 s"), ("cut", "disconnected"), ("ended", "")]
)
async def test_a_stream_that_does_not_come_is_told_until_it_does(
    tmp_path: Path, stream: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = Deaf(stream)
    async with followed(daemon, tmp_path, begin_seconds=0.3, silent_seconds=0.3) as host:
        await until(lambda: host.listing.up and words in host.listing.deaf)
        await until(lambda: "Docker event stream unavailable" in capsys.readouterr().out)
        if stream != "ended":
            assert not host.listing.hears_events
        daemon.stream = "open"
        await until(lambda: host.listing.hears_events and not host.listing.deaf)


async def test_an_event_that_happens_while_the_stream_is_held_back_is_heard(tmp_path: Path) -> None:
    """As with podman: what was told between two streams begins the next one."""
    daemon = Deaf("held")
    async with followed(daemon, tmp_path, begin_seconds=0.3, silent_seconds=0.3) as host:
        await until(lambda: len(daemon.since) == 2)  # one has been given up
        daemon.change("start", "running")
        await until(lambda: host.told == [("start", "")])
        daemon.change("die", "exited", exitCode="3")
        await until(lambda: host.told == [("start", ""), ("die", "error")])
        assert host.listing.hears_events


async def test_what_happens_between_the_list_and_the_stream_is_told_once(tmp_path: Path) -> None:
    daemon = Deaf("cut")
    async with followed(daemon, tmp_path, begin_seconds=0.3, silent_seconds=0.3) as host:
        await until(lambda: host.listing.up)
        daemon.change("start", "running")
        daemon.change("die", "exited", exitCode="3")
        daemon.stream = "open"
        await until(lambda: len(host.told) == 2)
        daemon.change("start", "running")
        await until(lambda: len(host.told) == 3)
        assert host.told == [("start", ""), ("die", "error"), ("start", "")]
        assert host.registry.counts[ID].exits["error"] == 1


async def test_a_stream_that_falls_silent_is_asked_for_anew_and_nothing_is_lost(tmp_path: Path) -> None:
    """As where the other end is gone and nobody tells: it neither ends nor breaks."""
    daemon = Deaf("silent")
    async with followed(daemon, tmp_path, begin_seconds=0.3, silent_seconds=0.3) as host:
        await until(lambda: host.listing.hears_events)
        daemon.change("start", "running")
        daemon.change("die", "exited", exitCode="3")
        daemon.stream = "open"
        await until(lambda: host.told == [("start", ""), ("die", "error")])
        await until(lambda: len(daemon.since) > 4)
        assert len(host.told) == 2
        assert (host.listing.streams_of_events, host.listing.hears_events, host.listing.deaf) == (1, True, "")


async def test_events_are_taken_though_the_list_hangs(tmp_path: Path) -> None:
    daemon = Deaf("open")
    daemon.hangs = {"list"}
    async with followed(daemon, tmp_path) as host:
        await until(lambda: host.listing.hears_events)
        daemon.change("start", "running")
        await until(lambda: host.state == "running")
        assert not host.listing.up


async def test_a_daemon_that_lists_and_tells_nothing_of_itself_is_followed_under_its_last_name(tmp_path: Path) -> None:
    (tmp_path / "docker_host").write_text("moby")
    daemon = Deaf("open")
    daemon.hangs = {"info"}
    daemon.change("start", "running")
    async with followed(daemon, tmp_path) as host:
        await until(lambda: host.state == "running")
        assert host.listing.containers[ID].streams[0].fields["host"] == "moby"
