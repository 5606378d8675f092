"""A query's text → what is asked for: parsed by tantivy, given its meaning here, the same for every output.

    connection refused          both words, anywhere in the line          "connection refused"   the phrase
    a OR b, NOT c, -c, (…)      as they read; upper case                  "a b"~2                with words in between
    level:error                 the member `level` of the line            log.stream:x           the line's, not ours
    target:shop stream:stderr   the trusted member, whole                 time*, level:err*      begins with
    status:>=500, ms:[1 TO 5}   numbers; @timestamp:>=2026-11-23T00:00Z   level:IN [warn error]  one of

What cannot be served is a `QueryError` with its remedy: never an answer that looks like "nothing there".
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from collector.errors import QueryError

Node = dict[str, Any]

MAX_CHARACTERS = 2000
MAX_PARENTHESES = 100
"""tantivy's parser recurses: 3,000 opening parentheses overflow the stack, which ends the process."""

_TRUSTED = {
    "target": "@target",
    "@target": "@target",
    "container": "docker_container",
    "stream": "stream",
    "host": "host",
    "delivery_error": "delivery_error",
}
_TRUSTED_PREFIXES = ("docker_", "k8s_")
_NUMBER = re.compile(r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?")
_OPERATORS = {"&&": "AND", "||": "OR", "!": "NOT"}
_UNSERVED = re.compile(r"(?P<wildcard>[?]|[*](?!$))|(?P<fuzzy>~\d?$)|(?P<negation>^!)")
_QUOTED = re.compile(r'\\.|"(?:[^"\\]|\\.)*"', re.DOTALL)
_WORDS = re.compile(r"[()]|[^\s()]+")
_NO_OPERAND_BEFORE = (None, "(", "AND", "OR", "NOT")
_NO_OPERAND_AFTER = (None, ")", "AND", "OR")
_COMPARISONS = (">", ">=", "<", "<=")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\d*(Z|[+-]\d\d:\d\d)")
_HALF = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f]")
_REMEDIES = {
    "wildcard": "only a star at the end of a word is supported; put text that contains ? or * in quotes",
    "fuzzy": "similar words cannot be searched; leave out the ~",
    "negation": "write NOT before the word",
}


class Everything(NamedTuple):
    """Every document."""


class Words(NamedTuple):
    """Words in this order in `log`: in its member `path`, or anywhere if that is "".

    `slop` others may stand between them. With `is_prefix` the last one is the beginning of a word.
    """

    path: str
    text: str
    is_prefix: bool
    slop: int


class Whole(NamedTuple):
    """A trusted member that is this text, or begins so."""

    name: str
    text: str
    is_prefix: bool


class Numbers(NamedTuple):
    """Numbers in the member `path` of `log` within these bounds; None: there is none."""

    path: str
    low: float | None
    high: float | None
    has_low: bool = True  # whether the bound itself is among them
    has_high: bool = True


class Times(NamedTuple):
    """`@timestamp` from `since` on and before `until`, in nanoseconds since 1970; None: no bound."""

    since: int | None
    until: int | None


class AnyOf(NamedTuple):
    """One of these at least."""

    asked: "tuple[Asked, ...]"


class AllOf(NamedTuple):
    """All of these, and none of the `unwanted`."""

    asked: "tuple[Asked, ...]"
    unwanted: "tuple[Asked, ...]" = ()


Asked = Everything | Words | Whole | Numbers | Times | AnyOf | AllOf


def _tantivy() -> ModuleType:
    """The parser: loaded with the first search, since it is 4 MB that an agent nobody searches does not need."""
    return import_module("tantivy")


