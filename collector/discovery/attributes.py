"""What an event says in words that a label can replace → what the daemon says when it is asked, or nothing."""

import math
from collections.abc import Collection, Mapping

from msgspec.structs import replace

from collector.discovery.registry import Container
from collector.docker.event import EXIT_CODE, Event

_MOST_GONE = 1000  # containers that are listed no more and whose end may still be told
_CLOCK_SECONDS = 0.001  # what is lost where nanoseconds become seconds


class Attributes:
    """Which containers have a label that takes the place of the exit code in their events (moby#20879)."""

    def __init__(self) -> None:
        self._hides: dict[str, bool] = {}  # by id; of one that is not in here nothing is known

    def see(self, container_id: str, labels: Mapping[str, str]) -> None:
        """The container has these labels, all of them; they never change."""
        self._hides[container_id] = EXIT_CODE in labels

    def learn(self, event: Event) -> None:
        """An event that has no exit code to tell shows by its attributes whether there is such a label."""
        if event.action in ("create", "start"):
            self._hides.setdefault(event.container_id, event.has_code)

    def verified(self, event: Event, now: Container | None, known: Container | None) -> Event:
        """The event with what is true of it; `now` is how the container was found after it, `known` what is known."""
        code = self._exit_code(event, now) if event.action == "die" else None
        if known is None:
            return replace(event, exit_code=code)
        return replace(event, exit_code=code, name=known.name, image=known.image)

    def _exit_code(self, event: Event, now: Container | None) -> int | None:
        """That of this end, and no later one; None if it cannot be known."""
        is_this = now is not None and (now.finished or math.inf) <= event.time / 1e9 + _CLOCK_SECONDS
        if now is not None and is_this and now.exit_code is not None:
            return now.exit_code
        return None if self._hides.get(event.container_id, True) else event.exit_code

    def forget(self, container_id: str) -> None:
        """The container is gone, and nothing more is told of it."""
        self._hides.pop(container_id, None)

    def keep(self, listed: Collection[str]) -> None:
        """Forget those that are gone, if too many ends were never told."""
        if len(self._hides) > len(listed) + _MOST_GONE:
            self._hides = {one: hides for one, hides in self._hides.items() if one in listed}
