"""The faulty endpoint seen from a test: started, given orders, asked, ended."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from tests.faults.faults import Faults, Told


class FaultyEndpoint:
    """One process with a port for each node of a cluster; its documents lie in `accepted` and `refused`."""

    def __init__(self, directory: Path, seed: int, nodes: int = 1) -> None:
        directory.mkdir(parents=True)
        self.accepted = directory / "accepted"
        self.refused = directory / "refused"
        command = [sys.executable, "-m", "tests.faults.faulty_endpoint", str(directory), str(seed), str(nodes)]
        # The share of ids that is refused is drawn from their hash.
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONHASHSEED": "0"})
        self._ports: list[int] = []

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._child.pid

    @property
    def ports(self) -> list[int]:
        """For orders, then of each node; waits until they are known."""
        if not self._ports:
            assert self._child.stdout is not None
            self._ports = [int(word) for word in self._child.stdout.readline().split()]
        return self._ports

    @property
    def urls(self) -> list[str]:
        """What an output's `hosts` name."""
        return [f"http://127.0.0.1:{port}" for port in self.ports[1:]]

    def order(self, *, node: int = 0, **faults: Any) -> None:
        """These faults of a node from now on, and no others."""
        self._ask(f"/faults/{node}", msgspec.json.encode(Faults(**faults)))

    def told(self) -> Told:
        """What it has seen; `accepted` and `refused` are up to date then."""
        return msgspec.json.decode(self._ask("/told"), type=Told)

    def close(self) -> None:
        """End it; may be called twice."""
        self._child.kill()
        self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}{path}", data=body, timeout=30) as answer:
            return bytes(answer.read())
