"""What a query of the embedded store means, and what a document gives the index."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.errors import QueryError
from collector.ports import OutputContext, Query
from shippers.store import Settings, Store
from shippers.store.block import Block
from shippers.store.building import Builder
from shippers.store.matching import compiled
from shippers.store.rows import MAX_TIME, nanoseconds, rows_of
from tests.contract.segments import batch, document, log_stream, segment
from tests.contract.shippers import deliver

SHOP = log_stream("shop", container_id="c1")
TILL = log_stream("Till-2", container_id="c2")
ATTRS = b',"docker_attrs":["tag=hash/1","team=web"]}'

LINES = {
    "refused": document({"message": "connection refused by peer", "level": "ERROR", "status": 502}, SHOP),
    "reset": document({"message": "refused: connection reset", "level": "error", "status": 500.5}, SHOP),
    "timeout": document({"message": "timeouts after 30s", "level": "warn", "ms": [5, 100]}, TILL, output="stderr"),
    "nested": document({"message": "ok", "http": {"status": 204, "user.name": "ann"}, "stream": "blue"}, TILL),
    "text": document({"message": "GET http://x.org/a?b=1 größe 10.0.0.1 id=9007199254740993 status 502"}, SHOP),
    "dates": document({"message": "x", "at": "2026-11-23T01:02:03Z", "n": -7, "big": 2**70, "ok": True}, SHOP),
    "hash": document({"message": "sha " + "ab12" * 16 + " " + "w" * 300, "exact": 9007199254740993}, SHOP)[:-1] + ATTRS,
}

MEANINGS = {
    "": "refused reset timeout nested text dates hash",
    "*": "refused reset timeout nested text dates hash",
    'docker_attrs:"tag=hash/1"': "hash",
    'docker_attrs:"team=web"': "hash",
    "docker_attrs:team*": "hash",
    "docker_attrs:web": "",
    "refused": "refused reset",
    "REFUSED": "refused reset",
    "connection refused": "refused reset",
    '"connection refused"': "refused",
    "'connection refused'": "refused",
    '"connection peer"~2': "refused",
    "peer OR reset": "refused reset",
    "refused AND NOT peer": "reset",
    "refused -peer": "reset",
    "-refused": "timeout nested text dates hash",
    "NOT refused": "timeout nested text dates hash",
    "refused AND (peer OR timeouts)": "refused",
    "(NOT refused) AND (NOT timeouts)": "nested text dates hash",
    "level:error": "refused reset",
    "level:ERROR": "refused reset",
    "log.level:error": "refused reset",
    "-level:error": "timeout nested text dates hash",
    "level:IN [warn error]": "refused reset timeout",
    "level:(warn OR error)": "refused reset timeout",
    'message:"connection refused"': "refused",
    "message:timeouts": "timeout",
    "timeout": "",
    "time*": "timeout",
    "TIME*": "timeout",
    "connection-ref*": "refused",
    '"connection ref"*': "refused",
    "level:err*": "refused reset",
    "level:e*": "refused reset",
    "target:Till-2": "timeout nested",
    "target:till-2": "",
    "@target:shop": "refused reset text dates hash",
    "target:Ti*": "timeout nested",
    "container:c2-1": "timeout nested",
    "docker_container:c2-1": "timeout nested",
    "host:moby": "refused reset timeout nested text dates hash",
    "stream:stderr": "timeout",
    "stream:blue": "",
    "log.stream:blue": "nested",
    "status:>=500": "refused reset",
    "status:>500.5": "refused",
    "status:[500 TO 502}": "reset",
    "status:{500.5 TO *}": "refused",
    "status:502": "refused",
    "status:502.0": "refused",
    "status:500": "",
    "status:5*": "refused reset",
    "n:-7": "dates",
    "n:7": "",
    "big:1180591620717411303424": "dates",
    "exact:9007199254740993": "hash",
    "exact:9007199254740992": "",
    "exact:>=9007199254740992": "hash",
    "502": "refused text",
    "http.status:<300": "nested",
    "http.status:204": "nested",
    "http.user.name:ann": "nested",
    "http.user\\.name:ann": "nested",
    "ms:100": "timeout",
    "ms:>50": "timeout",
    "ms:[10 TO 90]": "",
    "n:<0": "dates",
    "n:[-10 TO -7]": "dates",
    "big:>1e20": "dates",
    "ok:true": "dates",
    '"2026-11-23"*': "dates",
    '"2026-11-23T01"': "dates",
    '"2026-11-23T01:02:03Z"': "dates",
    "at:2026*": "dates",
    "10.0.0.1": "text",
    '"http://x.org/a?b=1"': "text",
    "größe": "text",
    "GRÖSSE": "",
    "9007199254740993": "text hash",
    "ab12" * 16: "hash",
    "error^2": "refused reset",
    "@timestamp:>=2026-11-23": "refused reset timeout nested text dates hash",
    "@timestamp:<2026-11-23": "",
    "nosuch:x": "",
    "nosuch:>5": "",
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> OutputContext:
    """Where a store holds LINES."""
    site = OutputContext("asked", tmp_path_factory.mktemp("asked"))

    async def fill() -> None:
        store = Settings().open(site)
        await deliver(store, batch(segment(list(LINES.values()), SHOP)))
        await store.aclose()

    asyncio.run(fill())
    return site


@pytest.fixture
async def store(asked: OutputContext) -> AsyncIterator[Store]:
    opened = Settings().open(asked)
    yield opened
    await opened.aclose()


@pytest.mark.parametrize(("text", "names"), MEANINGS.items())
async def test_a_query_finds_the_lines_it_means(store: Store, text: str, names: str) -> None:
    answer = await store.search(Query(text=text))
    name_of = {json.dumps(json.loads(body)["log"]): name for name, body in LINES.items()}
    found = [name_of[json.dumps(json.loads(body)["log"])] for body in answer.documents]
    assert sorted(found) == sorted(names.split())
    assert answer.total == len(found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("(a", "at character 3"),
        ('"abc', "the quote at 1 is never closed"),
        ("level:", "at character 7"),
        ("level:error AND", "AND needs a term on both sides"),
        ("foo AND OR bar", "AND needs a term on both sides"),
        ("OR foo", "OR needs a term on both sides"),
        ("(a OR ) b", "OR needs a term on both sides"),
        ('a "b" x:"c', "the quote at 9 is never closed"),
        ("Cost:>=", "Cost:>= needs a value: as in Cost:>=3000"),
        ("a AND Cost:<", "Cost:< needs a value"),
        ("a b OR c", "parentheses"),
        ("ti*me", "star at the end"),
        ("*ime", "star at the end"),
        ("tim?", "star at the end"),
        ("roam~", "leave out the ~"),
        ("!a", "NOT"),
        ("a && b", "AND"),
        ("a || b", "OR"),
        ("/re.*/", "kind `regex`"),
        ("level:**", "star at the end"),
        ("a:*", "exists"),
        ("http://x.org", "quotes"),
        ("status:>high", "not a number"),
        (">5", "status:>=500"),
        ("status:[* TO *]", "bound"),
        ("target:>a", "no range"),
        ("@timestamp:2026", "range"),
        ("@timestamp:>now", "not a time"),
        ("-", "cannot be read"),
        ('"!!"', "no word"),
        ("w" * 300, "no word"),
        ("level:conn-ref*", "one word"),
        ("log.:a", "field names"),
        ("(" * 5_000, "too long"),
        ("a" * 2_001, "too long"),
        ("NOT " * 450 + "a", "nested"),
    ],
)
async def test_what_cannot_be_served_is_an_error_with_its_remedy(store: Store, text: str, told: str) -> None:
    with pytest.raises(QueryError) as caught:
        await store.search(Query(text=text))
    assert told in str(caught.value)
    assert caught.value.remedy


PIECES = """a b level:error -a NOT AND OR ( ) [ ] { } TO IN * ? ~ ^ : :> >= < ! && \\ " ' / + - . , x:>5 x:[1 x:{ 5] 1e3
nan inf @timestamp:> 2026-11-23 target: log. é \x00 a* 'b "c x:"y x:<-1.5 y:>0"""


