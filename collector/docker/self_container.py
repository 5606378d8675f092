"""Which container is the agent itself in: its own log is never shipped, or each shipped line would make another."""

import re
from pathlib import Path

_ID = re.compile(rb"/(?:docker/|docker-|containers/)([0-9a-f]{64})")


def own_container_id(process: Path = Path("/proc/self")) -> str:
    """The full id, or "" outside of a container.

    Docker mounts `<data root>/containers/<id>/hostname` into each container, whatever the cgroup version; with cgroup
    v1 the id also names the cgroup.
    """
    for name, marker in (("mountinfo", b"/etc/hostname"), ("cgroup", b"")):
        try:
            content = (process / name).read_bytes()
        except OSError:
            continue
        for line in content.splitlines():
            if marker in line and (found := _ID.search(line)):
                return found[1].decode()
    return ""
