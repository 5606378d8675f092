"""A tree of `<id>/<id>-json.log` with `config.v2.json` beside it → the roster: no socket, no daemon.

`config.v2.json` is dockerd's own description of a container (moby `container/container.go`). A folder without one is
followed under its short id.
"""

import asyncio
import errno
import os
import re
from pathlib import Path
from typing import Any

import orjson
import structlog

from collector.discovery.enrich import Described, Enricher
from collector.discovery.labels import parse_environment
from collector.discovery.roster import Roster
from collector.sources.log_files import open_regular

log = structlog.get_logger(__name__)

_SCAN_SECONDS = 2.0
_DESCRIPTION_BYTES = 8 << 20  # dockerd's own are some kilobytes
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class DirectoryDiscovery:
    """Keeps the roster like the tree at `root`."""

    def __init__(self, root: Path, roster: Roster, enricher: Enricher) -> None:
        self._root = root
        self._roster = roster
        self._enricher = enricher
        self._seen: dict[str, int] = {}  # folder → when its description was changed, in nanoseconds

    async def run(self) -> None:
        """Look at the tree again and again until cancelled."""
        while True:
            try:
                self.scan()
            except OSError as error:
                cause = f"the log tree {self._root} cannot be read ({error.strerror})"
                if self._roster.error != cause:
                    log.warning(cause, remedy="is inputs.directory.path right, and may this user read it?")
                self._roster.lost(cause)
            await asyncio.sleep(_SCAN_SECONDS)

    def scan(self) -> None:
        """Take over what has changed in the tree.

        Raises:
            OSError: the tree cannot be read.
        """
        with os.scandir(self._root) as entries:
            folders = {
                entry.name: Path(entry.path)
                for entry in entries
                if _ID.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            }
        if self._seen and not folders:  # a mount that is gone must not look like containers that are
            raise OSError(errno.ENOENT, "all of its folders are gone: is it mounted?")
        for gone in set(self._seen) - set(folders):
            del self._seen[gone]
            self._roster.drop(gone)
        for name, folder in folders.items():
            changed = _changed(folder / "config.v2.json")
            if self._seen.get(name) != changed:
                self._seen[name] = changed
                self._roster.put(self._enricher.container(_described(folder)))
        self._roster.answered()


def _changed(path: Path) -> int:
    try:
        return path.stat(follow_symlinks=False).st_mtime_ns
    except OSError:
        return 0


def _read(path: Path) -> dict[str, Any]:
    """The description, or {} where there is none that can be read."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            found = orjson.loads(file.read(_DESCRIPTION_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, orjson.JSONDecodeError) as error:
        log.warning("a container's description cannot be read", path=str(path), error=str(error))
        return {}
    return found if isinstance(found, dict) else {}


def _described(folder: Path) -> Described:
    found = _read(folder / "config.v2.json")
    log_config = _member(_read(folder / "hostconfig.json"), "LogConfig")
    config = _member(found, "Config")
    state = _member(found, "State")
    running = state.get("Running", True)
    environment = config.get("Env")
    return Described(
        id=folder.name,
        name=str(found.get("Name") or "").lstrip("/") or folder.name[:12],
        labels={str(key): str(value) for key, value in _member(config, "Labels").items()},
        environment=parse_environment(
            [line for line in environment if isinstance(line, str)] if isinstance(environment, list) else []
        ),
        driver=str(log_config.get("Type") or "json-file"),
        path=str(folder / f"{folder.name}-json.log"),
        state=("paused" if state.get("Paused") else "running") if running else "exited",
        health=str(_member(state, "Health").get("Status") or ""),
        failing_streak=0,
    )


def _member(found: dict[str, Any], name: str) -> dict[str, Any]:
    value = found.get(name)
    return value if isinstance(value, dict) else {}
