"""Registry and pipelines → the numbers that the commands show."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from collector.app.readiness import not_ready
from collector.discovery.registry import Registry
from collector.pipeline.pipeline import Pipeline


def status_of(registry: Registry, pipelines: Sequence[Pipeline]) -> dict[str, Any]:
    """What `/api/status` answers."""
    return {
        "version": version("pilotfish"),
        "ready": not not_ready(registry, pipelines),
        "containers": len(registry.containers),
        "streams": len(registry.streams),
        "following": sorted({stream.container for stream in registry.streams.values()}),
        "outputs": {one.output: numbers_of(one) for one in pipelines},
    }


def numbers_of(pipeline: Pipeline) -> dict[str, Any]:
    """What became of one output's documents so far."""
    ledger = pipeline.ledger
    return {
        "type": pipeline.settings.type,
        "promise": pipeline.settings.promise()._asdict(),
        "read": ledger.read,
        **ledger.settled,
        "dropped": sum(ledger.dropped.values()),
        "filtered": ledger.filtered.total(),
        "spooled": ledger.spooled,
        "recovered_from_spool": ledger.recovered_from_spool,
        "replayed": ledger.replayed,
        "spool_bytes": ledger.spool_bytes,
        "spool_capacity_bytes": pipeline.spool_capacity_bytes,
        "documents_per_second": round(ledger.documents_per_second, 1),
        "document_bytes_per_second": round(ledger.document_bytes_per_second),
        "in_flight": ledger.in_flight,
        "backlog_bytes": pipeline.backlog_bytes,
        "error": ledger.error,
    }
