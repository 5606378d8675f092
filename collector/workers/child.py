"""A worker's process: `python -m collector.workers`, started by `supervisor` and by nobody else.

Its standard input brings configuration and share, and again after each reload; it ends when the agent that started it
is gone: then it ends at once, which is as safe as a kill -9. Its standard output gets one line: where it listens, or
why it cannot start.
"""

import asyncio
import os
import pickle
import sys
from collections.abc import Iterator, Mapping

import msgspec
import structlog
from msgspec import Struct

from collector.app.agent import Agent, run_until_signal
from collector.config.models import Configuration
from collector.discovery.share import Share
from collector.errors import ConfigurationError, PilotfishError, leaves
from collector.runtime import log_output, signals

log = structlog.get_logger(__name__)

Order = tuple[Configuration, Share]


class Word(Struct, omit_defaults=True):
    """What it says: `listens` on this port (0: on none), or why it cannot start, with the exit code."""

    listens: int = 0
    cause: str = ""
    remedy: str = ""
    exit_code: int = 0


def order(configuration: Configuration, share: Share) -> bytes:
    """What `supervisor` sends."""
    body = pickle.dumps((configuration, share))
    return len(body).to_bytes(4) + body


class Orders:
    """What comes on the standard input."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._read = b""

    def wait(self) -> Order:
        """The next one. Who started us is gone if there is none: then this process ends."""
        while (order := self._next()) is None:
            self._take()
        return order

    def arrived(self) -> Iterator[Order]:
        """Those that are whole with what can be read now; ends the process as `wait` does."""
        self._take()
        while (order := self._next()) is not None:
            yield order

    def _take(self) -> None:
        data = os.read(self.descriptor, 1 << 16)
        if not data:
            os._exit(1)
        self._read += data

    def _next(self) -> Order | None:
        size = int.from_bytes(self._read[:4])
        if len(self._read) < 4 + size or not size:
            return None
        body, self._read = self._read[4 : 4 + size], self._read[4 + size :]
        ordered: Order = pickle.loads(body)  # noqa: S301 - from who started us
        return ordered


def _say(word: Word) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


async def _work(configuration: Configuration, share: Share, messages: Mapping[str, int], orders: Orders) -> None:
    agent = Agent(configuration, share, messages=messages)
    asyncio.get_running_loop().add_reader(orders.descriptor, _take_orders, agent, orders)
    await run_until_signal(
        agent, on_ready=lambda: _say(Word(agent.address.port if agent.address else 0)), is_worker=True
    )


def _take_orders(agent: Agent, orders: Orders) -> None:
    for configuration, _ in orders.arrived():
        try:
            agent.take(configuration)
        except ConfigurationError as error:  # its agent could read the key a moment ago
            log.error("configuration not reloaded", error=error.cause, remedy=error.remedy)


def main() -> None:
    """Be a worker until SIGTERM."""
    import uvloop

    orders = Orders(sys.stdin.fileno())
    configuration, share = orders.wait()
    structlog.contextvars.bind_contextvars(worker=share.number)
    messages = log_output.configure(configuration.log)
    try:
        uvloop.run(signals.to_the_end(_work(configuration, share, messages, orders)))
    except* PilotfishError as group:
        error = next(one for one in leaves(group) if isinstance(one, PilotfishError))
        _say(Word(cause=error.cause, remedy=error.remedy, exit_code=error.exit_code))
