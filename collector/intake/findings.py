"""What `pilotfish check` finds of containers: their log drivers, their log files, and what they ask for."""

import errno
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from collector.discovery.enrich import Described, Enricher
from collector.discovery.registry import Container, Listing
from collector.discovery.volume_files import VolumeFiles
from collector.docker import json_file
from collector.files.regular import open_regular
from collector.ports import Finding

LINK_FIX = (
    "put or mount the logs themselves there; links are not followed because they could lead to any file of the host"
)
READ_FIX = "run as root, or give the agent CAP_DAC_READ_SEARCH; under SELinux see docs/install-compose.md"
_DRIVER_FIX = "start it with `--log-driver json-file`, or make that the default in /etc/docker/daemon.json"
_MUTE_FIX = "remove what is left of it, or restart the Docker daemon"
LABEL_FIX = "correct its labels or environment, see docs/containers.md"


def root_fix(option: str) -> str:
    """What helps where the directory at this option of the configuration has no logs."""
    return (
        f"set {option} to the directory `containers` below the path that `docker info -f '{{{{.DockerRootDir}}}}'` "
        "prints; in a container, mount it there (the variable DOCKER_LOGS of compose-elk.yml and of the swarm stack)"
    )


def gone_fix(option: str) -> str:
    """What helps where it has some of them."""
    return f"if the files were removed, recreate their containers; else {root_fix(option)}"


def undescribed(found: Iterable[Container]) -> Iterator[Finding]:
    """Name the containers that the daemon lists and cannot inspect."""
    for container in found:
        yield Finding("warn", f"container {container.name}", f"{container.problem}: it is not followed", _MUTE_FIX)


def drivers(found: list[Container]) -> Iterator[Finding]:
    """Count the log drivers, and name the containers whose logs are no json-file."""
    if not found:
        return
    counts = Counter(container.driver for container in found)
    yield Finding("ok", "log drivers", ", ".join(f"{driver} {count}" for driver, count in sorted(counts.items())))
    for container in found:
        if container.driver != json_file.DRIVER:
            text = f"its log driver is {container.driver}: it is not followed"
            yield Finding("warn", f"container {container.name}", text, _DRIVER_FIX)


def log_files(found: list[Container], root: Path, option: str) -> Iterator[Finding]:
    """Can the log files below `root` be read, which the configuration names at `option`."""
    followed = [one for one in found if one.driver == json_file.DRIVER]
    paths = {one.name: Path(json_file.log_path(root, one.id)) for one in followed}
    refused = {name: error for name, path in paths.items() if (error := _refusal(path)) is not None}
    readable = len(paths) - len(refused)
    started = {one.name for one in found if one.state != "created"}  # a container that never ran has no log
    missing = sorted(name for name in refused if name in started)
    if missing:
        text = f"logs of {len(missing)} containers cannot be read below {root} ({', '.join(missing[:5])})"
        fix = _logs_fix([refused[name] for name in missing], option, others=readable)
        yield Finding("fail", "log files", text, fix)
    elif paths:
        yield Finding("ok", "log files", f"{readable} readable below {root}")


def requests(
    descriptions: Iterable[Described], enricher: Enricher, files: VolumeFiles, listing: Listing
) -> Iterator[Finding]:
    """What labels and environment ask for in vain, of each container by itself; lists them all."""
    for described in descriptions:
        container = files.looked_at(enricher.container(described))
        listing.put(container)
        for fault in container.settings.told():
            yield Finding("warn", f"container {container.name}", fault, LABEL_FIX)


def _refusal(path: Path) -> OSError | None:
    """Why the file cannot be opened: access(2) does not know of capabilities that a user was given."""
    try:
        os.close(open_regular(path))
    except OSError as error:
        return error
    return None


def _logs_fix(errors: list[OSError], option: str, *, others: int) -> str:
    """`others` could be read."""
    if any(error.errno == errno.ELOOP for error in errors):
        return LINK_FIX
    if all(isinstance(error, FileNotFoundError | NotADirectoryError) for error in errors):
        return gone_fix(option) if others else root_fix(option)
    return READ_FIX
