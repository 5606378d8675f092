"""An index that takes no document of ours in any form, on real servers: what is sent waits, and keeps its fields."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from collector.documents.document import is_text
from collector.model import Batch, Receipt
from collector.ports import OutputContext, Shipper
from tests.collector.desk import Desk
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until
from tests.contract.segments import batch, by_id, document, log_stream, plain_segment, segment
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import empty, settings_for

INDEX = "shop-2026.11.23"


class Through(RecordingShipper):
    """Hands each batch on. `mend` is called before one of documents as they were read, and no more after that.

    Mended between their refusal and their second try as text, they would be taken as text.
    """

    def __init__(self, shipper: Shipper) -> None:
        super().__init__()
        self._shipper = shipper
        self.mend: Callable[[], object] | None = None

    async def ship(self, batch: Batch) -> Receipt:
        self.batches.append(batch)
        is_as_read = not any(is_text(document) for segment in batch.segments for document in segment.documents)
        if self.mend is not None and is_as_read:
            await asyncio.to_thread(self.mend)
            self.mend = None
        return await self._shipper.ship(batch)


async def test_a_target_whose_index_takes_nothing_waits_by_name_until_that_is_mended(
    search_server: SearchServer, site: OutputContext, tmp_path: Path
) -> None:
    empty(search_server)
    kind = "_doc"
    there = search_server.request("PUT", f"/{INDEX}/{kind}/1?refresh=true", json={"log": "another's text"})
    assert there.status == 201, there
    stream = log_stream()
    sent = segment([document({"level": "info", "n": n}, stream) for n in range(30)], stream)
    other = plain_segment(30, "till")
    shipper = settings_for(search_server).open(site)
    through = Through(shipper)
    desk = Desk(tmp_path / "desk", through)
    async with desk.open():
        await desk.put(sent, other)
        await until(lambda: desk.ledger.waits and other in desk.settled)
        for word in (INDEX, "mapping of its field log", "parsing_exception"):
            assert word in desk.ledger.waits["shop"]
        await until(lambda: len(through.batches) > 8)
        assert desk.letters == []
        through.mend = partial(search_server.request, "DELETE", f"/{INDEX}")
    assert (desk.ledger.acknowledged, desk.letters, desk.ledger.waits) == (60, [], {})
    found = {hit["_id"]: hit["_source"] for hit in search_server.refresh_and_fetch(INDEX)}
    assert found == {name: json.loads(body) for name, body in by_id([batch(sent)]).items()}
    await shipper.aclose()
