"""A worker's process: `python -m collector.workers`, started by `supervisor` and by nobody else.

Its standard input brings configuration and share, and ends when the agent that started it is gone: then it ends at
once, which is as safe as a kill -9. Its standard output gets one line: where it listens, or why it cannot start.
"""

import asyncio
import os
import pickle
import sys
from collections.abc import Mapping

import msgspec
import structlog
from msgspec import Struct

from collector.app.agent import Agent, run_until_signal
from collector.config.models import Configuration
from collector.discovery.share import Share
from collector.errors import PilotfishError, leaves
from collector.runtime import log_output, signals

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


def _receive() -> Order:
    pipe = sys.stdin.buffer
    size = int.from_bytes(pipe.read(4))
    body = pipe.read(size)
    if not size or len(body) < size:
        sys.exit(1)  # who started us is gone
    ordered: Order = pickle.loads(body)  # noqa: S301 - from who started us
    return ordered


def _say(word: Word) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


async def _work(configuration: Configuration, share: Share, messages: Mapping[str, int]) -> None:
    agent = Agent(configuration, share, messages=messages)
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), os._exit, 1)
    await run_until_signal(
        agent, on_ready=lambda: _say(Word(agent.address.port if agent.address else 0)), is_worker=True
    )


def main() -> None:
    """Be a worker until SIGTERM."""
    import uvloop

    configuration, share = _receive()
    structlog.contextvars.bind_contextvars(worker=share.number)
    messages = log_output.configure(configuration.log)
    try:
        uvloop.run(signals.to_the_end(_work(configuration, share, messages)))
    except* PilotfishError as group:
        error = next(one for one in leaves(group) if isinstance(one, PilotfishError))
        _say(Word(cause=error.cause, remedy=error.remedy, exit_code=error.exit_code))
