"""The Go templates that logspout's users write → text of a document; only the part of the language that they use.

`{{ … }}` holds a field (`.Data`, `.Source`, `.Time`, `.Container.Name`), a text in quotes, or a call: `toJSON`, `join`,
`index`, `.Time.Format`, `.ContainerNameSplitN`, also behind `|`. Everything else is an error when the template is read,
so that nothing is found out on a line. Nothing is executed, and the environment of a container is not to be had.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from collector.documents.document import line, source, time
from collector.documents.go_time import formatted
from collector.model import LogStream

MOST_CHARACTERS = 4096
_ACTION = re.compile(r"\{\{(-\s)?(.*?)(\s-)?\}\}", re.DOTALL)
_TOKEN = re.compile(
    r'\s+|(?P<field>\.[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<raw>`[^`]*`)'
    r"|(?P<number>-?\d+)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[()|])"
)
_LABEL = "docker_label_"
_IMAGE = "docker_image"
_SHORT = 12  # characters of an id that is the host name of its container
_RFC3339 = "2006-01-02T15:04:05Z07:00"
_PLAIN = "2006-01-02 15:04:05.999999999 -0700 MST"  # how Go writes a time
_MOST_DIGITS = 6
_MOST_NAME = 100  # characters, of a label in the name of a member
_NO_ENVIRONMENT = "the environment of a container is never shown"


class Line(NamedTuple):
    """What a template is about. Of one that reads no line, `document` is not looked at."""

    stream: LogStream
    document: bytes


Value = Any  # a text, a number, a list of texts, or a mapping of texts
Part = Callable[[Line], Value]
_Names = tuple[str, ...]


def _labels(of: Line) -> dict[str, str]:
    return {name[len(_LABEL) :]: value for name, value in of.stream.fields.items() if name.startswith(_LABEL)}


# Field → what it is, and whether it differs from line to line.
_FIELDS: Mapping[str, tuple[Part, bool]] = {
    ".Data": (lambda of: line(of.document), True),
    ".Source": (lambda of: source(of.document), True),
    ".Time": (lambda of: formatted(time(of.document), _PLAIN), True),
    ".Timestamp": (lambda of: formatted(time(of.document), _RFC3339), True),
    ".Hostname": (lambda of: of.stream.fields.get("host", ""), False),
    ".ContainerName": (lambda of: of.stream.container, False),
    ".Container.Name": (lambda of: f"/{of.stream.container}", False),
    ".Container.ID": (lambda of: of.stream.container_id, False),
    ".Container.Config.Hostname": (lambda of: of.stream.container_id[:_SHORT], False),
    ".Container.Config.Image": (lambda of: of.stream.fields.get(_IMAGE, ""), False),
    ".Container.Config.Labels": (_labels, False),
}


class Template:
    """A template that was read.

    `needs_image` and `labels` say which members of a document it needs besides the usual ones; "*" is all labels.
    """

    def __init__(self, text: str) -> None:
        """Read it.

        Raises:
            ValueError: it is none, or says what is not to be had; the words name what.
        """
        if len(text) > MOST_CHARACTERS:
            raise ValueError(f"has more than {MOST_CHARACTERS} characters; shorten it")
        self.needs_image = False
        self.labels: set[str] = set()
        self._parts = list(self._read(text))

    def of(self, stream: LogStream) -> Callable[[bytes], str]:
        """What gives the text of documents of a stream: what they share is made once."""
        bare = Line(stream, b"")
        parts = [(_text(part(bare)), None) if not varies else ("", part) for part, varies in self._parts]
        return lambda document: "".join(
            [text if part is None else _text(part(Line(stream, document))) for text, part in parts]
        )

    def _read(self, text: str) -> Iterator[tuple[Part, bool]]:
        actions = list(_ACTION.finditer(text))
        ends = [0, *(each.end() for each in actions)]
        starts = [*(each.start() for each in actions), len(text)]
        for number, (start, end) in enumerate(zip(ends, starts, strict=True)):
            plain = text[start:end]
            if "{{" in plain or "}}" in plain:
                raise ValueError("has {{ without }}, or }} without {{")
            plain = plain.lstrip() if number and actions[number - 1][3] else plain
            plain = plain.rstrip() if number < len(actions) and actions[number][1] else plain
            if plain:
                yield _constant(plain), False
            if number < len(actions) and not (said := actions[number][2].strip()).startswith("/*"):
                yield _Reader(said, self).whole()


def _constant(value: Value) -> Part:
    return lambda of: value


def _text(value: Value) -> str:
    """A value as Go prints it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{one}' for name, one in sorted(value.items()))}]"
    return str(value)


# Field → the word in braces that stands for it in the names of other options, such as `{container}`.
_WORDS = {
    ".ContainerName": "container",
    ".Container.Name": "container",
    ".Container.ID": "container_id",
    ".Container.Config.Hostname": "container_id",
    ".Container.Config.Image": _IMAGE,
    ".Hostname": "host",
}


def in_braces(text: str) -> str | None:
    """A template as a pattern such as `{container}.x`; None if it says something that such a pattern cannot."""
    plain = _ACTION.sub("", text)
    if "{" in plain or "}" in plain:
        return None
    fields = [_WORDS.get(each[2].strip()) for each in _ACTION.finditer(text)]
    if None in fields:
        return None
    words = iter(fields)
    return _ACTION.sub(lambda _: f"{{{next(words)}}}", text)


