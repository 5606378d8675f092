"""Fixtures of the real servers; each boots when the first test asks for it and ends with the session."""

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests import costs
from tests.blocking import watched
from tests.engines import install
from tests.engines.dockerd import Dockerd
from tests.engines.search_server import SearchServer
from tests.engines.servers import NEWEST, OLDEST, SEARCH_SERVERS
from tests.examples import register_profiles
from tests.needs import MARKS, Guard, marks, marks_of

register_profiles()  # before hypothesis looks for the one that it is told


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the fault matrix; here, since pytest asks no folder below before it looks for tests."""
    group = parser.getgroup("faults")
    group.addoption("--faults", action="store_true", help="run the whole fault matrix, and nothing else of its folder")
    group.addoption("--full", action="store_true", help="outages of the fault matrix at their full length")
    group.addoption("--seed", type=int, help="run the scenarios of the fault matrix with this seed alone")
    parser.addoption("--install-engines", action="store_true", help="install what a chosen test needs and is missing")
    parser.addoption("--costs", metavar="FILE", help="add what each test took, in seconds, to FILE")
    parser.addoption("--compose", action="store_true", help="of script/test: it chooses the tests of compose-elk.yml")
    group.addoption("--report", metavar="FILE", help="write the runs of the fault matrix to FILE as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Know and guard the marks, and make SIGTERM, which a CI sends at its deadline, an interrupt like Ctrl-C.

    The engines are then put away.
    A script's background job ignores Ctrl-C and SIGQUIT itself, one of nohup SIGHUP, and so would what a test starts.
    """
    for name, what in MARKS.items():
        config.addinivalue_line("markers", f"{name}: {what}")
    config.pluginmanager.register(Guard())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Thousands of tests stay to the end: looking for garbage among them again and again costs seconds each."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the marks of its fixtures: what carries none is what any machine can run."""
    for item in items:
        for name in marks_of(item):
            item.add_marker(name)
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the engines where a test that was chosen needs them, and not before."""
    config = session.config
    if not config.getoption("--install-engines") or config.option.collectonly:
        return
    if any(item.get_closest_marker("engines") for item in session.items):
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            failed = install.main()
        if failed:
            pytest.exit("the engines could not be installed", returncode=failed)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Keep what each test took, where it is asked for."""
    if (file := config.getoption("--costs")) and not hasattr(config, "workerinput"):  # xdist: its workers report to it
        costs.add(Path(file), terminalreporter.stats)


@pytest.fixture(scope="session", autouse=True)
def _nothing_waits() -> Iterator[None]:
    """A coroutine that waits for somebody else, while nothing beside it can run, fails its test."""
    with watched():
        yield


def _boot(name: str) -> Iterator[SearchServer]:
    with closing((SEARCH_SERVERS | OLDEST | NEWEST)[name]()) as server:
        server.start()
        yield server


@pytest.fixture(scope="session")
@marks("engines")
def elasticsearch_8() -> Iterator[SearchServer]:
    """Elasticsearch 8.19, plain http."""
    yield from _boot("elasticsearch_8")


@pytest.fixture(scope="session")
@marks("engines")
def elasticsearch_7() -> Iterator[SearchServer]:
    """Elasticsearch 7.17, https with an authority of its own and a password."""
    yield from _boot("elasticsearch_7")


@pytest.fixture(scope="session")
@marks("engines")
def elasticsearch_6() -> Iterator[SearchServer]:
    """Elasticsearch 6.8, plain http; mapping types are required."""
    yield from _boot("elasticsearch_6")


@pytest.fixture(scope="session")
@marks("engines")
def elasticsearch_6_4() -> Iterator[SearchServer]:
    """Elasticsearch 6.4 without X-Pack, on Java 11: the oldest that we support, for the tests that ask for it."""
    yield from _boot("elasticsearch_6_4")


@pytest.fixture(scope="session")
@marks("engines")
def opensearch_2() -> Iterator[SearchServer]:
    """OpenSearch 2.19, plain http."""
    yield from _boot("opensearch_2")


@pytest.fixture(scope="session", params=NEWEST)
@marks("engines")
def newest_server(request: pytest.FixtureRequest) -> Iterator[SearchServer]:
    """Elasticsearch 9.2 and OpenSearch 3.8 in turn, for the tests that ask for them."""
    yield from _boot(request.param)


@pytest.fixture(scope="session", params=SEARCH_SERVERS)
@marks("engines")
def search_server(request: pytest.FixtureRequest) -> SearchServer:
    """Each of the four search servers in turn."""
    server = request.getfixturevalue(request.param)
    assert isinstance(server, SearchServer)
    return server


@pytest.fixture(scope="session")
@marks("engines")
def dockerd() -> Iterator[Dockerd]:
    """A Docker daemon with a busybox image; containers have no network."""
    with closing(Dockerd()) as daemon:
        daemon.start()
        yield daemon
