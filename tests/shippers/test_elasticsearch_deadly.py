"""A document that a server dies of, over real connections: what is before the server makes no difference."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from aiohttp import web

from collector.delivery.backoff import Backoff
from collector.errors import Unavailable
from collector.model import Batch
from collector.ports import OutputContext, Shipper
from shippers.elasticsearch import Settings
from tests.collector.desk import Desk
from tests.collector.recording_shipper import Relay
from tests.contract.segments import by_id, document, log_stream, plain_segment, segment
from tests.faults.bulk_endpoint import BulkEndpoint, Reply
from tests.faults.port_proxy import Kind, PortProxy

POISON = b"poison"
_DYING_SECONDS = 0.05  # more than it takes to end the connections
ENVOY = b"upstream connect error or disconnect/reset before headers. reset reason: "
BATCH = Batch((plain_segment(2),))


class DeadlyEndpoint(BulkEndpoint):
    """Dies of each request that holds `POISON`, or by chance, and boots for a time drawn with the seed.

    For one request at a time: a second connection around its death may stay open behind a proxy with nobody on it.
    """

    def __init__(self, seed: int, *, chance: float = 0.0, longest_boot_seconds: float = 0.1) -> None:
        super().__init__()
        self.deaths = 0
        self._chance = chance
        self._random = Random(seed)
        self._longest_boot_seconds = longest_boot_seconds
        self._is_away = False
        self._dying: asyncio.Task[None] | None = None

    async def _bulk(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        if POISON in body or self._random.random() < self._chance:
            if not self._is_away:
                self._is_away = True
                self._dying = asyncio.create_task(self._die())
            await asyncio.sleep(_DYING_SECONDS)
            if request.transport:  # of a connection that came about while it stopped listening
                request.transport.abort()
            return web.Response(status=503)
        return await super()._bulk(request, body)

    async def _die(self) -> None:
        self.deaths += 1
        await self.stop()
        await asyncio.sleep(self._random.uniform(0.0, self._longest_boot_seconds))
        self._is_away = False
        await self.start()


@asynccontextmanager
async def before(endpoint: BulkEndpoint, kind: str, status: int = 502) -> AsyncIterator[str]:
    """The URL of what is before it."""
    if kind == "nothing":
        yield endpoint.url
        return
    kinds: dict[str, Kind] = {"closes": "closes", "resets": "resets", "pages": "pages"}
    async with PortProxy(int(endpoint.url.rsplit(":")[-1]), kinds[kind], status=status) as proxy:
        yield proxy.url


@asynccontextmanager
async def shipping(url: str, path: Path) -> AsyncIterator[Shipper]:
    given = {"type": "elasticsearch", "hosts": [url], "template": False}
    shipper = Settings.model_validate(given).open(OutputContext("elastic", path))
    try:
        yield shipper
    finally:
        await shipper.aclose()


def hasty() -> Backoff:
    """Pauses in proportion to how long this endpoint boots."""
    return Backoff(0.001, longest_seconds=0.02)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["nothing", "closes", "resets", "pages"])
async def test_a_document_that_a_server_dies_of_costs_seven_deaths_and_no_other_document(
    tmp_path: Path, kind: str, seed: int
) -> None:
    stream = log_stream("shop")
    texts = [{"n": n, "poison": n} if n == 70 else {"n": n} for n in range(200)]
    part = segment([document(text, stream) for text in texts], stream)
    till = plain_segment(5, "till")
    async with DeadlyEndpoint(seed) as endpoint, before(endpoint, kind) as url, shipping(url, tmp_path) as shipper:
        desk = Desk(tmp_path, Relay(shipper), backoff=hasty)
        async with desk.open(workers=1):
            await desk.put(part, till)
        assert {name for _, name in endpoint.stored} == by_id([Batch((part, till))]).keys() - {part.ids[70]}
    assert [(letter["_id"], letter["reason"]) for letter in desk.letters] == [(part.ids[70], "kills_destination")]
    assert (desk.ledger.acknowledged + desk.ledger.duplicate, endpoint.deaths) == (204, 7)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("chance", [0.1, 0.3])
@pytest.mark.parametrize("kind", ["nothing", "closes", "resets", "pages"])
async def test_a_server_that_dies_by_itself_costs_no_document(
    tmp_path: Path, kind: str, chance: float, seed: int
) -> None:
    endpoint = DeadlyEndpoint(seed, chance=chance, longest_boot_seconds=0.01)
    async with endpoint, before(endpoint, kind) as url, shipping(url, tmp_path) as shipper:
        desk = Desk(tmp_path, Relay(shipper), batch_bytes=1, backoff=hasty)
        async with desk.open(workers=1):
            await desk.put(*(plain_segment(4, first=4 * n) for n in range(5)))
        assert len(endpoint.stored) == 20
    assert (desk.ledger.acknowledged + desk.ledger.duplicate, desk.letters) == (20, [])


@pytest.mark.parametrize("kind", ["closes", "resets", "pages"])
async def test_documents_are_not_lost_with_a_connection_that_breaks_before_they_are_sent(
    tmp_path: Path, kind: str
) -> None:
    endpoint = BulkEndpoint()
    async with endpoint, before(endpoint, kind) as url, shipping(url, tmp_path) as shipper:
        await endpoint.stop()
        with pytest.raises(Unavailable) as caught:
            await shipper.ship(BATCH)
        assert not caught.value.is_lost
        await endpoint.start()
        assert (await shipper.ship(BATCH)).delivered == 2


@pytest.mark.parametrize(
    ("reply", "is_lost"),
    [
        (Reply(status=502, body=b"<html>"), True),
        (Reply(status=503, body=ENVOY + b"connection termination"), True),
        (Reply(status=503, body=ENVOY + b"connection failure"), False),
        (Reply(status=503, body=b'{"error":{"type":"cluster_block_exception","reason":""},"status":503}'), False),
        (Reply(status=504, body=b"<html>"), False),
        (Reply(status=429), False),
        (Reply(cut_bytes=1), True),
    ],
)
async def test_what_a_proxy_says_of_a_connection_that_broke_behind_it_is_believed(
    tmp_path: Path, reply: Reply, *, is_lost: bool
) -> None:
    async with BulkEndpoint([Reply(), reply, Reply()]) as endpoint, shipping(endpoint.url, tmp_path) as shipper:
        await shipper.ship(BATCH)
        with pytest.raises(Unavailable) as caught:
            await shipper.ship(BATCH)
        await shipper.ship(BATCH)
    assert caught.value.is_lost == is_lost
    met_again = [each.path for each in endpoint.received].count("/") - 1
    assert met_again == is_lost
