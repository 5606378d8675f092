"""Laws of following a daemon whose answers come in any order, against an engine of our own on a real socket."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from collector.container_settings.options import Rule
from collector.container_settings.policy import Policy
from collector.container_settings.rule_book import RuleBook
from collector.discovery.docker import DockerDiscovery
from collector.discovery.enrich import Enricher
from collector.discovery.registry import Registry
from collector.docker.engine import Engine
from collector.docker.event import Event
from collector.redaction.redaction import NO_REDACTION
from tests.collector.unix_site import serving
from tests.collector.waiting import until

ID = "0123456789abcdef" * 4


class Daemon:
    """As much of the Engine API as discovery asks. An inspect reads the state at once; a test lets the answer go."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, Any]] = {}
        self.held: list[asyncio.Event] = []
        self.holding = False
        self.failures = 0  # answers to come that are errors
        self.broken: set[str] = set()  # containers of which each answer is an error
        self.deaf = False  # whether events are refused
        self.failing = False  # whether it lists nothing
        self.since: list[float] = []  # with which events were asked for
        self._events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._times = count(time.time_ns())

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/{version:v[0-9.]+}/events", self._stream),
            web.get("/{version:v[0-9.]+}/info", self._info),
            web.get("/{version:v[0-9.]+}/containers/json", self._list),
            web.get("/{version:v[0-9.]+}/containers/{id}/json", self._inspect),
            web.get("/version", self._version),
            web.get("/{version:v[0-9.]+}/version", self._version),
        ]

    def change(self, action: str, status: str = "", **attributes: str) -> None:
        """Let the container be so and tell an event; `destroy` takes it away."""
        if action == "destroy":
            self.containers.pop(ID)
        else:
            self.containers[ID] = {"Id": ID, "Name": "/web-1", "Config": {"Labels": {}}, "State": {"Status": status}}
        self.tell(action, next(self._times), **attributes)

    def tell(self, action: str, at: int, container_id: str = ID, **attributes: str) -> None:
        """Tell an event of that time, of which nothing else is seen."""
        self._events.put_nowait(
            {"Action": action, "Actor": {"ID": container_id, "Attributes": attributes}, "timeNano": at}
        )

    def begin_anew(self) -> None:
        """Forget what was not told yet."""
        self._events = asyncio.Queue()

    def end(self) -> None:
        self._events.put_nowait(None)
        for each in self.held:
            each.set()

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": "1.41"})

    async def _info(self, _: web.Request) -> web.Response:
        return web.json_response({"Name": "moby"})

    async def _list(self, _: web.Request) -> web.Response:
        if self.failing:
            return web.json_response({"message": "try again"}, status=500)
        return web.json_response(
            [
                {
                    "Id": one,
                    "Names": [found["Name"]],
                    "State": found["State"]["Status"],
                    "Status": f"Exited ({found['State'].get('ExitCode', 0)}) 2 seconds ago",
                }
                for one, found in self.containers.items()
            ]
        )

    async def _inspect(self, request: web.Request) -> web.Response:
        if self.failures or request.match_info["id"] in self.broken:
            self.failures = max(self.failures - 1, 0)
            return web.json_response({"message": "try again"}, status=500)
        found = self.containers.get(request.match_info["id"])
        if self.holding:
            self.held.append(asyncio.Event())
            await self.held[-1].wait()
        return web.json_response(found) if found else web.json_response({"message": "none"}, status=404)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.since.append(float(request.query.get("since", "0")))
        if self.deaf:
            return web.Response(status=403)
        response = web.StreamResponse()
        await response.prepare(request)
        while event := await self._events.get():
            await response.write(json.dumps(event).encode() + b"\n")
        return response


class Host:
    """A daemon, and the discovery that follows it."""

    def __init__(self, daemon: Daemon, engine: Engine, path: Path, since: int = 0) -> None:
        self.daemon = daemon
        self.registry = Registry()
        self.listing = self.registry.join("docker")
        self.told: list[tuple[str, str]] = []  # events, and the kind of an end
        self.events: list[Event] = []
        self._engine = engine
        self._path = path
        self.rules = RuleBook()
        self.discovery = self._discover(since)

    def _discover(self, since: int) -> DockerDiscovery:
        return DockerDiscovery(
            self._engine,
            self.listing,
            Enricher("moby", "all", "", lambda key: None, rules=self.rules),
            logs_root=self._path,
            host=None,
            host_file=self._path / "docker_host",
            since=since,
            told=self._tell,
        )

    def _tell(self, event: Event, kind: str) -> None:
        self.told.append((event.action, kind))
        self.events.append(event)

    @property
    def state(self) -> str | None:
        """What is known of the container; None: it is not known."""
        found = self.listing.containers.get(ID)
        return found.state if found else None


