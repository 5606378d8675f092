"""One output's own way through the program: streams of the registry → chunks → segments → batches → positions.

Nothing is shared between outputs but the registry, so a dead one delays nobody. Back-pressure ends at the reader: it
waits for room, and the log file is the queue.
"""

import asyncio
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, count
from pathlib import Path

import structlog

from collector.dead_letters import DeadLetters
from collector.delivery.batches import Batches
from collector.delivery.concurrency import Concurrency
from collector.delivery.delivery import Delivery
from collector.delivery.spool.files import Spool
from collector.discovery.registry import Registry
from collector.ledger import Ledger
from collector.model import Chunk, Position, Segment, StreamKey
from collector.pipeline import dropped
from collector.pipeline.dating import Dating
from collector.pipeline.event_queue import EventQueue
from collector.pipeline.returning import Returning
from collector.ports import Shipper, ShipperSettings, Tap
from collector.sources import removed
from collector.sources.file_tail import FileTail
from collector.sources.rounds import Rounds
from collector.sources.tail_counts import TailCounts
from collector.sources.unreadable import remedy
from collector.sources.watcher import Watcher
from collector.state import places
from collector.state.checkpoint import Checkpoints
from collector.state.positions_file import Saved
from collector.transform import docker_event
from collector.transform.docker_json import DockerJson, together
from collector.transform.parts import parts
from collector.transform.stamps import Stamps
from collector.transform.undated import Dated

log = structlog.get_logger(__name__)

_SAVE_SECONDS = 1.0
_SEE_EVERY = 60  # saves
_UNREADABLE_SECONDS = 5.0
_ADDED = 2  # times what was read of a log may be added to it at once: names and labels, by far more for short lines
_BATCHES_AT_HAND = 3  # at least: two under way while one is read


