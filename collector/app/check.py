"""Configuration → findings: what the agent can reach here, and the fix for what it cannot.

Nothing is changed: a state directory that does not exist is not made.
"""

import asyncio
import errno
import fcntl
import os
import shutil
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from collector.config.models import Configuration, DirectoryInput, DockerInput
from collector.discovery import directory, inspected
from collector.discovery.enrich import Described, Enricher
from collector.discovery.registry import Registry
from collector.docker import json_file
from collector.docker.engine import Engine, NoSuchContainer
from collector.errors import REPORT_IT, PilotfishError, StateError, place_of
from collector.files.regular import open_regular
from collector.ports import OutputContext, ShipperSettings
from collector.state import directory as state_directory
from collector.state import places
from collector.text.masking import mask_url
from collector.web.engine_metrics import FIX, PATH, engine_metrics

PROBE_SECONDS = 10.0
FEW_BYTES, LOW_BYTES = 100 << 20, 1 << 30  # of disk: fail below the one, warn below the other
INSPECTS_AT_ONCE = 8
DRIVER_FIX = "start it with `--log-driver json-file`, or make that the default in /etc/docker/daemon.json"
ROOT_FIX = (
    "set inputs.docker.logs_root to the directory `containers` below the path that `docker info -f "
    "'{{.DockerRootDir}}'` prints; in a container, mount it there (the variable DOCKER_LOGS of "
    "compose-elk.yml and of the swarm stack)"
)
LABEL_FIX = "correct its labels or environment (aliyun.logs.…), see docs/configuration.md"
GONE_FIX = f"if the files were removed, recreate their containers; else {ROOT_FIX}"
LINK_FIX = (
    "put or mount the logs themselves there; links are not followed because they could lead to any file of the host"
)
READ_FIX = "run as root, or give the agent CAP_DAC_READ_SEARCH; under SELinux see docs/install-compose.md"


class Finding(NamedTuple):
    """One thing that was looked at."""

    verdict: Literal["ok", "warn", "fail"]
    subject: str
    text: str
    fix: str = ""


@runtime_checkable
class Probed(Protocol):
    """A shipper that can say whether its destination takes documents."""

    async def probe(self) -> object:
        """Ask the destination; what is given back is shown if it is a text.

        Raises:
            PilotfishError: it cannot be used; cause and remedy are shown.
        """
        ...


async def examine(configuration: Configuration) -> AsyncIterator[Finding]:
    """Look at one thing after the other."""
    yield Finding("ok", "configuration", "valid")
    for warning in configuration.warnings:
        yield Finding("warn", "configuration", warning)
    for finding in _state(configuration.state_dir):
        yield finding
    if configuration.inputs.docker is not None:
        async for finding in _docker(configuration.inputs.docker, configuration.max_targets):
            yield finding
    if configuration.inputs.directory is not None:
        for finding in _directory(configuration.inputs.directory, configuration.max_targets):
            yield finding
    for name, settings in configuration.outputs.items():
        yield await _output(name, settings, configuration.state_dir)
    yield _port(configuration)


def _state(directory: Path) -> Iterator[Finding]:
    """Can the state be written, is there room, does an agent run on it."""
    subject = f"state directory {directory}"
    there = next(parent for parent in (directory, *directory.parents) if os.access(parent, os.F_OK))
    if there.is_file():
        yield Finding("fail", subject, f"{there} is a file", "set state_dir to a directory")
        return
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding("fail", subject, f"{there} is not writable", "run as its owner, or set state_dir")
        return
    if _locked(directory / places.LOCK):
        yield Finding("ok", subject, "in use by the running agent")
    elif there == directory and (fault := _fault_of(directory)):
        yield Finding("fail", subject, fault.cause, fault.remedy)
    else:
        yield Finding("ok", subject, "writable" if there == directory else "will be created")
    free = shutil.disk_usage(there).free
    verdict: Literal["ok", "warn", "fail"] = "fail" if free < FEW_BYTES else "warn" if free < LOW_BYTES else "ok"
    yield Finding(
        verdict, "disk", f"{free >> 20:,} MiB free", "" if verdict == "ok" else "free disk space, or move state_dir"
    )


