"""Seeded json-file trees → `OUT/<id>/<id>-json.log` with `config.v2.json`: the same arguments give the same bytes.

Four shapes: `mixed` lines look like those of the services this project was made for, JSON objects of about 320 bytes,
some plain text, some beyond ASCII; `stacks` are stack traces; in `long` one line of a hundred has 64 KiB, in pieces
of 16 KiB that alternate with those of the other stream; `access` are access logs.
Each line has a token of its own: its trace_id or its seq=.
"""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import NamedTuple

LONG_BYTES = 64 << 10
PIECE_BYTES = 16 << 10  # moby daemon/logger/copier.go
_PLAIN_SHARE = 0.05
_LONG_SHARE = 0.01
_ACCESS_BYTES = 512
_FEW_LINES = 50_000  # not worth a process

_START = datetime(2026, 11, 23, tzinfo=UTC)
_LEVELS = ["info"] * 14 + ["warn"] * 3 + ["debug"] * 2 + ["error"]
_PATHS = ["/api/v1/orders", "/api/v1/cart", "/login", "/api/v2/users/profile", "/health", "/api/v1/items/search"]
_DONE = ["request done", "order created", "cache miss", "user logged in", "payment accepted", "slow query"]
_WORDS = [
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "redis"),
    *("mysql", "timeout", "pool", "shard", "leader", "replica", "commit", "offset", "latency", "gateway", "upstream"),
    *("worker", "queue", "batch", "flush"),
]
_BEYOND_ASCII = ["订单已创建", "支付成功", "Größe überschritten", "naïve café", "обработано", "🚀 deployed"]
_PLAIN = [
    "2026-11-23 WARN  [pool-{n}] c.e.Worker - pool stats active={n} idle={m} seq={q}",
    "\tat com.example.orders.OrderService.create(OrderService.java:{m}) seq={q}",
    "panic: runtime error: index out of range [{n}] with length {m} seq={q}",
    '10.0.{n}.{m} - - [23/Nov/2026] "GET /index.html HTTP/1.1" 200 {m} "-" "curl/8.1" seq={q}',
]
_STACK = [
    "java.lang.IllegalStateException: order {m} is <closed> & cannot be paid seq={q}",
    "\tat com.example.orders.OrderService.lambda$create$0(OrderService.java:{m}) seq={q}",
    "\tat java.base/java.util.concurrent.ThreadPoolExecutor$Worker.run(ThreadPoolExecutor.java:{m}) seq={q}",
    '  File "/srv/shop/orders/service.py", line {m}, in create_order seq={q}',
    "Caused by: java.sql.SQLException: Deadlock found when trying to get lock {n} seq={q}",
]


class Line(NamedTuple):
    """What a container wrote: `pieces` is its text as Docker keeps it, `is_error` its stream."""

    pieces: list[str]
    is_error: bool


