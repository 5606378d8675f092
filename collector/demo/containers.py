"""Six containers that a small shop might run → what they say: each a function from chance and time to log lines.

The same random state and time give the same lines. While there is `trouble` a container says more of what goes wrong,
so that there is something to find.
"""

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Literal, NamedTuple

import orjson

from collector.demo.phrases import ADDRESSES, AGENTS, CHAT, JAVA_FRAMES, PATHS, QUERIES, TASKS, USERS


class LogLine(NamedTuple):
    """One line without its newline; `level` is "" for a line that goes on with the one before it."""

    text: str
    level: str = "info"
    stream: Literal["stdout", "stderr"] = "stdout"


Voice = Callable[[Random, datetime, bool], list[LogLine]]


class DemoContainer(NamedTuple):
    """A container: `share` of all events, `voice` gives the lines of one event; limits as in `JsonFile`."""

    name: str
    about: str
    image: str
    labels: dict[str, str]
    share: int
    voice: Voice
    health: str = ""
    max_bytes: int = 0
    max_files: int = 1


def access_log(random: Random, at: datetime, trouble: bool) -> list[LogLine]:
    """An access log in the combined format, as of nginx; a request that failed has a line of the error log too."""
    address, path = random.choice(ADDRESSES), random.choice(PATHS)
    method = "POST" if path.startswith(("/checkout", "/login")) else "GET"
    status = _status(random, trouble)
    size = 0 if status == 304 else random.randrange(160, 48_000)
    agent = random.choice(AGENTS)
    request = f"{method} {path} HTTP/1.1"
    level = "error" if status >= 500 else "warn" if status == 404 else "info"
    stamp = f"{at:%d/%b/%Y:%H:%M:%S} +0000"
    line = LogLine(f'{address} - - [{stamp}] "{request}" {status} {size} "https://shop.example/" "{agent}"', level)
    if status < 502:
        return [line]
    why = "upstream timed out (110: Connection timed out) while reading response header from upstream"
    failure = (
        f"{at:%Y/%m/%d %H:%M:%S} [error] 29#29: *{random.randrange(1, 90_000)} {why}, client: {address}, "
        f'server: shop.example, request: "{request}", upstream: "http://10.42.0.9:8080{path}", host: "shop.example"'
    )
    return [LogLine(failure, "error", "stderr"), line]


def user_api(random: Random, at: datetime, trouble: bool) -> list[LogLine]:
    """A service that writes one JSON object a line, with the fields Date, IP, Cost, Params and Resp."""
    user = random.choice(USERS)
    cost = round(random.lognormvariate(2.5, 0.9), 2)
    level, message, code = "info", random.choice(["login ok", "profile read", "token renewed", "session checked"]), 0
    if random.random() < (0.3 if trouble else 0.01):
        level, message, code = "error", "redis: i/o timeout reading from 10.42.0.12:6379", 5003
        cost = round(3000 + random.random() * 40, 2)
    elif random.random() < 0.04:
        level, message, code = "warn", "password did not match", 4001
    response = {"code": code, "msg": message if code else "ok", "data": {"user": user, "level": random.randrange(9)}}
    if random.random() < 0.0005:  # beyond the daemon's buffer: such a line is cut into pieces, and joined again
        response["data"] = {"user": user, "history": [f"order-{random.getrandbits(48):012x}" for _ in range(1500)]}
    fields = {
        "Date": f"{at:%Y-%m-%d %H:%M:%S}",
        "IP": random.choice(ADDRESSES),
        "Cost": cost,
        "Params": f"user={user}&token={random.getrandbits(64):016x}",
        "Resp": orjson.dumps(response).decode(),
        "level": level,
        "message": message,
        "logger": "log_output",
    }
    return [LogLine(orjson.dumps(fields).decode(), level)]


def checkout(random: Random, at: datetime, trouble: bool) -> list[LogLine]:
    """A Java service; what it catches it writes to stderr, a stack trace of a dozen lines."""
    order = random.randrange(100_000, 999_999)
    stamp = f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d}"
    thread = f"[http-nio-8080-exec-{random.randrange(1, 20)}]"
    if random.random() >= (0.25 if trouble else 0.01):
        euros = random.randrange(500, 40_000) / 100
        return [LogLine(f"{stamp} INFO  {thread} shop.checkout.Orders - order {order} paid, {euros:.2f} EUR")]
    cause, name = random.choice(
        [
            ("java.net.SocketTimeoutException: Read timed out", "PaymentTimeout"),
            ("java.net.ConnectException: Connection refused (Connection refused)", "PaymentUnreachable"),
        ]
    )
    trace = [
        f"shop.payment.{name}: order {order}",
        *(f"\tat {frame}" for frame in random.sample(JAVA_FRAMES, 5)),
        f"Caused by: {cause}",
        *(f"\tat {frame}" for frame in random.sample(JAVA_FRAMES, 3)),
        f"\t... {random.randrange(12, 48)} more",
    ]
    head = LogLine(f"{stamp} ERROR {thread} shop.payment.Client - payment of order {order} failed", "error", "stderr")
    return [head, *(LogLine(line, "", "stderr") for line in trace)]


