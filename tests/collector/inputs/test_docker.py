"""Laws of the input `docker`: those of all inputs, with an engine of our own on a real socket."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from collector.inputs.docker import Settings
from tests.collector.discovery.test_docker import Daemon
from tests.collector.docker_lines import ContainerLog, raw
from tests.collector.unix_site import serving, url_of
from tests.contract.inputs import InputContract


class TestDocker(InputContract):
    @pytest.fixture(autouse=True)
    def daemon(self) -> Iterator[None]:
        self.engine, self.times = Daemon(), count(1_000)
        yield
        self.engine.end()

    @asynccontextmanager
    async def place(self, directory: Path) -> AsyncIterator[None]:
        self.engine.begin_anew()
        async with serving(directory.parent, self.engine.routes()):
            yield
            self.engine.end()

    def settings(self, directory: Path) -> Settings:
        return Settings(url=url_of(directory.parent), logs_root=directory)

    def write(self, directory: Path, name: str, *messages: str) -> None:
        found: dict[str, Any] = {"Id": name, "Name": f"/{name}", "Config": {"Labels": {}}}
        found["State"] = {"Status": "running"}
        ContainerLog(directory, name).write(*(raw(f"{message}\n") for message in messages))
        if name not in self.engine.containers:
            self.engine.containers[name] = found
            self.engine.tell("start", next(self.times), name)

    def remove(self, directory: Path, name: str) -> None:
        shutil.rmtree(directory / name)
        del self.engine.containers[name]
        self.engine.tell("destroy", next(self.times), name)

    def hide(self, directory: Path) -> None:
        self.engine.failing = True

    def show(self, directory: Path) -> None:
        self.engine.failing = False
