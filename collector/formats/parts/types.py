"""The option `types`: which members of a line are no text.

Elasticsearch keeps one type for a member of all documents of an index, and refuses documents in which it has another.
So a type is never guessed from a value: a member is text, or what `types` says, in every line.
"""

import re
from collections.abc import Callable, Collection

from collector.formats.parts.members import MESSAGE, Members, with_text

OPTION = "types"
HELP = "members that are no text: name=integer, name=float or name=boolean, separated by commas"
_MOST = 100
_NONE = "-"  # what logs write where there is no number
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}").fullmatch  # 64 bits, as Elasticsearch's long
_FLOAT = re.compile(r"[+-]?(?:[0-9]{1,300}\.?[0-9]{0,300}|\.[0-9]{1,300})(?:[eE][+-]?[0-9]{1,2})?").fullmatch
_BOOLEANS = {"true": True, "false": False}


def _integer(value: str) -> int | None:
    return int(value) if _INTEGER(value) else None


def _float(value: str) -> float | None:
    found = float(value) if _FLOAT(value) else None
    return found if found is not None and abs(found) < float("inf") else None


def _boolean(value: str) -> bool | None:
    return _BOOLEANS.get(value.lower())


_READERS: dict[str, Callable[[str], int | float | None]] = {
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
}


class Types:
    """Gives members their types.

    Raises:
        ValueError: `said` is not of the form; a type is unknown; `names` are given, and one of `said` is none of them.
    """

    def __init__(self, said: str, names: Collection[str] | None = None) -> None:
        self._readers: dict[str, Callable[[str], int | float | None]] = {}
        for number, part in enumerate(filter(None, map(str.strip, said.split(","))), 1):
            name, _, kind = (one.strip() for one in part.rpartition("="))
            if not name or kind not in _READERS:
                raise ValueError(f"types: member {number} has no type: use name=type with one of {', '.join(_READERS)}")
            if name == MESSAGE:
                raise ValueError(f"types has {MESSAGE}, which is always text: give the number a name of its own")
            if names is not None and name not in names:
                raise ValueError(f"types: member {number} is none that the format gives: use one that it gives")
            self._readers[name] = _READERS[kind]
        if len(self._readers) > _MOST:
            raise ValueError(f"types has {len(self._readers)} members: {_MOST} are allowed")

    def give(self, members: Members, text: str) -> Members | None:
        """The members of the line `text`, each of its type.

        `-` is no value. One that is not of its type is left out, and the whole text is kept; None if that cannot be.
        """
        fit = True
        for name, read in self._readers.items():
            if (value := members.get(name)) is None:
                continue
            if (found := read(str(value))) is None:
                del members[name]
                fit = fit and value == _NONE
            else:
                members[name] = found
        return members if fit else with_text(members, text)
