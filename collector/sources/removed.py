"""Removed log files that are kept open until they are read: how much of the disk they may take up."""

from collections.abc import Mapping

from collector.model import StreamKey
from collector.sources.file_tail import FileTail

_MOST_BYTES = 1 << 30


def bound(tails: Mapping[StreamKey, FileTail]) -> int:
    """Give some up, of the log that has most of them, while they take up more than that; returns the bytes left."""
    held = {key: tail.held_bytes for key, tail in tails.items()}
    total = sum(held.values())
    while total > _MOST_BYTES and held:
        key = max(held, key=lambda one: held[one])
        if size := tails[key].let_go():
            held[key] -= size
            total -= size
        else:
            del held[key]  # only the file that is being read is left of it
    return total
