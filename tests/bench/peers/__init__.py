"""Other collectors → the same work with good settings; each one's configuration is the template beside this.

rsyslog comes from Debian and is always there; the others are taken from the path, or from where they are said to be.
What a template says: `@TREE@` the logs, `@STATE@` a folder, `@PORT@` the endpoint, `@HTTP@` a free port, `@NAMES@`
a table of container names by log file.
"""

import json
import re
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.bench.collectors import Collector, Place
from tests.engines.debian import RSYSLOG, Requirement, command_path, install_missing

_VERSION = re.compile(r"\d+\.\d+[.\w]*")


class _Peer(NamedTuple):
    command: str
    template: str
    words: str  # behind the command; CONFIG is the file made of the template, FLAGS its lines
    version: str
    packages: tuple[Requirement, ...] = ()


_PEERS = {
    "rsyslog": _Peer("rsyslogd", "rsyslog.conf", "-n -f CONFIG -i STATE/pid", "-v", RSYSLOG),
    "fluent-bit": _Peer("fluent-bit", "fluent-bit.yml", "-c CONFIG", "--version"),
    "vector": _Peer("vector", "vector.yaml", "--quiet --config CONFIG", "--version"),
    "vlagent": _Peer("vlagent", "vlagent.flags", "FLAGS", "-version"),
    "filebeat": _Peer("filebeat", "filebeat.yml", "run --strict.perms=false -c CONFIG", "version"),
}
NAMES = tuple(_PEERS)


def found(said: Mapping[str, Path]) -> list[Collector]:
    """Those that Debian brings, installed if they are missing, and those that are on this machine.

    Raises:
        EngineError: a package is missing and cannot be installed; the text names it.
    """
    peers = []
    for name, peer in _PEERS.items():
        install_missing(peer.packages)
        command = said.get(name) or command_path(peer.command)
        if command is not None:
            peers.append(Collector(name, _version(command, peer), partial(_words, peer, Path(command).resolve())))
    return peers


def _version(command: Path | str, peer: _Peer) -> str:
    done = subprocess.run([command, peer.version], capture_output=True, text=True, check=False)
    numbers = _VERSION.search(done.stdout + done.stderr)
    return numbers[0] if numbers else "?"


def _words(peer: _Peer, command: Path, place: Place) -> list[str]:
    state = place.scratch / "state"
    state.mkdir()
    text = (Path(__file__).parent / peer.template).read_text()
    values = {"TREE": place.tree, "STATE": state, "PORT": place.port, "HTTP": place.http_port, "NAMES": _names(place)}
    for mark, value in values.items():
        text = text.replace(f"@{mark}@", str(value))
    config = place.scratch / peer.template
    config.write_text(text)
    if peer.words == "FLAGS":
        return [str(command), *text.splitlines()]
    return [str(command), *peer.words.replace("CONFIG", str(config)).replace("STATE", str(state)).split()]


def _names(place: Place) -> Path:
    """The names of the containers by log file, as a lookup table of rsyslog."""
    table = [
        {"index": str(path.parent / f"{path.parent.name}-json.log"), "value": json.loads(path.read_text())["Name"][1:]}
        for path in sorted(place.tree.glob("*/config.v2.json"))
    ]
    file = place.scratch / "names.json"
    file.write_text(json.dumps({"version": 1, "nomatch": "unnamed", "type": "string", "table": table}))
    return file
