"""The laws that every input keeps (`collector.intake.input`), shown by an agent that runs it.

An input's test module subclasses `InputContract` and says how somebody writes what it reads.
"""

import asyncio
import json
from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from collector.app.agent import Agent
from collector.app.inputs import context_of
from collector.config.models import Configuration, Http
from collector.discovery.registry import Registry
from collector.intake.input import InputSettings
from collector.model import Batch, Receipt
from collector.ports import Finding, OutputContext, ShipperSettings


class Kept:
    """A destination in memory: documents by id, as often as they came."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.copies = Counter[str]()

    async def ship(self, batch: Batch) -> Receipt:
        new = 0
        for segment in batch.segments:
            for name, document in zip(segment.ids, segment.documents, strict=True):
                new += name not in self.documents
                self.documents.setdefault(name, document)
                self.copies[name] += 1
        return Receipt(delivered=new, duplicate=batch.count - new)

    async def aclose(self) -> None:
        return

    def messages(self, name: str) -> list[str]:
        """What a stream said, in any order."""
        found = [json.loads(one) for one in self.documents.values()]
        return sorted(one["log"]["message"] for one in found if one["docker_container"] == name)


class Keeps(ShipperSettings):
    """Options of such an output."""

    linger_seconds: float = 0.0

    def open(self, context: OutputContext) -> Kept:
        return KEPT[context.directory.parents[1]]


KEPT: dict[Path, Kept] = {}  # by state directory


class InputContract:
    """Subclass it, and write what the input reads."""

    name = "logs"  # of the input

    @asynccontextmanager
    async def place(self, directory: Path) -> AsyncIterator[None]:
        """What has to be there while the input is used; nothing by default."""
        yield

    @abstractmethod
    def settings(self, directory: Path) -> InputSettings:
        """The input that reads what is written there."""

    @abstractmethod
    def write(self, directory: Path, name: str, *messages: str) -> None:
        """Let what is called so say this; at first it comes into being."""

    @abstractmethod
    def remove(self, directory: Path, name: str) -> None:
        """Let it be gone, with its log."""

    @abstractmethod
    def hide(self, directory: Path) -> None:
        """Let nobody be able to say what is there."""

    @abstractmethod
    def show(self, directory: Path) -> None:
        """Let it be there again."""

    def agent(self, directory: Path) -> tuple[Agent, Kept]:
        """An agent that reads it; made again, it goes on where the last one was."""
        state = directory / "state"
        kept = KEPT.setdefault(state, Kept())
        configuration = Configuration(
            host="moby",
            state_dir=state,
            inputs={self.name: self.settings(directory / "place")},
            outputs={"kept": Keeps(type="keeps")},
            http=Http(listen=None),
        )
        return Agent(configuration), kept

    @asynccontextmanager
    async def running(self, directory: Path) -> AsyncIterator[tuple[Agent, Kept]]:
        agent, kept = self.agent(directory)
        async with self.place(directory / "place"), asyncio.TaskGroup() as tasks:
            tasks.create_task(agent.run())
            try:
                yield agent, kept
            finally:
                agent.stop()

    async def test_what_is_there_is_delivered_once_with_the_trusted_members(self, tmp_path: Path) -> None:
        (tmp_path / "place").mkdir()
        for name in ("web", "till"):
            self.write(tmp_path / "place", name, *(f"{name} {number}" for number in range(20)))
        async with self.running(tmp_path) as (agent, kept):
            await until(lambda: len(kept.documents) == 40)
            assert agent.not_ready() == []
        for name in ("web", "till"):
            assert kept.messages(name) == sorted(f"{name} {number}" for number in range(20))
        members = [json.loads(one) for one in kept.documents.values()]
        assert {(one["host"], one["@target"] == one["docker_container"]) for one in members} == {("moby", True)}
        assert set(kept.copies.values()) == {1}

    async def test_a_restart_doubles_nothing_and_what_came_meanwhile_arrives(self, tmp_path: Path) -> None:
        (tmp_path / "place").mkdir()
        self.write(tmp_path / "place", "web", "one", "two")
        async with self.running(tmp_path) as (_, kept):
            await until(lambda: len(kept.documents) == 2)
        self.write(tmp_path / "place", "web", "three")
        async with self.running(tmp_path) as (_, kept):
            await until(lambda: len(kept.documents) == 3)
            self.write(tmp_path / "place", "web", "four")
            await until(lambda: len(kept.documents) == 4)
        assert kept.messages("web") == ["four", "one", "three", "two"]
        assert set(kept.copies.values()) == {1}

    async def test_what_comes_while_it_runs_is_read_and_what_goes_is_left(self, tmp_path: Path) -> None:
        (tmp_path / "place").mkdir()
        async with self.running(tmp_path) as (agent, kept):
            await until(lambda: set(agent.registry.answers.values()) == {True})
            assert agent.registry.streams == {}
            self.write(tmp_path / "place", "web", "here")
            await until(lambda: kept.messages("web") == ["here"])
            self.remove(tmp_path / "place", "web")
            await until(lambda: agent.registry.streams == {})
            self.write(tmp_path / "place", "till", "here too")
            await until(lambda: kept.messages("till") == ["here too"])

    async def test_one_that_cannot_be_reached_stops_nobody_and_says_why(self, tmp_path: Path) -> None:
        (tmp_path / "place").mkdir()
        self.write(tmp_path / "place", "web", "here")
        self.hide(tmp_path / "place")
        async with self.running(tmp_path) as (agent, kept):
            said = f"input {self.name}: "
            await until(lambda: any(one.startswith(said) and "no answer yet" not in one for one in agent.not_ready()))
            self.show(tmp_path / "place")
            await until(lambda: kept.messages("web") == ["here"] and agent.not_ready() == [])

    async def test_a_check_says_what_can_be_reached_and_what_cannot_with_a_remedy(self, tmp_path: Path) -> None:
        (tmp_path / "place").mkdir()
        self.write(tmp_path / "place", "web", "here")
        async with self.place(tmp_path / "place"):
            good = await self.findings(tmp_path / "place")
            assert "fail" not in {one.verdict for one in good}
            self.hide(tmp_path / "place")
            bad = [one for one in await self.findings(tmp_path / "place") if one.verdict != "ok"]
            self.show(tmp_path / "place")
        assert bad
        assert all(one.text and one.fix for one in bad)

    async def findings(self, place: Path) -> list[Finding]:
        configuration = Configuration(state_dir=place, inputs={}, outputs={})
        return [one async for one in self.settings(place).check(context_of(configuration, Registry().join(self.name)))]


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nobody tells when it does
            await asyncio.sleep(0.02)
