"""How often one log is looked at: by what its looks gave."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

_POLLS_BEFORE_WATCHING = 10
_ROUNDS_BEFORE_WATCHING = 4  # to set a watch and to be told costs as much as ten looks
_LOOK_BYTES = 256 << 10  # one that gives twice as much in a round is looked at in between
_LITTLE_BYTES = 32 << 10  # never that much, however short the round


class Next(Enum):
    """When the reader of a log looks next, where no time tells."""

    NOW = "at once"
    SOON = "at once, but after others had their turn"
    IN_ROUND = "when it is woken: a round looks"
    NEVER = "the container is gone, and all was read"


NOW: Final = Next.NOW  # to ask an Enum for a member takes 50 ns, and each look does
SOON: Final = Next.SOON
IN_ROUND: Final = Next.IN_ROUND
NEVER: Final = Next.NEVER


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds from one look at a log to the next."""

    poll_seconds: float = 0.1  # of one that nobody tells of new files, or that gives much
    turn_seconds: float = 0.5  # of one that waits for a descriptor
    unwatched_seconds: float = 2.0  # of an idle one, where no watch can be had
    watched_seconds: float = 30.0  # a look now and then, should an event ever be missed


WAITS: Final = Waits()


class Pace:
    """The looks at one log. `since` (the loop's time): before that, nothing of what it gave last was there."""

    __slots__ = ("_looked_at", "_poll_seconds", "quiet_looks", "since")

    def __init__(self, poll_seconds: float = WAITS.poll_seconds) -> None:
        self._poll_seconds = poll_seconds
        self.since: float | None = None
        self._looked_at: float | None = None
        self.quiet_looks = 0  # running, that gave nothing

    def look(self, now: float) -> None:
        """It is looked at now."""
        self.since, self._looked_at = self._looked_at, now

    def woken(self, now: float) -> None:
        """Something has changed: what is read next has come just now."""
        self._looked_at = now
        self.quiet_looks = 0

    @property
    def is_late(self) -> bool:
        """Whether a file that is expected should be there by now."""
        return self.quiet_looks > _POLLS_BEFORE_WATCHING

    def is_idle(self, *, in_rounds: bool) -> bool:
        """Whether to wait for a change rather than for the next look."""
        return self.quiet_looks > (_ROUNDS_BEFORE_WATCHING if in_rounds else _POLLS_BEFORE_WATCHING)

    def own_seconds(self, size: int, round_seconds: float) -> float | None:
        """Seconds until a look of its own, since it gave so many bytes; None: the next round is soon enough."""
        if size <= _LITTLE_BYTES:
            return None
        passed = self._poll_seconds
        if self.since is not None and self._looked_at is not None:
            passed = max(passed, self._looked_at - self.since)
        seconds = passed * _LOOK_BYTES / size
        return max(self._poll_seconds, seconds) if 2 * seconds < round_seconds else None
