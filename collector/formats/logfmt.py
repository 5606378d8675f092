"""`logfmt`: `level=info msg="request done" took=12ms`, as Heroku, Go's logfmt, logrus and log/slog write it.

Every word is a pair, and a line with any other word does not fit, so that prose stays text. Of a name that is there
twice the first counts, and the whole text is kept.
"""

import re
from collections.abc import Mapping
from typing import ClassVar

from collector.formats.parts import types
from collector.formats.parts.members import MemberFormat, Members, with_text

# A pair with what separates it from the next; or a word that is none, with all behind it, so that time stays linear.
_pairs = re.compile(
    r'([^\s="]++)=(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|((?!")[^\s]*+))(?:\s++|\Z)|(\S.*+)', re.DOTALL
).findall
_escape = re.compile(
    r"""\\(?:(["'\\/abfnrtv])|x([0-7][0-9a-fA-F])|u([0-9a-fA-F]{4})|U(000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4}))"""
).sub
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Format(MemberFormat):
    """Reads pairs."""

    OPTIONS: ClassVar[Mapping[str, str]] = {types.OPTION: types.HELP}

    def __init__(self, options: Mapping[str, str]) -> None:
        self._types = types.Types(options.get(types.OPTION, ""))

    def members(self, text: str) -> Members | None:
        """The pairs."""
        members: Members = {}
        is_whole = True
        for name, quoted, plain, stray in _pairs(text):
            if stray:
                return None
            value = plain or (_unescaped(quoted) if "\\" in quoted else quoted)
            if value and members.setdefault(name, value) != value:
                is_whole = False
        found = self._types.give(members, text)
        return found if is_whole or found is None else with_text(found, text)


def _unescaped(quoted: str) -> str:
    """The value as JSON or Go's %q wrote it; what neither of them writes stays as it is."""
    found = _escape(_character, quoted)
    return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # pairs are one character


def _character(found: re.Match[str]) -> str:
    letter, *codes = found.groups()
    if letter is not None:
        return _LETTERS.get(letter, letter)
    code = int(next(code for code in codes if code is not None), 16)
    return chr(code)
