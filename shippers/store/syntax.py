"""The query language → a tantivy query: parsed by tantivy, given its meaning here, so that nothing is silently empty.

    connection refused          both words, anywhere in the line          "connection refused"   the phrase
    a OR b, NOT c, -c, (…)      as they read; upper case                  "a b"~2                with words in between
    level:error                 the member `level` of the line            log.stream:x           the line's, not ours
    target:shop stream:stderr   the trusted member, whole                 time*, level:err*      begins with
    status:>=500, ms:[1 TO 5}   numbers; @timestamp:>=2026-11-23T00:00Z   level:IN [warn error]  one of

What cannot be served is a `QueryError` with its remedy: never an answer that looks like "nothing there".
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import tantivy
from tantivy import Occur, Query

from collector.errors import QueryError

from .schema import MAX_TIME, SORTABLE, analyser, equal, exact, nanoseconds, schema, sortable

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
_REMEDIES = {
    "wildcard": "only a star at the end of a word is supported; put text that contains ? or * in quotes",
    "fuzzy": "similar words cannot be searched; leave out the ~",
    "negation": "write NOT before the word",
}


def compiled(text: str) -> Query:
    """The meaning of `text`; an empty one means every document.

    Raises:
        QueryError: it cannot be read, or asks for what the store does not hold.
    """
    if not text.strip():
        return Query.all_query()
    if len(text) > MAX_CHARACTERS or text.count("(") > MAX_PARENTHESES:
        raise QueryError(
            "the query is too long", f"{MAX_CHARACTERS} characters and {MAX_PARENTHESES} ( are the maximum"
        )
    try:
        tree = tantivy.parse_query(text)
    except ValueError as error:
        raise _unreadable(text) or QueryError(
            f"the query cannot be read{_place(text)}", "put text with : ( ) [ ] ' in quotes"
        ) from error
    try:
        return _query(tree)
    except RecursionError as error:
        raise QueryError("the query is nested too deeply", "leave out some NOT or parentheses") from error
    except ValueError as error:
        raise QueryError(f"the query cannot be answered: {error}", "check the field names in it") from error


def target_is(target: str) -> Query:
    """Documents of exactly this `@target`."""
    return Query.term_query(schema(), "trusted.@target", exact(target))


def time_between(since: int | None, until: int | None) -> Query:
    """Documents from `since` on and before `until`, in nanoseconds."""
    first = min(max(0, since or 0), MAX_TIME)
    if until is None:
        return Query.range_query(schema(), "time", tantivy.FieldType.Unsigned, first, MAX_TIME)
    if until <= first:
        return Query.empty_query()
    last = min(until - 1, MAX_TIME)
    return Query.range_query(schema(), "time", tantivy.FieldType.Unsigned, first, last)


def all_of(queries: Sequence[Query]) -> Query:
    """Documents that match every one of `queries`."""
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Must, each) for each in queries])


def any_of(queries: Sequence[Query]) -> Query:
    """Documents that match one of `queries` at least."""
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, each) for each in queries])


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
    _, errors = tantivy.parse_query_lenient(text)
    if not errors:
        return ""
    return f" at character {errors[0]['pos'] + 1} ({errors[0]['message']})"


def _query(node: Node) -> Query:
    kinds: dict[str, Callable[[Node], Query]] = {
        "literal": _literal,
        "bool": _boolean,
        "range": _range,
        "set": _set,
        "boost": lambda boosted: _query(boosted["underlying"]),  # the order is the time's, whatever the weight
        "all": lambda _: Query.all_query(),
    }
    if node["type"] not in kinds:
        raise QueryError(f"the store cannot answer a query of the kind `{node['type']}`", "search for words or numbers")
    return kinds[node["type"]](node)


def _boolean(node: Node) -> Query:
    clauses: list[tuple[str | None, Node]] = node["clauses"]
    occurs = {occur for occur, _ in clauses}
    if "should" in occurs and len(occurs) > 1:
        raise QueryError("OR is mixed with words that have no operator", "use parentheses to group them")
    if occurs == {"should"}:
        return any_of([_query(each) for _, each in clauses])
    wanted = [_query(each) for occur, each in clauses if occur != "must_not"] or [Query.all_query()]
    unwanted = [(Occur.MustNot, _query(each)) for occur, each in clauses if occur == "must_not"]
    return Query.boolean_query([(Occur.Must, each) for each in wanted] + unwanted) if unwanted else all_of(wanted)


def _literal(node: Node) -> Query:
    text, name = node["phrase"], node["field_name"]
    quoted = node["delimiter"] != "none"
    prefix = node["prefix"]
    if not quoted:
        _refuse_unserved(text, name)
        prefix = text.endswith("*")
        text = text.removesuffix("*")
    if name is None:
        return _words("text", text, prefix, slop=node["slop"])
    path, trusted = _member(name)
    if path == "@timestamp":
        raise QueryError("@timestamp is searched by range", "write @timestamp:>=2026-11-23T10:00:00Z")
    if trusted:
        return _whole(f"trusted.{path}", exact(text), prefix)
    in_words = _words(f"log.{path}", text, prefix, slop=node["slop"])
    if (number := _number(text)) is None:
        return in_words
    return any_of([in_words, _whole(f"numbers.{path}", exact(text) if prefix else equal(number), prefix)])


def _refuse_unserved(text: str, name: str | None) -> None:
    if text in _OPERATORS:
        raise QueryError(f"`{text}` is not an operator here", f"write {_OPERATORS[text]}")
    if name is not None and text.startswith("//"):
        raise QueryError(f"`{name}:` is read as a field name", "put an address in quotes")
    if name is not None and text in _COMPARISONS:
        raise QueryError(f"{name}:{text} needs a value", f"as in {name}:{text}3000")
    if match := _UNSERVED.search(text):
        raise QueryError(f"`{text}` contains characters that cannot be searched", _REMEDIES[str(match.lastgroup)])


def _words(field: str, text: str, prefix: bool, *, slop: int) -> Query:
    words = analyser().analyze(text)
    if not words:
        raise QueryError(f"`{text}` contains no word to search for", "words are letters and digits, up to 255 bytes")
    if not prefix:
        return _phrase(field, words, slop)
    if len(words) == 1:
        return Query.fuzzy_term_query(schema(), field, words[0], distance=0, prefix=True)
    if field != "text":
        raise QueryError(f"`{text}*` is several words inside a field", "search for one word of it with a star")
    patterns: list[str | tuple[int, str]] = [*words[:-1], words[-1] + ".*"]  # words hold nothing a pattern could mean
    return Query.regex_phrase_query(schema(), field, patterns, slop)


def _phrase(field: str, words: list[str], slop: int) -> Query:
    if len(words) == 1:
        return Query.term_query(schema(), field, words[0])
    return Query.phrase_query(schema(), field, list(words), slop)


def _whole(field: str, value: str, prefix: bool) -> Query:
    if prefix:
        return Query.fuzzy_term_query(schema(), field, value, distance=0, prefix=True)
    return Query.term_query(schema(), field, value)


def _member(name: str) -> tuple[str, bool]:
    """The path that `name` means, and whether it is one beside `log`."""
    name = name.replace("\\", "")
    if name in _TRUSTED:
        return _TRUSTED[name], True
    if name == "@timestamp" or name.startswith(_TRUSTED_PREFIXES):
        return name, True
    return name.removeprefix("log."), False


def _set(node: Node) -> Query:
    if node["field"] is None:
        raise QueryError("IN has no field", "write level:IN [warn error]")
    plain = {"type": "literal", "field_name": node["field"], "delimiter": "double_quotes", "slop": 0, "prefix": False}
    return any_of([_literal({**plain, "phrase": element}) for element in node["elements"]])


def _range(node: Node) -> Query:
    if node["field"] is None:
        raise QueryError("a range has no field", "write status:>=500")
    path, trusted = _member(node["field"])
    lower, upper = node["lower"], node["upper"]
    if lower["type"] == upper["type"] == "unbounded":
        raise QueryError(f"`{path}` has no bound", "give one, such as [1 TO *]")
    if path == "@timestamp":
        return _time_range(lower, upper)
    if trusted:
        raise QueryError(f"`{path}` is text, which has no range", "search for a value, or with a star at its end")
    low = SORTABLE if lower["type"] == "unbounded" else sortable(_bound(lower["value"]))
    high = "*" if upper["type"] == "unbounded" else sortable(_bound(upper["value"]))
    opening = "{" if lower["type"] == "exclusive" else "["
    closing = "}" if upper["type"] == "exclusive" else "]"
    escaped = re.sub(r"([^\w.@/-])", r"\\\1", path)
    return _blank().parse_query(f"numbers.{escaped}:{opening}{low} TO {high}{closing}", ["text"])


@lru_cache(1)
def _blank() -> tantivy.Index:
    """An empty index in memory: only the parser of an index makes a range over a path, and it fits every day."""
    return tantivy.Index(schema())


def _bound(text: str) -> float:
    number = _number(text)
    if number is None:
        raise QueryError(f"`{text}` is not a number", "ranges are over numbers and @timestamp")
    return number


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    return int(text) if text.lstrip("+-").isdigit() and len(text) < 400 else float(text)


def _time_range(lower: Node, upper: Node) -> Query:
    since = None if lower["type"] == "unbounded" else _instant(lower["value"]) + (lower["type"] == "exclusive")
    until = None if upper["type"] == "unbounded" else _instant(upper["value"]) + (upper["type"] == "inclusive")
    return time_between(since, until)


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
