"""Laws of several inputs in one agent: each is followed whatever the others do, and no container twice."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest
from structlog.testing import capture_logs

from collector.app.agent import Agent
from collector.app.inputs import context_of, keep_running
from collector.app.plugins import installed_types
from collector.config.environment import Types
from collector.config.loading import load
from collector.config.models import Configuration
from collector.discovery.registry import Registry
from collector.intake.input import Input, InputContext, InputSettings
from collector.model import LogStream, Start
from collector.ports import Source, Transform
from collector.sources.desk import Desk
from tests.collector.discovery.test_docker import Daemon
from tests.collector.docker_lines import ContainerLog, raw
from tests.collector.unix_site import serving, url_of
from tests.collector.waiting import until
from tests.contract.inputs import KEPT, Keeps, Kept


class FailingSettings(InputSettings):
    """Of another package, and not yet right."""

    type: Literal["failing"] = "failing"
    raises: bool = True

    def open(self, context: InputContext) -> "Failing":
        return Failing(self, context)


class Failing(Input):
    """Raises, or ends, as soon as it has listed a container."""

    def __init__(self, settings: FailingSettings, context: InputContext) -> None:
        self._settings, self._context = settings, context

    async def run(self) -> None:
        self._context.listing.answered()
        if self._settings.raises:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._fail())

    async def _fail(self) -> None:
        raise KeyError("a password, perhaps")

    def source(self, stream: LogStream, start: Start, desk: Desk) -> Source:
        raise NotImplementedError

    def transform(self, stream: LogStream, start: Start) -> Transform:
        raise NotImplementedError


class Host:
    """Daemons and trees below one directory, and an agent that follows all of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.daemons: dict[str, Daemon] = {}
        self.inputs: dict[str, Any] = {}
        self.environ: dict[str, str] = {}

    def tree(self, name: str) -> Path:
        self.inputs[name] = {"type": "directory", "path": str(self.root / name)}
        (self.root / name).mkdir()
        return self.root / name

    def daemon(self, name: str, logs: Path) -> Daemon:
        (self.root / name).mkdir(exist_ok=True)
        self.inputs[name] = {"type": "docker", "url": url_of(self.root / name), "logs_root": str(logs)}
        return self.daemons.setdefault(name, Daemon())

    def configuration(self) -> Configuration:
        environ = {
            "PILOTFISH_INPUTS": json.dumps(self.inputs),
            "PILOTFISH_OUTPUTS__KEPT__TYPE": "keeps",
            "PILOTFISH_STATE_DIR": str(self.root / "state"),
            "PILOTFISH_HTTP__LISTEN": "127.0.0.1:0",
            **self.environ,
        }
        own = installed_types().inputs
        types = Types({**{name: own[name] for name in own}, "failing": FailingSettings}, {"keeps": Keeps})
        return load(None, types, environ)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[Agent, Kept]]:
        agent = Agent(self.configuration())
        kept = KEPT.setdefault(self.root / "state", Kept())
        async with AsyncExitStack() as stack:
            for name, daemon in self.daemons.items():
                daemon.begin_anew()
                await stack.enter_async_context(serving(self.root / name, daemon.routes()))
                stack.callback(daemon.end)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            tasks.create_task(agent.run())
            try:
                yield agent, kept
            finally:
                agent.stop()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def log(root: Path, name: str, *messages: str) -> None:
    """A container's log; in a tree its folder's name is what it is called."""
    one = ContainerLog(root, name)
    one.live.with_name("config.v2.json").write_text(json.dumps({"Name": f"/{name}", "State": {"Running": True}}))
    one.write(*(raw(f"{message}\n") for message in messages))


def listed(daemon: Daemon, name: str) -> None:
    state = {"Status": "running"}
    daemon.containers[name] = {"Id": name, "Name": f"/{name}", "Config": {"Labels": {}}, "State": state}


