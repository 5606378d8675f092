"""A template, and a stream with a day → the place that a destination keeps documents in: a key, a prefix of objects.

`{target}`, `{container}` and `{host}` are what a stream says of itself, which may be anything: what is not a letter, a
digit or one of `._-` becomes `_`. What is between them is the operator's.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from collector.documents.naming import DAY
from collector.model import Batch, LogStream, Segment

_FOREIGN = re.compile(r"[^A-Za-z0-9._-]")
_MOST_CHARACTERS = 200  # of one value
_UNNAMED = "unnamed"
_MEMBERS = ("target", "container", "host")
_REMEMBERED = 4096


class Places:
    """The places that one template gives; `letters` may stand in it besides members and parts of the day."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._place = lru_cache(_REMEMBERED)(self._filled)

    @staticmethod
    def fault_of(template: str, letters: str) -> str:
        """What is wrong with a template, or ""; `letters` as in the brackets of a regular expression."""
        members = "|".join(_MEMBERS)
        if re.fullmatch(rf"(?:\{{(?:{members})\}}|%[{DAY}]|[A-Za-z0-9{letters}])+", template):
            return ""
        days = " ".join(f"%{part}" for part in DAY)
        named = ", ".join(f"{{{member}}}" for member in _MEMBERS)
        return f"may contain {named}, {days}, letters, digits and {' '.join(letters.replace(chr(92), ''))}"

    def of(self, segment: Segment) -> str:
        """The place of the segment's documents."""
        stream = segment.stream
        return self._place(stream.target, stream.container, host_of(stream), segment.day)

    def groups(self, batch: Batch) -> dict[str, list[Segment]]:
        """The segments that have documents, by their place, in the order of the batch."""
        found: dict[str, list[Segment]] = {}
        for segment in batch.segments:
            if segment.documents:
                found.setdefault(self.of(segment), []).append(segment)
        return found

    def _filled(self, target: str, container: str, host: str, day: str) -> str:
        filled = date.fromisoformat(day).strftime(self._template)
        for member, value in zip(_MEMBERS, (target, container, host), strict=True):
            filled = filled.replace(f"{{{member}}}", clean(value))
        return filled


def clean(value: str) -> str:
    """A value as a part of a name: never empty, and without a slash, a brace or a colon. "." and ".." lead nowhere."""
    kept = _FOREIGN.sub("_", value)[:_MOST_CHARACTERS]
    return kept if kept.strip(".") else _UNNAMED


def host_of(stream: LogStream) -> str:
    """The host that a stream is of, "" if it does not say."""
    return stream.fields.get("host", "")


def ids_of(segments: list[Segment]) -> Iterator[str]:
    """The ids of their documents, in order."""
    return (name for segment in segments for name in segment.ids)
