"""A store of version 0.1.0 is read on: `tests/fixtures/store-0.1.0` was made by the code of that version."""

import json
import shutil
from pathlib import Path

import pytest
import structlog

from collector.ports import OutputContext, Query
from shippers.store.former import is_former
from tests.contract.segments import batch, by_id, plain_segment
from tests.contract.shippers import deliver
from tests.shippers.test_store import storing

FIXTURE = Path(__file__).parents[1] / "fixtures" / "store-0.1.0"
SENT = batch(plain_segment(300), plain_segment(40, "till", day="2026-11-22", first=300), plain_segment(20, first=400))


@pytest.fixture
def site(tmp_path: Path) -> OutputContext:
    shutil.copytree(FIXTURE, tmp_path / "store")
    return OutputContext("store", tmp_path / "store")


async def test_its_documents_are_found_with_their_ids_and_known_as_duplicates(site: OutputContext) -> None:
    with structlog.testing.capture_logs() as told:
        async with storing(site) as store:
            answer = await store.search(Query(limit=1000))
            receipt = await deliver(store, SENT)
    assert (answer.total, receipt.duplicate, receipt.delivered) == (360, 360, 0)
    sent = by_id([SENT])
    for body in answer.documents:
        name, _, rest = body.partition(b",")
        assert sent[json.loads(name + b"}")["_id"]] == b"{" + rest
    assert [line["documents"] for line in told if line["event"] == "store day converted"] == [40, 320]
    assert sorted(path.name for path in site.directory.iterdir()) == ["2026-11-22", "2026-11-23"]
    assert not any(is_former(path) for path in site.directory.iterdir())


async def test_a_conversion_that_was_interrupted_begins_anew(site: OutputContext) -> None:
    left = site.directory / "2026-11-22.converting"
    left.mkdir()
    (left / "00000001.block.new").write_bytes(b"half")
    async with storing(site) as store:
        assert (await store.search(Query())).total == 360


@pytest.mark.parametrize("is_named", [False, True])
async def test_a_conversion_that_ended_between_two_names_is_finished(site: OutputContext, *, is_named: bool) -> None:
    async with storing(site) as store:
        await store.search(Query())
    day = site.directory / "2026-11-22"
    shutil.copytree(FIXTURE / day.name, day.with_name("2026-11-22.former"))
    if not is_named:
        day.rename(day.with_name("2026-11-22.converting"))
    async with storing(site) as store:
        assert (await store.search(Query())).total == 360
    assert sorted(path.name for path in site.directory.iterdir()) == ["2026-11-22", "2026-11-23"]


async def test_one_that_is_damaged_is_set_aside_and_the_other_stays(site: OutputContext) -> None:
    (site.directory / "2026-11-22" / "meta.json").write_text("{}")
    async with storing(site) as store:
        assert (await store.search(Query())).total == 320
    assert (site.directory / "2026-11-22.damaged").is_dir()