class _Reader:
    """Reads what stands in one pair of braces."""

    def __init__(self, text: str, template: Template) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._template = template

    def whole(self) -> tuple[Part, bool]:
        """The value, and whether it differs from line to line.

        Raises:
            ValueError: it is none.
        """
        found = self._pipeline()
        if self._at < len(self._tokens):
            raise ValueError(f"has {self._tokens[self._at][1]!r} where it should end")
        return found

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _pipeline(self) -> tuple[Part, bool]:
        found = self._command(None)
        while self._peek() == ("sign", "|"):
            self._next()
            found = self._command(found)
        return found

    def _command(self, last: tuple[Part, bool] | None) -> tuple[Part, bool]:
        """A value or a call; `last` is its last argument, from before a |."""
        kind, word = self._next()
        if kind == "name":
            return self._called(word, [*self._arguments(), *([last] if last else [])])
        if kind == "field" and word in _METHODS:
            return self._called(word, [*self._arguments(), *([last] if last else [])])
        self._at -= 1
        found = self._operand()
        if last is not None:
            raise ValueError(f"passes a value to {word!r}, which takes none")
        return found

    def _arguments(self) -> Iterator[tuple[Part, bool]]:
        while self._peek() not in (("", ""), ("sign", "|"), ("sign", ")")):
            yield self._operand()

    def _operand(self) -> tuple[Part, bool]:
        kind, word = self._next()
        if kind == "field":
            return self._field(word)
        if kind == "text":
            try:
                return _constant(str(orjson.loads(word))), False
            except ValueError:
                raise ValueError(f"has the text {word}, which is not quoted as in JSON") from None
        if kind == "raw":
            return _constant(word[1:-1]), False
        if kind == "number":
            if len(word) > _MOST_DIGITS:
                raise ValueError(f"has the number {word}, which is too large")
            return _constant(int(word)), False
        if (kind, word) == ("sign", "("):
            found = self._pipeline()
            if self._next() != ("sign", ")"):
                raise ValueError("has ( without )")
            return found
        raise ValueError(f"has {word!r} where a value should be" if word else "ends where a value should be")

    def _field(self, word: str) -> tuple[Part, bool]:
        if word.startswith(".Container.Config.Env"):
            raise ValueError(f"asks for {word}: {_NO_ENVIRONMENT}")
        if word in _METHODS:
            return self._called(word, [])
        if word.startswith(".Container.Config.Labels."):
            return self._label(word.removeprefix(".Container.Config.Labels."))
        if word not in _FIELDS:
            raise ValueError(f"asks for {word}, which is not known here; use {', '.join(_FIELDS)}")
        self._template.needs_image |= word == ".Container.Config.Image"
        if word == ".Container.Config.Labels" and not self._is_argument_of_index():
            self._template.labels.add("*")
        return _FIELDS[word]

    def _is_argument_of_index(self) -> bool:
        before = self._tokens[self._at - 2] if self._at >= 2 else ("", "")
        return before == ("name", "index")

    def _label(self, name: str) -> tuple[Part, bool]:
        self._template.labels.add(name)
        member = member_of(name)
        return (lambda of: _labels(of).get(member, "")), False

    def _called(self, word: str, arguments: Sequence[tuple[Part, bool]]) -> tuple[Part, bool]:
        if word not in _CALLS and word not in _METHODS:
            raise ValueError(f"calls {word!r}, which is not known here; use {', '.join([*_CALLS, *_METHODS])}")
        call, least, most = _CALLS[word] if word in _CALLS else _METHODS[word]
        if not least <= len(arguments) <= most:
            raise ValueError(
                f"gives {word} {len(arguments)} arguments, and it takes {least if least == most else 'others'}"
            )
        if word == "index":
            return self._indexed(arguments)
        varies = word.startswith(".Time") or any(one for _, one in arguments)
        return (lambda of: call(of, *(part(of) for part, _ in arguments))), varies

    def _indexed(self, arguments: Sequence[tuple[Part, bool]]) -> tuple[Part, bool]:
        (value, first), (key, second) = arguments
        if value is _labels:
            if second or not isinstance(name := key(_NOTHING), str):
                raise ValueError("asks index for a label without its name as a text")
            return self._label(name)
        return (lambda of: _item(value(of), key(of))), first or second


_NOTHING = Line(LogStream(container_id="", container="", entry="", target="", path="", running=False, fields={}), b"")


def member_of(label: str) -> str:
    """The name of a label in the members of documents, as `fields.labels` writes it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", label)[:_MOST_NAME]


def _item(value: Value, key: Value) -> Value:
    if isinstance(value, list) and isinstance(key, int):
        return value[key] if 0 <= key < len(value) else ""
    return value.get(key, "") if isinstance(value, dict) else ""


def _json(value: Value) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _join(values: Value, between: Value) -> str:
    return str(between).join(map(_text, values)) if isinstance(values, list) else _text(values)


def _split(of: Line, sign: Value, count: Value) -> list[str]:
    if not (isinstance(sign, str) and sign and isinstance(count, int)) or not count:
        return [of.stream.container] if count else []
    return of.stream.container.split(sign, count - 1 if count > 0 else -1)


_CALLS: Mapping[str, tuple[Callable[..., Value], int, int]] = {
    "toJSON": (lambda of, value: _json(value), 1, 1),
    "join": (lambda of, values, between: _join(values, between), 2, 2),
    "index": (lambda of, value, key: _item(value, key), 2, 2),
}
_METHODS: Mapping[str, tuple[Callable[..., Value], int, int]] = {
    ".Time.Format": (lambda of, layout: formatted(time(of.document), _text(layout)), 1, 1),
    ".ContainerNameSplitN": (_split, 2, 2),
}


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        if not (found := _TOKEN.match(text, at)):
            raise ValueError(f"has {text[at : at + 20]!r}, which is not understood")
        at = found.end()
        if found.lastgroup:
            yield found.lastgroup, found[0]
