"""The seam for what a destination gets: a document as it is kept → the same in another form, and back.

Memory, spool, dead letters, store and all that is sent again know the form `pilotfish` alone; another one is made where
a document is sent, and undone where it is found. So a change of form changes neither ids nor positions.

`Renamed` is what the other forms have in common. The trusted members of a stream are one text that stays the same from
line to line, so it is taken apart once; of a line, its message is read and little more. `log` stands in the form as it
was written, so that nothing of it is lost; where it says no more than a message, the message is all there is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import msgspec
import orjson
from msgspec import Raw
from msgspec.structs import astuple

from collector.documents.document import HEAD, MESSAGES, decoder, is_document, split
from collector.documents.json_text import without_halves
from collector.errors import UNREADABLE

Place = tuple[str, ...]
"""The names on the way to a member, such as `("container", "name")`."""

_TIME = b'"@timestamp":"'
_TEXT = re.compile(rb'\{"message":("[^"\\]*(?:\\.[^"\\]*)*")\}')
_REMEMBERED = 1024  # streams; each is taken apart once
# The order of a document's members: these, those of `places`, others, and the last two.
_BEFORE = ("stream", "@timestamp", "truncated", "level", "severity_number", "line", "sampled", "docker_time",
           "repeated", "first", "last")  # fmt: skip
_BEHIND = ("docker_attrs", "delivery_error")
_OURS = frozenset({*_BEFORE, *_BEHIND})

_members = msgspec.json.Decoder(dict[str, Raw]).decode


class Form(Protocol):
    """One form of documents."""

    words: Sequence[str]
    """The fields in which the words of a line stand."""
    flat: str
    """The field whose members are texts to a server, whatever they are: in no order of numbers. "" if none is."""

    def written(self, documents: list[bytes]) -> list[bytes]:
        """The documents in this form; what is no document stays as it is."""

    def read(self, document: bytes) -> bytes:
        """The document that one of this form was made of; what is not of this form stays as it is."""

    def field(self, path: str, *, is_trusted: bool) -> str:
        """The field of a trusted member, else that of a member of `log`."""


class Renamed:
    """A form in which members have other places."""

    def __init__(
        self,
        *,
        message: Place,
        log: Place,
        places: Mapping[str, Place],
        own: Place,
        labels: Place,
        lifted: Mapping[Place, Sequence[str]],
        copied: Mapping[Place, str] | None = None,
        constant: Mapping[Place, str] | None = None,
        is_flat: bool = False,
    ) -> None:
        """`message` and `log` are the places of a line, `places` those of trusted members.

        Trusted members without a place stand below `own` if they have names of ours, else below `labels`; where these
        end with a dot, it is the beginning of a name. What is twice in a document: in a `lifted` place stands a text of
        the line if it has one under one of these names, in a `copied` place a trusted member. `constant` is in each
        document. `is_flat`: members of `log` are all texts to a server.
        """
        dotted = ".".join(log)
        self.flat = dotted if is_flat else ""
        self.words = (".".join(message), dotted if is_flat else f"{dotted}.*")
        self._message, self._log, self._own, self._labels = message, log, own, labels
        self._places = {"@timestamp": ("@timestamp",), **places}
        self._names = {".".join(place): name for name, place in self._places.items()}
        self._order = {name: number for number, name in enumerate(dict.fromkeys((*_BEFORE, *places)))}
        self._copied, self._constant, self._lifted = copied or {}, constant or {}, lifted
        self._left_out = {".".join(place) for place in (*self._copied, *self._constant, *lifted)}
        self._beginnings = [f"{'.'.join(place).rstrip('.')}." for place in (own, labels)]
        self._said = decoder([*MESSAGES, *(name for names in lifted.values() for name in names)])
        self._around = lru_cache(_REMEMBERED)(self._trusted)

    def written(self, documents: list[bytes]) -> list[bytes]:
        """The documents in this form; what is no document stays as it is."""
        return [self._written(each) for each in documents]

    def read(self, document: bytes) -> bytes:
        """The document that one of this form was made of; what is not of this form stays as it is."""
        try:
            members = _members(without_halves(document.decode(errors="replace")))
            log, message = _taken(members, self._log), _taken(members, self._message)
            found = dict(self._renamed(_leaves(orjson.loads(msgspec.json.encode(members)))))
        except UNREADABLE:
            return document
        if log is None and message is None and "stream" not in found:
            return document
        if log is None:  # an empty object is nothing to a server that makes documents anew of its fields
            log = b"{}" if message is None else b'{"message":%b}' % message
        others = len(self._order)
        behind = {name: number for number, name in enumerate(_BEHIND, others + 1)}
        ordered = sorted(found.items(), key=lambda each: self._order.get(each[0], behind.get(each[0], others)))
        return b"%b%b,%b" % (HEAD, log, orjson.dumps(dict(ordered))[1:])

    def field(self, path: str, *, is_trusted: bool) -> str:
        """The field of a trusted member, else that of a member of `log`."""
        if is_trusted:
            return ".".join(self._place(path))
        return ".".join(self._message if path == MESSAGES[0] else (*self._log, path))

    def _written(self, document: bytes) -> bytes:
        if not is_document(document):
            return document
        log, rest = split(document)
        start = rest.find(_TIME) + len(_TIME)
        end = rest.find(b'"', start)
        if end < start or start < len(_TIME):  # somebody else's hand
            return document
        try:
            # those of the stream first: a line of ten thousand members takes the places of no field that is in each
            around = self._around(rest[:start], rest[end:])
            return b'{"@timestamp":"%b",%b,%b}' % (rest[start:end], around, self._line(log))
        except UNREADABLE:
            return document

    def _line(self, log: bytes) -> bytes:
        """The members that the line gives."""
        if text := _TEXT.fullmatch(log):
            return _shape((self._message,)) % text[1]
        values = self._values(log)
        places, said = [self._log], [log]
        message = next((value for value in values[: len(MESSAGES)] if isinstance(value, str | int)), None)
        if message is not None:
            places, said = [self._message, self._log], [orjson.dumps(str(message)), log]
        first = len(MESSAGES)
        for place, names in self._lifted.items():
            found = next((value for value in values[first : first + len(names)] if isinstance(value, str)), None)
            if found is not None:
                places.append(place)
                said.append(orjson.dumps(found))
            first += len(names)
        return _shape(tuple(places)) % tuple(said)

    def _values(self, log: bytes) -> Sequence[Any]:
        """Of the members that have a message, a trace and so on, what the line has."""
        try:
            return astuple(self._said(log))
        except UNREADABLE:  # such as a number that is none to Python
            return ()

    def _trusted(self, before: bytes, behind: bytes) -> bytes:
        """The members of a stream; `before` and `behind` are what stands around the time."""
        members = orjson.loads(b"{%b%b}" % (before[1:], behind))
        del members["@timestamp"]
        placed = [(self._place(name), value) for name, value in members.items()]
        placed += [(place, members[name]) for place, name in self._copied.items() if name in members]
        return orjson.dumps(_tree([*placed, *self._constant.items()]))[1:-1]

    def _place(self, name: str) -> Place:
        if place := self._places.get(name):
            return place
        *way, last = self._own if name in _OURS else self._labels
        return (*way, last + name) if last.endswith(".") else (*way, last, name)

    def _renamed(self, leaves: Iterable[tuple[str, object]]) -> Iterator[tuple[str, object]]:
        """Members by the names that they have in a document; what somebody else has added keeps its own."""
        for dotted, value in leaves:
            if name := self._names.get(dotted):
                yield name, value
            elif dotted not in self._left_out:
                start = next((each for each in self._beginnings if dotted.startswith(each)), "")
                yield dotted.removeprefix(start), value


@lru_cache
def _shape(places: tuple[Place, ...]) -> bytes:
    """Members in these places, with a gap for the value of each."""
    return orjson.dumps(_tree([(place, orjson.Fragment(b"%b")) for place in places]))[1:-1]


def _tree(members: Iterable[tuple[Place, object]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for (*way, name), value in members:
        inner = found
        for each in way:
            inner = inner.setdefault(each, {})
        inner[name] = value
    return found


def _leaves(tree: Mapping[str, object], start: str = "") -> Iterator[tuple[str, object]]:
    """Each value with the names on the way to it."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{start}{name}.")
        else:
            yield f"{start}{name}", value


def _taken(members: dict[str, Raw], place: Place) -> bytes | None:
    """Take out what stands there; None if nothing does."""
    name, *rest = place
    if name not in members:
        return None
    if not rest:
        return bytes(members.pop(name))
    inner = _members(members[name])
    found = _taken(inner, tuple(rest))
    members[name] = Raw(msgspec.json.encode(inner))
    return found
