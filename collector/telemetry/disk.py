"""`GET /system/df` → the bytes that images, containers, volumes and the build cache take up.

Up to Engine API 1.51 every object is listed and added up here as `docker system df` does it; from 1.52 on the daemon
adds up itself, and from 1.53 on it lists nothing (docs.docker.com/reference/api/engine/version-history).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Used(NamedTuple):
    """Bytes of one kind, and those among them that nothing uses."""

    bytes: int
    reclaimable_bytes: int


# As they are called in the series: the members of the older form and of the newer one.
_KINDS = {
    "images": ("Images", "ImageUsage"),
    "containers": ("Containers", "ContainerUsage"),
    "volumes": ("Volumes", "VolumeUsage"),
    "build_cache": ("BuildCache", "BuildCacheUsage"),
}
_ALIVE = ("running", "paused", "restarting")


def used_by_kind(told: Mapping[str, Any]) -> dict[str, Used]:
    """What the answer tells; a kind that it does not tell of is left out."""
    found = {}
    for kind, (listed, added_up) in _KINDS.items():
        if isinstance(sums := told.get(added_up), dict):
            found[kind] = Used(_size(sums, "TotalSize"), _size(sums, "Reclaimable"))
        elif listed in told:
            found[kind] = _added_up(kind, told, told[listed] or [])
    return found


def _added_up(kind: str, told: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Used:
    if kind == "images":
        size = _size(told, "LayersSize")
        in_use = sum(_size(one, "Size") - _size(one, "SharedSize") for one in items if one.get("Containers"))
        return Used(size, max(size - in_use, 0))
    if kind == "containers":
        sizes = [(_size(one, "SizeRw"), one.get("State") in _ALIVE) for one in items]
    elif kind == "volumes":
        usages = [one.get("UsageData") or {} for one in items]
        sizes = [(_size(one, "Size"), bool(one.get("RefCount"))) for one in usages]
    else:
        sizes = [(0 if one.get("Shared") else _size(one, "Size"), bool(one.get("InUse"))) for one in items]
    return Used(sum(size for size, _ in sizes), sum(size for size, is_used in sizes if not is_used))


def _size(told: Mapping[str, Any], member: str) -> int:
    """Bytes; -1 is the daemon's word for unknown."""
    return max(int(told.get(member) or 0), 0)
