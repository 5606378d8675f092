"""One running agent for all tests of the commands."""

from collections.abc import Iterator

import pytest

from tests.collector.cli.pilotfish import Agent, running


@pytest.fixture(scope="package")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """An agent over a container `shop-web-1` with `LINES` lines, all of them in its store."""
    with running(tmp_path_factory.mktemp("agent")) as started:
        yield started
