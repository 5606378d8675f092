"""A tree of `<id>/<id>-json.log` with `config.v2.json` beside it → the roster: no socket, no daemon.

`config.v2.json` is dockerd's own description of a container (moby `container/container.go`). A folder without one is
followed under its short id.
"""

import asyncio
import errno
import os
import re
import time
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import structlog

from collector.discovery.enrich import Described, Enricher
from collector.discovery.inspected import condition, log_limit, number, seconds
from collector.discovery.labels import parse_environment, relevant
from collector.discovery.roster import Container, Roster
from collector.errors import UNREADABLE
from collector.sources.log_files import open_regular

log = structlog.get_logger(__name__)

_REMEDY = "correct inputs.directory.path, mount it, or let this user read it"
_SCAN_SECONDS = 2.0
_MOST_SECONDS = 10.0
_REST = 100  # times what a look took of a core: looking at many thousands of folders may cost 1 % of it
_AT_ONCE = 200  # containers that are new: their readers start in one turn of the loop
_DESCRIPTION_BYTES = 8 << 20  # dockerd's own are some kilobytes
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class _Folder(NamedTuple):
    """One container's; `changed` is when its description was, in nanoseconds (0: there is none)."""

    name: str
    path: str
    changed: int


class _Look(NamedTuple):
    """What is other than it was, and the seconds of a core that it took to see."""

    gone: Set[str]
    changed: list[_Folder]
    cpu_seconds: float


class DirectoryDiscovery:
    """Keeps the roster like the tree at `root`; files are looked at in a thread."""

    def __init__(self, root: Path, roster: Roster, enricher: Enricher) -> None:
        self._root = root
        self._roster = roster
        self._enricher = enricher
        self._seen: dict[str, int] = {}  # folder → when its description was changed, in nanoseconds

    async def run(self) -> None:
        """Look at the tree again and again until cancelled."""
        while True:
            cpu_seconds = 0.0
            try:
                cpu_seconds = await self.scan()
            except OSError as error:
                cause = f"the log tree {self._root} cannot be read ({error.strerror})"
                if self._roster.error != f"{cause}: {_REMEDY}":
                    log.warning(cause, remedy=_REMEDY)
                self._roster.lost(f"{cause}: {_REMEDY}")
            await asyncio.sleep(min(max(_SCAN_SECONDS, _REST * cpu_seconds), _MOST_SECONDS))

    async def scan(self) -> float:
        """Take over what has changed in the tree; returns the seconds of a core that it took to see that.

        Raises:
            OSError: the tree cannot be read.
        """
        found = await asyncio.to_thread(_look, self._root, self._seen)
        for gone in found.gone:
            del self._seen[gone]
            self._roster.drop(gone)
        for folders in _slices(found.changed):
            for folder, described in zip(folders, await asyncio.to_thread(_described_all, folders), strict=True):
                self._seen[folder.name] = folder.changed
                self._roster.put(self._enricher.container(described))
        self._roster.answered()
        return found.cpu_seconds


def _slices(folders: list[_Folder]) -> Iterator[list[_Folder]]:
    return (folders[start : start + _AT_ONCE] for start in range(0, len(folders), _AT_ONCE))


def _look(root: Path, seen: Mapping[str, int]) -> _Look:
    """List the tree.

    Raises:
        OSError: it cannot be read, or has lost all folders.
    """
    begun = time.thread_time()
    with os.scandir(root) as entries:
        paths = {
            entry.name: entry.path
            for entry in entries
            if _ID.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        }
    if seen and not paths:  # a mount that is gone must not look like containers that are
        raise OSError(errno.ENOENT, "all of its folders are gone: is it mounted?")
    folders = (_Folder(name, path, _changed(f"{path}/config.v2.json")) for name, path in paths.items())
    changed = [folder for folder in folders if seen.get(folder.name) != folder.changed]
    return _Look(seen.keys() - paths.keys(), changed, time.thread_time() - begun)


def _changed(path: str) -> int:
    try:
        return os.stat(path, follow_symlinks=False).st_mtime_ns  # noqa: PTH116 - a Path takes as long as the call
    except OSError:
        return 0


def descriptions(root: Path) -> list[Described]:
    """Those of all containers in the tree.

    Raises:
        OSError: it cannot be read.
    """
    return _described_all(_look(root, {}).changed)


def _described_all(folders: list[_Folder]) -> list[Described]:
    return [_described(Path(folder.path)) for folder in folders]


def _read(path: Path) -> dict[str, Any]:
    """The description, or {} where there is none that can be read."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            found = orjson.loads(file.read(_DESCRIPTION_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, *UNREADABLE) as error:
        log.warning("a container's description cannot be read", path=str(path), error=str(error))
        return {}
    return found if isinstance(found, dict) else {}


def _described(folder: Path) -> Described:
    found = _read(folder / "config.v2.json")
    hostconfig = _read(folder / "hostconfig.json")
    log_config = _member(hostconfig, "LogConfig")
    config = _member(found, "Config")
    environment = config.get("Env")
    driver = str(log_config.get("Type") or "json-file")
    return Described(
        container=Container(
            id=folder.name,
            name=str(found.get("Name") or "").lstrip("/") or folder.name[:12],
            driver=driver,
            image=str(config.get("Image") or ""),
            image_id=str(found.get("Image") or ""),
            restarts=number(found.get("RestartCount")) or 0,
            created=seconds(found.get("Created")),
            log_limit_bytes=log_limit(driver, _member(log_config, "Config")),
            memory_limit_bytes=number(hostconfig.get("Memory")),
            **condition({"Running": True} | _member(found, "State")),
        ),
        labels=relevant({str(key): str(value) for key, value in _member(config, "Labels").items()}),
        environment=parse_environment(
            [line for line in environment if isinstance(line, str)] if isinstance(environment, list) else []
        ),
        path=str(folder / f"{folder.name}-json.log"),
    )


def _member(found: dict[str, Any], name: str) -> dict[str, Any]:
    value = found.get(name)
    return value if isinstance(value, dict) else {}
