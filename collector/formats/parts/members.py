"""The members that a reader found in a line → `log`.

Whatever a line says is in a member; where one cannot hold it, the whole text stands in `message` too. An empty value
is no member.
"""

from abc import abstractmethod
from collections.abc import Mapping

import orjson

from collector.formats.format import Format

MESSAGE = "message"
Members = dict[str, str | int | float]


class MemberFormat(Format):
    """A format whose lines have members."""

    @abstractmethod
    def members(self, text: str) -> Members | None:
        """What the line says, by name; None if the line does not fit."""

    def log(self, text: str) -> str | None:
        """The members in the order in which they were found; a line without any does not fit."""
        found = self.members(text)
        return orjson.dumps(found).decode() if found else None


def with_text(members: Members, text: str) -> Members | None:
    """The members with the whole text beside them; None if its place is taken."""
    return members if members.setdefault(MESSAGE, text) == text else None


def filled(members: Mapping[str, str | int | float | None]) -> Members:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None and value != ""}
