"""No coroutine waits for somebody else while nothing beside it can run: a test that sees one fails, by blockbuster.

Short looks at local files are no such wait: the kernel answers them from memory, and a thread for them would wait for
the interpreter's lock (ADR 0016). What waits for a disk, a network, a lock or the time is one.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from blockbuster import BlockBuster, BlockBusterFunction

_PACKAGES = ["collector", "shippers"]
_LOCAL_FILES = ("os.", "io.", "ScandirIterator.")
_MORE = (
    "os.fsync",
    "os.fdatasync",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "os.waitpid",
)  # unknown to blockbuster
# What may wait, as file → functions, and why.
MAY_WAIT = {
    "collector/web/access.py": {"token"},  # the token is written once, before anybody can ask
    "collector/dead_letters/folder.py": {"settle"},  # of a replay: who is cancelled can wait for nothing
}


@contextmanager
def watched() -> Iterator[None]:
    """Each such wait in a loop raises `blockbuster.BlockingError` where it is."""
    found = [one for name, one in BlockBuster(_PACKAGES).functions.items() if not name.startswith(_LOCAL_FILES)]
    found += [BlockBusterFunction(None, name, scanned_modules=_PACKAGES) for name in _MORE]
    for one in found:
        one.can_block_predicate = _or_is_a_tests_own(one.can_block_predicate)
        for file, functions in MAY_WAIT.items():
            one.can_block_in(file, functions)
        one.activate()
    try:
        yield
    finally:
        for one in found:
            one.deactivate()


def _or_is_a_tests_own(may_wait: Callable[..., bool]) -> Callable[..., bool]:
    """A test may call what the agent calls in a thread: the coroutine that waits is then the test."""

    def may(*arguments: Any, **options: Any) -> bool:
        frame = inspect.currentframe()
        while frame and not frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            frame = frame.f_back
        return (frame is not None and "/tests/" in frame.f_code.co_filename) or may_wait(*arguments, **options)

    return may
