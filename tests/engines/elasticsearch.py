"""Elasticsearch 6 to 9 from its unpacked distribution → a running server, with TLS and a user when `secured`."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import trustme

from tests.engines.account import become, engine_account, hand_over
from tests.engines.catalogue import Artifact, installed, java_11_home, java_home
from tests.engines.process import EngineError
from tests.engines.search_server import JAVA_OPTIONS, SETTINGS, SearchServer

# What Java 17 does not know any more in the jvm.options of 6.8: the CMS collector and options of older releases.
_OUTDATED_JVM_OPTION = re.compile(r"^(8|9-|10-):|CMS")


class Elasticsearch(SearchServer):
    """A single node; `secured` means https with an authority of its own, and one superuser in the file realm."""

    def __init__(
        self, artifact: Artifact, *, secured: bool = False, java_options: Sequence[str] = JAVA_OPTIONS
    ) -> None:
        self._secured = secured
        super().__init__(artifact, java_options=java_options)

    def _prepare(self, artifact: Artifact) -> tuple[list[str | Path], dict[str, str]]:
        home = self.directory / "home"
        shutil.copytree(installed(artifact), home, copy_function=link_or_copy)
        for name in ("data", "logs", "tmp"):
            (self.directory / name).mkdir()
        (home / "plugins").mkdir(exist_ok=True)
        env = self._environment(home, self._java(artifact))
        config = _detach(home / "config")
        settings = SETTINGS | self._settings(artifact)
        if self._secured:
            settings |= self._secure(home, env)
        text = "".join(f"{name}: {value}\n" for name, value in settings.items())
        (config / "elasticsearch.yml").write_text(text)
        _drop_outdated_options(config / "jvm.options")
        return [home / "bin/elasticsearch"], env

    def _java(self, artifact: Artifact) -> Path:
        """Its home; that of the tests' packages as a copy, since the account cannot enter every checkout."""
        if artifact.java != 11:
            return java_home(artifact)
        return shutil.copytree(java_11_home(), self.directory / "java")

    def _settings(self, artifact: Artifact) -> dict[str, str]:
        old = self.generation == 6
        settings = {
            "path.data": str(self.directory / "data"),
            "path.logs": str(self.directory / "logs"),
            "http.port": str(self.port),
            "transport.tcp.port" if old else "transport.port": str(self.transport_port),
        }
        if not artifact.has_xpack:
            return settings
        settings["xpack.security.enabled"] = "false"
        return settings | ({"xpack.ml.enabled": "false"} if old else {})  # its native part needs its own processes

    def _environment(self, home: Path, java: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.directory),
            "JAVA_HOME": str(java),  # read by 6
            "ES_JAVA_HOME": str(java),  # read by 7 and 8
            "ES_PATH_CONF": str(home / "config"),
            "ES_TMPDIR": str(self.directory / "tmp"),
            "ES_JAVA_OPTS": " ".join(self.java_options),
        }

    def _secure(self, home: Path, env: dict[str, str]) -> dict[str, str]:
        config = home / "config"
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1", "localhost", "elasticsearch")
        self.ca_file = self.directory / "ca.pem"
        self.username, self.password = "shipper", "correct-horse-7"
        authority.cert_pem.write_to_path(self.ca_file)
        certificate.private_key_pem.write_to_path(config / "http.key")
        certificate.cert_chain_pems[0].write_to_path(config / "http.pem")
        hand_over(self.directory, account := engine_account())
        tool = home / "bin/elasticsearch-users"
        added = subprocess.run(
            [*become(account), tool, "useradd", self.username, "-p", self.password, "-r", "superuser"],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if added.returncode != 0:
            raise EngineError(f"elasticsearch-users did not add a user:\n{added.stdout}{added.stderr}")
        return {
            "xpack.security.enabled": "true",
            "xpack.security.http.ssl.enabled": "true",
            "xpack.security.http.ssl.key": str(config / "http.key"),
            "xpack.security.http.ssl.certificate": str(config / "http.pem"),
        }


def link_or_copy(source: str, target: str) -> None:
    """A hard link, since the account cannot enter the user's cache; a copy where that is another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _detach(directory: Path) -> Path:
    """Turn the hard links of a directory into files of its own, so that a change does not reach the cache."""
    for path in directory.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
    return directory


def _drop_outdated_options(jvm_options: Path) -> None:
    lines = jvm_options.read_text().splitlines()
    jvm_options.write_text("".join(f"{line}\n" for line in lines if not _OUTDATED_JVM_OPTION.search(line)))
