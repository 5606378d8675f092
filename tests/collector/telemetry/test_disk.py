"""Disk usage is what `docker system df` shows, in the form of older daemons and of newer ones."""

from typing import Any

import pytest

from collector.telemetry.disk import Used, used_by_kind

LISTED: dict[str, Any] = {
    "LayersSize": 1000,
    "Images": [{"Size": 400, "SharedSize": 100, "Containers": 1}, {"Size": 700, "SharedSize": -1, "Containers": 0}],
    "Containers": [{"SizeRw": 5, "State": "exited"}, {"SizeRw": 7, "State": "running"}],
    "Volumes": [{"UsageData": {"Size": 50, "RefCount": 0}}, {"UsageData": {"Size": -1, "RefCount": 1}}],
    "BuildCache": [{"Size": 9, "InUse": False, "Shared": False}, {"Size": 4, "InUse": True, "Shared": False}],
}
ADDED_UP: dict[str, Any] = {
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


@pytest.mark.parametrize("layers", [{"LayersSize": 0}, {"LayersSize": -1}, {"LayersSize": None}, {}])
def test_images_whose_layers_were_not_measured_are_unknown(layers: dict[str, object]) -> None:
    """As with the containerd image store of engines 23 to 27, and with podman."""
    found = used_by_kind({key: value for key, value in LISTED.items() if key != "LayersSize"} | layers)
    assert found == USED | {"images": Used(None, None)}


@pytest.mark.parametrize("size", [-1, None, "50", True])
def test_a_kind_of_which_no_size_was_measured_is_unknown_and_takes_no_other_with_it(size: object) -> None:
    volumes = [{"UsageData": {"Size": size, "RefCount": 1}}, {"UsageData": None}, None]
    assert used_by_kind(LISTED | {"Volumes": volumes}) == USED | {"volumes": Used(None, None)}
    sums = ADDED_UP | {"BuildCacheUsage": {"TotalSize": size, "Reclaimable": 9}}
    assert used_by_kind(sums) == USED | {"build_cache": Used(None, 9)}


def test_an_image_of_unknown_size_takes_nothing_from_what_others_use() -> None:
    images = [*LISTED["Images"], {"Size": 9, "SharedSize": -1, "Containers": 2}]
    assert used_by_kind(LISTED | {"Images": images}) == USED


def test_what_is_not_told_is_unknown() -> None:
    assert used_by_kind({}) == {}
    assert used_by_kind({"VolumeUsage": {}}) == {"volumes": Used(0, 0)}
