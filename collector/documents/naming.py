"""A pattern, a target and a day → the name that a destination files documents under: an index, a topic, a key, a tag.

A target comes from a label, and may hold anything: what is not in the destination's alphabet is replaced, and what
may not begin a name is cut off. A pattern holds `{target}`, parts of the day as `strftime` has them, and the alphabet.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache

DAY = "YmdjVG"  # the parts of a day that name it or its week, each as in %Y
_REMEMBERED = 4096  # 0.1 µs a segment instead of 3, of which a thousand logs each give one a second
_UNNAMED = "unnamed"


class Naming:
    """The names that one kind of destination takes.

    `letters` are its alphabet as it stands in the brackets of a regular expression: ASCII, a to z among it; without
    capitals names are in small letters. `instead` replaces what is foreign to it, and what is in `not_first` begins no
    name. `target_bytes` of a target are kept, and no pattern may give more than `name_bytes`.
    """

    def __init__(
        self, letters: str, *, instead: str = "_", not_first: str = "", target_bytes: int = 200, name_bytes: int = 255
    ) -> None:
        self.name: Callable[[str, str, str], str] = lru_cache(_REMEMBERED)(self._name)
        """The name by pattern, target and day (`YYYY-MM-DD`): never empty."""
        self._letters = letters
        self._instead = instead
        self._not_first = not_first
        self._target_bytes = target_bytes
        self._name_bytes = name_bytes
        self._foreign = re.compile(f"[^{letters}]")
        self._has_capitals = not self._foreign.match("A")
        self._pattern = re.compile(rf"(?:\{{target\}}|%[{DAY}]|[{letters}])+")

    def fault_of(self, pattern: str) -> str:
        """What is wrong with a pattern, or ""."""
        if not self._pattern.fullmatch(pattern) or pattern[0] in self._not_first:
            days = " ".join(f"%{part}" for part in DAY)
            first = f", and must not begin with {_listed(self._not_first, 'or')}" if self._not_first else ""
            letters = [each if len(each) > 1 else repr(each) for each in re.findall(r"\w-\w|.", self._letters)]
            return f"may contain {{target}}, {days}, {', '.join(letters[:-1])} and {letters[-1]}{first}"
        if len(self._name(pattern, "t" * self._target_bytes, "2026-01-01")) > self._name_bytes:
            return f"gives names over {self._name_bytes} bytes for long targets"
        return ""

    def _name(self, pattern: str, target: str, day: str) -> str:
        known = target if self._has_capitals else target.lower()
        name = self._foreign.sub(self._instead, known).lstrip(self._not_first)[: self._target_bytes] or _UNNAMED
        return date.fromisoformat(day).strftime(pattern).replace("{target}", name)


def _listed(letters: str, word: str) -> str:
    return f"{' '.join(letters[:-1])} {word} {letters[-1]}" if len(letters) > 1 else letters
