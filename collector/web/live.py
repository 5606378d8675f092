"""Segments as they are made → whoever watches: bounded per watcher, never waited for.

Each output shows what it reads before it waits for room, and `ahead` lets through what no other has shown: an output
that stands still hides nothing. What a slow watcher has no room for is skipped and counted; showing costs nothing while
nobody watches.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import translate

import orjson
from msgspec import Struct

from collector.model import LogStream, Segment, StreamKey
from collector.ports.content import has_labels
from collector.web.ahead import Ahead, Reached
from collector.web.rights import Rights, seen

Show = Callable[[Segment], Segment]

ROOM_BYTES = 1 << 20  # per watcher; with 16 of them 16 MiB at most


class Wanted(Struct, frozen=True, kw_only=True):
    """Which documents: a container's name matches any of `names`, globs or parts; `text` stands in the document.

    `name` is a glob for the whole name, `id` the beginning of the container's id; "" are all. Of `labels` a container
    needs all, each with a value that its glob matches. `only` are filters that its trusted members have to match.
    """

    names: tuple[str, ...] = ()
    name: str = ""
    id: str = ""
    labels: Mapping[str, str] = {}
    target: str | None = None
    text: str = ""
    only: tuple[str, ...] = ()

    def matcher(self) -> Callable[[LogStream], bool]:
        """Whether a stream is wanted, compiled once."""
        named = self.names_matcher()
        whole = re.compile(translate(self.name or "*")).match
        return lambda stream: (
            named(stream.container)
            and self.target in (None, stream.target)
            and stream.container_id.startswith(self.id)
            and whole(stream.container) is not None
            and has_labels(stream.labels, self.labels)
            and self._may_have(stream)
        )

    def _may_have(self, stream: LogStream) -> bool:
        """Whether documents that match `only` may be in a stream: those of events, or relayed ones, tell themselves."""
        tells = not stream.is_relayed and "docker_container" in stream.fields
        return not tells or Rights(only=self.only).sees(stream)

    def names_matcher(self) -> Callable[[str], bool]:
        """Whether a container's name is wanted, compiled once."""
        if not self.names:
            return lambda _: True
        name = re.compile("|".join(translate(_glob(name)) for name in self.names))
        return lambda container: name.match(container) is not None

    def pick(self, documents: Sequence[bytes]) -> Sequence[bytes]:
        """The documents that hold the text, ASCII letters of either case being the same."""
        if not self.text:
            return documents
        needle = orjson.dumps(self.text)[1:-1].lower()
        return [document for document in documents if needle in document.lower()]


def _glob(name: str) -> str:
    """A name without signs is a part: `web` finds `shop-web-1`."""
    return name if any(sign in name for sign in "*?[") else f"*{name}*"


class Glimpse(Struct, frozen=True):
    """What a watcher gets next: documents in order, and how many before them it had no room for."""

    documents: Sequence[bytes]
    skipped: int = 0


class Watcher:
    """One subscription: an asynchronous iterator of `Glimpse`s that ends when `Live` closes.

    `segment` gives the next as a whole, with the stream that it is of, as `shown` lets it be seen: that is done when
    it is taken, so that what is skipped costs nothing.
    """

    def __init__(self, wanted: Wanted, room_bytes: int, shown: Show) -> None:
        self._shown = shown
        self._wanted = wanted
        self._matches = wanted.matcher()
        self._room_bytes = room_bytes
        self._waiting: deque[tuple[int, Segment]] = deque()
        self._size = 0
        self._skipped = 0
        self._closed = False
        self._news = asyncio.Event()

    def offer(self, segment: Segment) -> None:
        """Take a segment if it is wanted and there is room; a single one is taken whatever its size."""
        if not self._matches(segment.stream):
            return
        if self._waiting and self._size + segment.size > self._room_bytes:
            self._skipped += segment.count
        else:
            self._waiting.append((self._skipped, segment))
            self._size += segment.size
            self._skipped = 0
        self._news.set()

    def close(self) -> None:
        """End the iteration once what waits was taken."""
        self._closed = True
        self._news.set()

    def __aiter__(self) -> "Watcher":
        return self

    async def __anext__(self) -> Glimpse:
        if (found := await self.segment()) is None:
            raise StopAsyncIteration
        skipped, segment = found
        return Glimpse(self._wanted.pick(segment.documents) if segment else (), skipped)

    async def segment(self) -> tuple[int, Segment | None] | None:
        """How many documents there was no room for, and the segment behind them, if there is one; None at the end."""
        while not self._waiting:
            if self._skipped:
                skipped, self._skipped = self._skipped, 0
                return skipped, None
            if self._closed:
                return None
            self._news.clear()
            await self._news.wait()
        skipped, segment = self._waiting.popleft()
        self._size -= segment.size
        return skipped, seen(self._shown(segment), self._wanted.only)


class OutputTap:
    """Where one output shows its segments (`collector.ports.Tap`)."""

    def __init__(self, live: "Live", output: str) -> None:
        self._live = live
        self._output = output

    def show(self, *segments: Segment) -> None:
        """Show segments that were made; returns at once."""
        for segment in segments:
            self._live.publish(segment, self._output)

    def back(self, stream: StreamKey) -> None:
        """Some of the stream is read once more."""
        self._live.back(self._output, stream)


class Live:
    """The meeting place of the pipelines, which publish, and those who watch. All of it belongs to one loop.

    `reached` tells up to where each output has read each stream, `shown` gives what may be seen of a segment.
    `outputs_differ` says that they may leave out different lines of a stream.
    """

    def __init__(
        self,
        room_bytes: int = ROOM_BYTES,
        *,
        reached: Callable[[], Iterable[Reached]] = tuple,
        shown: Show = lambda segment: segment,
        outputs_differ: bool = False,
    ) -> None:
        self._watchers: set[Watcher] = set()
        self._room_bytes = room_bytes
        self._reached = reached
        self._shown = shown
        self._ahead = Ahead(differ=outputs_differ)
        self._closed = False

    def tap(self, output: str) -> OutputTap:
        """Where this output shows what it reads."""
        return OutputTap(self, output)

    def publish(self, segment: Segment, output: str = "") -> None:
        """Show what of a segment no output has shown yet to all who watch; returns at once."""
        if not self._watchers:
            return
        new = self._ahead.new(output, segment)
        if new is None:
            return
        for watcher in self._watchers:
            watcher.offer(new)

    def back(self, output: str, stream: StreamKey) -> None:
        """The output reads some of a stream once more."""
        self._ahead.back(output, stream)

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)

    @contextmanager
    def subscribe(self, wanted: Wanted) -> Iterator[Watcher]:
        """Watch from now on until the block ends."""
        watcher = Watcher(wanted, self._room_bytes, self._shown)
        if self._closed:
            watcher.close()
        if not self._watchers:
            self._ahead.begin(self._reached())
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers:
                self._ahead.begin(())

    def close(self) -> None:
        """End every subscription, and those to come."""
        self._closed = True
        for watcher in self._watchers:
            watcher.close()
