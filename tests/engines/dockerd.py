"""Debian's dockerd → a daemon of the tests' own, beside any other: own socket, data, containerd and control group."""

import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from tests.engines.busybox import IMAGE, busybox_image
from tests.engines.directories import discard, new_directory
from tests.engines.process import EngineError, ServerProcess

_READY_SECONDS = 60
# Words that keep the daemon away from the machine's network; a container then has the loopback of its own only.
_NO_NETWORK = ("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")
# Words before it that give the daemon a network namespace of its own: its bridges, rules of iptables and ports meet
# those of no other daemon, and vanish with its last process.
_ISOLATED = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


class Dockerd:
    """One daemon with a busybox image; root only. Starts with `start`."""

    image = IMAGE

    def __init__(self, *, network: bool = False, isolated: bool = False, arguments: Sequence[str] = ()) -> None:
        """`network` gives containers a bridge; `arguments` are more words for dockerd, such as `--live-restore`.

        `isolated`, with `network`: in a network of its own, which reaches nothing; see `tests.engines.netns`.

        Raises:
            EngineError: not root, or dockerd is not installed.
        """
        if os.geteuid() != 0:
            raise EngineError("a Docker daemon needs root: run the tests as root")
        if not shutil.which("dockerd"):
            raise EngineError("dockerd is not installed: run python -m tests.engines.install")
        self.directory = new_directory("dockerd")
        self.socket = self.directory / "docker.sock"
        self.url = f"unix://{self.socket}"
        self.logs_root = self.directory / "data/containers"
        config = self.directory / "daemon.json"
        config.write_text("{}")
        self.process = ServerProcess(
            [
                *(_ISOLATED if isolated else ()),
                "dockerd",
                *("--config-file", config),
                *("--data-root", self.directory / "data"),
                *("--exec-root", self.directory / "exec"),
                *("--pidfile", self.directory / "pid"),
                *("--host", self.url),
                *("--cgroup-parent", f"/{self.directory.name}"),
                *("--exec-opt", "native.cgroupdriver=cgroupfs"),
                *(() if network else _NO_NETWORK),
                *arguments,
            ],
            log=self.directory / "dockerd.log",
            env={"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "HOME": str(self.directory)},
            death_signal="TERM",  # dockerd then stops its containers before it ends
        )
        self._client: docker.DockerClient | None = None

    def start(self) -> None:
        """Start on the same socket and the same data, and wait until it answers.

        Raises:
            EngineError: it did not become ready.
        """
        self.process.start(self._is_ready, within_seconds=_READY_SECONDS)
        if not self.client().images.list(IMAGE):
            repository, tag = IMAGE.split(":")
            self.client().api.import_image_from_data(
                busybox_image(), repository=repository, tag=tag, changes=['CMD ["sh"]']
            )

    def stop(self) -> None:
        """SIGTERM: the daemon stops its containers (unless `--live-restore`) and ends."""
        self._disconnect()
        self.process.stop()

    def kill(self) -> None:
        """SIGKILL to the daemon alone: the containers go on until it starts again or `close`."""
        self._disconnect()
        self.process.kill()
        # Its containerd dies with it by a signal of the kernel. A zombie that nobody has reaped yet would count as
        # running for the next dockerd, which then waits in vain for its socket.
        (self.directory / "exec/containerd/containerd.pid").unlink(missing_ok=True)

    def close(self) -> None:
        """End the daemon, its containers and all they left; may be called twice."""
        self.kill()
        discard(self.directory)

    def client(self) -> docker.DockerClient:
        """A client of the running daemon, closed with it; shared by all tests."""
        if self._client is None:
            self._client = docker.DockerClient(base_url=self.url, version="auto", timeout=60)
        return self._client

    def run(self, *command: str, **options: Any) -> Container:
        """Start a busybox container in the background; options are those of the Docker SDK's `containers.run`.

        A stop sends SIGKILL unless said otherwise, since a shell as process 1 lets every SIGTERM time out.
        """
        options = {"stop_signal": "SIGKILL"} | options
        return self.client().containers.run(IMAGE, list(command), detach=True, **options)

    def log_file(self, container: Container) -> Path:
        """Where the daemon writes the container's json-file log."""
        return self.logs_root / str(container.id) / f"{container.id}-json.log"

    def _is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:  # the SDK leaves its socket open when nobody listens
            connection.settimeout(5)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in connection.recv(64)
            except OSError:
                return False

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
