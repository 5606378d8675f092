"""What happened to a container → a document of the target `docker-events`, so that a search tells why a log stops.

Its `log` has `event`, `container`, `container_id`, `image`, `exit_code`, `kind`, `health`, `level` and `message`, its
`stream` is `events`; members of `log` that an event has nothing for are left out.

Events have no file: the position of one is its time, and its `_id` is made of what it tells, so that one that the
daemon tells again after a restart is the same document.
"""

from collections.abc import Callable, Mapping

import orjson
from msgspec.structs import replace

from collector.docker.event import Event
from collector.documents.composer import FinishedLine
from collector.documents.ids import short_hash
from collector.documents.segments import single
from collector.model import LogStream, Segment
from collector.text.times import iso
from collector.transform.stamps import Stamps

TARGET = "docker-events"
SHIPPED = frozenset({"die", "oom", "restart", "health_status"})
STREAM = LogStream(  # of the input `docker`
    container_id=TARGET, container=TARGET, entry="", target=TARGET, path="", running=True, fields={}, has_run=False
)
_LEVELS = {"unhealthy": "warning", "error": "error", "oom": "error"}  # by health or kind of end; all else is info


def stream_of(input_name: str) -> LogStream:
    """The stream of an input's events, whose position tells up to which time they are delivered."""
    return STREAM if input_name == "docker" else replace(STREAM, entry=input_name)


def segment_of(
    event: Event,
    kind: str,
    *,
    stamps: Stamps,
    fields: Callable[[str, str, Mapping[str, str]], Mapping[str, str]],
    stream: LogStream = STREAM,
) -> Segment:
    """One document in a segment of its own. `kind` is that of an end, `fields` makes those of its container."""
    stream = replace(stream, container=event.name, fields=fields(event.name, TARGET, event.labels))
    time = iso(event.time)
    (stamp,) = stamps.render([time])
    line = FinishedLine(orjson.dumps(log_of(event, kind)).decode(), "events", time, _id(event))
    return single(stream, line, stamp, event.time)


def log_of(event: Event, kind: str) -> dict[str, object]:
    """The member `log` of its document."""
    told = {
        "event": event.action,
        "container": event.name,
        "container_id": event.container_id,
        "image": event.image,
        "exit_code": event.exit_code,
        "kind": kind,
        "health": event.health,
        "level": "error" if event.action == "oom" else _LEVELS.get(event.health or kind, "info"),
        "message": _message(event, kind),
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def _message(event: Event, kind: str) -> str:
    if event.action == "die":
        why = {"oom": ", out of memory", "signal": ", as requested"}.get(kind, "")
        code = "" if event.exit_code is None else f" with exit code {event.exit_code}"
        return f"{event.name} ended{code}{why}"
    if event.action == "oom":
        return f"{event.name}: out of memory, the kernel killed one of its processes"
    if event.action == "restart":
        return f"{event.name} was restarted"
    return f"{event.name} is {event.health}"


def _id(event: Event) -> str:
    """No line has such a one, for theirs begin with a hash."""
    return "event-" + short_hash([event.container_id, event.action, event.health, event.time])