@asynccontextmanager
async def followed(
    daemon: Daemon, path: Path, since: int = 0, *, begin_seconds: float = 10.0, silent_seconds: float = 45.0
) -> AsyncIterator[Host]:
    """The daemon while an agent follows it; `begin_seconds` and `silent_seconds` are the engine's."""
    patience = {"begin_seconds": begin_seconds, "silent_seconds": silent_seconds}
    async with serving(path, daemon.routes()) as url, Engine(url, **patience) as engine:  # type: ignore[arg-type]
        host = Host(daemon, engine, path, since)
        following = asyncio.ensure_future(host.discovery.run())
        try:
            yield host
        finally:
            following.cancel()
            daemon.end()
            await asyncio.gather(following, return_exceptions=True)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    daemon = Daemon()
    async with followed(daemon, tmp_path) as host:
        await until(lambda: host.listing.up)
        daemon.change("start", "running")
        await until(lambda: host.state == "running")
        yield host


async def test_an_answer_that_was_asked_for_earlier_replaces_none_that_was_asked_for_later(host: Host) -> None:
    daemon = host.daemon
    daemon.holding = True
    daemon.containers[ID]["State"]["Status"] = "exited"  # of which no event tells
    relist = asyncio.ensure_future(host.discovery._reconcile())
    await until(lambda: len(daemon.held) == 1)
    daemon.change("pause", "paused")
    await until(lambda: len(daemon.held) == 2)
    daemon.held[1].set()
    await until(lambda: host.state == "paused")
    daemon.held[0].set()
    await relist
    assert host.state == "paused"


async def test_a_container_that_was_removed_does_not_come_back_with_an_answer_from_before(host: Host) -> None:
    daemon = host.daemon
    daemon.holding = True
    daemon.containers[ID]["State"]["Status"] = "exited"
    relist = asyncio.ensure_future(host.discovery._reconcile())
    await until(lambda: len(daemon.held) == 1)
    daemon.change("destroy")
    await until(lambda: host.state is None)
    daemon.held[0].set()
    await relist
    assert host.state is None


async def test_what_is_told_of_a_container_is_taken_in_the_order_of_the_events(host: Host) -> None:
    for action, status in (("die", "exited"), ("start", "running"), ("pause", "paused"), ("unpause", "running")):
        host.daemon.change(action, status)
        await until(lambda status=status: host.state == status)  # type: ignore[misc]
    host.daemon.change("destroy")
    await until(lambda: host.state is None)


def tagged(tag: str) -> Policy:
    return Policy(rules=[Rule(tags={"rules": tag})])


def tag_of(host: Host) -> str:
    (stream,) = host.listing.containers[ID].streams
    return stream.fields.get("rules", "")


async def test_rules_that_change_hold_for_the_containers_that_run(host: Host) -> None:
    for tag in ("one", "two"):
        host.rules.replace(tagged(tag), NO_REDACTION)
        await until(lambda tag=tag: tag_of(host) == tag)  # type: ignore[misc]


async def test_rules_that_change_while_the_daemon_does_not_answer_hold_once_it_does(host: Host) -> None:
    host.daemon.broken.add(ID)
    host.rules.replace(tagged("new"), NO_REDACTION)
    await until(lambda: ID in host.discovery._unanswered)
    assert tag_of(host) == ""
    host.daemon.broken.discard(ID)
    await host.discovery._reconcile()
    assert tag_of(host) == "new"


async def test_rules_that_changed_while_nobody_followed_the_daemon_hold_from_the_first_list_on(host: Host) -> None:
    """An input that ended is run again, and its containers are still known."""
    host.rules.replace(tagged("new"), NO_REDACTION)
    await host._discover(0)._reconcile()
    assert tag_of(host) == "new"


