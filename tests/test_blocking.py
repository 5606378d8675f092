"""What waits in an event loop is seen, in the code of the agent alone; short looks at local files are none."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from blockbuster import BlockingError

import collector
from tests.blocking import MAY_WAIT
from tests.reference import ROOT


def of_the_agent(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, as if it stood in a file of the agent."""
    code = function.__code__.replace(co_filename=str(Path(collector.__file__).with_name("here.py")))
    return FunctionType(code, function.__globals__)


async def a_coroutine(function: Callable[[], None]) -> None:
    function()


async def a_coroutine_with_a_thread(function: Callable[[], None]) -> None:
    await asyncio.to_thread(function)


def sleeps() -> None:
    time.sleep(0)


def asks_for_a_name() -> None:
    socket.getaddrinfo("127.0.0.1", 80)


def waits_for_the_disk() -> None:
    with Path("/dev/null").open("rb") as file:
        os.fsync(file.fileno())


def waits_for_a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=0.01)


def looks_at_a_file() -> None:
    Path(__file__).stat()


@pytest.mark.parametrize("function", [sleeps, asks_for_a_name, waits_for_the_disk, waits_for_a_lock])
async def test_a_wait_in_a_loop_is_seen(function: Callable[[], None]) -> None:
    with pytest.raises(BlockingError):
        await of_the_agent(a_coroutine)(function)


@pytest.mark.parametrize("function", [sleeps, asks_for_a_name, waits_for_a_lock])
async def test_a_wait_in_a_thread_or_of_a_test_is_none(function: Callable[[], None]) -> None:
    await of_the_agent(a_coroutine_with_a_thread)(of_the_agent(function))
    of_the_agent(function)()


async def test_a_short_look_at_a_local_file_is_none() -> None:
    await of_the_agent(a_coroutine)(looks_at_a_file)


def test_what_may_wait_is_there() -> None:
    for file, functions in MAY_WAIT.items():
        assert all(f"def {name}(" in (ROOT / file).read_text("utf-8") for name in functions)
