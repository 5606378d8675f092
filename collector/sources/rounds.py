"""When active logs are looked at: all of them together, as often as what they give would be sent anyway.

A look by itself costs a timer and a turn of the loop, and with a thousand logs ten looks a second each were a third of
a core, although what they found then waited for its batch. In a round each log is looked at once; what it gives leaves
when the round is over.
"""

import asyncio
from collections.abc import Callable

from collector.sources.wake import Wake

_LEAST_SECONDS = 0.1
_MOST_SECONDS = 1.0  # what a file holds may be cut away: it is not left lying for the sake of a long linger
_SLICE = 32  # at once, and no longer than a turn: others get theirs in between
_TURN_SECONDS = 0.003
_FULL = 1.25  # batches in a round: the first leaves while the rest is read


class Rounds:
    """The logs that wait for the next round. `seconds` is how long that is away from the last one.

    At most `linger_seconds`, and less where logs give more than a batch (`batch_bytes`) in that time.
    """

    def __init__(self, *, linger_seconds: float, batch_bytes: int) -> None:
        self._most_seconds = max(_LEAST_SECONDS, min(linger_seconds, _MOST_SECONDS))
        self._round_bytes = _FULL * batch_bytes
        self._waiting: dict[Wake, Callable[[], bool]] = {}
        self._bytes = 0  # that were found by those who wait, since the last round began
        self._begun = 0.0
        self.seconds = self._most_seconds

    def join(self, wake: Wake, found_bytes: int, look: Callable[[], bool]) -> None:
        """Have the next round `look`, and end the sleep that follows if that gives False.

        `found_bytes` is what was found since the last one.
        """
        self._bytes += found_bytes
        self._waiting[wake] = look

    def leave(self, wake: Wake) -> None:
        """Wait no more; nothing happens to one that does not."""
        self._waiting.pop(wake, None)

    async def hold(self) -> None:
        """Have each that waits look once; returns when they have, but for those that wait for room."""
        clock = asyncio.get_running_loop().time
        now = clock()
        passed, self._begun = now - self._begun, now
        turn_end = now + _TURN_SECONDS
        for number, wake in enumerate(list(self._waiting), 1):
            look = self._waiting.pop(wake, None)
            if look is not None and (wake.is_due or not look()):
                wake.end()
            if number % _SLICE == 0 or clock() > turn_end:
                await asyncio.sleep(0)
                turn_end = clock() + _TURN_SECONDS
        await asyncio.sleep(0)
        filled_seconds = passed * self._round_bytes / max(self._bytes, 1)
        self.seconds = min(self._most_seconds, max(_LEAST_SECONDS, filled_seconds))
        self._bytes = 0