async def test_after_the_clock_was_set_back_it_hears_what_happens(tmp_path: Path) -> None:
    daemon = Daemon()
    tomorrow = time.time_ns() + 86400 * 10**9
    async with followed(daemon, tmp_path, since=tomorrow) as host:
        await until(lambda: host.listing.up)
        daemon.change("start", "running")
        await until(lambda: host.state == "running")
        assert daemon.since[0] <= time.time()


async def test_how_one_ended_is_told_though_it_is_gone_when_it_is_asked_for(host: Host) -> None:
    """As `docker run --rm` has it; the kernel's word that there was no memory is from before."""
    host.daemon.tell("create", next(host.daemon._times), "gone")
    for code, kind in (("3", "error"), ("0", "ok")):
        host.daemon.tell("die", next(host.daemon._times), "gone", exitCode=code)
        await until(lambda kind=kind: host.told[-1] == ("die", kind))  # type: ignore[misc]
    host.daemon.change("oom", "running")
    await until(lambda: host.told[-1] == ("oom", ""))
    del host.daemon.containers[ID]
    host.daemon.tell("die", next(host.daemon._times), exitCode="137")
    await until(lambda: host.told[-1] == ("die", "oom"))


async def test_one_that_came_and_went_is_missed_only_if_that_was_in_our_time(host: Host) -> None:
    host.daemon.tell("start", host.discovery._began - 1, "before")
    host.daemon.tell("start", host.discovery._began + 1, "since")
    await until(lambda: host.listing.events["start"] == 3)
    assert host.listing.missed == 1


async def test_an_event_whose_container_cannot_be_asked_for_is_taken_all_the_same(host: Host) -> None:
    host.daemon.failures = 1
    host.daemon.change("die", "exited", exitCode="3")
    await until(lambda: host.told[-1] == ("die", "error"))
    assert (host.state, host.listing.up, len(host.daemon.since)) == ("running", True, 1)
    await host.discovery._reconcile()
    assert host.state == "exited"


async def test_one_whose_restart_could_not_be_asked_for_is_asked_for_again(host: Host) -> None:
    """The list says the same of it as before."""
    host.daemon.failures = 2
    host.daemon.tell("die", next(host.daemon._times), exitCode="1")
    host.daemon.change("start", "running")
    host.daemon.containers[ID]["RestartCount"] = 5
    await until(lambda: host.told[-2:] == [("die", "error"), ("start", "")])
    await host.discovery._reconcile()
    assert host.listing.containers[ID].restarts == 5


async def test_an_event_that_is_told_again_after_a_failed_re_list_is_counted_once(host: Host) -> None:
    before = host.listing.events["pause"]
    host.daemon.holding = True
    at = next(host.daemon._times)
    host.daemon.tell("pause", at)
    await until(lambda: host.daemon.held)
    host.daemon.end()  # the stream breaks while the container is asked for
    host.daemon.holding = False
    await until(lambda: len(host.daemon.since) == 2)
    host.daemon.tell("pause", at)
    host.daemon.change("unpause", "running")
    await until(lambda: host.told[-1] == ("unpause", ""))
    assert host.listing.events["pause"] == before + 1


@pytest.mark.parametrize("is_new", [True, False])
async def test_one_that_the_daemon_does_not_describe_takes_nothing_from_the_others(host: Host, is_new: bool) -> None:
    """As one that is half removed, or whose lock is held: the daemon answers so for as long as it is there."""
    other = "b" * 64
    host.daemon.containers[other] = {"Id": other, "Name": "/bad", "State": {"Status": "running"}, "Config": {}}
    if not is_new:
        await host.discovery._reconcile()
    host.daemon.broken.add(other)
    host.daemon.containers[other]["State"]["Status"] = "dead"
    host.daemon.change("pause", "paused")
    await until(lambda: host.state == "paused")
    for state in ("dead", "removing"):
        host.daemon.containers[other]["State"]["Status"] = state
        await host.discovery._reconcile()
        bad = host.listing.containers[other]
        assert host.listing.up
        if is_new:
            assert (bad.name, bad.state, bad.problem) == ("bad", state, "the Docker daemon cannot inspect it")
        else:
            assert (bad.name, bad.state, bad.problem) == ("bad", "running", "")
    host.daemon.broken.clear()
    await host.discovery._reconcile()
    assert (host.listing.containers[other].state, host.listing.containers[other].problem) == ("removing", "")


