"""When active logs are looked at: all of them together, as often as what they give would be sent anyway.

A look by itself costs a timer and a turn of the loop, and with a thousand logs ten looks a second each were a third of
a core, although what they found then waited for its batch. In a round each log is looked at once, and what several of
them give is passed on together; it leaves when the round is over.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from collector.model import Chunk, StreamKey

_LEAST_SECONDS = 0.1
_MOST_SECONDS = 1.0  # what a file holds may be cut away: it is not left lying for the sake of a long linger
_SLICE = 32  # logs in a turn, or fewer if they give much: others get their turns in between
_SLICE_BYTES = 64 << 10
_FULL = 1.25  # batches in a round: the first leaves while the rest is read


class Log(Protocol):
    """What is looked at in a round, while its reader sleeps: `PolledSource`."""

    key: StreamKey

    def look(self, now: float) -> Chunk | None:
        """What has come, at this time of the loop; None if it needs nothing, or its reader goes on with it."""
        ...

    def passed(self, chunk: Chunk, *, is_taken: bool) -> None:
        """What it gave was taken, or its reader has to wait with it."""
        ...


AnyLog = TypeVar("AnyLog", bound=Log)


class Course:
    """Which logs are looked at in which turn, where several outputs hold a round at the same time.

    Whoever comes to a turn first chooses its logs, and the others look at the same ones in theirs: so they find what
    it made of them, all of it or none. It binds nobody: what a turn left out is looked at behind the last one.
    """

    def __init__(self) -> None:
        self._turns: list[list[StreamKey]] = []

    def turn(self, number: int, others: Iterator[StreamKey]) -> Iterator[StreamKey]:
        """The logs of one; if nobody has chosen them so many of `others` as are asked for."""
        if number < len(self._turns):
            yield from self._turns[number]
            return
        chosen: list[StreamKey] = []
        self._turns.append(chosen)
        for key in others:
            chosen.append(key)
            yield key


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

    async def hold(self, course: Course | None = None) -> None:
        """Look at each that waits, once; as others do who are given the same `course`."""
        clock = asyncio.get_running_loop().time
        now = clock()
        passed, self._begun = now - self._begun, now
        course, number = course or Course(), 0
        left = {log.key: log for log in self._waiting}
        others = iter(tuple(left))
        while left:
            self._pass_on(self._turn(course.turn(number, others), left, now))
            number += 1
            await asyncio.sleep(0)
            now = clock()
        filled_seconds = passed * self._round_bytes / max(self._bytes, 1)
        self.seconds = min(self._most_seconds, max(_LEAST_SECONDS, filled_seconds))
        self._bytes = 0

    def _turn(self, keys: Iterator[StreamKey], left: dict[StreamKey, AnyLog], now: float) -> list[tuple[AnyLog, Chunk]]:
        """What these logs give, as far as they are `left`, and as many as may have their turn at once."""
        found: list[tuple[AnyLog, Chunk]] = []
        looks = size = 0
        for key in keys:
            log = left.pop(key, None)
            if log is None or log not in self._waiting:  # it has left meanwhile
                continue
            del self._waiting[log]
            if (chunk := log.look(now)) is not None:
                found.append((log, chunk))
                size += len(chunk.data)
            looks += 1
            if looks == _SLICE or size > _SLICE_BYTES:
                break
        return found

    def _pass_on(self, found: list[tuple[AnyLog, Chunk]]) -> None:
        if found:
            for (log, chunk), is_taken in zip(found, self.take(found), strict=True):
                log.passed(chunk, is_taken=is_taken)
