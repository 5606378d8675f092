"""Containers that log at a controlled rate, as a process of their own: `python -m tests.faults.generator PLAN`.

Each line carries its container, stream, number and the checksum of its payload. Orders come on standard input, a line
each: `rate N` (lines a second from now on), `stop` (or its end): what was written is then saved, and it exits.
"""

import os
import select
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec
import orjson
from msgspec import Struct

from tests.faults.container_log import ContainerLog
from tests.faults.written import Written

_TICK_SECONDS = 0.01
_WORDS = [
    "alpha",
    "größer",
    "订单已创建",
    "<b>&amp;</b>",
    "tab\there",
    'quote "q"',
    "back\\slash",
    "🚀",
    "timeout",
    "redis",
]


class Plan(Struct, kw_only=True):
    """What to write. `lines` 0 goes on until told to stop; `long` is the share of lines over 16 KiB."""

    root: str
    saved: str
    pid_file: str
    seed: int
    containers: list[str]
    lines_per_second: float
    lines: int = 0
    payload_bytes: int = 120
    long: float = 0.0
    max_bytes: int = 0
    max_files: int = 1
    compress: bool = False


def text_of(container: str, stream: str, number: int, payload: str, *, plain: bool) -> bytes:
    """A line that tells who it is; JSON or plain text."""
    checksum = f"{zlib.crc32(payload.encode()):08x}"
    if plain:
        return f"{container} {stream} {number} {checksum} {payload}".encode()
    return orjson.dumps({"c": container, "s": stream, "n": number, "sum": checksum, "pad": payload})


def payload_of(random: Random, size: int) -> str:
    """Words of about so many characters, some of them awkward."""
    found = " ".join(random.choices(_WORDS, k=max(1, size // 8)))
    return f"{found} {random.getrandbits(32):08x}"


class _Crowd:
    """All containers of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.written = Written()
        self.lines = 0
        self._plan = plan
        self._random = Random(plan.seed)
        pid_file = Path(plan.pid_file)
        self._logs = [
            ContainerLog(
                Path(plan.root),
                name,
                self.written,
                max_bytes=plan.max_bytes,
                max_files=plan.max_files,
                compress=plan.compress,
                target=f"Shop-{number}" if number % 2 else "",
                agent_pid=lambda: int(pid_file.read_text() or 0) if pid_file.exists() else 0,
            )
            for number, name in enumerate(plan.containers)
        ]

    def write(self, count: int) -> None:
        """So many lines, each to a random container."""
        random = self._random
        for _ in range(count):
            log = random.choice(self._logs)
            stream = "stderr" if random.random() < 0.3 else "stdout"
            is_long = random.random() < self._plan.long
            size = random.randrange(17_000, 60_000) if is_long else random.randrange(1, 2 * self._plan.payload_bytes)
            payload = payload_of(random, size)
            log.line(text_of(log.container.name, stream, self.lines, payload, plain=random.random() < 0.2), stream)
            self.lines += 1

    def close(self) -> None:
        """Finish and save."""
        for log in self._logs:
            log.close()
        self.written.save(Path(self._plan.saved))


def generate(plan: Plan) -> None:
    """Write until all is written or the order to stop comes."""
    crowd = _Crowd(plan)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    rate, due, last = plan.lines_per_second, 0.0, time.monotonic()
    while not plan.lines or crowd.lines < plan.lines:
        if select.select([sys.stdin], [], [], _TICK_SECONDS)[0]:
            words = _order()
            if words[0] == "stop":
                break
            rate = float(words[1])
        now = time.monotonic()
        due, last = due + min(now - last, 1.0) * rate, now
        count = min(int(due), plan.lines - crowd.lines if plan.lines else 1 << 30)
        crowd.write(count)
        due -= count
    crowd.close()


def _order() -> Sequence[str]:
    line = bytearray()
    while (byte := os.read(sys.stdin.fileno(), 1)) not in (b"", b"\n"):
        line += byte
    return line.decode().split() or ["stop"]


class Generator:
    """The process seen from a test."""

    def __init__(self, plan: Plan) -> None:
        self._saved = Path(plan.saved)
        plan_file = self._saved.with_suffix(".plan")
        plan_file.write_bytes(msgspec.json.encode(plan))
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.generator", str(plan_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def wait_until_ready(self) -> None:
        """Until every container is there."""
        assert self._child.stdout is not None
        assert self._child.stdout.readline() == b"ready\n"

    def rate(self, lines_per_second: float) -> None:
        """So fast from now on."""
        self._send(f"rate {lines_per_second}\n")

    def stop(self) -> Written:
        """Have it stop, if it has not finished; what it wrote."""
        if self._child.poll() is None:
            self._send("stop\n")
        return self.wait()

    def wait(self, seconds: float = 120) -> Written:
        """Until it has written all of its lines; what it wrote."""
        assert self._child.wait(timeout=seconds) == 0
        self.close()
        return Written.load(self._saved)

    def close(self) -> None:
        """End it whatever it does; may be called twice."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()

    def _send(self, order: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(order.encode())
        self._child.stdin.flush()


if __name__ == "__main__":
    generate(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan))