async def test_a_daemon_that_describes_none_of_its_containers_is_away(tmp_path: Path) -> None:
    """As behind a proxy that refuses it: nobody would be followed."""
    daemon = Daemon()
    daemon.change("start", "running")
    daemon.broken.add(ID)
    async with followed(daemon, tmp_path) as host:
        await until(lambda: "try again" in host.listing.error)
        assert not host.listing.up
        daemon.broken.clear()
        await until(lambda: host.listing.up)


async def test_without_its_events_a_daemon_is_still_listed(tmp_path: Path) -> None:
    daemon = Daemon()
    daemon.deaf = True
    daemon.change("start", "running")
    async with followed(daemon, tmp_path) as host:
        await until(lambda: host.listing.up)
        assert (host.state, host.listing.hears_events) == ("running", False)
        daemon.containers[ID]["State"]["Status"] = "exited"
        await until(lambda: host.state == "exited")
        daemon.deaf = False
        await until(lambda: host.listing.hears_events)
        assert host.listing.outages == 0


async def test_what_happened_long_before_the_start_is_told_and_not_counted(tmp_path: Path) -> None:
    daemon = Daemon()
    daemon.change("create", "exited")
    daemon.tell("die", time.time_ns() - 3600 * 10**9, exitCode="1")
    daemon.tell("health_status: unhealthy", time.time_ns() - 3600 * 10**9)
    daemon.tell("die", time.time_ns() - 10**9, exitCode="1")  # while the agent was replaced
    async with followed(daemon, tmp_path, since=1) as host:
        await until(lambda: len(host.told) == 4)
        assert host.told[1:] == [("die", "error"), ("health_status", ""), ("die", "error")]
        counts = host.registry.counts[ID]
        assert (counts.exits["error"], counts.transitions["unhealthy"], host.listing.events["die"]) == (1, 0, 1)


LONG_AGO = "2026-11-28T12:00:00Z"


async def died(host: Host, *, labels: dict[str, str], told: str, status: str = "exited", **state: Any) -> str:
    """The kind of an end of which an event tells this code, where the container has these labels and this state."""
    found = {"Id": ID, "Name": "/web-1", "Config": {"Labels": labels, "Image": "shop:3"}}
    host.daemon.containers[ID] = found | {"State": {"Status": status, **state}}
    seen = len(host.told)
    host.daemon.tell("die", next(host.daemon._times), **labels, **({} if "exitCode" in labels else {"exitCode": told}))
    await until(lambda: len(host.told) > seen)
    return host.told[-1][1]


@pytest.mark.parametrize("code", ["0", "none of yours", "", "143", "\u0663"])
async def test_a_label_does_not_decide_how_one_ended(host: Host, code: str) -> None:
    state: dict[str, Any] = {"ExitCode": 3, "FinishedAt": LONG_AGO}
    assert await died(host, labels={"exitCode": code}, told="3", **state) == "error"
    assert await died(host, labels={"exitCode": code}, told="3", status="restarting", **state) == "error"
    assert host.registry.counts[ID].exits == {"ok": 0, "error": 2, "signal": 0, "oom": 0}
    assert host.events[-1].exit_code == 3


async def test_an_end_whose_code_a_label_hides_and_nobody_else_knows_is_of_no_kind(host: Host) -> None:
    """It runs again when it is asked for, or has ended once more; and the code before is not that of this end."""
    assert await died(host, labels={}, told="3", ExitCode=3, FinishedAt=LONG_AGO) == "error"
    counts = host.registry.counts[ID]
    for state in ({"status": "running"}, {"ExitCode": 0, "FinishedAt": "2999-01-01T00:00:00Z"}):
        assert await died(host, labels={"exitCode": "0"}, told="0", **state) == ""
        assert (counts.exits["ok"], counts.exit_code, host.events[-1].exit_code) == (0, None, None)
    for state in ({"status": "running"}, {"ExitCode": 0, "FinishedAt": "2999-01-01T00:00:00Z"}):
        assert await died(host, labels={}, told="3", **state) == "error"


