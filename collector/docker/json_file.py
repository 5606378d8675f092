"""Logs of Docker's json-file driver: which containers have one, where it is, and how large it is.

Forms: moby `daemon/container.go` (`LogPath`), `daemon/logger/jsonfilelog`, `daemon/logger/local`.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

DRIVER = "json-file"
PATTERN = "*/*-json.log"  # of the logs in a tree of containers


def driver(log_config: Mapping[str, object]) -> str:
    """A container's log driver, of its `LogConfig`; the daemon's default is told as empty."""
    return str(log_config.get("Type") or DRIVER)


def log_path(root: Path | str, container_id: str) -> str:
    """The live file of a container in a tree of containers."""
    return f"{root}/{container_id}/{container_id}-json.log"


def sizes(root: Path, ids: Iterable[str]) -> dict[str, int]:
    """The bytes of each container's log files, rotated ones too; those that cannot be seen are left out.

    Raises:
        OSError: none can be.
    """
    found = {}
    hidden = None
    for one in ids:
        live = Path(log_path(root, one))
        try:
            found[one] = _size(live.parent, live.name)
            local = live.parent / "local-logs"
            if local.is_dir():
                found[one] += _size(local, "container.log")
        except OSError as error:
            found.pop(one, None)
            hidden = error
    if hidden is not None and not found:
        raise hidden
    return found


def _size(folder: Path, name: str) -> int:
    with os.scandir(folder) as entries:
        return sum(
            entry.stat(follow_symlinks=False).st_size
            for entry in entries
            if entry.name.startswith(name) and entry.is_file(follow_symlinks=False)
        )
