"""The streams of the registry → those that one output wants, each as it wants it.

What it does not want does not exist for it: no reader, no position, and nothing of it is left out or lost. Of a stream
with documents of other agents it reads all, and its transform leaves out what the output does not want.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from collector.container_settings.rule_book import RuleBook
from collector.discovery.registry import Registry
from collector.documents.levels import NAMES
from collector.model import LogStream, StreamKey
from collector.ports import ShipperSettings
from collector.redaction.fields import redacted
from collector.redaction.redaction import Redact, Redaction


class Wanted:
    """One output's. `rules` have the redaction that there is now."""

    def __init__(self, output: str, settings: ShipperSettings, registry: Registry, rules: RuleBook) -> None:
        self._output = output
        self._settings = settings
        self._registry = registry
        self._rules = rules
        self._found: Mapping[StreamKey, LogStream] = {}
        self._version = (-1, -1)  # of the registry and the rules, when they were found

    def streams(self) -> Mapping[StreamKey, LogStream]:
        """What is to be followed now."""
        version = self._registry.version, self._rules.version
        if version != self._version:
            streams = self._registry.streams
            self._found = {key: self._as_wanted(stream) for key, stream in streams.items() if self.has(stream)}
            self._version = version
        return self._found

    def has(self, stream: LogStream) -> bool:
        """Whether the output gets its lines."""
        settings = self._settings
        if stream.outputs and self._output not in stream.outputs:
            return False
        return stream.is_relayed or (
            settings.has_container(stream.container, stream.container_id, stream.labels)
            and settings.has_target(stream.target)
        )

    def _as_wanted(self, stream: LogStream) -> LogStream:
        """With the output's minimum level, what it redacts, and its share of what is beyond a limit."""
        settings, reading = self._settings, stream.reading
        if stream.is_relayed and (settings.containers or settings.container_ids or settings.targets):
            reading = reading._replace(
                containers=settings.containers, container_ids=settings.container_ids, targets=settings.targets
            )
        if least := settings.level:
            reading = reading._replace(level=max(least, reading.level or least, key=NAMES.index))
        if settings.of_stream:
            reading = reading._replace(of_stream=settings.of_stream)
        if reading.on_excess == "store_only":
            has_all = {"limits": ()} if settings.has_excess else {"on_excess": "drop"}
            reading = reading._replace(**has_all)
        stream = stream if reading is stream.reading else replace(stream, reading=reading)
        return also_redacted(stream, settings.redact, self._rules.redaction)


def also_redacted(stream: LogStream, names: Sequence[str], redaction: Redaction) -> LogStream:
    """The stream whose lines and fields lose what these sets and rules find, too; itself if they do already.

    The rules are those that its other names are of: after a reload, until it is described anew, those from before.
    """
    reading = stream.reading
    more = tuple(dict.fromkeys(name for name in names if name not in reading.redact))
    if not more:
        return stream
    known = reading.redactor
    asked = (*reading.redact, *more)
    rules = known.redaction if isinstance(known, Redact) else redaction
    redact = Redact(rules, asked)
    is_behind = rules.missing(stream.reading.redact, asked).is_behind
    reading = reading._replace(redact=asked, redactor=redact)
    return replace(stream, reading=reading, fields=redacted(stream.fields, redact(), is_behind=is_behind))
