"""A bound on what is inside, passed in the order of arrival: who finds no room waits behind those who came before."""

import asyncio
from collections import deque


class Gate:
    """At most `bound` is inside at once; what is larger than that enters when nothing else is. `is_shut`: nothing does.

    After a change of either, `admit` lets those in who wait.
    """

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.is_shut = False
        self.inside = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def enter_at_once(self, size: int = 1) -> bool:
        """As `enter`, if there is room now and nobody waits for any; False if not."""
        if self._waiting or not self._has_room(size):
            return False
        self.inside += size
        return True

    async def enter(self, size: int = 1) -> None:
        """Wait for room, and take it. To be followed by `leave`, whatever happens."""
        if self.enter_at_once(size):
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append((size, waiter))
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.leave(size)
            else:
                self.admit()  # it may have been the first, and too large
            raise

    def leave(self, size: int = 1) -> None:
        """Give the room back."""
        self.inside -= size
        self.admit()

    def admit(self) -> None:
        """Let in who waits, as far as there is room."""
        while self._waiting:
            size, waiter = self._waiting[0]
            if not waiter.done():
                if not self._has_room(size):
                    return
                self.inside += size
                waiter.set_result(None)
            self._waiting.popleft()

    def _has_room(self, size: int) -> bool:
        return not self.is_shut and (self.inside == 0 or self.inside + size <= self.bound)
