"""Process with a network of its own → calls made inside that network, so that its loopback can be reached from here."""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

_CLONE_NEWNET = 0x40000000  # sched.h; os.setns is there from Python 3.12 on

T = TypeVar("T")


class Network:
    """The network of a process that runs; root only."""

    def __init__(self, pid: int) -> None:
        """Raises: OSError: no such process, or no right to enter."""
        # setns(2) moves the thread that calls it, and no other
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="netns")
        self._thread.submit(_enter, Path(f"/proc/{pid}/ns/net")).result()

    def call(self, function: Callable[[], T]) -> T:
        """What `function` returns; sockets that it makes belong to the network."""
        return self._thread.submit(function).result()

    def close(self) -> None:
        """End the thread; may be called twice."""
        self._thread.shutdown()


def _enter(namespace: Path) -> None:
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(namespace))
    finally:
        os.close(descriptor)
