"""Rate → lines appended to the logs of a tree, in a process of its own; each line's time is when it was written.

The rate is read from the board ten times a second and more, so that it can grow; every line has a token of its own.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from collector.runtime.open_files import raise_open_files
from tests.bench.board import Board, Slot
from tests.bench.workload import envelope, json_text, log_of, make_container

_TICK_SECONDS = 0.02
_POOL = 256
_PLAIN_EVERY = 20


@contextmanager
def started(tree: Path, files: int, board: Board, *, first: int = 0, together: int = 1) -> Iterator[None]:
    """Write to `files` logs in `tree`, at the board's rate, until the block ends; the logs are there when it begins.

    They are those of the containers from number `first` on. At least so many lines are written `together`, to one log
    after the other.
    """
    for number in range(first, first + files):
        make_container(tree, number).touch()
    told = [board.fd, tree, first, files, together]
    words = [sys.executable, "-m", "tests.bench.generator", *map(str, told)]
    with subprocess.Popen(words, pass_fds=(board.fd,)) as process:
        try:
            yield
        finally:
            board[Slot.STOP] = 1
            process.wait()


class Lines:
    """Lines out of a seeded pool, each with its own number."""

    def __init__(self, seed: int = 1) -> None:
        random = Random(seed)
        self._pool = [_template(random, number) for number in range(_POOL)]

    def made(self, first: int, count: int, stamp: bytes) -> bytes:
        """So many of them, from number `first` on, written at `stamp`."""
        pool = self._pool
        return b"".join([pool[number % _POOL] % (number, stamp) for number in range(first, first + count)])


def stamp(nanoseconds: int) -> bytes:
    """As Docker writes a time."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return b"%b.%09dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode(), rest)


def _template(random: Random, number: int) -> bytes:
    """A line with room for its number and its time."""
    if number % _PLAIN_EVERY:
        text, room = json_text(random, "NUMBER"), b"%016x"
    else:
        text, room = f"GET /index.html {random.randrange(10**6)} curl/8.1 seq=0-NUMBER", b"%d"
    line = envelope(text + "\n", stream="stdout", time="TIME").encode().replace(b"%", b"%%")
    return line.replace(b"NUMBER", room).replace(b"TIME", b"%b")


def _write(board: Board, logs: Sequence[Path], *, together: int, first: int) -> None:
    """Lines of another generator, which begins with another log, have other numbers."""
    files = [os.open(log, os.O_WRONLY | os.O_APPEND) for log in logs]
    lines, due, before, turn = Lines(), 0.0, time.monotonic(), 0
    while not board[Slot.STOP]:
        time.sleep(_TICK_SECONDS)
        now = time.monotonic()
        due, before = due + board[Slot.RATE] * (now - before), now
        count = int(due) - board[Slot.LINES]
        each = max(together, -(-count // len(files)))  # a few lines go to a few files, in turns
        while count >= together:
            part = min(each, count)
            os.write(
                files[turn % len(files)], lines.made((first << 32) + board[Slot.LINES], part, stamp(time.time_ns()))
            )
            board[Slot.LINES] += part
            count -= part
            turn += 1


if __name__ == "__main__":
    raise_open_files()
    first, files, together = map(int, sys.argv[3:])
    logs = [log_of(Path(sys.argv[2]), number) for number in range(first, first + files)]
    _write(Board(int(sys.argv[1])), logs, together=together, first=first)