def parsed(text: str) -> Asked:
    """The meaning of `text`; an empty one means every document.

    Raises:
        QueryError: it cannot be read, or asks for what no output can answer.
    """
    if not whole(text).strip():
        return Everything()
    if len(text) > MAX_CHARACTERS or text.count("(") > MAX_PARENTHESES:
        raise QueryError(
            "the query is too long", f"{MAX_CHARACTERS} characters and {MAX_PARENTHESES} ( are the maximum"
        )
    try:
        tree = _tantivy().parse_query(text)
    except ValueError as error:
        raise _unreadable(text) or QueryError(
            f"the query cannot be read{_place(text)}", "put text with : ( ) [ ] ' in quotes"
        ) from error
    try:
        return _asked(tree)
    except RecursionError as error:
        raise nested_too_deeply() from error


def whole(text: str) -> str:
    """The text.

    Raises:
        QueryError: half a character is in it, which no document and no request can hold.
    """
    if _HALF.search(text):
        raise QueryError("the query holds half a character", "write it in UTF-8")
    return text


def nested_too_deeply() -> QueryError:
    """The error of a query that no output can take apart."""
    return QueryError("the query is nested too deeply", "leave out some NOT or parentheses")


def member(name: str) -> tuple[str, bool]:
    """The path that the name of a member means, and whether it is one beside `log`.

    Raises:
        QueryError: no member can have this name.
    """
    name = whole(name).replace("\\", "")
    if not name.removeprefix("log.") or _CONTROL.search(name):  # an index divides and ends paths by such characters
        raise QueryError(f"`{name}` is not a field name", "check the field names in the query")
    if name in _TRUSTED:
        return _TRUSTED[name], True
    if name == "@timestamp" or name.startswith(_TRUSTED_PREFIXES):
        return name, True
    return name.removeprefix("log."), False


def numeric(name: str) -> str:
    """The path of a member of the line, whose numbers are asked for.

    Raises:
        QueryError: it is one beside `log`, or no member can have this name.
    """
    path, is_trusted = member(name)
    if is_trusted:
        raise QueryError(f"`{path}` has no numbers", "name a member of the line that is a number, such as status")
    return path


def number_of(text: str) -> float | None:
    """The number that the text is; None if it is none."""
    if not _NUMBER.fullmatch(text):
        return None
    return int(text) if text.lstrip("+-").isdigit() and len(text) < 400 else float(text)


