"""A chunk → its segments: tracked, shown, counted, and put into the batches as soon as there is room for them."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from msgspec.structs import replace

from collector.delivery.batches import Batches
from collector.delivery.delivery import Delivery
from collector.ledger import Ledger
from collector.model import Chunk, Segment, StreamKey
from collector.pipeline.left_out import LeftOut
from collector.pipeline.reader import Reader, together
from collector.pipeline.returning import Returning
from collector.ports import Tap, Transform
from collector.sources.tail_counts import TailCounts
from collector.state.checkpoint import Checkpoints

_SLOW_BYTES = 16 << 10  # that are added to the lines of a slow format at a time: some 40 lines
_ADDED = 2  # times what was read of a log may be added to it at once: names and labels, by far more for short lines
_FULL_SECONDS = 0.1  # between two looks at a transform that takes nothing more until what it waits for is decided


def has_to_wait(reader: Reader) -> bool:
    """Whether what is read is not taken at once."""
    return bool(reader.held) or reader.is_slow or reader.transform.is_full


class Admission:
    """One output's. `tap` is shown each segment when it is made."""

    def __init__(
        self,
        batches: Batches,
        delivery: Delivery,
        returning: Returning,
        checkpoints: Checkpoints,
        ledger: Ledger,
        counts: TailCounts,
        left_out: LeftOut,
        tap: Tap | None,
    ) -> None:
        self._batches = batches
        self._delivery = delivery
        self._returning = returning
        self._checkpoints = checkpoints
        self._ledger = ledger
        self._counts = counts
        self._left_out = left_out
        self._tap = tap

    def show_anew(self, key: StreamKey) -> None:
        """What is read of the stream from now on begins at an earlier place, or is the first of it."""
        if self._tap is not None:
            self._tap.back(key)

    def take(self, reader: Reader, chunk: Chunk, made: list[Segment] | None = None) -> bool:
        """Pass a chunk on, all of which `made` is if it is known; False if its reader has to `wait`."""
        if made is None and has_to_wait(reader):
            reader.kept = chunk
            return False
        if made and len(made) == 1 and self._batches.put_at_once(made[0], reader.source.since):
            self._made(made[0])
            self._read(reader, chunk)
            reader.documents += self._entered(made[0])
            return not self._delivery.is_blocked(chunk.stream.target)
        passing = self._pass_on(reader, chunk, [made] if made else self._segments(chunk, reader))
        first = next(passing, None)
        if first is not None:
            reader.left = chain((first,), passing)
        return first is None and not self._delivery.is_blocked(chunk.stream.target)

    def take_all(self, readers: Sequence[Reader], chunks: Sequence[Chunk]) -> list[bool]:
        """As `take`, of a chunk of each reader, at one go where that is cheaper."""
        if not any(map(has_to_wait, readers)):
            found = together(readers, chunks, self._most_added)
        else:
            at_once = [one for one in zip(readers, chunks, strict=True) if not has_to_wait(one[0])]
            some = together([reader for reader, _ in at_once], [chunk for _, chunk in at_once], self._most_added)
            made = {id(chunk): segments for (_, chunk), segments in zip(at_once, some, strict=True)}
            found = [made.get(id(chunk)) for chunk in chunks]
        return list(map(self.take, readers, chunks, found))

    async def wait(self, reader: Reader) -> None:
        """Have the rest of a chunk passed on that was not taken at once, and wait for its target."""
        self._counts.wait(1)
        try:
            await reader.held.wait()
            while reader.transform.is_full:
                await asyncio.sleep(_FULL_SECONDS)
                await reader.held.wait()
            source, left, reader.left = reader.source, reader.left, None
            if reader.kept is not None:
                chunk, reader.kept = replace(reader.kept, stream=source.stream), None
                await self._pass_on_slowly(reader, chunk)
            for segment in left or ():
                await self._batches.put(segment, source.since)
                del segment
            del left
            if self._delivery.is_blocked(source.stream.target):
                source.set_aside()
                await self._delivery.wait_for(source.stream.target)
        finally:
            self._counts.wait(-1)

    async def put_event(self, event: Segment) -> None:
        """Pass an event on, once there is room for it."""
        await self._delivery.wait_for(event.stream.target)
        self._made(event)
        await self._batches.put(event)
        self._entered(event)

    def put_event_at_once(self, event: Segment) -> None:
        """As `put_event`, if there is room now; the agent ends."""
        if self._batches.put_at_once(event):
            self._made(event)
            self._entered(event)

    def _read(self, reader: Reader, chunk: Chunk) -> None:
        self._ledger.read_bytes += len(chunk.data)
        reader.read_bytes += len(chunk.data)

    def _pass_on(self, reader: Reader, chunk: Chunk, made: Iterable[list[Segment]]) -> Iterator[Segment]:
        """Pass on what a chunk becomes; each segment for which there is no room comes out, to be put when there is."""
        self._read(reader, chunk)
        transform = reader.transform
        for segments in made:
            self._made(*segments)
            for segment in segments:
                if not self._batches.put_at_once(segment, reader.source.since):
                    yield segment
                reader.documents += self._entered(segment)
                if reader.transform is not transform:
                    return  # it went back to its log while it waited

    async def _pass_on_slowly(self, reader: Reader, chunk: Chunk) -> None:
        """Pass all of a chunk on, and let others have their turn between parts of it."""
        self._read(reader, chunk)
        transform = reader.transform
        reader.is_passing = True
        try:
            await self._pass_parts(reader, chunk, transform)
        finally:
            reader.is_passing = False

    async def _pass_parts(self, reader: Reader, chunk: Chunk, transform: Transform) -> None:
        for segments in self._segments(chunk, reader):
            self._made(*segments)
            for segment in segments:
                await self._batches.put(segment, reader.source.since)
                reader.documents += self._entered(segment)
                if reader.transform is not transform:
                    return  # it went back to its log while it waited
            await asyncio.sleep(0 if reader.pace is None else reader.pace.seconds)
            if reader.transform is not transform:
                return  # the same; nothing more of this chunk may count as read

    def _segments(self, chunk: Chunk, reader: Reader) -> Iterator[list[Segment]]:
        """What a chunk becomes, a part of it at a time."""
        most = _SLOW_BYTES if reader.is_slow else self._most_added
        for part, taken, is_new in reader.made(chunk, most):
            if reader.pace is not None:
                reader.pace.passed(part.end.line - part.start.line, len(part.data))
            if is_new:
                self._ledger.parse_errors += taken.parse_errors
                if taken.counts is not None:
                    reader.counts.add(taken.counts)
                self._ledger.left_out(taken.filtered or {})
                self._left_out.count(chunk.stream, taken.filtered or {})
                self._counts.torn(chunk.stream.container, lines=taken.torn_lines)
            yield taken.segments
            if taken.end is not None:  # asked for again only once these segments are tracked
                self._checkpoints.clear(chunk.stream.key, taken.end)

    def _made(self, *segments: Segment) -> None:
        """Have them tracked, since a stop may come first, and shown, since there may be no room for long."""
        self._checkpoints.track(*segments)
        if self._tap is not None:
            self._tap.show(*segments)

    def _entered(self, segment: Segment) -> int:
        """Returns how many of its documents are new."""
        again = self._returning.again(segment)
        new = len(segment.documents) - again
        self._ledger.entered(segment, again=again + self._returning.instead(new))
        return new

    @property
    def _most_added(self) -> int:
        """So many bytes may be added to what is read at once."""
        return _ADDED * self._counts.read_bytes
