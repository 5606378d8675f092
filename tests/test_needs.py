"""Marks come with fixtures, and a test that has none starts no server."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engines.process import ServerProcess
from tests.needs import marks, program_of

REFUSED = pytest.raises(pytest.fail.Exception, match=r"carries no mark: pytest\.mark\.engines")


def _as_the_engines_do(directory: Path) -> None:
    server = ServerProcess(["/opt/elasticsearch/bin/elasticsearch"], log=directory / "log", env={})
    server.start(lambda: True, within_seconds=1)


async def _in_the_loop() -> None:
    await asyncio.create_subprocess_exec("promtool", "--version")


WAYS: dict[str, Callable[[Path], object]] = {
    "plain": lambda _: subprocess.run(["dockerd"], check=False),
    "as an engine": _as_the_engines_do,
    "in an event loop": lambda _: asyncio.run(_in_the_loop()),
    "without subprocess": lambda _: os.posix_spawn("/usr/bin/haproxy", ["haproxy", "-v"], {}),
    "by another name": lambda _: subprocess.run(["nothing"], executable="/usr/sbin/dockerd", check=False),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_test_without_the_mark_starts_no_server(way: str, tmp_path: Path) -> None:
    with REFUSED:
        WAYS[way](tmp_path)


def test_a_test_without_the_mark_gives_no_file_to_another(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"carries no mark: pytest\.mark\.root"):
        os.chown(tmp_path, os.geteuid() + 1, -1)


@pytest.mark.parametrize(
    "words", [[sys.executable, "-c", ""], ["setpriv", "--pdeathsig", "KILL", "true"], ["sh", "-c", ""]]
)
def test_what_every_machine_has_may_be_started(words: list[str]) -> None:
    subprocess.run(words, check=True)


def test_a_test_without_the_mark_becomes_nobody_else() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"carries no mark: pytest\.mark\.root"):
        subprocess.run(["setpriv", "--reuid", "1", "setpriv", "--pdeathsig", "KILL", "true"], check=True)


def test_the_program_is_found_behind_a_wish_to_end() -> None:
    assert program_of(["setpriv", "--pdeathsig", "KILL", "a", "b"]) == "a"


@pytest.fixture
def of_the_session() -> Iterator[list[str]]:
    """As one that has started a server, which is ended behind the test that happens to be the last."""
    yield ["umount", "--version"]
    with suppress(FileNotFoundError):
        assert subprocess.run(["umount", "--version"], check=False, stdout=subprocess.DEVNULL).returncode == 0


def test_a_server_is_ended_behind_any_test(of_the_session: list[str]) -> None:
    with REFUSED:
        subprocess.run(of_the_session, check=True)


@pytest.fixture
@marks("slow")
def dear() -> str:
    return "dear"


@pytest.fixture
def above(dear: str) -> str:
    return dear


@pytest.fixture(params=["dear"])
def asking(request: pytest.FixtureRequest) -> object:
    return request.getfixturevalue(request.param)


@pytest.mark.usefixtures("above")
def test_a_fixture_of_a_fixture_gives_its_mark(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("slow")


@pytest.mark.usefixtures("asking")
def test_a_fixture_that_another_asks_for_by_its_parameter_gives_its_mark(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("slow")


@pytest.mark.parametrize("name", ["dear", "other"])
def test_a_fixture_that_a_test_asks_for_by_its_parameter_gives_its_mark(
    request: pytest.FixtureRequest, name: str
) -> None:
    assert bool(request.node.get_closest_marker("slow")) == (name == "dear")
