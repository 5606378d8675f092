"""What a pipe at the end of a query means; what it gives is in `tests/contract/searchable.py`."""

import pytest

from collector.errors import QueryError
from collector.ports import Found, Query, Spread, Value
from collector.search import pipes
from collector.search.pipes import Pipe, Table, parsed

PIPES = {
    "level:error | count by status": ("level:error ", Pipe("count", "status")),
    "x | count": ("x ", Pipe("count")),
    "| top container": ("", Pipe("top", "container", 10)),
    "|top 3 log.path": ("", Pipe("top", "log.path", 3)),
    "x | top 5": ("x ", Pipe("top", "5", 10)),
    "a b | percentiles ms": ("a b ", Pipe("percentiles", "ms")),
    "a | histogram": ("a ", Pipe("histogram")),
    "a | histogram by level": ("a ", Pipe("histogram", "level")),
    r"a | count by big\ name": ("a ", Pipe("count", r"big\ name")),
}
TEXTS = ('"a | count"', "'a | count'", "a|b", 'x:"y | z"', r"a \| b", "a || b", "")
WRONG = {
    "x | ": "the pipe is empty",
    "x | sort by y": "`sort` at character 5 is not a pipe",
    "x | count by": "`count by` at character 5 names no field",
    "x | count level": "`level` at character 11 follows count",
    "x | count by a, b": "`b` at character 17 is a second field",
    "x | count by a,b": "`a,b` at character 14 is a second field",
    "x | top": "`top` at character 5 names no field",
    "x | top 0 y": "`0` at character 9 is not a number of values",
    "x | top 99999 y": "`99999` at character 9 is not a number of values",
    "x | percentiles": "`percentiles` at character 5 names no field",
    "x | count | top y": "a second pipe begins at character 11",
}


@pytest.mark.parametrize("text", PIPES)
def test_a_pipe_ends_a_query(text: str) -> None:
    assert parsed(text) == PIPES[text]


@pytest.mark.parametrize("text", TEXTS)
def test_in_quotes_and_inside_words_it_is_text(text: str) -> None:
    assert parsed(text) == (text, None)


@pytest.mark.parametrize("text", WRONG)
def test_a_bad_pipe_is_an_error_with_its_place_and_a_remedy(text: str) -> None:
    with pytest.raises(QueryError) as raised:
        parsed(text)
    assert raised.value.cause == WRONG[text]
    assert raised.value.remedy


class Fixed:
    """Answers all searches alike, and remembers them."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self.asked: list[Query] = []

    async def search(self, query: Query) -> Found:
        self.asked.append(query)
        return self.found


async def test_a_query_without_a_pipe_is_searched_as_it_is() -> None:
    searched = Fixed(Found(1, [b"{}"]))
    query = Query(text="a", limit=7)
    assert await pipes.answer(searched, query) is searched.found
    assert searched.asked == [query]


async def test_numbers_have_the_digits_that_matter() -> None:
    spread = Spread(3, 1.0, 2.5, 1.23456789, (1.0, 2.0, 1234567.5, float("inf")))
    table = await pipes.answer(Fixed(Found(3, [], percentiles={"ms": spread})), Query(text="| percentiles ms"))
    assert table == Table(
        3,
        ["field", "count", "min", "avg", "max", "p50", "p90", "p95", "p99"],
        [["ms", 3, 1, 1.23457, 2.5, 1, 2, 1234567.5, float("inf")]],
    )


async def test_a_member_without_numbers_has_none() -> None:
    table = await pipes.answer(Fixed(Found(3, [])), Query(text="| percentiles ms"))
    assert isinstance(table, Table)
    assert table.rows == [["ms", 0, *[None] * 7]]


async def test_a_filter_of_a_token_holds_for_every_search_of_a_pipe() -> None:
    searched = Fixed(Found(2, [], facets={"level": [Value("a", 2)]}))
    for text in ("| count by level", "| top level", "| histogram by level", "| count", "| percentiles ms"):
        await pipes.answer(searched, Query(text=text, only=("target:shop",)))
    assert all(asked.only[0] == "target:shop" for asked in searched.asked)


def test_a_value_is_quoted_so_that_it_stays_one() -> None:
    assert pipes.has_value("level", 'a" OR "b\\') == 'level:"a\\" OR \\"b\\\\"'
