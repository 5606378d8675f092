"""Options of `tail` and `search`: the query and the test that they become."""

import pytest

from collector.cli.picking import Level, Picked, Stream
from collector.errors import QueryError
from collector.search import language, pipes

WARNED = b'{"log":{"level":"WARN","message":"Disk full"},"stream":"stderr","@timestamp":"2026-11-23T04:05:06Z"}'
PLAIN = b'{"log":{"message":"ERROR: no \\"space\\""},"stream":"stdout","@timestamp":"2026-11-23T04:05:06Z"}'

PICKS = [
    (Picked(), (True, True)),
    (Picked(["disk"]), (True, False)),
    (Picked(["disk", 'no "space"']), (True, True)),
    (Picked(None, ["DISK"]), (False, True)),
    (Picked(level=Level.WARN), (True, True)),
    (Picked(level=Level.ERROR), (False, True)),
    (Picked(level=Level.FATAL), (False, False)),
    (Picked(stream=Stream.STDERR), (True, False)),
]
QUERIES = [
    (Picked(), "a | count", "a | count"),
    (Picked(["x y", '"']), "", '("x y" OR "\\"")'),
    (Picked(None, ["x", "y"]), "a OR b", '(a OR b) AND NOT "x" AND NOT "y"'),
    (Picked(stream=Stream.STDERR, container="web-*"), "a |top level",
     '(a) AND stream:stderr AND container:"web-"* |top level'),
    (Picked(level=Level.TRACE), "a", "a"),
]  # fmt: skip


@pytest.mark.parametrize(("picked", "expected"), PICKS)
def test_a_tail_shows_what_was_picked(picked: Picked, expected: tuple[bool, bool]) -> None:
    assert tuple(map(picked.test(), (WARNED, PLAIN))) == expected


@pytest.mark.parametrize(("picked", "words", "query"), QUERIES)
def test_a_search_asks_for_what_was_picked(picked: Picked, words: str, query: str) -> None:
    assert picked.query(words.split(" ")) == query


@pytest.mark.parametrize("level", list(Level))
def test_the_query_for_a_level_can_be_read(level: Level) -> None:
    text = Picked(["a" * 100], None, level, Stream.STDERR, "web-1").query(["b", "|", "count"])
    language.parsed(pipes.parsed(text)[0])


def test_a_pipe_that_is_none_is_an_error() -> None:
    with pytest.raises(QueryError):
        Picked(["a"]).query(["b", "|", "sort"])
