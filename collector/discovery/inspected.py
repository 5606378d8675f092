"""The daemon's answer about one container (`GET /containers/{id}/json`) → Described.

Its files of a container have the same members (moby `container/container.go`), but for those that `on_disk` adds.
Members of another form than they should have are none: somebody else's file must not hide a log.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from collector.discovery.enrich import Described
from collector.discovery.health import last_check, longest_wait
from collector.discovery.mounts import mounts_of
from collector.discovery.registry import UNDESCRIBED, Container
from collector.docker import json_file
from collector.text.times import moment

_NEVER = "0001-01-01"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_THOUSANDS = "kmgtp"
_MOST_DIGITS = 10
_MOST_ERROR = 500  # characters
_LOCAL_BYTES, _LOCAL_FILES = 20 << 20, 5  # moby daemon/logger/local


def described(found: Mapping[str, Any], logs_root: Path, *, is_new: bool) -> Described:
    """What the answer says; `is_new`: the container was made since the agent started."""
    config, host, state = _member(found, "Config"), _member(found, "HostConfig"), _member(found, "State")
    log_config = _member(host, "LogConfig")
    environment = config.get("Env")
    container_id = str(found["Id"])
    driver = json_file.driver(log_config)
    options = _member(log_config, "Config")
    return Described(
        container=Container(
            id=container_id,
            name=str(found.get("Name") or "").lstrip("/") or container_id[:12],
            driver=driver,
            image=str(config.get("Image") or ""),
            image_id=str(found.get("Image") or ""),
            restarts=number(found.get("RestartCount")) or 0,
            created=seconds(found.get("Created")),
            log_limit_bytes=log_limit(driver, options),
            memory_limit_bytes=number(host.get("Memory")),
            last_check=seconds(last_check(state.get("Health"))),
            check_wait_seconds=longest_wait(config.get("Healthcheck")),
            **_condition(state),
        ),
        labels={str(key): str(value) for key, value in _member(config, "Labels").items()},
        environment=[line for line in environment if isinstance(line, str)] if isinstance(environment, list) else [],
        files_kept=_files_kept(options) if is_new else 0,
        path=json_file.log_path(logs_root, container_id),
        mounts=mounts_of(found),
    )


def on_disk(name: str, logs_root: Path, config: Mapping[str, Any], host: Mapping[str, Any]) -> Described:
    """What `config.v2.json` and `hostconfig.json` say in the folder of this name."""
    state = {"Running": True, **_member(config, "State")}
    answer = {**config, "Id": name, "HostConfig": host, "State": state}
    found = described(answer, logs_root, is_new=False)
    # after a pause a check may be late by its length, and no event tells of one
    return found._replace(container=replace(found.container, last_check=None, check_wait_seconds=None))


def undescribed(item: Mapping[str, Any]) -> Container:
    """A container of which the daemon's list alone tells: it does not answer when it is asked for this one."""
    container_id = str(item["Id"])
    return Container(
        id=container_id,
        name=next((name.lstrip("/") for name in item.get("Names") or []), container_id[:12]),
        state=str(item.get("State") or ""),
        driver=UNDESCRIBED,
        image=str(item.get("Image") or ""),
        problem="the Docker daemon cannot inspect it",
        problem_kind="undescribed",
    )


def _condition(state: Mapping[str, Any]) -> dict[str, Any]:
    """How a container is, and when it last began and ended.

    The daemon calls one unhealthy whose checks it has stopped, and gives 0 as the exit code of one that runs again:
    neither is taken over.
    """
    status = str(state.get("Status") or _status(state))
    health = state.get("Health")
    checks = health if status == "running" and isinstance(health, dict) else {}
    verdict = str(checks.get("Status") or "none")
    finished = seconds(state.get("FinishedAt"))
    is_up = status in ("running", "paused")
    start_error = "" if is_up else str(state.get("Error") or "")[:_MOST_ERROR]
    has_code = not is_up and (finished is not None or start_error)
    return {
        "state": status,
        "health": "" if verdict == "none" else verdict,
        "failing_streak": number(checks.get("FailingStreak", 0)),
        "exit_code": number(state.get("ExitCode")) if has_code else None,
        "start_error": start_error,
        "oom_killed": killed if isinstance(killed := state.get("OOMKilled"), bool) else None,
        "started": seconds(state.get("StartedAt")),
        "finished": finished,
    }


def _member(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = found.get(name)
    return value if isinstance(value, Mapping) else {}


def _status(state: Mapping[str, Any]) -> str:
    """The daemon's word for it, which it writes into no file (moby `container/state.go`, `StateString`)."""
    if state.get("Running"):
        return "paused" if state.get("Paused") else "restarting" if state.get("Restarting") else "running"
    if state.get("RemovalInProgress"):
        return "removing"
    if state.get("Dead"):
        return "dead"
    return "created" if str(state.get("StartedAt")).startswith(_NEVER) else "exited"


def number(value: object) -> int | None:
    """An integer; None where there is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def seconds(time: object) -> float | None:
    """Docker's time in seconds since 1970; None for never."""
    if not isinstance(time, str) or not time or time.startswith(_NEVER):
        return None
    try:
        return moment(time, now=0, zone=UTC) / 1e9
    except ValueError:
        return None


def log_limit(driver: str, options: Mapping[str, str]) -> float | None:
    """How large a container's log files may be together; None if the driver keeps no files here.

    Sizes are decimal, as the daemon reads them (moby `daemon/logger/jsonfilelog`, go-units `FromHumanSize`).
    """
    if driver not in (json_file.DRIVER, "local"):
        return None
    is_local = driver == "local"
    size = _size(str(options.get("max-size", "")), _LOCAL_BYTES if is_local else math.inf)
    return size * max(_files(options, _LOCAL_FILES if is_local else 1), 1)


def _size(text: str, default: float) -> float:
    if not (match := _SIZE.fullmatch(text.strip())):
        return default
    return float(float(match[1]) * 1000 ** (_THOUSANDS.index(match[2].lower()) + 1 if match[2] else 0))


def _files_kept(options: Mapping[str, str]) -> int:
    """How many files the daemon keeps of a json-file log; 0 if it keeps one that only grows."""
    return _files(options, 1) if options.get("max-size") else 0


def _files(options: Mapping[str, str], default: int) -> int:
    """What `max-file` says; 0 if that is no number."""
    text = str(options.get("max-file", default))
    return int(text) if text.isdecimal() and len(text) < _MOST_DIGITS else 0
