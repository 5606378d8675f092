"""The agent's own container is found by what Docker mounts into it, or by its cgroup."""

from pathlib import Path

import pytest

from collector.docker.self_container import own_container_id

ID = "0123456789abcdef" * 4
OTHER = "f" * 64
MOUNT = f"1 2 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
OVERLAY = f"3 2 0:5 / / rw - overlay overlay rw,upperdir=/var/lib/docker/overlay2/{OTHER}/diff\n"


@pytest.mark.parametrize(
    ("mountinfo", "cgroup", "found"),
    [
        (OVERLAY + MOUNT, "0::/\n", ID),
        (f"9 2 8:1 /data/docker/containers/{ID}/hostname /etc/hostname rw - xfs /dev/sdb rw\n", "", ID),
        ("", f"12:pids:/docker/{ID}\n", ID),
        ("", f"0::/system.slice/docker-{ID}.scope\n", ID),
        (f"1 2 8:1 /var/lib/docker/containers/{OTHER} /logs/containers/{OTHER} ro - ext4 /dev/sda1 rw\n", "0::/\n", ""),
        (OVERLAY, "0::/user.slice/session-1.scope\n", ""),
    ],
)
def test_the_own_id_is_found_inside_a_container_only(tmp_path: Path, mountinfo: str, cgroup: str, found: str) -> None:
    (tmp_path / "mountinfo").write_text(mountinfo)
    (tmp_path / "cgroup").write_text(cgroup)
    assert own_container_id(tmp_path) == found


def test_a_machine_that_tells_nothing_is_no_container(tmp_path: Path) -> None:
    assert own_container_id(tmp_path) == ""
