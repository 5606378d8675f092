r"""`regexp`: the named groups of a pattern, such as `^(?<time>\S+) (?<level>\w+) (?<message>.*)$`.

The pattern is looked for anywhere in the line, unless it has ^ and $. What it finds outside of the named groups is lost
to no one: if that, or what stands around the match, is more than spaces and punctuation, the whole text is kept as
`message`, unless a group of that name is in the line.
"""

from collections.abc import Mapping
from typing import ClassVar

from collector.formats.parts import types
from collector.formats.parts.linear import Program
from collector.formats.parts.members import MESSAGE, MemberFormat, Members, with_text

_SEPARATORS = bytes(code for code in range(0x7F) if not chr(code).isalnum() and (code >= 0x20 or chr(code).isspace()))


class Format(MemberFormat):
    """Reads what a pattern names."""

    OPTIONS: ClassVar[Mapping[str, str]] = {
        "pattern": "regular expression of RE2 with named groups, plain or as /…/ with Ruby's flags; required",
        types.OPTION: types.HELP,
    }
    is_slow = True

    def __init__(self, options: Mapping[str, str]) -> None:
        self._program = Program(options.get("pattern", ""))
        names = dict(self._program.names)
        self._types = types.Types(options.get(types.OPTION, ""), names)

    def members(self, text: str) -> Members | None:
        """The groups that are not empty, by their names."""
        line = text.encode()
        if (spans := self._program.spans(line)) is None:
            return None
        members: Members = {}
        outside, end = b"", 0
        for name, number in self._program.names:
            start, stop = spans[number]
            if start < stop:
                members[name] = line[start:stop].decode()
                outside += line[end:start]
                end = max(end, stop)
        is_whole = MESSAGE in members or not (outside + line[end:]).translate(None, _SEPARATORS)
        if not members:
            return None
        found = self._types.give(members, text)
        return found if is_whole or found is None else with_text(found, text)
