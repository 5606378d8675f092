"""Seeded json-file trees → `OUT/<id>/<id>-json.log` with `config.v2.json`: the same arguments give the same bytes.

Lines look like those of the services this project was made for: JSON objects of about 320 bytes with the fields
Date, IP, Cost, Params, Resp, level, message and trace_id; some plain text, some beyond ASCII. Line k of a container
is unique (by trace_id or seq=).
"""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random

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


def write_tree(root: Path, *, lines: int, containers: int, seed: int = 1, plain: float = 0.05) -> int:
    """Write the tree and return the bytes of its logs; a tree that is there already is taken as it is."""
    done = root / f"{lines}-{containers}-{seed}-{plain}.done"
    if not done.exists():
        for number in range(containers):
            _write_container(root, number, lines // containers + (number < lines % containers), seed, plain)
        done.touch()
    return sum(path.stat().st_size for path in root.glob("*/*-json.log"))


def _write_container(root: Path, number: int, lines: int, seed: int, plain: float) -> None:
    container_id = sha256(f"{seed}-{number}".encode()).hexdigest()
    folder = root / container_id
    folder.mkdir(parents=True, exist_ok=True)
    config = {"ID": container_id, "Name": f"/web-{number}", "State": {"Running": True}, "Config": {"Labels": {}}}
    (folder / "config.v2.json").write_text(json.dumps(config))
    random = Random(seed * 1_000_003 + number)
    step = 86_000_000_000_000 // max(lines, 1)  # all inside one day of UTC
    with (folder / f"{container_id}-json.log").open("w") as file:
        nanoseconds = 0
        for line in range(lines):
            nanoseconds += random.randrange(1, step)
            text = _plain(random, number, line) if random.random() < plain else _json(random, line)
            stream = "stderr" if random.random() < 0.1 else "stdout"
            file.write(f'{{"log":{_escaped(text)},"stream":"{stream}","time":"{_time(nanoseconds)}"}}\n')


def _plain(random: Random, number: int, line: int) -> str:
    return random.choice(_PLAIN).format(n=random.randrange(64), m=random.randrange(20, 999), q=f"{number}-{line}")


def _json(random: Random, line: int) -> str:
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
        "trace_id": f"{random.getrandbits(44) << 20 | line & 0xFFFFF:016x}",
    }
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _escaped(text: str) -> str:
    """As Docker's jsonlog writes a string: UTF-8 left alone, < > and & escaped."""
    quoted = json.dumps(text + "\n", ensure_ascii=False)
    return quoted.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _time(nanoseconds: int) -> str:
    """RFC 3339 with trailing zeros of the fraction cut, as Go writes it."""
    seconds, rest = divmod(nanoseconds, 10**9)
    fraction = f".{rest:09d}".rstrip("0").rstrip(".")
    return (_START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"
