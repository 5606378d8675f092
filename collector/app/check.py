"""Configuration → findings: what the agent can reach here, and the fix for what it cannot.

Nothing is changed: a state directory that does not exist is not made.
"""

import asyncio
import errno
import fcntl
import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from collector.app.inputs import context_of
from collector.config.models import Configuration
from collector.discovery.registry import Registry
from collector.errors import REPORT_IT, PilotfishError, StateError, place_of
from collector.intake.input import InputContext, InputSettings
from collector.ports import Finding, OutputContext, ShipperSettings
from collector.state import directory as state_directory
from collector.state import places

PROBE_SECONDS = 10.0
PACKED = 5  # a record of the spool has about a fifth of its documents' bytes (ADR 7)
SHORT_HOURS = 1.0
FEW_BYTES, LOW_BYTES = 100 << 20, 1 << 30  # of disk: fail below the one, warn below the other


@runtime_checkable
class Probed(Protocol):
    """A shipper that can say whether its destination takes documents."""

    async def probe(self) -> object:
        """Ask the destination; what is given back is shown if it is a text.

        Raises:
            PilotfishError: it cannot be used; cause and remedy are shown.
        """
        ...


async def examine(
    configuration: Configuration, numbers: Mapping[str, Mapping[str, Any]] | None = None
) -> AsyncIterator[Finding]:
    """Look at one thing after the other. `numbers` are those of the running agent, by output; None: none runs."""
    yield Finding("ok", "configuration", "valid")
    for words in configuration.told:
        yield Finding("ok", "configuration", words)
    for warning in configuration.warnings:
        yield Finding("warn", "configuration", warning)
    for finding in _state(configuration.state_dir):
        yield finding
    registry = Registry(max_targets=configuration.max_targets)
    for name, asked in configuration.inputs.items():
        async for finding in _input(asked, context_of(configuration, registry.join(name))):
            yield finding
    if registry.targets:
        text = f"{len(registry.targets)} named by containers, of {registry.max_targets} (max_targets)"
        yield Finding("ok", "targets", text)
    for name, settings in configuration.outputs.items():
        yield await _output(name, settings, configuration.state_dir)
        yield _promise(name, settings)
        if settings.spool:
            yield _bridges(name, settings, (numbers or {}).get(name, {}).get("document_bytes_per_second"))
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


async def _input(settings: InputSettings, context: InputContext) -> AsyncIterator[Finding]:
    """What the input itself finds."""
    try:
        async for finding in settings.check(context):
            yield finding
    except PilotfishError as error:
        yield Finding("fail", f"input {context.name} ({settings.type})", error.cause, error.remedy)
    except Exception as error:  # noqa: BLE001 - of another package's code
        text = f"raised an unexpected error ({place_of(error)})"
        yield Finding("fail", f"input {context.name} ({settings.type})", text, REPORT_IT)


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


def _promise(name: str, settings: ShipperSettings) -> Finding:
    """What it promises."""
    promise = settings.promise()
    text = f"{promise.words}: {promise.text}"
    if promise.kind == "unsafe":
        return Finding("warn", f"promise of output {name}", text, "use it only for documents that may be lost")
    return Finding("ok", f"promise of output {name}", text)


def _bridges(name: str, settings: ShipperSettings, rate: float | None) -> Finding:
    """For how long its spool can take what is read."""
    subject = f"spool of output {name}"
    size = f"{settings.spool_bytes >> 20:,} MiB"
    if not rate:
        return Finding("ok", subject, f"{size}; how long an outage may last is known once the agent runs")
    hours = settings.spool_bytes * PACKED / rate / 3600
    text = f"{size} bridge an outage of about {_hours(hours)}, at {rate / 1000:,.0f} kB/s of documents"
    if hours < SHORT_HOURS:
        return Finding("warn", subject, text, f"raise spool_bytes of output {name}")
    return Finding("ok", subject, text)


def _hours(hours: float) -> str:
    if hours > 48:
        return f"{hours / 24:,.0f} days"
    return f"{hours:.0f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"


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