def write_tree(root: Path, *, lines: int, containers: int, seed: int = 1, shape: str = "mixed") -> Path:
    """Write a tree in a folder of its own below `root` and return that; one that is there is taken as it is."""
    tree = root / f"{shape}-{lines}-{containers}-{seed}"
    if not (done := tree / "done").exists():
        shares = [lines // containers + (number < lines % containers) for number in range(containers)]
        if lines < _FEW_LINES or containers == 1:
            for number, share in enumerate(shares):
                _write_container(tree, number, share, seed, shape)
        else:
            with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
                each = repeat(tree), range(containers), shares, repeat(seed), repeat(shape)
                list(pool.map(_write_container, *each))
        done.touch()
    return tree


def size_of(tree: Path) -> int:
    """Bytes of the logs in a tree."""
    return sum(path.stat().st_size for path in tree.glob("*/*-json.log"))


def raw_lines(tree: Path) -> int:
    """Lines of the logs in a tree, each piece of a long one counted."""
    return sum(path.read_bytes().count(b"\n") for path in tree.glob("*/*-json.log"))


def make_container(tree: Path, number: int, seed: int = 1) -> Path:
    """A folder with a container's description; returns where its log belongs."""
    log = log_of(tree, number, seed)
    log.parent.mkdir(parents=True, exist_ok=True)
    config = {"ID": log.parent.name, "Name": f"/web-{number}", "State": {"Running": True}, "Config": {"Labels": {}}}
    (log.parent / "config.v2.json").write_text(json.dumps(config))
    return log


def log_of(tree: Path, number: int, seed: int = 1) -> Path:
    """Where the log of a container is, or belongs."""
    container_id = sha256(f"{seed}-{number}".encode()).hexdigest()
    return tree / container_id / f"{container_id}-json.log"


def envelope(text: str, *, stream: str, time: str) -> str:
    """As Docker's jsonlog writes a line: UTF-8 left alone, < > and & escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    quoted = quoted.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return f'{{"log":{quoted},"stream":"{stream}","time":"{time}"}}\n'


def json_text(random: Random, trace_id: str) -> str:
    """One line of a service that logs JSON; the trace_id is its last member."""
    message = random.choice(_DONE) + " " + " ".join(random.choices(_WORDS, k=random.randrange(1, 14)))
    if random.random() < 0.02:
        message = f"{random.choice(_BEYOND_ASCII)} {message}"
    answer = {"code": random.choice((0, 0, 0, 400)), "n": random.randrange(1000)}
    found = {
        "Date": "2026-11-23 12:00:00",
        "IP": f"10.0.{random.randrange(4)}.{random.randrange(1, 255)}",
        "Cost": random.randrange(1, 20000) / 10,
        "Params": f"uid={random.randrange(10**6)}&path={random.choice(_PATHS)}&page={random.randrange(40)}",
        "Resp": json.dumps(answer, separators=(",", ":")),
        "level": random.choice(_LEVELS),
        "message": message,
        "trace_id": trace_id,
    }
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _write_container(tree: Path, number: int, lines: int, seed: int, shape: str) -> None:
    random = Random(seed * 1_000_003 + number)
    step = 86_000_000_000_000 // max(lines, 1)  # all inside one day of UTC
    nanoseconds = 0
    with make_container(tree, number, seed).open("w") as file:
        for together in _SHAPES[shape](random, number, lines):
            nanoseconds += random.randrange(len(together), step)
            for index in range(max(len(line.pieces) for line in together)):
                for before, line in enumerate(together):
                    if index < len(line.pieces):
                        stream = "stderr" if line.is_error else "stdout"
                        file.write(envelope(line.pieces[index], stream=stream, time=_time(nanoseconds + before)))


def _mixed(random: Random, number: int, lines: int) -> Iterator[list[Line]]:
    for line in range(lines):
        yield [Line([_mixed_text(random, number, line) + "\n"], random.random() < 0.1)]


def _mixed_text(random: Random, number: int, line: int) -> str:
    if random.random() < _PLAIN_SHARE:
        return _filled(random, _PLAIN, number, line)
    return json_text(random, f"{random.getrandbits(44) << 20 | line & 0xFFFFF:016x}")


def _stacks(random: Random, number: int, lines: int) -> Iterator[list[Line]]:
    for line in range(lines):
        yield [Line([_filled(random, _STACK, number, line) + "\n"], is_error=True)]


def _access(random: Random, number: int, lines: int) -> Iterator[list[Line]]:
    """Lines of 512 bytes, as nginx has them with the usual long agents."""
    for line in range(lines):
        head = (
            f"10.0.{random.randrange(4)}.{random.randrange(1, 255)} - - [23/Nov/2026:02:13:{line % 60:02} +0000] "
            f'"GET {random.choice(_PATHS)}?seq={number}-{line}&uid={random.randrange(10**6)} HTTP/1.1" '
            f"{random.choice((200, 200, 200, 304, 404))} {random.randrange(100, 99_999)} "
            f'"https://shop.example.org{random.choice(_PATHS)}?q={random.choice(_WORDS)}" "'
        )
        agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 "
        yield [Line([head + (agent * 4)[: _ACCESS_BYTES - len(head) - 1] + '"\n'], is_error=False)]


def _long(random: Random, number: int, lines: int) -> Iterator[list[Line]]:
    """Long lines come in pairs, one a stream, whose pieces alternate."""
    line = 0
    while line < lines:
        if line + 1 < lines and random.random() < _LONG_SHARE / 2:
            yield [Line(_pieces(random, f"{number}-{line + which}"), bool(which)) for which in (0, 1)]
            line += 2
        else:
            yield [Line([_mixed_text(random, number, line) + "\n"], random.random() < 0.1)]
            line += 1


def _pieces(random: Random, token: str) -> list[str]:
    words = " ".join(random.choices(_WORDS, k=200))
    end = f" end={token}\n"
    text = (f"seq={token} " + words * (LONG_BYTES // len(words) + 1))[: LONG_BYTES - len(end)] + end
    return [text[start : start + PIECE_BYTES] for start in range(0, LONG_BYTES, PIECE_BYTES)]


def _filled(random: Random, texts: list[str], number: int, line: int) -> str:
    return random.choice(texts).format(n=random.randrange(64), m=random.randrange(20, 999), q=f"{number}-{line}")


_SHAPES: dict[str, Callable[[Random, int, int], Iterator[list[Line]]]] = {
    "mixed": _mixed,
    "stacks": _stacks,
    "long": _long,
    "access": _access,
}


def _time(nanoseconds: int) -> str:
    """RFC 3339 with trailing zeros of the fraction cut, as Go writes it."""
    seconds, rest = divmod(nanoseconds, 10**9)
    fraction = f".{rest:09d}".rstrip("0").rstrip(".")
    return (_START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"
