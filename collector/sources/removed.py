"""Removed log files that are kept open until they are read: how much of the disk they may take up."""

from collections.abc import Iterable

from collector.ports import Source

_MOST_BYTES = 1 << 30


def bound(sources: Iterable[Source]) -> int:
    """Give some up, of the log that has most of them, while they take up more than that; returns the bytes left."""
    held = {source: source.held_bytes for source in sources}
    total = sum(held.values())
    while total > _MOST_BYTES and held:
        source = max(held, key=lambda one: held[one])
        if size := source.let_go():
            held[source] -= size
            total -= size
        else:
            del held[source]  # only the file that is being read is left of it
    return total
