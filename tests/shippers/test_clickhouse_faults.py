"""ClickHouse: what goes wrong between the agent and a table; on Debian's server, the project's, and one on order."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.delivery.shipment import halves
from collector.errors import TOO_LARGE, Refused, ShippingError, Unauthorized, Unavailable
from collector.ports import OutputContext, Shipper
from shippers.clickhouse import Settings
from shippers.clickhouse.shipper import ClickHouseShipper
from tests.contract.segments import batch, document, log_stream, plain_segment, segment
from tests.contract.shippers import Destination, ShipperContract, deliver
from tests.engines.clickhouse import VERSION, ClickHouse
from tests.needs import marks
from tests.plugin.sink_server import Fault, SinkServer
from tests.receivers.clickhouse import Receiver
from tests.receivers.clickhouse_server import PASSWORD, USER

SECRET = "s3cret-in-a-test"
SENT = batch(plain_segment(30))
OWN = {"X-ClickHouse-Server-Display-Name": "x"}
STORED = Fault(200, headers=OWN)
OLD_COLUMNS = "id timestamp target container host stream level message log"


@pytest.fixture
def site(tmp_path: Path) -> OutputContext:
    return OutputContext("far", tmp_path / "state")


# ------------------------------------------------------------------ Debian's server, which has no tokens


@pytest.fixture(scope="module")
@marks("engines")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    server = ClickHouse(tmp_path_factory.mktemp("clickhouse"), SECRET)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def table(old: ClickHouse) -> ClickHouse:
    old.query("DROP TABLE IF EXISTS logs")
    columns = ", ".join(f"{name} String" for name in OLD_COLUMNS.split())
    old.query(f"CREATE TABLE logs ({columns}) ENGINE = MergeTree ORDER BY (target, timestamp)")
    return old


def settings_of(server: ClickHouse, **options: Any) -> Settings:
    own = {"hosts": f"http://127.0.0.1:{server.port}", "columns": OLD_COLUMNS, "tokens": False}
    return Settings.model_validate({**own, **options})


def on(server: ClickHouse, site: OutputContext, **options: Any) -> ClickHouseShipper:
    return settings_of(server, **options).open(site)


class OldRows:
    """The table as the contract sees it."""

    def __init__(self, server: ClickHouse, site: OutputContext) -> None:
        self._server = server
        self._site = site
        self.settings = settings_of(server)

    def open(self) -> Shipper:
        return self.settings.open(self._site)

    async def stored(self) -> dict[str, list[bytes]]:
        found: dict[str, list[bytes]] = {}
        for line in (await asyncio.to_thread(self._server.query, "SELECT * FROM logs FORMAT JSONEachRow")).splitlines():
            row = json.loads(line)
            members = {"stream": row["stream"], "@timestamp": row["timestamp"], "host": row["host"]}
            members |= {"@target": row["target"], "docker_container": row["container"]}
            body = f'{{"log":{row["log"]},{json.dumps(members)[1:]}'.encode()
            found.setdefault(row["id"], []).append(body)
        return found


class TestClickHouseOfDebian(ShipperContract):
    deduplicates = False
    takes_anything = True

    @pytest.fixture
    def destination(self, table: ClickHouse, site: OutputContext) -> Destination:
        return OldRows(table, site)


async def test_a_real_server_tells_its_version_and_what_it_has_of_a_segment(
    table: ClickHouse, site: OutputContext
) -> None:
    output = on(table, site)
    assert f"ClickHouse {VERSION} at http://127.0.0.1" in await output.probe()
    assert await output.read_back(SENT.segments[0]) == set()
    await output.ship(SENT)
    assert await output.read_back(SENT.segments[0]) == set(SENT.segments[0].ids)
    await output.aclose()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"username": "writer", "password": f"not-{SECRET}"}, Unauthorized, "rejects the user 'writer' .exception 193"),
        ({"username": "nobody", "password": SECRET}, Unauthorized, "rejects the user 'nobody'"),
        ({"username": "reader", "password": SECRET}, Unauthorized, "read-only: allow it to write"),
        ({"username": "small", "password": SECRET}, Unavailable, "raise the memory limit of the user"),
        ({"table": "nowhere"}, Unavailable, "create the table, or correct database and table"),
        ({"database": "nowhere"}, Unavailable, "create the database, or correct database"),
        ({"columns": f"{OLD_COLUMNS} fields"}, Unavailable, "add the columns to the table"),
        ({"tokens": True}, Unavailable, "set tokens: false for a server before 22.2"),
        ({"settings": {"no_such_setting": 1}}, Unavailable, "or correct `settings`"),
    ],
)  # fmt: skip
async def test_what_a_real_server_refuses_is_told_with_its_remedy(
    table: ClickHouse, site: OutputContext, options: dict[str, Any], error: type[Unavailable], text: str
) -> None:
    output = on(table, site, **options)
    with pytest.raises(error, match=text) as caught:
        await output.ship(batch(plain_segment(3000)))
    assert SECRET not in f"{caught.value}{caught.value!r}{output!r}"
    await output.aclose()
    assert table.query("SELECT count() FROM logs").strip() == "0"


async def test_a_row_that_a_real_server_refuses_is_told_without_its_words_and_nothing_of_the_batch_is_there(
    old: ClickHouse, site: OutputContext
) -> None:
    old.query("DROP TABLE IF EXISTS numbers")
    old.query("CREATE TABLE numbers (id String, log String, timestamp DateTime) ENGINE = MergeTree ORDER BY id")
    stream = log_stream()
    times = ["2026-11-23T02:13:00Z"] * 40
    times[31] = "yesterday, a private word"
    sent = batch(segment([document({"message": "x"}, stream, time=time) for time in times], stream))
    output = on(old, site, table="numbers", columns="id log timestamp")
    with pytest.raises(Refused, match=r"\(exception 41 at the column timestamp\): compare the types of its") as caught:
        await output.ship(sent)
    assert caught.value.type == "exception 41"
    assert "private" not in str(caught.value)
    assert old.query("SELECT count() FROM numbers").strip() == "0"
    await output.aclose()


# ------------------------------------------------------------------ the project's own server, which has tokens


@pytest.fixture
@marks("engines")
def server(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "clickhouse") as receiver:
        yield receiver


def with_tokens(server: Receiver, site: OutputContext, **options: Any) -> ClickHouseShipper:
    return Settings.model_validate({**server.options(), **options}).open(site)


async def test_a_server_that_is_killed_in_mid_stream_has_each_batch_once_when_it_is_back(
    server: Receiver, site: OutputContext
) -> None:
    output = with_tokens(server, site)
    sent = [batch(plain_segment(500, first=500 * n), plain_segment(20, f"t{n % 5}", first=20 * n)) for n in range(20)]
    failed = 0
    for round_ in range(2):
        theirs = sent[round_ * 10 : round_ * 10 + 10]
        killer = threading.Timer(0.02 * (round_ + 1), server.kill)
        killer.start()
        for each in theirs:
            try:
                await output.ship(each)
            except Unavailable:
                failed += 1
        await asyncio.to_thread(killer.join)
        await asyncio.to_thread(server.start)
        for each in theirs:
            await deliver(output, each)
    await output.aclose()
    assert failed
    stored = server.stored()
    assert len(stored) == 20 * 520
    assert {len(copies) for copies in stored.values()} == {1}


async def test_credentials_are_checked_and_the_check_tells_of_the_table(server: Receiver, site: OutputContext) -> None:
    wrong = with_tokens(server, site, username=USER, password=SECRET)
    with pytest.raises(Unauthorized, match=r"rejects the user 'writer' \(exception 516 AUTHENTICATION_FAILED\)"):
        await wrong.ship(SENT)
    await wrong.aclose()
    right = with_tokens(server, site, username=USER, password=PASSWORD)
    assert (await right.probe()).endswith("table default.logs")
    await right.aclose()
    other = with_tokens(server, site, table="elsewhere")
    assert "it is missing" in await other.probe()
    await other.aclose()


# ------------------------------------------------------------------ a server that misbehaves


def beside(server: SinkServer, site: OutputContext, **options: Any) -> ClickHouseShipper:
    return Settings.model_validate({"hosts": [server.url], **options}).open(site)


def told(code: int, words: str = "words", status: int = 500) -> Fault:
    return Fault(status, f"Code: {code}. DB::Exception: {words}. (NAME_OF_IT) (version 25.8.1.1)\n".encode(), OWN)


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (told(252), Unavailable, r"\(exception 252 NAME_OF_IT\): the table has too many parts: raise batch_bytes"),
        (told(241, status=200), Unavailable, "exception 241"),
        (Fault(200, headers={**OWN, "X-ClickHouse-Exception-Code": "241"}), Unavailable, "exception 241"),
        (
            told(27, "near a private word: (while reading the value of key level)"),
            Refused,
            "27 NAME_OF_IT at the column level",
        ),
        (told(497, status=403), Unauthorized, "grant the user INSERT on the table"),
        (told(319), Unavailable, "its token prevents a second copy"),
        (told(9999, "near a private word"), Unavailable, "the agent retries; see the log of the server"),
        (Fault(200), Unavailable, "answers in other words: check that `hosts` names the HTTP interface of ClickHouse"),
        (Fault(200, b"Ok.\n", OWN), Unavailable, "answers in other words"),
        (Fault(401), Unauthorized, "rejects a request without credentials"),
        (Fault(503), Unavailable, "overloaded or starting"),
        (Fault(is_cut=True), Unavailable, "cannot be reached"),
    ],
)
async def test_a_fault_is_told_with_its_remedy_and_the_batch_goes_through_again(
    site: OutputContext, fault: Fault, error: type[ShippingError], text: str
) -> None:
    async with SinkServer() as server:
        output = beside(server, site)
        server.faults.append(fault)
        with pytest.raises(error, match=text) as caught:
            await output.ship(SENT)
        assert caught.value.remedy
        assert "private" not in str(caught.value)
        server.faults.append(STORED)
        assert (await output.ship(SENT)).delivered == 30
        await output.aclose()


async def test_a_request_that_is_too_large_is_refused_for_its_size(site: OutputContext) -> None:
    async with SinkServer() as server:
        output = beside(server, site)
        server.faults.append(Fault(413))
        with pytest.raises(Refused, match="rejects requests of this size") as caught:
            await output.ship(SENT)
        assert caught.value.type == TOO_LARGE
        await output.aclose()


async def test_a_batch_has_the_same_token_each_time_and_its_halves_have_others(site: OutputContext) -> None:
    async with SinkServer() as server:
        output = beside(server, site)
        sent = [SENT, *halves(SENT), SENT, *halves(SENT)]
        server.faults.extend([STORED] * len(sent))
        for each in sent:
            assert (await output.ship(each)).delivered == each.count
        tokens = [target.partition("insert_deduplication_token=")[2][:32] for target in server.targets]
        assert tokens[:3] == tokens[3:]
        assert len(set(tokens)) == 3
        await output.aclose()
