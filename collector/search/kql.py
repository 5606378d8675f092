"""A query → the same in KQL, for "open in Kibana"; what KQL cannot say is a `QueryError`, never another query."""

import re
from math import isinf
from typing import Protocol

from collector.errors import QueryError
from collector.search import language
from collector.search.language import AllOf, AnyOf, Asked, Everything, Numbers, Times, Whole, Words
from collector.text.times import iso

_SIGNS = re.compile(r'([\\():<>"*{}])')
_PLAIN = re.compile(r"[\w.:/@+-]+")
_KEYWORDS = ("and", "or", "not")


class Field(Protocol):
    """The name of a member in the index."""

    def __call__(self, name: str, *, is_trusted: bool) -> str:
        """Give it: `is_trusted` for one beside `log`."""
        ...


def kept(name: str, *, is_trusted: bool) -> str:
    """The name of a member in documents that are sent as they are."""
    return name if is_trusted else f"log.{name}"


def of(text: str, field: Field = kept) -> str:
    """The query in KQL.

    Raises:
        QueryError: the text is not of the language, or KQL has no words for it.
    """
    return _outer(language.parsed(text), field)


def _outer(asked: Asked, field: Field) -> str:
    """Without parentheses around it."""
    match asked:
        case AnyOf(some):
            return " or ".join(_inner(each, field) for each in some)
        case AllOf(all_, unwanted):
            parts = [_inner(each, field) for each in all_] + [f"not {_inner(each, field)}" for each in unwanted]
            return " and ".join(parts) or "*"
        case Numbers():
            return _numbers(asked, field(asked.path, is_trusted=False))
        case Times(since, until):
            low = [] if since is None else [f'@timestamp >= "{iso(since)}"']
            return " and ".join([*low, *([] if until is None else [f'@timestamp < "{iso(until)}"'])])
    return _inner(asked, field)


def _inner(asked: Asked, field: Field) -> str:
    match asked:
        case Everything():
            return "*"
        case Words(path, text, is_prefix, slop):
            if slop:
                raise _unsaid(f'"{text}"~{slop}')
            value = _value(text, is_prefix=is_prefix)
            return f"{_escaped(field(path, is_trusted=False))}: {value}" if path else value
        case Whole(name, text, is_prefix):
            return f"{_escaped(field(name, is_trusted=True))}: {_value(text, is_prefix=is_prefix)}"
    return f"({_outer(asked, field)})"


def _value(text: str, *, is_prefix: bool) -> str:
    if not is_prefix:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if text and not _PLAIN.fullmatch(text):  # in quotes a star is text, and without them blanks divide
        raise _unsaid(f"{text}*")
    return f"{_escaped(text)}*"


def _escaped(text: str) -> str:
    escaped = _SIGNS.sub(r"\\\1", text)
    return f"\\{escaped}" if text.lower() in _KEYWORDS else escaped.replace(" ", "\\ ")


def _numbers(asked: Numbers, name: str) -> str:
    path = _escaped(name)
    if any(bound is not None and isinf(bound) for bound in (asked.low, asked.high)):
        raise _unsaid(f"{asked.path} with a number beyond all")
    parts = []
    if asked.low is not None:
        parts.append(f"{path} {'>=' if asked.has_low else '>'} {asked.low}")
    if asked.high is not None:
        parts.append(f"{path} {'<=' if asked.has_high else '<'} {asked.high}")
    return " and ".join(parts)


def _unsaid(text: str) -> QueryError:
    return QueryError(f"KQL cannot search for `{text[:80]}`", "leave it out, or search with `pilotfish search`")
