"""A tree of `<id>/<id>-json.log` with `config.v2.json` beside it → the roster: no socket, no daemon.

`config.v2.json` is dockerd's own description of a container (moby `container/container.go`). A folder without one is
followed under its short id.
"""

import asyncio
import errno
import os
import re
import time
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import structlog

from collector.discovery.enrich import Described, Enricher
from collector.discovery.labels import parse_environment
from collector.discovery.roster import Roster
from collector.sources.log_files import open_regular

log = structlog.get_logger(__name__)

_SCAN_SECONDS = 2.0
_REST = 50  # times as long as it took: many thousands of folders cost 2 % of a core
_AT_ONCE = 250  # containers that are new at once: their readers start in one step of the loop
_DESCRIPTION_BYTES = 8 << 20  # dockerd's own are some kilobytes
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class _Found(NamedTuple):
    """What has changed: folders that are gone, and each new state, with when it was written in nanoseconds."""

    gone: Set[str]
    changed: list[tuple[str, int, Described]]


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
            begun = time.monotonic()
            try:
                await self.scan()
            except OSError as error:
                cause = f"the log tree {self._root} cannot be read ({error.strerror})"
                if self._roster.error != cause:
                    log.warning(cause, remedy="is inputs.directory.path right, and may this user read it?")
                self._roster.lost(cause)
            await asyncio.sleep(max(_SCAN_SECONDS, _REST * (time.monotonic() - begun)))

    async def scan(self) -> None:
        """Take over what has changed in the tree.

        Raises:
            OSError: the tree cannot be read.
        """
        found = await asyncio.to_thread(_look, self._root, self._seen)
        for gone in found.gone:
            del self._seen[gone]
            self._roster.drop(gone)
        for number, (name, changed, described) in enumerate(found.changed, 1):
            self._seen[name] = changed
            self._roster.put(self._enricher.container(described))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        self._roster.answered()


def _look(root: Path, seen: Mapping[str, int]) -> _Found:
    """For a thread: thousands of folders take a second when they are read for the first time."""
    with os.scandir(root) as entries:
        folders = {
            entry.name: entry.path
            for entry in entries
            if _ID.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        }
    if seen and not folders:  # a mount that is gone must not look like containers that are
        raise OSError(errno.ENOENT, "all of its folders are gone: is it mounted?")
    now = {name: _changed(f"{folder}/config.v2.json") for name, folder in folders.items()}
    news = [name for name, changed in now.items() if seen.get(name) != changed]
    return _Found(
        gone=seen.keys() - folders.keys(),
        changed=[(name, now[name], _described(Path(folders[name]))) for name in news],
    )


def _changed(path: str) -> int:
    try:
        return os.stat(path, follow_symlinks=False).st_mtime_ns  # noqa: PTH116 - a Path costs more than the look
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