def worker(random: Random, at: datetime, trouble: bool) -> list[LogLine]:
    """A chatty worker: key=value at level debug, now and then a Python traceback."""
    job, task = f"{random.getrandbits(32):08x}", random.choice(TASKS)
    stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
    if random.random() < (0.02 if trouble else 0.001):
        return [
            LogLine(f'time={stamp} level=error task={task} job={job} msg="job failed"', "error", "stderr"),
            LogLine("Traceback (most recent call last):", "", "stderr"),
            LogLine(f'  File "/app/worker/{task}.py", line {random.randrange(20, 400)}, in run', "", "stderr"),
            LogLine("    order = self.orders[payload['order']]", "", "stderr"),
            LogLine(f"KeyError: 'order-{job}'", "", "stderr"),
        ]
    milliseconds, queued = random.randrange(1, 900), random.randrange(40)
    said = random.choice(["job taken", "fetched", "heartbeat", "job done", "nothing to do"])
    return [LogLine(f'time={stamp} level=debug task={task} job={job} ms={milliseconds} queue={queued} msg="{said}"')]


def database(random: Random, at: datetime, trouble: bool) -> list[LogLine]:
    """PostgreSQL, which logs to stderr."""
    head = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d} UTC [{random.randrange(60, 90)}]"
    query = random.choice(QUERIES)
    if random.random() < (0.08 if trouble else 0.004):
        failure = LogLine(f"{head} ERROR:  canceling statement due to statement timeout", "error", "stderr")
        return [failure, LogLine(f"{head} STATEMENT:  {query}", "", "stderr")]
    milliseconds = random.lognormvariate(1.0, 1.2)
    level = "warn" if milliseconds > 40 else "info"
    return [LogLine(f"{head} LOG:  duration: {milliseconds:.3f} ms  statement: {query}", level, "stderr")]


def chat(random: Random, _: datetime, __: bool) -> list[LogLine]:
    """Plain text of people from everywhere, with what a log format must not stumble over."""
    user = random.choice(USERS)
    return [LogLine(f"<{user}> {random.choice(CHAT)}")]


def _status(random: Random, trouble: bool) -> int:
    chance = random.random()
    if chance < (0.15 if trouble else 0.004):
        return random.choice([500, 502, 504, 504])
    return random.choices([200, 201, 304, 404], [80, 6, 10, 4])[0]


_SHOP = {"com.docker.compose.project": "shop"}
_USER_CENTER = {"aliyun.logs.usercenter-go": "stdout", "aliyun.logs.usercenter-go.target": "usercenter-go-ol"}

CONTAINERS = (
    DemoContainer(
        name="shop-web-1",
        about="nginx access log",
        image="nginx:1.27",
        labels={**_SHOP, "com.docker.compose.service": "web"},
        share=26,
        voice=access_log,
        health="healthy",
    ),
    DemoContainer(
        name="r-baseService-usercenter-go-3-95f1c1f8",
        about="JSON, one object a line",
        image="registry.example/base/usercenter-go:3",
        labels=_USER_CENTER,
        share=22,
        voice=user_api,
    ),
    DemoContainer(
        name="shop-checkout-1",
        about="Java, stack traces",
        image="registry.example/shop/checkout:5.2",
        labels={**_SHOP, "com.docker.compose.service": "checkout"},
        share=8,
        voice=checkout,
        health="healthy",
    ),
    DemoContainer(
        name="shop-worker-1",
        about="chatty, key=value",
        image="registry.example/shop/worker:5.2",
        labels={**_SHOP, "com.docker.compose.service": "worker"},
        share=28,
        voice=worker,
    ),
    DemoContainer(
        name="shop-db-1",
        about="rotates every 64 kB",
        image="postgres:16",
        labels={**_SHOP, "com.docker.compose.service": "db"},
        share=12,
        voice=database,
        health="healthy",
        max_bytes=64_000,
        max_files=24,
    ),
    DemoContainer(
        name="chat",
        about="plain text, 世界 🌍",
        image="registry.example/chat:latest",
        labels={},
        share=4,
        voice=chat,
    ),
)
