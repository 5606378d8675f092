"""What is asked for (`collector.search.language`) → a tantivy query."""

import re
from collections.abc import Sequence
from functools import lru_cache

import tantivy
from tantivy import Occur, Query

from collector.errors import QueryError
from collector.search import language
from collector.search.language import AllOf, AnyOf, Asked, Numbers, Times, Whole, Words

from .schema import MAX_TIME, SORTABLE, analyser, equal, exact, schema, sortable


def compiled(text: str) -> Query:
    """The meaning of `text`; an empty one means every document.

    Raises:
        QueryError: it cannot be read, or asks for what the store does not hold.
    """
    try:
        return _query(language.parsed(text))
    except RecursionError as error:
        raise language.nested_too_deeply() from error
    except ValueError as error:
        raise QueryError(f"the query cannot be answered: {error}", "check the field names in it") from error


def target_is(target: str) -> Query:
    """Documents of exactly this `@target`."""
    return Query.term_query(schema(), "trusted.@target", exact(language.whole(target)))


def id_is(ids: Sequence[str]) -> Query:
    """Documents of these `_id`s."""
    return any_of([Query.term_query(schema(), "_id", language.whole(each)) for each in ids])


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


def holds(name: str) -> Query:
    """Documents that have this member, in what the index holds of it."""
    path, is_trusted = language.member(name)
    if is_trusted:
        return _whole(f"trusted.{path}", exact(""), is_prefix=True)
    return any_of([_whole(f"{field}.{path}", "", is_prefix=True) for field in ("log", "numbers")])


def value_is(name: str, value: str) -> Query | None:
    """Documents of which this member is `value`, or holds its words; None if it has none."""
    path, is_trusted = language.member(name)
    if is_trusted:
        return _whole(f"trusted.{path}", exact(value), is_prefix=False)
    return _in_line(Words(path, value, False, 0)) if analyser().analyze(value) else None


def _query(asked: Asked) -> Query:
    match asked:
        case Words():
            return _in_line(asked)
        case Whole(name, text, is_prefix):
            return _whole(f"trusted.{name}", exact(text), is_prefix=is_prefix)
        case Numbers():
            return _numbers(asked)
        case Times(since, until):
            return time_between(since, until)
        case AnyOf(some):
            return any_of([_query(each) for each in some])
        case AllOf(all_, unwanted):
            wanted = [_query(each) for each in all_] or [Query.all_query()]
            without = [(Occur.MustNot, _query(each)) for each in unwanted]
            return Query.boolean_query([(Occur.Must, each) for each in wanted] + without) if without else all_of(wanted)
    return Query.all_query()


def _in_line(asked: Words) -> Query:
    path, text = asked.path, asked.text
    if not path:
        return _words("text", text, asked.is_prefix, slop=asked.slop)
    in_words = _words(f"log.{path}", text, asked.is_prefix, slop=asked.slop)
    if (number := language.number_of(text)) is None:
        return in_words
    value = exact(text) if asked.is_prefix else equal(number)
    return any_of([in_words, _whole(f"numbers.{path}", value, is_prefix=asked.is_prefix)])


def _words(field: str, text: str, prefix: bool, *, slop: int) -> Query:
    words = analyser().analyze(text)
    if not words:
        raise language.no_word(text)
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


def _whole(field: str, value: str, *, is_prefix: bool) -> Query:
    if is_prefix:
        return Query.fuzzy_term_query(schema(), field, value, distance=0, prefix=True)
    return Query.term_query(schema(), field, value)


def _numbers(asked: Numbers) -> Query:
    low = SORTABLE if asked.low is None else sortable(asked.low)
    high = "*" if asked.high is None else sortable(asked.high)
    opening, closing = "[" if asked.has_low else "{", "]" if asked.has_high else "}"
    escaped = re.sub(r"([^\w.@/-])", r"\\\1", asked.path)
    return _blank().parse_query(f"numbers.{escaped}:{opening}{low} TO {high}{closing}", ["text"])


@lru_cache(1)
def _blank() -> tantivy.Index:
    """An empty index in memory: only the parser of an index makes a range over a path, and it fits every day."""
    return tantivy.Index(schema())
