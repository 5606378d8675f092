"""Who waits for a server is told what for, once for each cause, and waits no longer than he said."""

import asyncio

import pytest

from collector.errors import PilotfishError, Unauthorized, Unavailable
from collector.waiting import POLL_SECONDS, until_ready


async def asked(*answers: str | Exception, seconds: float) -> tuple[str, list[str]]:
    """What comes of asking a server that answers so, and what was told."""
    left = list(answers)
    told: list[str] = []

    async def ask() -> str:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return await until_ready(ask, told.append, seconds=seconds), told


async def test_each_cause_is_told_once_until_it_is_there() -> None:
    away, locked = Unavailable("it is away"), Unauthorized("it refuses the user", "correct it")
    answer, told = await asked(away, away, locked, "there", seconds=60)
    assert answer == "there"
    assert [line.split(": ", 1)[1] for line in told] == ["it is away", "it refuses the user"]
    assert told[0].startswith("waiting, 60 s at most")


async def test_without_a_wait_it_is_asked_once() -> None:
    with pytest.raises(Unavailable, match="first"):
        await asked(Unavailable("first"), "there", seconds=0)


async def test_the_last_cause_is_what_is_raised() -> None:
    clock = asyncio.get_running_loop().time
    began = clock()
    with pytest.raises(Unavailable, match="second"):
        await asked(Unavailable("first"), Unavailable("second"), "there", seconds=1.5 * POLL_SECONDS)
    assert clock() - began < 2 * POLL_SECONDS


async def test_another_error_ends_the_wait() -> None:
    with pytest.raises(PilotfishError, match="no such server"):
        await asked(PilotfishError("no such server"), "there", seconds=60)
