"""What a daemon says of a container (`inspect`, or `config.v2.json`) → a Container with its streams.

The trusted members of its documents are encoded here, once.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
import orjson

from collector.discovery import labels as asked
from collector.discovery.roster import Container
from collector.model import LogStream, StreamKey


class Described(NamedTuple):
    """What both forms of description have in common."""

    id: str
    name: str
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    driver: str
    path: str
    state: str
    health: str
    failing_streak: int
    files_kept: int = 0


class Enricher:
    """Makes containers of descriptions.

    `target_of` gives the target with which a stream was first seen, if it was seen before: it stays.
    """

    def __init__(self, host: str, select: str, own_id: str, target_of: Callable[[StreamKey], str | None]) -> None:
        self.host = host
        self._select = select
        self._own_id = own_id
        self._target_of = target_of

    def container(self, described: Described) -> Container:
        """The container with the streams it asks for, or with the reason why it has none."""
        bare = Container(
            id=described.id,
            name=described.name,
            state=described.state,
            health=described.health,
            failing_streak=described.failing_streak,
            driver=described.driver,
        )
        if described.id == self._own_id or asked.is_excluded(described.labels, described.environment):
            return bare
        default = asked.default_target(described.labels, described.name)
        wanted = asked.wanted(described.labels, described.environment, default, select=self._select)
        problem = "; ".join(wanted.faults)
        if wanted.entries and described.driver != "json-file":
            problem = f"its log driver is {described.driver!r}: only json-file logs can be followed"
            return msgspec.structs.replace(bare, problem=problem)
        streams = tuple(self._stream(described, entry) for entry in wanted.entries)
        return msgspec.structs.replace(bare, problem=problem, streams=streams)

    def _stream(self, described: Described, entry: asked.Entry) -> LogStream:
        target = self._target_of(StreamKey(described.id, entry.name)) or entry.target
        fields = {
            "host": self.host,
            "@target": target,
            "docker_container": described.name,
            **asked.trusted_fields(described.labels),
        }
        return LogStream(
            container_id=described.id,
            container=described.name,
            entry=entry.name,
            target=target,
            path=described.path,
            running=described.state in ("running", "paused"),
            has_run=described.state != "created",
            files_kept=described.files_kept,
            constants=orjson.dumps(fields).decode()[1:-1],
        )
