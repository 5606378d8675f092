"""One member of a line's JSON, by its path."""

import re

from collector.documents.document import decoder
from collector.errors import UNREADABLE

NAME = r'[^"\\\x00-\x1f\x7f]{1,128}'
_is_name = re.compile(NAME).fullmatch


class Member:
    """`key` is its name, or `a.b` for one within another; a name that is written so comes first.

    Raises:
        ValueError: no member can be asked for by this name.
    """

    def __init__(self, key: str) -> None:
        if not _is_name(key):
            raise ValueError("use the name of a member of up to 128 characters, without quotes and backslashes")
        head, *self._path = key.split(".")
        self._mark = f'"{key.rpartition(".")[2]}"'
        self._whole_mark = f'"{key}"'
        self._read = decoder([key, head] if self._path else [key])

    def value(self, log: str) -> object:
        """Its value in a JSON object; None if it is not there."""
        if self._mark not in log and self._whole_mark not in log:
            return None
        try:
            said = self._read(log)
        except UNREADABLE:
            return None
        found: object = said.member_0  # type: ignore[attr-defined]  # its names are made
        if found is not None or not self._path:
            return found
        found = said.member_1  # type: ignore[attr-defined]  # the same
        for part in self._path:
            found = found.get(part) if isinstance(found, dict) else None
        return found
