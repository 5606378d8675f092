"""Registry and pipelines → why lines are not where they should be: what `/readyz` answers."""

from collections.abc import Iterable, Iterator

from collector.discovery.registry import Registry
from collector.pipeline.pipeline import Pipeline

_FIX_SPOOL = "restore the output, raise its spool_bytes, or free disk space in state_dir"
_FIX_DISK = "free disk space in state_dir, or fix the disk or the permissions there"


def not_ready(registry: Registry, pipelines: Iterable[Pipeline]) -> list[str]:
    """One reason a line, with its remedy; none when all is well."""
    reasons = [*_inputs(registry)]
    for pipeline in pipelines:
        name = f"output {pipeline.output}"
        if pipeline.ledger.error:
            reasons.append(f"{name}: {pipeline.ledger.error}")
        if pipeline.ledger.spool_error:
            reasons.append(f"{name}: {pipeline.ledger.spool_error}, reading is paused: {_FIX_SPOOL}")
        if pipeline.ledger.spool_read_error:
            reasons.append(f"{name}: {pipeline.ledger.spool_read_error}: {_FIX_DISK}")
        reasons += [f"{name}: target {target} is blocked: {why}" for target, why in pipeline.ledger.waits.items()]
        if pipeline.unreadable:
            count, first = len(pipeline.unreadable), next(iter(pipeline.unreadable.values()))
            reasons.append(f"{name}: {count} logs cannot be read: {first}")
        if pipeline.dead_letters.dropping:
            reasons.append(f"{name}: {pipeline.dead_letters.dropping}")
        if pipeline.checkpoints.error:
            reasons.append(f"{name}: positions cannot be saved ({pipeline.checkpoints.error}): {_FIX_DISK}")
    return reasons


def _inputs(registry: Registry) -> Iterator[str]:
    for name, listing in registry.inputs.items():
        if not listing.up:
            yield f"input {name}: {listing.error}"
        elif listing.deaf:
            yield f"input {name}: no events: {listing.deaf}"
