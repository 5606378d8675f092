"""The mounts of a container, as the daemon or its files tell them → where a path in the container is on the host.

Forms: moby `api/types/container` (`Mounts`), `container/container.go` (`MountPoints`).
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_VOLUME = "volume"


class Mount(NamedTuple):
    """One mount: its path in the container, that on the host ("": on no disk of it, or not known), and its kind."""

    destination: str
    source: str
    kind: str


def mounts_of(found: Mapping[str, Any]) -> tuple[Mount, ...]:
    """Those that a description has; what is of another form than it should be is left out."""
    points = found.get("MountPoints")
    told = points.values() if isinstance(points, Mapping) else found.get("Mounts")
    host = found.get("HostConfig")
    memory = host.get("Tmpfs") if isinstance(host, Mapping) else None
    return (
        *_read(told if isinstance(told, Iterable) else (), _root(found)),
        *(Mount(posixpath.normpath(str(path)), "", "tmpfs") for path in memory or ()),
    )


def nearest(path: str, mounts: Sequence[Mount]) -> Mount | None:
    """The mount that a path in the container is in, or is; None if it is in the container's own layer."""
    inside = [one for one in mounts if is_in(path, one.destination)]
    return max(inside, key=lambda one: len(one.destination), default=None)


def is_in(path: str, folder: str) -> bool:
    """Whether a path is in the folder, or is that folder."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _read(told: Iterable[Any], root: str) -> Iterator[Mount]:
    for one in told:
        if not isinstance(one, Mapping) or not isinstance(destination := one.get("Destination"), str):
            continue
        kind, source = str(one.get("Type") or _VOLUME), one.get("Source")
        name = one.get("Name")
        if not source and kind == _VOLUME and isinstance(name, str) and name and "/" not in name and root:
            source = f"{root}/volumes/{name}/_data"  # a file of the daemon's does not tell it
        if destination.startswith("/"):
            yield Mount(posixpath.normpath(destination), _absolute(source), kind)


def _absolute(path: object) -> str:
    return posixpath.normpath(path) if isinstance(path, str) and path.startswith("/") else ""


def _root(found: Mapping[str, Any]) -> str:
    """The daemon's data root, by where it says that the log is: `<root>/containers/<id>/<id>-json.log`."""
    parts = str(found.get("LogPath") or "").rsplit("/", 3)
    return parts[0] if len(parts) == 4 and parts[1] == "containers" else ""
