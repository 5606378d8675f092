"""docker-compose 1.29 on compose-elk.yml and a daemon of the tests' own; and how long each step took."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.compose import images
from tests.engines.dockerd import Dockerd
from tests.reference import ROOT

FILE = "compose-elk.yml"
PROJECT = "elk"
_WITHIN_SECONDS = 420
# option of pip → build argument of the Dockerfile
_PIP = {
    "index-url": "INDEX_URL",
    "extra-index-url": "EXTRA_INDEX_URL",
    "trusted-host": "TRUSTED_HOST",
    "proxy": "PROXY",
}

timings: list[tuple[str, float]] = []


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Remember for the summary how long the block takes."""
    began = time.monotonic()
    try:
        yield
    finally:
        timings.append((step, time.monotonic() - began))


class Compose:
    """The command, with the variables that make the file fit the daemon."""

    def __init__(self, daemon: Dockerd, *files: str, variables: Mapping[str, str] | None = None) -> None:
        self.daemon = daemon
        nothing = daemon.directory / "no.env"  # what a `.env` of the checkout says is not for the tests
        nothing.touch()
        self._words = ["docker-compose", "--env-file", str(nothing), "-p", PROJECT]
        self._words += [word for file in (FILE, *files) for word in ("-f", file)]
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(daemon.directory),
            "DOCKER_HOST": daemon.url,
            "DOCKER_SOCKET": str(daemon.socket),
            "DOCKER_LOGS": str(daemon.logs_root),
            "COMPOSE_DOCKER_CLI_BUILD": "0",  # it asks the daemon itself, whatever `docker` there is
            "COMPOSE_HTTP_TIMEOUT": str(_WITHIN_SECONDS),
            **(variables or {}),
        }

    def __call__(self, *words: str) -> str:
        """Run it in the checkout; what it wrote to standard output.

        Raises:
            AssertionError: it failed; the text ends with what it said.
        """
        done = subprocess.run(
            [*self._words, *words],
            cwd=ROOT,
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=_WITHIN_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"docker-compose {' '.join(words)}: {(done.stdout + done.stderr)[-4000:]}"
        return done.stdout


def build_variables() -> dict[str, str]:
    """What the build of the image needs to know of this machine: the base, and pip's own configuration."""
    told = images.pip_options()
    variables = {f"PIP_{argument}": told[option] for option, argument in _PIP.items() if option in told}
    return variables | {"PYTHON_IMAGE": images.BASE, "PIP_CERT": str(images.CERTIFICATES)}