class Pipeline:
    """Follows every stream of the registry for one output. `tap` is shown each segment when it is made."""

    def __init__(
        self,
        output: str,
        shipper: Shipper,
        settings: ShipperSettings,
        *,
        registry: Registry,
        checkpoints: Checkpoints,
        directory: Path,
        stamps: Stamps,
        with_attrs: bool = False,
        cutoff: str = "",
        most_open_logs: int = 512,
        tap: Tap | None = None,
    ) -> None:
        self.output = output
        self.ledger = Ledger()
        self.counts = TailCounts(most_open_files=most_open_logs)
        self.checkpoints = checkpoints
        self.tails: dict[StreamKey, FileTail] = {}
        self._transforms: dict[StreamKey, DockerJson] = {}
        self._dating = Dating(checkpoints, self.tails, self._transforms)
        self._left: dict[StreamKey, Iterator[Segment]] = {}  # what there was no room for, of the last chunk
        self._returning = Returning(checkpoints, self.tails, self._read_anew)
        self._tasks: dict[StreamKey, asyncio.Task[None]] = {}  # the readers, each with its tail
        self.unreadable: dict[StreamKey, str] = {}
        self.held_bytes = 0  # of removed log files, when it was last looked
        self._unread: dict[StreamKey, int] = {}  # such bytes, when reading was stopped
        self._behind: list[StreamKey] = []  # those that were not read to their end then
        self.events = EventQueue(checkpoints, cutoff)
        self._registry = registry
        self._stamps = stamps
        self._with_attrs = with_attrs
        self._cutoff = cutoff
        self._tap = tap
        self.spool_capacity_bytes = settings.spool_bytes if settings.spool else 0
        self._workers = settings.concurrency
        self._batch_bytes = settings.batch_bytes
        self._batches = Batches(
            batch_bytes=settings.batch_bytes,
            linger_seconds=settings.linger_seconds,
            bound_bytes=settings.batch_bytes,
        )
        self._rounds = Rounds(linger_seconds=settings.linger_seconds, batch_bytes=settings.batch_bytes, take=self._take)
        self.dead_letters = DeadLetters(directory / places.DEAD_LETTERS / output)
        spool = directory / places.SPOOL / output
        self._delivery = Delivery(
            output,
            shipper,
            self._batches,
            self.dead_letters,
            self.ledger,
            checkpoints.settle,
            concurrency=Concurrency(settings.concurrency, changed=self._adapt),
            spool=Spool(spool, settings.spool_bytes) if settings.spool or spool.exists() else None,
            spool_after_seconds=settings.spool_after_seconds if settings.spool else math.inf,
            put_back=self._returning.put_back,
        )

    @property
    def backlog_bytes(self) -> int:
        """Bytes of logs on disk that were not read yet, as far as they are known."""
        return sum(tail.backlog_bytes for tail in self.tails.values())

    async def run(self) -> None:
        """Follow and deliver until the registry is closed and what was read is settled."""
        dropped.count(self.output, self.checkpoints, self.counts, self.ledger)
        try:
            with Watcher() as watcher:
                await self._run(watcher)
        finally:
            self.ledger.unread(self._returning.give_up())
            dropped.tell(self.output, self.checkpoints, self._unread, self._behind)

    async def _run(self, watcher: Watcher) -> None:
        async with asyncio.TaskGroup() as tasks:
            around = [
                tasks.create_task(watcher.run(), name=f"{self.output} inotify"),
                tasks.create_task(self._save(), name=f"{self.output} positions"),
                tasks.create_task(self._look(), name=f"{self.output} rounds"),
            ]
            events = tasks.create_task(self.events.pass_on(self._put_event), name=f"{self.output} events")
            delivery = tasks.create_task(self._delivery.run(self._workers), name=f"{self.output} delivery")
            await self._follow_registry(watcher)
            events.cancel()  # those that wait are told again at the next start
            self._batches.close()
            await delivery
            for task in around:
                task.cancel()

    async def replay(self, segments: Sequence[Segment]) -> None:
        """Ship documents that were dead letters: `Delivery.replay`.

        Raises:
            Unavailable: the pipeline has ended meanwhile.
        """
        await self._delivery.replay(segments)

    @property
    def capacity_bytes(self) -> int:
        """So many bytes of documents may be on their way."""
        return self._batches.bound_bytes

    def _adapt(self, limit: int) -> None:
        """So many batches may be under way: have memory for them, and no more."""
        self.ledger.concurrency_limit = limit
        self._batches.resize(self._batch_bytes * max(limit, _BATCHES_AT_HAND))

    async def _follow_registry(self, watcher: Watcher) -> None:
        version = -1
        async with asyncio.TaskGroup() as readers:
            while not self._registry.closed:
                self._reconcile(readers, watcher)
                version = await self._registry.changed(version)
            self._unread = {key: size for key, tail in self.tails.items() if (size := tail.held_bytes)}
            self._behind = [key for key, tail in self.tails.items() if tail.backlog_bytes]
            for task in self._tasks.values():
                task.cancel()

    def _reconcile(self, readers: asyncio.TaskGroup, watcher: Watcher) -> None:
        wanted = self._registry.streams
        for key in self.tails.keys() - wanted.keys():
            self.tails[key].remove()
        for key, stream in wanted.items():
            if key in self.tails:
                self.tails[key].update(stream)
                continue
            saved = self.checkpoints.begin(stream, self._cutoff)
            self._read_anew(key, saved)
            tail = FileTail(
                stream,
                watcher,
                resume=saved.resume,
                cutoff=saved.cutoff,
                counts=self.counts,
                rounds=self._rounds,
                reached=partial(self._reach, key),
            )
            self.tails[key] = tail
            self._tasks[key] = readers.create_task(self._follow(tail), name=f"{self.output} {stream.container}")

    def _read_anew(self, key: StreamKey, saved: Saved) -> None:
        """What is read of the stream from now on begins at this position."""
        dated = Dated(*saved.dated_file)
        self._transforms[key] = DockerJson(self._stamps, saved.last_time, dated=dated, with_attrs=self._with_attrs)
        self._left.pop(key, None)
        if self._tap is not None:
            self._tap.back(key)

    # ------------------------------------------------------------------ one stream

    async def _follow(self, tail: FileTail) -> None:
        key = tail.stream.key
        try:
            is_over = False
            while not is_over:
                if await self._read_to_end(tail):
                    is_over = await self._returning.is_over(tail, lambda: self._delivery.is_crowded)
                else:
                    await tail.pause(_UNREADABLE_SECONDS)
            self.checkpoints.leave(key)
        finally:
            tail.close()
            del self.tails[key], self._tasks[key], self._transforms[key]
            self._returning.left(key)
            self.unreadable.pop(key, None)

    async def _read_to_end(self, tail: FileTail) -> bool:
        """Read until the container is gone; False if its log cannot be read now, which is told once."""
        key = tail.stream.key
        self._returning.take_due(key)
        try:
            async for chunk in tail.chunks():
                del chunk  # a quiet log must not keep its last one, nor one that waits
                await self._wait_for_room(tail)
        except OSError as error:
            cause = f"{tail.stream.container}: its log cannot be read ({error.strerror or error})"
            helps = remedy(error)
            told = f"{cause}: {helps}"
            if self.unreadable.get(key) != told:
                log.warning("reading a log failed", container=tail.stream.container, path=tail.stream.path,
                            error=error.strerror or str(error), remedy=helps)  # fmt: skip
            self.unreadable[key] = told
            is_gone = key.container_id not in self._registry.containers
            return is_gone and isinstance(error, PermissionError)  # who may not look never sees that it is gone
        return True

    def _reach(self, key: StreamKey, beginning: Position) -> None:
        """Have a position in the file before anything of it is settled: else nobody sees that it went over a stop."""
        if not self._transforms[key].is_amid_line:
            self.checkpoints.reach(key, beginning)

    def _take(self, found: Sequence[tuple[FileTail, Chunk]]) -> list[bool]:
        """Pass chunks on; of each, False if its reader has to wait for room, or for the target."""
        made = together([(self._transforms[tail.key], chunk) for tail, chunk in found], self._most_added)
        return [
            self._take_one(tail, chunk, [segments] if segments else self._segments(chunk, self._transforms[tail.key]))
            for (tail, chunk), segments in zip(found, made, strict=True)
        ]

    def _take_one(self, tail: FileTail, chunk: Chunk, made: Iterable[list[Segment]]) -> bool:
        self.unreadable.pop(tail.key, None)
        passing = self._pass_on(tail, chunk, made)
        first = next(passing, None)
        if first is not None:
            self._left[tail.key] = chain((first,), passing)
        return first is None and not self._delivery.is_blocked(chunk.stream.target)

    def _pass_on(self, tail: FileTail, chunk: Chunk, made: Iterable[list[Segment]]) -> Iterator[Segment]:
        """Pass on what a chunk becomes; each segment for which there is no room comes out, to be put when there is."""
        self.ledger.read_bytes += len(chunk.data)
        tail.read_bytes += len(chunk.data)
        transform = self._transforms[tail.key]
        for segments in made:
            self._made(*segments)
            for segment in segments:
                if not self._batches.put_at_once(segment, tail.pace.since):
                    yield segment
                tail.documents += self._entered(segment)
                if self._transforms.get(tail.key) is not transform:
                    return  # it went back to its log while it waited

    @property
    def _most_added(self) -> int:
        """So many bytes may be added to what is read at once."""
        return _ADDED * self.counts.read_bytes

    async def _wait_for_room(self, tail: FileTail) -> None:
        """Have the rest of a chunk passed on that was not taken at once."""
        self.counts.wait(1)
        try:
            for segment in self._left.pop(tail.key, ()):
                await self._batches.put(segment, tail.pace.since)
                del segment
            if self._delivery.is_blocked(tail.stream.target):
                tail.set_aside()
                await self._delivery.wait_for(tail.stream.target)
        finally:
            self.counts.wait(-1)

    def _segments(self, chunk: Chunk, transform: DockerJson) -> Iterator[list[Segment]]:
        """What a chunk becomes, a part of it at a time."""
        for part in parts(chunk, self._most_added):
            segments = transform.segments(part)
            self.ledger.parse_errors += transform.parse_errors
            self.counts.torn(chunk.stream.container, lines=transform.torn_lines)
            transform.parse_errors = transform.torn_lines = 0
            if not segments and not part.data and not transform.is_amid_line:
                self.checkpoints.skip_to(chunk.stream.key, part.end, part.fingerprint)
            yield segments

    def _made(self, *segments: Segment) -> None:
        """Have them tracked, since a stop may come first, and shown, since there may be no room for long."""
        self.checkpoints.track(*segments)
        if self._tap is not None:
            self._tap.show(*segments)

    def _entered(self, segment: Segment) -> int:
        """Returns how many of its documents are new."""
        again = self._returning.again(segment)
        new = segment.count - again
        self.ledger.entered(segment, again=again + self._returning.instead(new))
        return new

    async def _put_event(self, event: Segment) -> None:
        await self._delivery.wait_for(docker_event.TARGET)
        self._made(event)
        await self._batches.put(event)
        self._entered(event)

    async def _look(self) -> None:
        """Have active logs looked at, all together."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            due = max(clock(), due + self._rounds.seconds)
            await asyncio.sleep(due - clock())
            with self._batches.gathering(self._rounds.seconds):
                await self._rounds.hold()

    async def _save(self) -> None:
        for second in count():
            await asyncio.sleep(_SAVE_SECONDS)
            for key, tail in self.tails.items():
                tail.look_ahead()
                if tail.is_readable:
                    self.unreadable.pop(key, None)
            self.held_bytes = removed.bound(self.tails)
            if second % _SEE_EVERY == 0 and self._registry.up:
                self.checkpoints.see({*self._registry.streams, docker_event.STREAM.key})
                for container_id in self.checkpoints.vanished({*self._registry.containers, docker_event.TARGET}):
                    self.counts.gap(container_id[:12])
            await self._dating.look()
            await self.checkpoints.flush_when_due()
