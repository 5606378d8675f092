"""When active logs are looked at: all of them together, as often as what they give would be sent anyway.

A look by itself costs a timer and a turn of the loop, and with a thousand logs ten looks a second each were a third of
a core, although what they found then waited for its batch. In a round each log is looked at once, and what several of
them give is passed on together; it leaves when the round is over.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from collector.model import Chunk

_LEAST_SECONDS = 0.1
_MOST_SECONDS = 1.0  # what a file holds may be cut away: it is not left lying for the sake of a long linger
_SLICE = 32  # logs in a turn, or fewer if they give much: others get their turns in between
_SLICE_BYTES = 64 << 10
_FULL = 1.25  # batches in a round: the first leaves while the rest is read


class Log(Protocol):
    """What is looked at in a round, while its reader sleeps: `PolledSource`."""

    def look(self, now: float) -> Chunk | None:
        """What has come, at this time of the loop; None if it needs nothing, or its reader goes on with it."""
        ...

    def passed(self, chunk: Chunk, *, is_taken: bool) -> None:
        """What it gave was taken, or its reader has to wait with it."""
        ...


AnyLog = TypeVar("AnyLog", bound=Log)


class Rounds(Generic[AnyLog]):
    """The logs that wait for the next round. `seconds` is how long that is away from the last one.

    At most `linger_seconds`, and less where logs give more than a batch (`batch_bytes`) in that time. `take` is given
    what one log or several gave, and says of each whether it was taken; else its reader has to wait with it.
    """

    def __init__(
        self,
        *,
        linger_seconds: float,
        batch_bytes: int,
        take: Callable[[Sequence[tuple[AnyLog, Chunk]]], Sequence[bool]],
    ) -> None:
        self._most_seconds = max(_LEAST_SECONDS, min(linger_seconds, _MOST_SECONDS))
        self._round_bytes = _FULL * batch_bytes
        self.take = take
        self._waiting: dict[AnyLog, None] = {}
        self._bytes = 0  # that were found by those who wait, since the last round began
        self._begun = 0.0
        self.seconds = self._most_seconds

    def join(self, log: AnyLog, found_bytes: int) -> None:
        """Have the next round look at it. `found_bytes` is what was found since the last one."""
        self._bytes += found_bytes
        self._waiting[log] = None

    def leave(self, log: AnyLog) -> None:
        """Wait no more; nothing happens to one that does not."""
        self._waiting.pop(log, None)

    async def hold(self) -> None:
        """Look at each that waits, once."""
        clock = asyncio.get_running_loop().time
        now = clock()
        passed, self._begun = now - self._begun, now
        found: list[tuple[AnyLog, Chunk]] = []
        looks = size = 0
        for log in list(self._waiting):
            if log not in self._waiting:  # it has left meanwhile
                continue
            del self._waiting[log]
            if (chunk := log.look(now)) is not None:
                found.append((log, chunk))
                size += len(chunk.data)
            looks += 1
            if looks == _SLICE or size > _SLICE_BYTES:
                self._pass_on(found)
                looks = size = 0
                await asyncio.sleep(0)
                now = clock()
        self._pass_on(found)
        await asyncio.sleep(0)
        filled_seconds = passed * self._round_bytes / max(self._bytes, 1)
        self.seconds = min(self._most_seconds, max(_LEAST_SECONDS, filled_seconds))
        self._bytes = 0

    def _pass_on(self, found: list[tuple[AnyLog, Chunk]]) -> None:
        if found:
            for (log, chunk), is_taken in zip(found, self.take(found), strict=True):
                log.passed(chunk, is_taken=is_taken)
            found.clear()