@given(st.lists(st.sampled_from(PIECES.split()) | st.text(max_size=4), max_size=8).map(" ".join) | st.text(max_size=20))
@example("x:[5 TO 1]")
@example("x:[-1 TO 1.5]")
@example("a\\ b:>5")
def test_any_text_is_answered_or_is_a_query_error(text: str) -> None:
    try:
        query = compiled(text)
    except QueryError:
        return
    with BLOCK.opened() as view:
        assert query(view).shape == (len(BODIES),)


BODIES = [*LINES.values(), document({"x": 5, "y": 1.5}, SHOP)]


def _block() -> Block:
    builder = Builder()
    builder.add([("f-", np.arange(len(BODIES)))], rows_of(BODIES, builder.frames))
    return Block(Path("memory"), builder.written())


BLOCK = _block()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2017-11-27T02:13:00.768123456Z", 1511748780_768123456),
        ("2017-11-27T10:13:00.768123456+08:00", 1511748780_768123456),
        ("2017-11-27T02:13:00.7Z", 1511748780_700000000),
        ("2017-11-27T02:13:00.7681234567Z", 1511748780_768123456),
        ("0001-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", MAX_TIME),
    ],
)
def test_a_timestamp_is_read_to_the_nanosecond(text: str, expected: int) -> None:
    assert nanoseconds(text) == expected
