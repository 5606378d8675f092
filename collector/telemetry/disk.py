"""`GET /system/df` → the bytes that images, containers, volumes and the build cache take up.

Up to Engine API 1.51 every object is listed and added up here as `docker system df` does it; from 1.52 on the daemon
adds up itself, and from 1.53 on it lists nothing (docs.docker.com/reference/api/engine/version-history). It writes 0,
-1 or nothing for what it has not measured.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from collector.telemetry.told import members, number


class Used(NamedTuple):
    """Bytes of one kind, and those among them that nothing uses; None for what the daemon has not measured."""

    bytes: float | None
    reclaimable_bytes: float | None


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
            found[kind] = Used(number(sums.get("TotalSize", 0)), number(sums.get("Reclaimable", 0)))
        elif listed in told:
            items = told[listed] if isinstance(told[listed], list) else []
            found[kind] = _added_up(kind, told, [members(one) for one in items])
    return found


def _added_up(kind: str, told: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Used:
    if kind == "images":
        return _images(number(told.get("LayersSize")), items)
    if kind == "containers":  # the daemon leaves out a size of 0
        return _summed((number(one.get("SizeRw", 0)), one.get("State") in _ALIVE) for one in items)
    if kind == "volumes":
        usages = [members(one.get("UsageData")) for one in items]
        return _summed((number(one.get("Size")), bool(one.get("RefCount"))) for one in usages)
    return _summed((0 if one.get("Shared") else number(one.get("Size")), bool(one.get("InUse"))) for one in items)


def _images(layers: float | None, items: Sequence[Mapping[str, Any]]) -> Used:
    """Images share layers, so their own sizes make no sum: without that of the layers nothing is known."""
    if not layers and items:
        return Used(None, None)
    sizes = ((number(one.get("Size")), number(one.get("SharedSize"))) for one in items if one.get("Containers"))
    in_use = sum(size - shared for size, shared in sizes if size is not None and shared is not None)
    return Used(layers, None if layers is None else max(layers - in_use, 0))


def _summed(items: Iterable[tuple[float | None, bool]]) -> Used:
    """Sizes, and whether each is in use → their sums; unknown if there are some and none is known."""
    sizes = list(items)
    known = [(size, is_used) for size, is_used in sizes if size is not None]
    if sizes and not known:
        return Used(None, None)
    return Used(sum(size for size, _ in known), sum(size for size, is_used in known if not is_used))
