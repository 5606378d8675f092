"""Questions about containers that are under way side by side → whose answer is taken."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count


class Turns:
    """Answers about containers in the order in which they were asked: a late one replaces none that was asked later."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._asking: Counter[str] = Counter()  # containers with questions under way; others need no memory
        self._newest: dict[str, int] = {}  # the turn of the last answer that was taken

    @contextmanager
    def ask(self, container_id: str) -> Iterator[Callable[[], bool]]:
        """Ask while the block lasts; what is given takes the answer, and is False if a later one was taken before."""
        turn = next(self._numbers)
        self._asking[container_id] += 1
        try:
            yield lambda: self._take(container_id, turn)
        finally:
            self._asking[container_id] -= 1
            if not self._asking[container_id]:
                del self._asking[container_id]
                self._newest.pop(container_id, None)

    def told(self, container_id: str) -> None:
        """The daemon told the end of a container: what was asked before is out of date."""
        if container_id in self._asking:
            self._newest[container_id] = next(self._numbers)

    def _take(self, container_id: str, turn: int) -> bool:
        if turn < self._newest.get(container_id, 0):
            return False
        self._newest[container_id] = turn
        return True
