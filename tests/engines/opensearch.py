"""OpenSearch 2 or 3 from its jars → a running server, by `OpenSearchLauncher.java`; plain http, no security plugin."""

import os
import shutil
from pathlib import Path

from tests.engines.catalogue import Artifact, installed, java_home
from tests.engines.elasticsearch import link_or_copy
from tests.engines.search_server import JAVA_OPTIONS, SETTINGS, SearchServer

_LAUNCHER = Path(__file__).with_name("OpenSearchLauncher.java")


class OpenSearch(SearchServer):
    """A single node without plugins."""

    def _prepare(self, artifact: Artifact) -> tuple[list[str | Path], dict[str, str]]:
        libraries = self.directory / "lib"
        shutil.copytree(installed(artifact), libraries, copy_function=link_or_copy)
        launcher = shutil.copy(_LAUNCHER, self.directory)
        base = self.directory / "node"
        base.mkdir()
        settings = {name: value for name, value in SETTINGS.items() if name != "cluster.name"}
        settings |= {"http.port": str(self.port), "transport.port": str(self.transport_port)}
        words: list[str | Path] = [
            java_home(artifact) / "bin/java",
            *JAVA_OPTIONS,
            "-cp",
            f"{libraries}/*",
            launcher,
            base,
        ]
        words += [f"{name}={value}" for name, value in settings.items()]
        return words, {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(self.directory)}