def _fault_of(directory: Path) -> StateError | None:
    try:
        state_directory.check(directory)
    except StateError as error:
        return error
    except OSError as error:
        return StateError(f"it cannot be read ({error.strerror})", "run as its owner, or set state_dir")
    return None


def _locked(path: Path) -> bool:
    try:
        with path.open() as file:
            # shared, and given back at once: an agent that starts meanwhile may only have to start again
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


async def _docker(settings: DockerInput, max_targets: int) -> AsyncIterator[Finding]:
    """Does the daemon answer, and can the containers' logs be read as files."""
    try:
        async with Engine(settings.url, settings.tls) as engine:
            version = await engine.version()
            listed = await engine.containers()
            where = mask_url(engine.url)
            yield Finding("ok", "docker", f"{where}: version {version.get('Version')}, {len(listed)} containers")
            found = await _inspect(engine, [str(container["Id"]) for container in listed])
    except PilotfishError as error:
        yield Finding("fail", "docker", error.cause, error.remedy)
        return
    descriptions = [inspected.described(one, settings.logs_root, is_new=False) for one in found]
    asked = _targets(descriptions, settings.select, max_targets)
    for finding in (*_drivers(found), *_logs(found, settings.logs_root), *asked):
        yield finding
    if settings.metrics_url is not None:
        yield await _engine_metrics(settings.metrics_url)


async def _engine_metrics(url: str) -> Finding:
    """Can the engine's own metrics be passed on."""
    async with engine_metrics(url) as engine:
        answer = await engine.ask(url)
    if answer.status == HTTPStatus.OK:
        return Finding("ok", "engine's metrics", f"{mask_url(url)}: served as {PATH}")
    return Finding("warn", "engine's metrics", answer.body.decode().partition(": ")[0], FIX)


async def _inspect(engine: Engine, ids: list[str]) -> list[dict[str, Any]]:
    """Inspect all that are still there."""
    at_once = asyncio.Semaphore(INSPECTS_AT_ONCE)
    found: list[dict[str, Any]] = []

    async def one(container_id: str) -> None:
        async with at_once:
            with suppress(NoSuchContainer):  # removed meanwhile
                found.append(await engine.inspect(container_id))

    await asyncio.gather(*(one(container_id) for container_id in ids))
    return found


def _driver(container: dict[str, Any]) -> str:
    return json_file.driver((container.get("HostConfig") or {}).get("LogConfig") or {})


def _name(container: dict[str, Any]) -> str:
    return str(container.get("Name", "")).removeprefix("/") or str(container.get("Id"))[:12]


def _drivers(found: list[dict[str, Any]]) -> Iterator[Finding]:
    """Count the log drivers, and name the containers whose logs are no json-file."""
    if not found:
        return
    counts = Counter(_driver(container) for container in found)
    yield Finding("ok", "log drivers", ", ".join(f"{driver} {count}" for driver, count in sorted(counts.items())))
    for container in found:
        if _driver(container) != json_file.DRIVER:
            text = f"its log driver is {_driver(container)}: it is not followed"
            yield Finding("warn", f"container {_name(container)}", text, DRIVER_FIX)


def _logs(found: list[dict[str, Any]], root: Path) -> Iterator[Finding]:
    """Can the log files be read."""
    followed = [one for one in found if _driver(one) == json_file.DRIVER]
    paths = {_name(one): Path(json_file.log_path(root, str(one["Id"]))) for one in followed}
    refused = {name: error for name, path in paths.items() if (error := _refusal(path)) is not None}
    readable = len(paths) - len(refused)
    # a container that never ran has no log
    started = {_name(one) for one in found if (one.get("State") or {}).get("Status") != "created"}
    missing = sorted(name for name in refused if name in started)
    if missing:
        text = f"logs of {len(missing)} containers cannot be read below {root} ({', '.join(missing[:5])})"
        yield Finding("fail", "log files", text, _logs_fix((refused[name] for name in missing), others=readable))
    elif paths:
        yield Finding("ok", "log files", f"{readable} readable below {root}")


def _refusal(path: Path) -> OSError | None:
    """Why the file cannot be opened: access(2) does not know of capabilities that a user was given."""
    try:
        os.close(open_regular(path))
    except OSError as error:
        return error
    return None


