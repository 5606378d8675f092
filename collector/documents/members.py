"""Members of lines and of documents: which one is asked for, and what one may be called that stands beside `log`."""

import re

from collector.documents.document import decoder
from collector.errors import UNREADABLE

_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_TRUSTED = frozenset(
    {
        *("log", "stream", "truncated", "host", "file", "level", "line", "delivery_error"),
        *("repeated", "first", "last", "sampled"),
    }
)
_TRUSTED_STARTS = ("docker_", "k8s_", "severity_")
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


def field_name(name: str) -> str:
    """The name of a field that a label asks for: dots become underscores, since a dot makes an object of its head.

    Raises:
        ValueError: no field may be called so.
    """
    found = name.strip().replace(".", "_")
    if not _FIELD.fullmatch(found):
        raise ValueError("no field can have its name: use up to 64 letters, digits, _ and -")
    if found.lower() in _TRUSTED or found.lower().startswith(_TRUSTED_STARTS):
        raise ValueError("its name is that of a field of Pilotfish's own: use another name")
    return found
