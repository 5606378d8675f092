"""Segments → batches, and the bound on the bytes that are on their way: where back-pressure begins.

`put` waits for room, so a reader stops reading and the log file is the queue. Readers are served in the order in
which they came, so a loud container cannot starve a quiet one. Room is given back when a segment is settled.
"""

import asyncio
import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from collector.delivery.gate import Gate
from collector.model import Batch, Segment


class Batches:
    """The queue of one output: a batch is due when it is full, or when its oldest segment has waited long enough."""

    def __init__(self, *, batch_bytes: int, linger_seconds: float, bound_bytes: int) -> None:
        self._batch_bytes = batch_bytes
        self._linger_seconds = linger_seconds
        self._gate = Gate(bound_bytes)
        self._segments: deque[tuple[float, Segment]] = deque()
        self._oldest = math.inf  # since when the first of them waits, in the loop's time
        self._is_gathering = self._is_due = False
        self._bytes = 0
        self._closed = False
        self._news = asyncio.Event()
        self._turn = asyncio.Lock()

    @property
    def batch_bytes(self) -> int:
        """A batch is full with so many bytes of documents."""
        return self._batch_bytes

    async def put(self, segment: Segment, since: float | None = None) -> None:
        """Add a segment, once there is room for it; one that is larger than the bound waits until it is alone.

        `since` is when the first of it may have been written, in the loop's time; None: now.
        """
        await self._gate.enter(segment.size)
        self._append(segment, since)

    def put_at_once(self, segment: Segment, since: float | None = None) -> bool:
        """As `put`, if there is room now; False if not."""
        if not self._gate.enter_at_once(segment.size):
            return False
        self._append(segment, since)
        return True

    def _append(self, segment: Segment, since: float | None) -> None:
        since = asyncio.get_running_loop().time() if since is None else since
        self._segments.append((since, segment))
        self._bytes += segment.size
        if since < self._oldest or self._bytes >= self._batch_bytes:
            self._oldest = min(since, self._oldest)
            self._news.set()

    @contextmanager
    def gathering(self, next_seconds: float) -> Iterator[None]:
        """While the block runs, only a full batch leaves; behind it what would be overdue in `next_seconds` does."""
        self._is_gathering = True
        try:
            yield
        finally:
            self._is_gathering = False
            next_time = asyncio.get_running_loop().time() + next_seconds
            self._is_due = self._oldest + self._linger_seconds < next_time
            self._news.set()

    async def take(self) -> Batch | None:
        """The next batch; None once closed and empty."""
        async with self._turn:
            while (wait := self._wait_seconds()) is None or wait > 0:
                if self._closed and not self._segments:
                    return None
                self._news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._news.wait()
            return self._gather()

    def release(self, size: int) -> None:
        """A settled segment gives its bytes back."""
        self._gate.leave(size)

    @property
    def bound_bytes(self) -> int:
        """So many bytes of documents may be on their way."""
        return self._gate.bound

    def resize(self, bound_bytes: int) -> None:
        """So many bytes may be on their way from now on; what is over a smaller bound stays."""
        self._gate.bound = bound_bytes
        self._gate.admit()

    @property
    def is_closed(self) -> bool:
        """Whether nothing comes any more."""
        return self._closed

    def close(self) -> None:
        """Nothing comes any more: what is there is due at once."""
        self._closed = True
        self._news.set()

    def _wait_seconds(self) -> float | None:
        """Until the next batch is due; None while there is nothing."""
        if not self._segments:
            return None
        if self._closed or self._bytes >= self._batch_bytes:
            return 0.0
        if self._is_gathering:
            return None
        return 0.0 if self._is_due else self._oldest + self._linger_seconds - asyncio.get_running_loop().time()

    def _gather(self) -> Batch:
        taken: list[Segment] = []
        size = 0
        while self._segments and (not taken or size + self._segments[0][1].size <= self._batch_bytes):
            segment = self._segments.popleft()[1]
            taken.append(segment)
            size += segment.size
        self._bytes -= size
        self._oldest = min((since for since, _ in self._segments), default=math.inf)
        self._is_due &= bool(self._segments)
        return Batch(tuple(taken))