def _logs_fix(errors: Iterable[OSError], *, others: int) -> str:
    """`others` could be read."""
    errors = list(errors)
    if any(error.errno == errno.ELOOP for error in errors):
        return LINK_FIX
    if all(isinstance(error, FileNotFoundError | NotADirectoryError) for error in errors):
        return GONE_FIX if others else ROOT_FIX
    return READ_FIX


def _targets(descriptions: Iterable[Described], select: str, max_targets: int) -> Iterator[Finding]:
    """What labels and environment ask for, and what of it is not followed; of each container by itself."""
    registry = Registry(max_targets=max_targets)
    enricher = Enricher("", select, "", lambda key: None, registry.has_room)
    for described in descriptions:
        container = enricher.container(described)
        registry.put(container)
        if container.problem and container.driver == json_file.DRIVER:
            yield Finding("warn", f"container {container.name}", container.problem, LABEL_FIX)
    if registry.targets:
        yield Finding("ok", "targets", f"{len(registry.targets)} named by containers, of {max_targets} (max_targets)")


def _directory(settings: DirectoryInput, max_targets: int) -> Iterator[Finding]:
    """Can the tree be read, are there logs in it, what of it is a link, and what do its containers ask for."""
    subject = f"directory {settings.path}"
    try:
        with os.scandir(f"{settings.path}/."):  # with the dot it has to be entered, as its files will be
            pass
    except PermissionError:
        yield Finding("fail", subject, "cannot be read", READ_FIX)
        return
    except OSError:
        yield Finding("fail", subject, "is not a directory", "set inputs.directory.path")
        return
    logs = list(settings.path.glob(json_file.PATTERN))
    links = {path.parent.name for path in logs if path.is_symlink() or path.parent.is_symlink()}
    count = sum(path.parent.name not in links for path in logs)
    yield Finding("ok" if count else "warn", subject, f"{count} logs", "" if count else "expected: <id>/<id>-json.log")
    if links:
        text = f"{len(links)} logs or folders are symbolic links and not followed ({', '.join(sorted(links)[:5])})"
        yield Finding("warn", f"links in {settings.path}", text, LINK_FIX)
    with suppress(OSError):  # what the log files are is told above
        yield from _targets(directory.descriptions(settings.path), settings.select, max_targets)


async def _output(name: str, settings: ShipperSettings, state_dir: Path) -> Finding:
    """Does the destination answer."""
    subject = f"output {name} ({settings.type})"
    try:
        shipper = settings.open(OutputContext(output=name, directory=state_dir / places.OUTPUTS / name))
        try:
            if not isinstance(shipper, Probed):
                return Finding("ok", subject, "nothing to check")
            async with asyncio.timeout(PROBE_SECONDS):
                told = await shipper.probe()
            return Finding("ok", subject, told if isinstance(told, str) else "answers")
        finally:
            await shipper.aclose()
    except PilotfishError as error:
        return Finding("fail", subject, error.cause, error.remedy)
    except TimeoutError:
        return Finding(
            "fail", subject, f"no answer within {PROBE_SECONDS:.0f} s", "check that it is running and reachable"
        )
    except Exception as error:  # noqa: BLE001 - of another package's code
        return Finding("fail", subject, f"raised an unexpected error ({place_of(error)})", REPORT_IT)


def _port(configuration: Configuration) -> Finding:
    """Can the port be had."""
    address = configuration.http.address
    if address is None:
        return Finding("warn", "http", "off: no metrics, no healthcheck, no search", "set http.listen")
    subject = f"http {address}"
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.socket(family) as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            if _locked(configuration.state_dir / places.LOCK):
                return Finding("ok", subject, "in use by the running agent")
            return Finding("fail", subject, "another program uses this port", "stop it, or set http.listen")
        return Finding("fail", subject, f"{error.strerror or error}", _listen_fix(error))
    return Finding("ok", subject, "free")


def _listen_fix(error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return "set http.listen to an address of this machine: 127.0.0.1 or 0.0.0.0"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "set http.listen to a port above 1023, or run as root"
    return "set http.listen"
