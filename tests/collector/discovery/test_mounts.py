"""Laws of mounts: which one a path is in, whoever tells them, and that odd ones hide no other."""

from typing import Any

import pytest

from collector.discovery.mounts import Mount, mounts_of, nearest

INSPECTED = {
    "Mounts": [
        {"Type": "volume", "Name": "logs", "Source": "/var/lib/docker/volumes/logs/_data", "Destination": "/var/log",
         "Driver": "local"},
        {"Type": "bind", "Source": "/srv/app/", "Destination": "/var/log/app/"},
        {"Type": "tmpfs", "Source": "", "Destination": "/run"},
    ],
    "HostConfig": {"Tmpfs": {"/var/log/app/tmp": "size=1m"}},
}  # fmt: skip
ON_DISK = {
    "LogPath": "/data/docker/containers/c0ffee/c0ffee-json.log",
    "MountPoints": {
        "/var/log": {"Type": "volume", "Name": "logs", "Source": "", "Destination": "/var/log", "Driver": "local"},
        "/srv": {"Type": "bind", "Source": "/srv/app", "Destination": "/srv"},
    },
}


def test_those_of_an_answer_and_of_the_daemons_files_are_read() -> None:
    assert mounts_of(INSPECTED) == (
        Mount("/var/log", "/var/lib/docker/volumes/logs/_data", "volume"),
        Mount("/var/log/app", "/srv/app", "bind"),
        Mount("/run", "", "tmpfs"),
        Mount("/var/log/app/tmp", "", "tmpfs"),
    )
    assert mounts_of(ON_DISK) == (
        Mount("/var/log", "/data/docker/volumes/logs/_data", "volume"),
        Mount("/srv", "/srv/app", "bind"),
    )


@pytest.mark.parametrize(
    ("path", "destination"),
    [
        ("/var/log", "/var/log"),
        ("/var/log/x", "/var/log"),
        ("/var/log/app", "/var/log/app"),
        ("/var/log/app/x/y", "/var/log/app"),
        ("/var/log/app/tmp/x", "/var/log/app/tmp"),
        ("/var/log/application/x", "/var/log"),
        ("/var/logs", None),
        ("/", None),
    ],
)
def test_the_nearest_mount_counts(path: str, destination: str | None) -> None:
    found = nearest(path, mounts_of(INSPECTED))
    assert (found and found.destination) == destination


def test_a_mount_at_the_root_has_all_that_no_other_has() -> None:
    root = Mount("/", "/srv", "bind")
    assert nearest("/x/y", [root, Mount("/x/z", "/z", "bind")]) == root


@pytest.mark.parametrize(
    "odd",
    [None, 1, "x", {}, {"Destination": 1}, {"Destination": "relative"}, {"Source": "/x"}, {"Destination": "\0"}],
)
def test_odd_ones_hide_no_other(odd: Any) -> None:
    good = {"Type": "bind", "Source": "/srv", "Destination": "/logs"}
    assert mounts_of({"Mounts": [odd, good]}) == (Mount("/logs", "/srv", "bind"),)
    assert mounts_of({"Mounts": odd, "HostConfig": odd, "LogPath": odd}) == ()


@pytest.mark.parametrize("source", ["relative/path", "../x", "", None, 5])
def test_a_place_that_is_no_path_of_the_host_is_not_known(source: object) -> None:
    assert mounts_of({"Mounts": [{"Type": "bind", "Source": source, "Destination": "/x"}]}) == (
        Mount("/x", "", "bind"),
    )