async def scraped(agent: Agent) -> list[str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{agent.address}/metrics") as answer:
        return (await answer.text()).splitlines()


async def test_two_trees_and_a_daemon_are_followed_at_once(host: Host) -> None:
    first, second = host.tree("first"), host.tree("second")
    log(first, "a", "of the first")
    log(second, "b", "of the second")
    logs = host.root / "logs"
    listed(host.daemon("docker", logs), "c")
    log(logs, "c", "of the daemon")
    async with host.running() as (agent, kept):
        await until(lambda: len(kept.documents) == 3)
        assert [kept.messages(name) for name in "abc"] == [["of the first"], ["of the second"], ["of the daemon"]]
        assert agent.not_ready() == []


async def test_one_that_is_away_is_told_by_its_name_and_takes_nothing_from_the_others(host: Host) -> None:
    log(host.tree("here"), "a", "here")
    host.daemon("away", host.root).failing = True
    async with host.running() as (agent, kept):
        await until(lambda: kept.messages("a") == ["here"] and any("try again" in one for one in agent.not_ready()))
        (reason,) = agent.not_ready()
        assert reason.startswith("input away: Docker at unix://")
        lines = await scraped(agent)
    assert 'docker_up{input="away"} 0' in lines
    assert 'docker_up{input="here"} 1' in lines


@pytest.mark.parametrize(
    ("raises", "words"),
    [
        (True, r"it raised an unexpected error \(KeyError at test_inputs\.py:\d+\): report it"),
        (False, "it ended by itself"),
    ],
)
async def test_one_that_fails_is_told_and_takes_nothing_from_the_others(host: Host, raises: bool, words: str) -> None:
    log(host.tree("here"), "a", "here")
    host.inputs["bad"] = {"type": "failing", "raises": raises}
    with capture_logs() as logs:
        async with host.running() as (agent, kept):
            await until(lambda: kept.messages("a") == ["here"])
            await until(lambda: any(re.match(f"input bad: {words}", one) for one in agent.not_ready()))
    assert [one["input"] for one in logs if one["event"] == "input failed"] == ["bad"]
    assert "password" not in str(logs)


@pytest.mark.parametrize("raises", [True, False])
async def test_one_that_answers_and_fails_again_and_again_is_told_once(host: Host, raises: bool) -> None:
    host.inputs["bad"] = {"type": "failing", "raises": raises}
    configuration, listing = host.configuration(), Registry().join("bad")
    bad = configuration.inputs["bad"].open(context_of(configuration, listing))
    with capture_logs() as logs:
        running = asyncio.ensure_future(keep_running(bad, listing, again_seconds=0.001))
        try:
            await until(lambda: listing.outages >= 50 and not listing.up)
        finally:
            running.cancel()
    assert [one["event"] for one in logs] == ["input failed"]
    assert not listing.up


class FailingAtItsEnd(Failing):
    """Fails as soon as it is cancelled, as where a connection breaks just then."""

    async def _fail(self) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise KeyError


async def test_one_that_fails_while_it_is_cancelled_ends(host: Host) -> None:
    """Its group of tasks raises the error, and not that it was cancelled."""
    host.inputs["bad"] = {"type": "failing"}
    configuration, listing = host.configuration(), Registry().join("bad")
    settings = configuration.inputs["bad"]
    assert isinstance(settings, FailingSettings)
    bad = FailingAtItsEnd(settings, context_of(configuration, listing))
    running = asyncio.ensure_future(keep_running(bad, listing, again_seconds=0.001))
    await until(lambda: listing.up)
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=5)
    assert done
    assert running.cancelled()


async def test_a_container_of_two_inputs_is_followed_once_and_by_the_other_when_the_first_drops_it(host: Host) -> None:
    tree = host.tree("tree")
    listed(host.daemon("docker", tree), "a")
    log(tree, "a", "one")
    with capture_logs() as logs:
        async with host.running() as (agent, kept):
            await until(lambda: [*agent.registry.inputs] == ["tree", "docker"])
            await until(lambda: all("a" in one.containers for one in agent.registry.inputs.values()))
            await until(lambda: kept.messages("a") == ["one"])
            owner = agent.registry.owner("a")
            assert owner is not None
            owner.drop("a")
            heir = agent.registry.owner("a")
            assert heir not in (None, owner)
            log(tree, "a", "two")
            await until(lambda: kept.messages("a") == ["one", "two"])
    assert set(kept.copies.values()) == {1}
    told = [one for one in logs if one["event"].startswith("two inputs list the same containers")]
    assert [one["container"] for one in told] == ["a"]


async def test_two_daemons_have_each_its_own_series_and_one_has_them_as_ever(host: Host) -> None:
    for name in ("docker", "rootless"):
        logs = host.root / f"{name}-logs"
        listed(host.daemon(name, logs), name[0])
        log(logs, name[0], name)
    async with host.running() as (agent, kept):
        await until(lambda: len(kept.documents) == 2)
        both = await scraped(agent)
    del host.inputs["rootless"]
    async with host.running() as (agent, kept):
        await until(lambda: set(agent.registry.answers.values()) == {True})
        one = await scraped(agent)
    for name in ("docker", "rootless"):
        assert f'docker_up{{input="{name}"}} 1' in both
        assert f'docker_containers{{input="{name}",state="running"}} 1' in both
    assert 'docker_containers{state="running"} 1' in one
    assert "docker_up 1" in one
    names = [line.partition(" ")[0] for line in both if not line.startswith("#")]
    assert len(names) == len(set(names))


async def test_the_events_of_each_daemon_are_delivered_once_each_over_a_restart(host: Host) -> None:
    engines = {name: host.daemon(name, host.root / name) for name in ("docker", "rootless")}
    for number, (name, daemon) in enumerate(engines.items()):
        listed(daemon, name)
        log(host.root / name, name, "x")
        daemon.tell("restart", 1_000 + number, name)

    def events(kept: Kept) -> list[str]:
        found = [json.loads(one) for one in kept.documents.values()]
        return sorted(one["log"]["container_id"] for one in found if one["@target"] == "docker-events")

    async with host.running() as (_, kept):
        for number, (name, daemon) in enumerate(engines.items()):
            daemon.tell("restart", 1_000 + number, name)
        await until(lambda: events(kept) == ["docker", "rootless"])
    async with host.running() as (_, kept):
        for number, (name, daemon) in enumerate(engines.items()):
            daemon.tell("restart", 1_000 + number, name)
            daemon.tell("restart", 2_000 - number, name)
        await until(lambda: events(kept) == ["docker", "docker", "rootless", "rootless"])
    assert {kept.copies[name] for name in kept.copies} == {1}
