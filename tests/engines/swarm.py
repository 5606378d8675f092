"""A daemon of the tests' own → a swarm of one node, all of it on loopback; stacks come by the docker command."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker.errors
from docker.models.networks import Network

from tests.engines.dockerd import Dockerd
from tests.engines.process import EngineError, free_ports, wait_until

_GATEWAY = "docker_gwbridge"  # the network, by this name, through which tasks reach their node
_TASK = "com.docker.swarm.task"
_GONE_SECONDS = 60


class Swarm:
    """One node that is its own manager. Starts with `start`; leaves nothing on the machine after `close`."""

    def __init__(self, dockerd: Dockerd) -> None:
        self._dockerd = dockerd
        self._active = False

    @property
    def gateway(self) -> str:
        """The node's address as its tasks see it."""
        return str(self._network().attrs["IPAM"]["Config"][0]["Gateway"])

    def start(self) -> None:
        """Become a swarm."""
        client = self._dockerd.client()
        bridge = {"com.docker.network.bridge.name": f"pftest{os.getpid()}"[:15]}  # another daemon's swarm may have one
        client.networks.create(_GATEWAY, driver="bridge", options=bridge)
        self._active = True
        (port,) = free_ports(1)
        client.swarm.init(advertise_addr="127.0.0.1", listen_addr=f"127.0.0.1:{port}")

    def deploy(self, stack: str, *files: Path, environment: Mapping[str, str] | None = None) -> None:
        """`docker stack deploy`; the files see this environment and no other.

        Raises:
            EngineError: it is refused.
        """
        words = [word for file in files for word in ("--compose-file", str(file))]
        self._docker(["stack", "deploy", *words, stack], environment or {})

    def tasks(self, service: str) -> list[dict[str, Any]]:
        """Those that should run and do, oldest first."""
        one = self._dockerd.client().services.get(service)  # type: ignore[no-untyped-call]
        found: list[dict[str, Any]] = one.tasks({"desired-state": "running"})
        return sorted((one for one in found if one["Status"]["State"] == "running"), key=lambda one: one["CreatedAt"])

    def restart(self, service: str) -> None:
        """Replace each of its tasks by a new one; returns before that is done."""
        self._docker(["service", "update", "--force", "--detach", service], {})

    def close(self) -> None:
        """Remove the services and leave; may be called twice.

        Raises:
            EngineError: a bridge is left on the machine.
        """
        if not self._active:
            return
        self._active = False
        client = self._dockerd.client()
        with suppress(docker.errors.APIError):  # it never became one
            for service in client.services.list():
                service.remove()  # type: ignore[no-untyped-call]
            wait_until(lambda: not client.containers.list(filters={"label": _TASK}), within_seconds=_GONE_SECONDS)
            client.swarm.leave(force=True)
        if not wait_until(self._gateway_is_gone, within_seconds=_GONE_SECONDS):
            raise EngineError(f"the network {_GATEWAY} of the swarm cannot be removed")

    def _network(self) -> Network:
        return self._dockerd.client().networks.get(_GATEWAY)

    def _gateway_is_gone(self) -> bool:
        try:
            self._network().remove()
        except docker.errors.NotFound:
            return True
        except docker.errors.APIError:  # tasks are still on it
            return False
        return True

    def _docker(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        command = ["docker", "--host", self._dockerd.url, *words]
        base = {"PATH": os.environ["PATH"], "HOME": str(self._dockerd.directory)}
        done = subprocess.run(command, env=base | dict(environment), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EngineError(f"docker {' '.join(words)} failed: {done.stderr}")
