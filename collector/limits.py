"""What the process may use of its machine: open files, and the C library's pools of memory."""

import ctypes
import resource
from contextlib import suppress

_M_ARENA_MAX = -8  # glibc malloc.h
_KEPT_BACK = 128  # the HTTP port may take 96
_LEAST_OPEN_LOGS = 8


def raise_open_files() -> None:
    """Take all the open files that this process may have: a followed log is one, and shells start with 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # a sandbox may forbid it, and few containers need it
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_open_logs(outputs: int) -> int:
    """How many log files each output may have open; the other descriptors are for sockets and the state."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_LEAST_OPEN_LOGS, (soft - max(_KEPT_BACK, soft // 8)) // max(outputs, 1))


def limit_arenas(most: int = 2) -> None:
    """Let all threads share `most` pools of memory; does nothing where the C library is not glibc.

    By default each thread may have its own, and what one of them freed is of no use to another: with ten days of the
    store open this halves the resident memory (250 → 120 MB).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, most)
