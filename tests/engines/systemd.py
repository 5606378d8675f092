"""Debian's systemd as the first process of a container → a host of the tests' own, with services under real sandboxing.

It has the machine's programs (`host_image`) and network, and the daemon's socket and logs where a host has them.
"""

import os
from collections.abc import Mapping

from docker.models.containers import Container

from tests.engines.dockerd import Dockerd
from tests.engines.host_image import MOUNTS, Ended, host_image, run_in
from tests.engines.process import EngineError, wait_until

_IMAGE = "systemd-host"
_READY_SECONDS = 60
# In a container systemd leaves the propagation of mounts alone; private as Docker makes it, no credential arrives.
_BOOT = "mount --make-rshared / && exec /lib/systemd/systemd --unit=basic.target"
# What systemd needs to make a service's sandbox: namespaces, control groups, and the capabilities that it takes away.
_CAPABILITIES = ("SYS_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH", "SYS_NICE", "SYSLOG", "IPC_LOCK", "SYS_BOOT")


class SystemdHost:
    """One host beside the containers of `dockerd`, which it follows like its own. Starts with `start`."""

    def __init__(self, dockerd: Dockerd, files: Mapping[str, str], *, secrets: Mapping[str, str]) -> None:
        """`files` are the host's own, by their paths without the first slash; `secrets` are readable for root alone."""
        self._dockerd = dockerd
        group = os.stat(dockerd.socket).st_gid  # noqa: PTH116
        known = {
            "etc/machine-id": f"{'0123456789abcdef' * 2}\n",  # else a first boot enables every service
            "etc/group": f"root:x:0:\nnogroup:x:65534:\ndocker:x:{group or 999}:\n",
        }
        self._image = host_image(known | dict(files), secrets=secrets)
        self._container: Container | None = None

    def start(self) -> None:
        """Boot it.

        Raises:
            EngineError: it did not come up.
        """
        client = self._dockerd.client()
        client.api.import_image_from_data(self._image, repository=_IMAGE, tag="latest")
        volumes = [f"{here}:{there}:ro" for here, there in MOUNTS.items()]
        volumes += [f"{self._dockerd.socket}:/var/run/docker.sock", "/sys/fs/cgroup:/sys/fs/cgroup"]
        volumes += [f"{self._dockerd.logs_root}:/var/lib/docker/containers:ro"]
        self._container = client.containers.run(
            _IMAGE,
            ["sh", "-c", _BOOT],
            detach=True,
            environment={"container": "docker"},
            labels={"pilotfish.exclude": "true"},
            cap_add=list(_CAPABILITIES),
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            tmpfs={"/run": "", "/run/lock": "", "/tmp": ""},
            volumes=volumes,
            network_mode="host",
        )
        is_up = lambda: self.run("systemctl", "is-system-running").output.strip() in ("running", "degraded")  # noqa: E731
        if not wait_until(is_up, within_seconds=_READY_SECONDS):
            raise EngineError(f"systemd did not come up\n{self._container.logs().decode()[-2000:]}")

    def run(self, *words: str) -> Ended:
        """Run a command on the host as root; both streams are its output."""
        assert self._container is not None
        return run_in(self._container, *words)

    def close(self) -> None:
        """End it; may be called twice."""
        if self._container is not None:
            self._container.remove(force=True)
            self._container = None