async def test_a_label_does_not_decide_how_one_ended_that_is_gone_when_it_is_asked_for(host: Host) -> None:
    """Its earlier events show the label: no daemon tells the code of an end with a start."""
    for action in ("create", "start"):
        container_id = f"gone-after-{action}"
        host.daemon.tell(action, next(host.daemon._times), container_id, exitCode="0")
        host.daemon.tell("die", next(host.daemon._times), container_id, exitCode="0")
        await until(lambda: host.told[-1][0] == "die")
        assert host.told.pop() == ("die", "")
    host.daemon.tell("die", next(host.daemon._times), "unknown", exitCode="0")
    await until(lambda: host.told[-1] == ("die", ""))


async def test_an_end_that_cannot_be_asked_for_is_not_taken_for_the_one_before(host: Host) -> None:
    assert await died(host, labels={}, told="0", ExitCode=0, FinishedAt=LONG_AGO) == "ok"
    host.daemon.failures = 1
    assert await died(host, labels={}, told="3", ExitCode=3, FinishedAt=LONG_AGO) == "error"


async def test_name_and_image_are_those_of_the_container_whatever_is_told(host: Host) -> None:
    labels = {"name": "another", "image": "innocent:1", "signal": "9", "health_status": "healthy"}
    await died(host, labels=labels, told="3", ExitCode=3, FinishedAt=LONG_AGO)
    assert (host.events[-1].name, host.events[-1].image, host.events[-1].health) == ("web-1", "shop:3", "")
    host.daemon.tell("health_status: unhealthy", next(host.daemon._times), **labels)
    await until(lambda: host.told[-1] == ("health_status", ""))
    assert (host.events[-1].name, host.events[-1].health) == ("web-1", "unhealthy")


async def test_nothing_is_kept_of_a_container_that_nobody_asks_about(host: Host) -> None:
    host.daemon.change("destroy")
    await until(lambda: host.state is None)
    turns = host.discovery._turns
    assert (dict(turns._asking), turns._newest, host.discovery._attributes._hides) == ({}, {}, {})


@pytest.mark.parametrize(("action", "status"), [("create", "created"), ("die", "exited")])
async def test_a_start_that_fails_is_seen_though_no_event_tells_of_it(tmp_path: Path, action: str, status: str) -> None:
    async with followed(Daemon(), tmp_path) as host:
        host.daemon.change(action, status)
        host.daemon.containers[ID]["State"]["FinishedAt"] = "2026-11-25T16:09:22Z"
        await until(lambda: host.state == status)
        await host.discovery._reconcile()
        host.daemon.containers[ID]["State"] |= {"ExitCode": 127, "Error": "no such file or directory"}
        await host.discovery._reconcile()
        found = host.listing.containers[ID]
        assert (found.state, found.exit_code, found.start_error) == (status, 127, "no such file or directory")


async def test_one_that_ended_and_is_as_it_was_is_not_asked_for_again(tmp_path: Path) -> None:
    async with followed(Daemon(), tmp_path) as host:
        host.daemon.change("die", "exited")
        host.daemon.containers[ID]["State"] |= {"ExitCode": 3, "FinishedAt": "2026-11-25T16:09:22Z"}
        await until(lambda: host.state == "exited")
        await host.discovery._reconcile()
        known = host.listing.containers[ID]
        await host.discovery._reconcile()
        host.daemon.broken = {ID}
        await host.discovery._reconcile()
        assert host.listing.containers[ID] is known
        assert host.discovery._unanswered == set()


async def test_the_name_that_the_daemon_told_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "docker_host").write_text("a name from before")
    (tmp_path / "still").hardlink_to(tmp_path / "docker_host")
    async with followed(Daemon(), tmp_path) as host:
        await until(lambda: host.listing.up)
    assert (tmp_path / "docker_host").read_text() == "moby"
    assert (tmp_path / "still").read_text() == "a name from before"


async def test_a_host_name_that_cannot_be_saved_keeps_nobody_from_being_followed(tmp_path: Path) -> None:
    (tmp_path / "docker_host.new").mkdir()
    daemon = Daemon()
    daemon.change("start", "running")
    async with followed(daemon, tmp_path) as host:
        await until(lambda: host.state == "running")
    assert not (tmp_path / "docker_host").exists()
