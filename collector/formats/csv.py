"""`csv`: columns with a delimiter between them, quoted as RFC 4180 has it where they hold one.

A line with fewer columns than `keys` does not fit, so that a stack trace does not become a first column. With more of
them the whole text is kept. log-pilot's users say `keys` alone.
"""

import re
from collections.abc import Mapping
from typing import ClassVar

from collector.formats.parts import types
from collector.formats.parts.members import MemberFormat, Members, with_text
from collector.formats.parts.names import names_of

_WORDS = {"tab": "\t", r"\t": "\t", "space": " ", "": ","}


class Format(MemberFormat):
    """Reads columns."""

    OPTIONS: ClassVar[Mapping[str, str]] = {
        "keys": "names of the columns, separated by commas; required",
        "delimiter": "one character, or the word tab or space; default: a comma",
        types.OPTION: types.HELP,
    }

    def __init__(self, options: Mapping[str, str]) -> None:
        self._keys = names_of("keys", options.get("keys", ""))
        said = options.get("delimiter", "")
        self._delimiter = _WORDS.get(said, said)
        if len(self._delimiter) != 1 or self._delimiter in '"\r\n' or self._delimiter.isalnum():
            raise ValueError("delimiter is one character, such as ; or |, or the word tab or space")
        self._types = types.Types(options.get(types.OPTION, ""), self._keys)
        end = re.escape(self._delimiter)
        # A column with its delimiter; or the rest of the line, where the quotes of a column are wrong.
        self._columns = re.compile(rf'(?:"([^"]*+(?:""[^"]*+)*+)"|((?!")[^{end}]*+)){end}|(.++)', re.DOTALL).findall

    def members(self, text: str) -> Members | None:
        """The columns that are not empty, by their keys."""
        values = self._quoted(text) if '"' in text else text.split(self._delimiter)
        if values is None or len(values) < len(self._keys):
            return None
        members: Members = {key: value for key, value in zip(self._keys, values, strict=False) if value}
        found = self._types.give(members, text)
        return found if found is None or len(values) == len(self._keys) else with_text(found, text)

    def _quoted(self, text: str) -> list[str] | None:
        """The columns of a line in which there are quotes; None if one of them is not closed, or goes on behind it."""
        values = []
        for quoted, plain, wrong in self._columns(text + self._delimiter):
            if wrong:
                return None
            values.append(plain or quoted.replace('""', '"'))
        return values
