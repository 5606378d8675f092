"""Who waits for a server is told what for, once for each cause, and waits no longer than he said."""

import pytest

from collector.errors import PilotfishError, Unauthorized, Unavailable
from collector.net import waiting
from collector.net.waiting import until_ready


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
    assert told[0].startswith("waiting up to 60 s")


async def test_without_a_wait_it_is_asked_once() -> None:
    with pytest.raises(Unavailable, match="first"):
        await asked(Unavailable("first"), "there", seconds=0)


async def test_a_wait_ends_with_the_last_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.01)
    with pytest.raises(Unavailable, match=r"^away [1-9]"):
        await asked(*(Unavailable(f"away {number}") for number in range(1000)), seconds=0.5)


async def test_another_error_ends_the_wait() -> None:
    with pytest.raises(PilotfishError, match="no such server"):
        await asked(PilotfishError("no such server"), "there", seconds=60)
