"""How many lines of a container were left out → a document of the target `pilotfish-limits`, so that a search shows it.

Its `log` has `container`, `from` and `to` (when the agent counted), `lines`, `rules` (lines by rule) and `message`; its
`stream` is `limits`. It is made by the clock, since it is about what the agent did: a restart begins to count anew.
"""

from collections.abc import Mapping

import orjson
from msgspec.structs import replace

from collector.documents.composer import FinishedLine
from collector.documents.ids import short_hash
from collector.documents.segments import single
from collector.model import LogStream, Segment
from collector.text.times import iso
from collector.transform.stamps import Stamps

TARGET = "pilotfish-limits"
STREAM = LogStream(
    container_id=TARGET, container=TARGET, entry="", target=TARGET, path="", running=True, fields={}, has_run=False
)


def segment_of(container: str, host: str, rules: Mapping[str, int], since: int, now: int, stamps: Stamps) -> Segment:
    """One document in a segment of its own; `since` and `now` are nanoseconds since 1970."""
    fields = {"host": host, "@target": TARGET, "docker_container": container}
    time = iso(now)
    (stamp,) = stamps.render([time])
    lines = sum(rules.values())
    told = ", ".join(f"{count:,} by {rule}" for rule, count in sorted(rules.items(), key=lambda one: -one[1]))
    log = {
        "message": f"{container}: {lines:,} lines were left out ({told})",
        "container": container,
        "from": iso(since),
        "to": time,
        "lines": lines,
        "rules": dict(rules),
    }
    name = short_hash([TARGET, host, container, now])
    line = FinishedLine(orjson.dumps(log).decode(), "limits", time, name)
    stream = replace(STREAM, container=container, fields=fields)
    return single(stream, line, stamp, now)
