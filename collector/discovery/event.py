"""One object of the daemon's event stream → an Event. Its form: Docker Engine API, `GET /events`."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from collector.discovery.bounds import bounded
from collector.discovery.labels import relevant

# Those that change what is known of a container; each health check would tell three `exec_…` besides.
ACTIONS = (
    *("create", "start", "restart", "die", "stop", "kill", "oom", "destroy"),
    *("pause", "unpause", "rename", "update", "health_status"),
)
_EXIT_CODE_DIGITS = 3  # a label called exitCode takes the place of the real one, and may hold anything


class Event(Struct, frozen=True, kw_only=True):
    """What happened to a container, `time` in nanoseconds since 1970.

    `health` is what `health_status` tells, "" of another action; `exit_code` is told with `die`. `labels` are those of
    the container's that documents are made of.
    """

    container_id: str
    action: str
    time: int
    name: str = ""
    image: str = ""
    health: str = ""
    exit_code: int | None = None
    labels: Mapping[str, str] = {}


def event_of(told: Mapping[str, Any]) -> Event | None:
    """The event; None if it tells of no container."""
    action, _, detail = str(told.get("Action") or told.get("status") or "").partition(":")
    actor = told.get("Actor") or {}
    attributes: Mapping[str, str] = actor.get("Attributes") or {}
    container_id = str(actor.get("ID") or told.get("id") or "")
    if not container_id or not action:
        return None
    code = attributes.get("exitCode", "")
    return Event(
        container_id=container_id,
        action=action,
        time=int(told.get("timeNano") or int(told.get("time") or 0) * 1_000_000_000),
        name=bounded(attributes.get("name", "")) or container_id[:12],
        image=bounded(attributes.get("image", "")),
        health=detail.strip() if action == "health_status" else "",
        exit_code=int(code) if code.isdecimal() and len(code) <= _EXIT_CODE_DIGITS else None,
        labels=relevant(attributes),
    )
