"""The preset `clickhouse` of `http` on Debian's ClickHouse: what it takes, and what it refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.errors import Unauthorized, Unavailable
from collector.ports import OutputContext
from tests.contract.segments import batch, document, log_stream, plain_segment, segment
from tests.engines.clickhouse import ClickHouse
from tests.needs import marks
from tests.shippers.http_family import delivered, opened

SECRET = "s3cret-in-a-test"


@pytest.fixture(scope="module")
@marks("engines")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    server = ClickHouse(tmp_path_factory.mktemp("clickhouse"), SECRET)
    try:
        server.start()
        yield server
    finally:
        server.kill()


async def test_a_real_clickhouse_takes_rows_and_a_bad_one_is_a_dead_letter(
    clickhouse: ClickHouse, site: OutputContext, tmp_path: Path
) -> None:
    clickhouse.query(
        "CREATE TABLE logs (_id String, `@timestamp` DateTime, host String) ENGINE = MergeTree ORDER BY _id"
    )
    stream = log_stream()
    times = ["2026-11-23T02:13:00.5Z"] * 5 + ["no time"] + ["2026-11-23T02:13:01Z"] * 5
    bad = segment([document({"message": "x"}, stream, time=time) for time in times], stream, file="bad")
    options = {"preset": "clickhouse", "username": "writer", "password": SECRET}
    shipper = opened(site, "http", f"http://127.0.0.1:{clickhouse.port}", **options)
    assert "is up" in await shipper.probe()
    desk = await delivered(shipper, tmp_path, plain_segment(30), bad)
    assert (desk.ledger.acknowledged, desk.ledger.dead_lettered) == (40, 1)
    assert desk.letters[0]["reason"] == "clickhouse_41"
    assert clickhouse.query("SELECT uniq(_id), any(host) FROM logs").split() == ["40", "moby"]


async def test_a_table_or_password_that_is_wrong_makes_it_unavailable(
    clickhouse: ClickHouse, site: OutputContext
) -> None:
    for wrong, error in (({"table": "nowhere"}, Unavailable), ({"password": "wrong"}, Unauthorized)):
        options = {"preset": "clickhouse", "username": "writer", "password": SECRET, **wrong}
        shipper = opened(site, "http", f"http://127.0.0.1:{clickhouse.port}", **options)
        with pytest.raises(error) as caught:
            await shipper.ship(batch(plain_segment(1)))
        await shipper.aclose()
        assert SECRET not in str(caught.value)
