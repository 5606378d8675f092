"""The open files that the process may have → as many as it is allowed, and how many of them are for logs."""

import resource
from contextlib import suppress

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
