"""The built image on the daemon of the session; the booted stack on one with a network of its own."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from docker.models.images import Image

from tests.compose import images
from tests.compose.compose import Compose, build_variables, timed, timings
from tests.compose.stack import Stack
from tests.engines.dockerd import Dockerd

PILOTFISH = "pilotfish:latest"
_RESULTS = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def image(dockerd: Dockerd) -> Image:
    """`docker-compose build` of the real Dockerfile, on a Debian base."""
    with timed("import of the Debian base"):
        images.import_base(dockerd)
    with timed("build of the image"):
        Compose(dockerd, "tests/compose/build.yml", variables=build_variables())("build", "pilotfish")
    return dockerd.client().images.get(PILOTFISH)


@pytest.fixture(scope="session")
def stack(dockerd: Dockerd, image: Image) -> Iterator[Stack]:
    """compose-elk.yml, up and healthy."""
    with closing(Dockerd(network=True, isolated=True)) as daemon:
        daemon.start()
        with timed("copy of the image"):
            images.copy_image(PILOTFISH, dockerd, daemon)
            images.copy_image(images.BASE, dockerd, daemon)
        stack = Stack(daemon)
        with timed("stand-ins for Elasticsearch, Prometheus, busybox"):
            stack.make_images()
        with closing(stack):
            with timed("up"):
                stack.up()
            yield stack


@pytest.fixture(scope="session")
def told(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the end of the run."""
    return request.config.stash.setdefault(_RESULTS, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was seen, and how long each step took."""
    if not timings:
        return
    terminalreporter.section("compose-elk.yml")
    for line in config.stash.get(_RESULTS, []):
        terminalreporter.line(line)
    for step, seconds in timings:
        terminalreporter.line(f"{seconds:6.1f} s  {step}")
