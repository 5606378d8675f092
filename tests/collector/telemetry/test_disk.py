"""Disk usage is what `docker system df` shows, in the form of older daemons and of newer ones."""

from collector.telemetry.disk import Used, used_by_kind

LISTED = {
    "LayersSize": 1000,
    "Images": [{"Size": 400, "SharedSize": 100, "Containers": 1}, {"Size": 700, "SharedSize": -1, "Containers": 0}],
    "Containers": [{"SizeRw": 5, "State": "exited"}, {"SizeRw": 7, "State": "running"}],
    "Volumes": [{"UsageData": {"Size": 50, "RefCount": 0}}, {"UsageData": {"Size": -1, "RefCount": 1}}],
    "BuildCache": [{"Size": 9, "InUse": False, "Shared": False}, {"Size": 4, "InUse": True, "Shared": False}],
}
ADDED_UP = {
    "ImageUsage": {"TotalCount": 2, "ActiveCount": 1, "TotalSize": 1000, "Reclaimable": 700},
    "ContainerUsage": {"TotalSize": 12, "Reclaimable": 5},
    "VolumeUsage": {"TotalSize": 50, "Reclaimable": 50},
    "BuildCacheUsage": {"TotalSize": 13, "Reclaimable": 9},
}
USED = {
    "images": Used(1000, 700),
    "containers": Used(12, 5),
    "volumes": Used(50, 50),
    "build_cache": Used(13, 9),
}


def test_what_is_listed_is_added_up() -> None:
    assert used_by_kind(LISTED) == USED


def test_what_the_daemon_adds_up_is_taken_over() -> None:
    assert used_by_kind(ADDED_UP) == USED
    assert used_by_kind(LISTED | ADDED_UP) == USED


def test_a_host_without_anything_uses_nothing() -> None:
    nothing = {"LayersSize": 0, "Images": None, "Containers": None, "Volumes": None, "BuildCache": None}
    assert used_by_kind(nothing) == dict.fromkeys(USED, Used(0, 0))


def test_what_is_not_told_is_unknown() -> None:
    assert used_by_kind({}) == {}
    assert used_by_kind({"VolumeUsage": {}}) == {"volumes": Used(0, 0)}
