"""What a daemon says of a container (`inspect`, or `config.v2.json`) → a Container with its streams.

The trusted members of its documents are encoded here, once.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import orjson
from msgspec.structs import replace

from collector.discovery import labels as asked
from collector.discovery.roster import Container
from collector.model import LogStream, StreamKey


class Described(NamedTuple):
    """What both forms of description have in common: the container as it is without streams, and what asks for them.

    `files_kept`: `LogStream.files_kept`.
    """

    container: Container
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    path: str
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
        labels, environment = described.labels, described.environment
        bare = replace(
            described.container,
            compose_project=labels.get("com.docker.compose.project", ""),
            compose_service=labels.get("com.docker.compose.service", ""),
        )
        if bare.id == self._own_id or asked.is_excluded(labels, environment):
            return bare
        default = asked.default_target(labels, bare.name)
        wanted = asked.wanted(labels, environment, default, select=self._select)
        problem = "; ".join(wanted.faults)
        if wanted.entries and bare.driver != "json-file":
            problem = f"its log driver is {bare.driver!r}: only json-file logs can be followed"
            return replace(bare, problem=problem)
        streams = tuple(self._stream(described, entry) for entry in wanted.entries)
        return replace(bare, problem=problem, streams=streams)

    def constants(self, name: str, target: str, labels: Mapping[str, str]) -> str:
        """The trusted members of a container's documents: `LogStream.constants`."""
        fields = {
            "host": self.host,
            "@target": target,
            "docker_container": name,
            **asked.trusted_fields(labels),
        }
        return orjson.dumps(fields).decode()[1:-1]

    def _stream(self, described: Described, entry: asked.Entry) -> LogStream:
        container = described.container
        target = self._target_of(StreamKey(container.id, entry.name)) or entry.target
        return LogStream(
            container_id=container.id,
            container=container.name,
            entry=entry.name,
            target=target,
            path=described.path,
            running=container.is_running,
            has_run=container.state != "created",
            files_kept=described.files_kept,
            constants=self.constants(container.name, target, described.labels),
        )
