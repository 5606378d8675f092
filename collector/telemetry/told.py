"""What a daemon told → what of it is a measure: what it did not measure has no number, and so no series."""

from collections.abc import Mapping
from typing import Any


def number(told: object) -> float | None:
    """A count or a size; None of all else: absent, null, negative (the daemon's word for unknown), of another type."""
    if not isinstance(told, int | float) or isinstance(told, bool):
        return None
    return told if told >= 0 else None


def members(told: object) -> Mapping[str, Any]:
    """Those of an object; none of anything else."""
    return told if isinstance(told, dict) else {}
