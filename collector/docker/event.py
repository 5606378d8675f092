"""One object of the daemon's event stream → an Event. Its form: Docker Engine API, `GET /events`."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from collector.docker.labels import relevant
from collector.text.bounds import bounded

# Those that change what is known of a container; each health check would tell three `exec_…` besides.
ACTIONS = (
    *("create", "start", "restart", "die", "stop", "kill", "oom", "destroy"),
    *("pause", "unpause", "rename", "update", "health_status"),
)
EXIT_CODE = "exitCode"
_EXIT_CODE_DIGITS = 3


class Event(Struct, frozen=True, kw_only=True):
    """What happened to a container, `time` in nanoseconds since 1970.

    `health` is what `health_status` tells, "" of another action. `labels` are those of the container's that documents
    are made of. A label takes the place of the daemon's attribute of its name (moby#20879), but for `name` and `image`,
    which are written after the labels: so `exit_code`, told with `die`, is believed by nobody who does not know that
    there is no label exitCode. `has_code`: there is such an attribute, or such a label.
    """

    container_id: str
    action: str
    time: int
    name: str = ""
    image: str = ""
    health: str = ""
    exit_code: int | None = None
    has_code: bool = False
    labels: Mapping[str, str] = {}


def event_of(told: Mapping[str, Any]) -> Event | None:
    """The event; None if it tells of no container."""
    action, _, detail = str(told.get("Action") or told.get("status") or "").partition(":")
    actor = told.get("Actor") or {}
    attributes: Mapping[str, str] = actor.get("Attributes") or {}
    container_id = str(actor.get("ID") or told.get("id") or "")
    if not container_id or not action:
        return None
    code = str(attributes.get(EXIT_CODE, ""))
    return Event(
        container_id=container_id,
        action=action,
        time=int(told.get("timeNano") or int(told.get("time") or 0) * 1_000_000_000),
        name=bounded(attributes.get("name", "")) or container_id[:12],
        image=bounded(attributes.get("image", "")),
        health=detail.strip() if action == "health_status" else "",
        exit_code=int(code) if code.isdecimal() and len(code) <= _EXIT_CODE_DIGITS else None,
        has_code=EXIT_CODE in attributes,
        labels=relevant(attributes),
    )
