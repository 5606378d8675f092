"""Laws of many targets that Elasticsearch does not take, each with more to say than there is memory for."""

from pathlib import Path

from collector.ports import OutputContext
from tests.collector.docker_lines import numbered
from tests.collector.pipeline.test_pipeline import Host
from tests.collector.recording_shipper import Relay
from tests.collector.waiting import until
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import empty, settings_for
from tests.shippers.test_elasticsearch_cluster import put

_MANY = 48
_LINES = 6_000


async def test_the_shard_limit_stops_no_target_whose_index_exists(
    elasticsearch_8: SearchServer, site: OutputContext, tmp_path: Path
) -> None:
    server = elasticsearch_8
    empty(server)
    put(server, "/free-2026.11.23", {})
    put(server, "/_cluster/settings", {"transient": {"cluster.max_shards_per_node": "1"}})
    host = Host(tmp_path)
    for number in range(_MANY):
        host.add(f"shut{number}", *numbered(range(_LINES)))
    shipper = settings_for(server).open(site)
    pipeline = host.pipeline(Relay(shipper))
    async with host.run(pipeline, seconds=120):
        try:
            await until(lambda: len(pipeline.ledger.waits) == _MANY)
            host.add("free", *numbered(range(_LINES)))
            await until(lambda: pipeline.ledger.acknowledged == _LINES)
        finally:
            put(server, "/_cluster/settings", {"transient": {"cluster.max_shards_per_node": None}})
        await until(lambda: not pipeline.ledger.waits, seconds=60)
        await until(lambda: not pipeline.ledger.in_flight + pipeline.backlog_bytes, seconds=60)
    server.request("POST", "/_refresh")
    assert server.get("/shut*,free*/_count").json()["count"] == (_MANY + 1) * _LINES
    assert pipeline.ledger.read == pipeline.ledger.acknowledged + pipeline.ledger.duplicate
    await shipper.aclose()