def nanoseconds(text: str) -> int:
    """An `@timestamp` in nanoseconds since 1970.

    Raises:
        ValueError: it is not a time.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(f"@timestamp is not a time: {text[:40]!r}")
    whole, fraction, zone = match.groups()
    return _seconds(whole + zone) * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


@lru_cache(4096)
def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _unreadable(text: str) -> QueryError | None:
    """What is wrong, where it can be told better than the parser does: a quote left open, an operator left alone."""
    outside = _QUOTED.sub(lambda quoted: "x" * len(quoted[0]), text)
    if '"' in outside:
        place = outside.index('"') + 1
        return QueryError(f"the quote at {place} is never closed", 'write " at its end, or \\" for the sign itself')
    words = [None, *_WORDS.findall(outside), None]
    for before, word, after in zip(words, words[1:], words[2:], strict=False):
        if word in ("AND", "OR") and (before in _NO_OPERAND_BEFORE or after in _NO_OPERAND_AFTER):
            return QueryError(f"{word} needs a term on both sides", f'write "{word}" in quotes to search for it')
    return None


def _place(text: str) -> str:
    _, errors = _tantivy().parse_query_lenient(text)
    if not errors:
        return ""
    return f" at character {errors[0]['pos'] + 1} ({errors[0]['message']})"


def _asked(node: Node) -> Asked:
    kinds: dict[str, Callable[[Node], Asked]] = {
        "literal": _literal,
        "bool": _boolean,
        "range": _range,
        "set": _set,
        "boost": lambda boosted: _asked(boosted["underlying"]),  # the order is the time's, whatever the weight
        "all": lambda _: Everything(),
    }
    if node["type"] not in kinds:
        raise QueryError(f"a query of the kind `{node['type']}` cannot be answered", "search for words or numbers")
    return kinds[node["type"]](node)


def _boolean(node: Node) -> Asked:
    clauses: list[tuple[str | None, Node]] = node["clauses"]
    occurs = {occur for occur, _ in clauses}
    if "should" in occurs and len(occurs) > 1:
        raise QueryError("OR is mixed with words that have no operator", "use parentheses to group them")
    if occurs == {"should"}:
        return _any_of([_asked(each) for _, each in clauses])
    wanted = tuple(_asked(each) for occur, each in clauses if occur != "must_not")
    unwanted = tuple(_asked(each) for occur, each in clauses if occur == "must_not")
    return wanted[0] if len(wanted) == 1 and not unwanted else AllOf(wanted, unwanted)


def _any_of(asked: list[Asked]) -> Asked:
    return asked[0] if len(asked) == 1 else AnyOf(tuple(asked))


def _literal(node: Node) -> Asked:
    text, name, is_prefix = node["phrase"], node["field_name"], node["prefix"]
    if node["delimiter"] == "none":
        _refuse_unserved(text, name)
        is_prefix = text.endswith("*")
        text = text.removesuffix("*")
    path, is_trusted = ("", False) if name is None else member(name)
    if path == "@timestamp":
        raise QueryError("@timestamp is searched by range", "write @timestamp:>=2026-11-23T10:00:00Z")
    if is_trusted:
        return Whole(path, text, is_prefix)
    if not any(character.isalnum() for character in text):
        raise no_word(text)
    return Words(path, text, is_prefix, node["slop"])


def no_word(text: str) -> QueryError:
    """The error of a text in which there is nothing to search for."""
    return QueryError(f"`{text}` contains no word to search for", "words are letters and digits, up to 255 bytes")


def _refuse_unserved(text: str, name: str | None) -> None:
    if text in _OPERATORS:
        raise QueryError(f"`{text}` is not an operator here", f"write {_OPERATORS[text]}")
    if name is not None and text.startswith("//"):
        raise QueryError(f"`{name}:` is read as a field name", "put an address in quotes")
    if name is not None and text in _COMPARISONS:
        raise QueryError(f"{name}:{text} needs a value", f"as in {name}:{text}3000")
    if match := _UNSERVED.search(text):
        raise QueryError(f"`{text}` contains characters that cannot be searched", _REMEDIES[str(match.lastgroup)])


def _set(node: Node) -> Asked:
    if node["field"] is None:
        raise QueryError("IN has no field", "write level:IN [warn error]")
    plain = {"type": "literal", "field_name": node["field"], "delimiter": "double_quotes", "slop": 0, "prefix": False}
    return _any_of([_literal({**plain, "phrase": element}) for element in node["elements"]])


def _range(node: Node) -> Asked:
    if node["field"] is None:
        raise QueryError("a range has no field", "write status:>=500")
    path, is_trusted = member(node["field"])
    lower, upper = node["lower"], node["upper"]
    if lower["type"] == upper["type"] == "unbounded":
        raise QueryError(f"`{path}` has no bound", "give one, such as [1 TO *]")
    if path == "@timestamp":
        return _times(lower, upper)
    if is_trusted:
        raise QueryError(f"`{path}` is text, which has no range", "search for a value, or with a star at its end")
    low = None if lower["type"] == "unbounded" else _bound(lower["value"])
    high = None if upper["type"] == "unbounded" else _bound(upper["value"])
    return Numbers(path, low, high, lower["type"] != "exclusive", upper["type"] != "exclusive")


def _bound(text: str) -> float:
    number = number_of(text)
    if number is None:
        raise QueryError(f"`{text}` is not a number", "ranges are over numbers and @timestamp")
    return number


def _times(lower: Node, upper: Node) -> Times:
    since = None if lower["type"] == "unbounded" else _instant(lower["value"]) + (lower["type"] == "exclusive")
    until = None if upper["type"] == "unbounded" else _instant(upper["value"]) + (upper["type"] == "inclusive")
    return Times(since, until)


def _instant(text: str) -> int:
    try:
        return nanoseconds(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise QueryError(f"`{text}` is not a time", "write 2026-11-23T10:00:00Z or 2026-11-23") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000
