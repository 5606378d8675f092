"""`json`: the line is a JSON object, whose members are those of `log`; this is so without a format, too.

With the format a line that is no object counts as one that does not fit, and members can stand beside `log`, too.
"""

from collections.abc import Mapping
from typing import ClassVar

from collector.documents.json_text import object_of
from collector.documents.members import Member, field_name
from collector.formats import format as base

_MOST = 16


class Format(base.Format):
    """Reads JSON objects."""

    OPTIONS: ClassVar[Mapping[str, str]] = {
        "lift": "members that documents have beside `log`, too, separated by commas; `a.b` for one within another"
    }

    def __init__(self, options: Mapping[str, str]) -> None:
        names = [name.strip() for name in options.get("lift", "").split(",") if name.strip()]
        if len(names) > _MOST:
            raise ValueError(f"lift names {len(names)} members: {_MOST} are allowed")
        for number, name in enumerate(names, 1):
            try:
                Member(name)
                field_name(name)
            except ValueError as error:
                raise ValueError(f"lift: name {number}: {error}") from None
        self.lift = tuple(dict.fromkeys(names))

    def log(self, text: str) -> str | None:
        """The object as it is written, on one line."""
        return object_of(text)
