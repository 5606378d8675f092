"""What is asked for (`collector.search.language`) → parts of a `_search` for servers from 6.4 to 9 and OpenSearch.

Text of a user goes into a body as a value, or in quotes with its signs escaped: the server's own query syntax, with its
wildcards and regular expressions, cannot be reached.
"""

import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

from collector.documents.form import Form
from collector.errors import QueryError
from collector.ports import PERCENTS
from collector.search.language import AllOf, AnyOf, Asked, Everything, Numbers, Times, Whole, Words

Body = dict[str, Any]
Named = Callable[[str], str]
"""The field of a trusted member in which its whole text stands."""

TIME = "@timestamp"
NANOSECONDS = 1_000_000  # of a millisecond, which is what a field of type `date` counts
_LAST_MILLISECOND = 253_402_300_799_999  # of the year 9999
_WORD = re.compile(r"\w+")
_NUMERIC = {"long", "integer", "short", "byte", "unsigned_long", "double", "float", "half_float", "scaled_float"}


def filter_of(asked: Asked, form: Form, named: Named) -> Body:
    """The query that this means, of documents in this form.

    Raises:
        QueryError: it asks for numbers where all are texts.
    """
    match asked:
        case Words():
            return _words(asked, form)
        case Whole(name, text, is_prefix):
            return {"prefix" if is_prefix else "term": {named(name): {"value": text}}}
        case Numbers():
            return _numbers(asked, form)
        case Times(since, until):
            return time_between(since, until)
        case AnyOf(some):
            return {"bool": {"should": [filter_of(each, form, named) for each in some], "minimum_should_match": 1}}
        case AllOf(all_, unwanted):
            wanted = [filter_of(each, form, named) for each in all_]
            return {"bool": {"filter": wanted, "must_not": [filter_of(each, form, named) for each in unwanted]}}
        case Everything():
            return {"match_all": {}}


def trusted_names(asked: Asked) -> Iterator[str]:
    """The trusted members that are asked for."""
    match asked:
        case Whole(name):
            yield name
        case AnyOf(some):
            for each in some:
                yield from trusted_names(each)
        case AllOf(all_, unwanted):
            for each in (*all_, *unwanted):
                yield from trusted_names(each)


def time_between(since: int | None, until: int | None) -> Body:
    """Documents of these times, as far as milliseconds tell: those that may lie between them."""
    bounds: Body = {"format": "epoch_millis"}
    if since is not None:
        bounds["gte"] = _millisecond(since)
    if until is not None:
        bounds["lt"] = _millisecond(until + NANOSECONDS - 1)
    return {"range": {TIME: bounds}}


def times_of(starts: range) -> Body:
    """An aggregation: how many documents lie before the second of these times, between each two, and after the last."""
    bounds = [start // NANOSECONDS for start in starts]
    edges = [None, *bounds[1:], None]
    pairs = pairwise(edges)
    ranges = [
        {name: str(edge) for name, edge in (("from", start), ("to", end)) if edge is not None} for start, end in pairs
    ]
    return {"date_range": {"field": TIME, "format": "epoch_millis", "ranges": ranges}}


def numbers_of(name: str, field: str, types: Mapping[str, Collection[str]], form: Form, number: int) -> Body:
    """Aggregations over the numbers of a member, the `number`th of a search: none where no document has the field.

    Raises:
        QueryError: an index has it as something else.
    """
    its = set(types.get(field, ()))
    if form.flat or its - _NUMERIC:
        where = f"`{form.flat}`, whose members are texts to the server" if form.flat else "every index"
        raise QueryError(f"`{name}` has no numbers in {where}", "count its values, as in | count by status")
    percentiles = {"field": field, "percents": PERCENTS, "keyed": False}
    return {f"stats{number}": {"stats": {"field": field}}, f"percentiles{number}": {"percentiles": percentiles}}


def _millisecond(nanoseconds: int) -> int:
    return min(max(0, nanoseconds // NANOSECONDS), _LAST_MILLISECOND)


def _words(asked: Words, form: Form) -> Body:
    fields = [form.field(asked.path, is_trusted=False)] if asked.path else [*form.words]
    if asked.is_prefix and not _WORD.fullmatch(asked.text):
        words = {"query": asked.text, "type": "phrase_prefix", "fields": fields, "slop": asked.slop, "lenient": True}
        return {"multi_match": words}
    text = asked.text.replace("\\", "\\\\").replace('"', '\\"')
    query = f"{asked.text}*" if asked.is_prefix else f'"{text}"'  # the beginning of one word has no signs
    if asked.slop:
        query += f"~{asked.slop}"
    return {"query_string": {"query": query, "fields": fields, "lenient": True}}


def _numbers(asked: Numbers, form: Form) -> Body:
    if form.flat:
        raise QueryError(
            f"`{asked.path}` has no order of numbers in `{form.flat}`, whose members are texts to the server",
            f"search for a value, as in {asked.path}:5",
        )
    bounds: Body = {}
    if asked.low is not None:
        bounds["gte" if asked.has_low else "gt"] = _finite(asked.low)
    if asked.high is not None:
        bounds["lte" if asked.has_high else "lt"] = _finite(asked.high)
    return {"range": {form.field(asked.path, is_trusted=False): bounds}}


def _finite(number: float) -> float:
    most = sys.float_info.max
    return min(max(number, -most), most)
