"""One output's own way through the program: streams of the registry → chunks → segments → batches → positions.

Outputs share the registry and what they decode (`sharing`), and wait for nobody: a dead one delays no other.
Back-pressure ends at the reader: it waits for room, and the log file is the queue.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path

import structlog

from collector.container_settings.rule_book import RuleBook
from collector.dead_letters import DeadLetters
from collector.delivery.batches import Batches
from collector.delivery.concurrency import Concurrency
from collector.delivery.delivery import Delivery
from collector.delivery.spool.files import Spool
from collector.discovery.registry import Registry
from collector.intake.input import Reads
from collector.ledger import Ledger
from collector.model import Chunk, Position, Segment, Start, StreamKey
from collector.pipeline import dropped
from collector.pipeline.admission import Admission
from collector.pipeline.deciding import Deciding
from collector.pipeline.event_queue import EventQueue
from collector.pipeline.left_out import LeftOut
from collector.pipeline.pace import pace_of
from collector.pipeline.reader import Reader
from collector.pipeline.retargeting import Retargeting
from collector.pipeline.returning import Returning
from collector.pipeline.rhythm import Rhythm
from collector.pipeline.sharing import Sharing
from collector.pipeline.wanted import Wanted
from collector.ports import PolledSource, Shipper, ShipperSettings, Tap
from collector.sources import removed
from collector.sources.desk import Desk
from collector.sources.rounds import Rounds
from collector.sources.tail_counts import TailCounts
from collector.sources.unreadable import remedy
from collector.sources.watcher import Watcher
from collector.state import places
from collector.state.checkpoint import Checkpoints
from collector.transform import docker_event, left_out
from collector.transform.stamps import UTC_STAMPS, Stamps

log = structlog.get_logger(__name__)

_SEE_EVERY = 60  # saves
_BATCHES_AT_HAND = 3  # at least: two under way while one is read


class Pipeline:
    """Follows every stream of the registry for one output. `tap` is shown each segment when it is made."""

    save_seconds = 1.0  # between two looks at positions, removed files and what is to be decided
    unreadable_seconds = 5.0  # until a log that could not be read is opened again
    held_bytes = 0  # of removed log files, when it was last looked

    def __init__(
        self,
        output: str,
        shipper: Shipper,
        settings: ShipperSettings,
        *,
        registry: Registry,
        checkpoints: Checkpoints,
        directory: Path,
        inputs: Mapping[str, Reads],
        stamps: Stamps = UTC_STAMPS,
        most_open_logs: int = 512,
        tap: Tap | None = None,
        rules: RuleBook | None = None,
        sharing: Sharing | None = None,
    ) -> None:
        self.output = output
        self.ledger = Ledger()
        self._sharing = sharing
        self.counts = TailCounts(most_open_files=most_open_logs, border=sharing.border if sharing else None)
        self.checkpoints = checkpoints
        self.dead_letters = DeadLetters(directory / places.DEAD_LETTERS / output)
        self.events = EventQueue(checkpoints)
        self.readers: dict[StreamKey, Reader] = {}
        self.unreadable: dict[StreamKey, str] = {}
        self._unread: dict[StreamKey, int] = {}  # such bytes, when reading was stopped
        self._behind: list[StreamKey] = []  # those that were not read to their end then
        self._tasks: dict[StreamKey, asyncio.Task[None]] = {}  # each reader's
        self._deciding = Deciding(checkpoints, self.readers)
        self._retargeting = Retargeting(checkpoints, self.readers, self._with_another_transform)
        self._returning = Returning(checkpoints, self.readers, self._read_anew)
        self._registry, self._inputs, self.settings = registry, inputs, settings
        self.wanted = Wanted(output, settings, registry, rules or RuleBook())
        size, linger = settings.batch_bytes, settings.linger_seconds
        self._rounds = Rounds[PolledSource](linger_seconds=linger, batch_bytes=size, take=self._take)
        self._batches = Batches(batch_bytes=size, linger_seconds=linger, bound_bytes=size)
        self._delivery = self._new_delivery(shipper, directory / places.SPOOL / output)
        self._left_out = LeftOut(stamps)
        self._admission = self._new_admission(tap)

    @property
    def backlog_bytes(self) -> int:
        """Bytes of logs on disk that were not read yet, as far as they are known."""
        return sum(reader.source.backlog_bytes for reader in self.readers.values())

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
                tasks.create_task(self._retargeting.run(), name=f"{self.output} targets"),
            ]
            events = tasks.create_task(self.events.pass_on(self._admission.put_event), name=f"{self.output} events")
            delivery = tasks.create_task(self._delivery.run(self.settings.concurrency), name=f"{self.output} delivery")
            await self._follow_registry(watcher)
            events.cancel()  # those that wait are told again at the next start
            if self._left_out.has_any:
                self._tell_left_out(self._admission.put_event_at_once)
            self._batches.close()
            await delivery
            for task in around:
                task.cancel()

    def _new_admission(self, tap: Tap | None) -> Admission:
        books = self.checkpoints, self.ledger, self.counts, self._left_out
        return Admission(self._batches, self._delivery, self._returning, *books, tap)

    def _new_delivery(self, shipper: Shipper, spool: Path) -> Delivery:
        settings = self.settings
        return Delivery(
            self.output,
            shipper,
            self._batches,
            self.dead_letters,
            self.ledger,
            self.checkpoints.settle,
            concurrency=Concurrency(settings.concurrency, changed=self._adapt),
            spool=self._new_spool(spool),
            spool_after_seconds=settings.spool_after_seconds if settings.spool else math.inf,
            positions=self.checkpoints,
            is_frozen=settings.has_frozen_batches,
            put_back=self._returning.put_back,
        )

    def _new_spool(self, path: Path) -> Spool | None:
        settings = self.settings
        if settings.has_frozen_batches:
            mark, memory = self.checkpoints.spool_mark, settings.batch_bytes * _BATCHES_AT_HAND
            return Spool(path, settings.spool_bytes, is_held=True, covered=mark, memory_bytes=memory)
        return Spool(path, settings.spool_bytes) if settings.spool or path.exists() else None

    @property
    def delivery(self) -> Delivery:
        """What takes documents beside those that are read."""
        return self._delivery

    @property
    def capacity_bytes(self) -> int:
        """So many bytes of documents may be on their way."""
        return self._batches.bound_bytes

    @property
    def spool_capacity_bytes(self) -> int:
        """So many bytes may be in the spool; 0 without one."""
        return self.settings.spool_bytes if self.settings.spool else 0

    def _adapt(self, limit: int) -> None:
        """So many batches may be under way: have memory for them, and no more."""
        self.ledger.concurrency_limit = limit
        batches = _BATCHES_AT_HAND if self.settings.has_frozen_batches else max(limit, _BATCHES_AT_HAND)
        self._batches.resize(self.settings.batch_bytes * batches)  # frozen ones have memory of their own

    async def _follow_registry(self, watcher: Watcher) -> None:
        version = -1
        desk = Desk(watcher, self.counts, self._rounds, self._reach)
        async with asyncio.TaskGroup() as readers:
            while not self._registry.closed:
                self._reconcile(readers, desk)
                version = await self._registry.changed(version)
            self._unread = {key: size for key, one in self.readers.items() if (size := one.source.held_bytes)}
            self._behind = [key for key, one in self.readers.items() if one.source.backlog_bytes]
            for task in self._tasks.values():
                task.cancel()

    def _reconcile(self, readers: asyncio.TaskGroup, desk: Desk) -> None:
        wanted = self.wanted.streams()
        for key in self.readers.keys() - wanted.keys():
            self.readers[key].source.remove()
        for key, stream in wanted.items():
            if (known := self.readers.get(key)) is not None:
                known.source.update(self._retargeting.effective(stream))
                continue
            reads = self._inputs[stream.input]
            is_new = self.checkpoints.target_of(key) is None
            start = self.checkpoints.begin(stream, reads.cutoff).start
            stream = self._retargeting.effective(stream)
            pace = pace_of(stream.reading)
            reader = Reader(reads.source(stream, start, desk), reads.transform(stream, start), pace)
            reader.seat = self._sharing.seat(key) if self._sharing else None
            self.readers[key] = reader
            if is_new:
                self._retargeting.begin(key)
            self._admission.show_anew(key)
            self._tasks[key] = readers.create_task(self._follow(reader), name=f"{self.output} {stream.container}")

    def _tell_left_out(self, put: Callable[[Segment], object]) -> None:
        if not self.settings.has_target(left_out.TARGET):
            return
        if left_out.STREAM.key not in self.events.streams:
            self.events.open(left_out.STREAM, "")
        for told in self._left_out.told():
            put(told)

    def _read_anew(self, key: StreamKey, start: Start) -> None:
        """What is read of the stream from now on begins there."""
        reader = self.readers[key]
        stream = reader.source.stream
        reader.transform = self._inputs[stream.input].transform(stream, start)
        reader.left = reader.kept = None
        reader.told.back()
        self._admission.show_anew(key)

    def _with_another_transform(self, key: StreamKey) -> None:
        """What is read of the stream goes on, in another format; nothing of it is on its way.

        An event that is still open, or a line of which pieces are missing, is read again.
        """
        reader = self.readers[key]
        start = self.checkpoints.start_of(key)
        reader.pace = pace_of(reader.source.stream.reading)
        if reader.transform.is_amid_line:
            self._read_anew(key, start)
            reader.source.go_back(start)
        else:
            stream = reader.source.stream
            reader.transform = self._inputs[stream.input].transform(stream, start)

    # ------------------------------------------------------------------ one stream

    async def _follow(self, reader: Reader) -> None:
        source, key = reader.source, reader.source.key
        try:
            is_over = False
            while not is_over:
                if await self._read_to_end(reader):
                    is_over = await self._returning.is_over(source, lambda: self._delivery.is_crowded)
                else:
                    await source.pause(self.unreadable_seconds)
            # One that is left out now may be followed again.
            if source.is_forgotten and key.container_id not in self._registry.containers:
                self.checkpoints.leave(key)
        finally:
            source.close()
            del self.readers[key], self._tasks[key]
            self._returning.left(key)
            if reader.seat is not None:
                reader.seat.leave()
            self.unreadable.pop(key, None)

    async def _read_to_end(self, reader: Reader) -> bool:
        """Read until the container is gone; False if its log cannot be read now, which is told once."""
        source, key = reader.source, reader.source.key
        is_shown = isinstance(source, PolledSource)  # what it gives was passed on by `_take`, as far as there was room
        self._returning.take_due(key)
        try:
            async for chunk in source.chunks():
                self.unreadable.pop(key, None)
                has_to_wait = is_shown or not self._admission.take(reader, chunk)
                del chunk  # a quiet log must not keep its last one, nor one that waits
                if has_to_wait:
                    await self._admission.wait(reader)
        except OSError as error:
            cause = f"{source.stream.container}: its log cannot be read ({error.strerror or error})"
            name = source.stream.input
            helps = remedy(error, self._inputs[name].logs_option or f"inputs.{name}")
            told = f"{cause}: {helps}"
            if self.unreadable.get(key) != told:
                log.warning("reading a log failed", container=source.stream.container, path=source.stream.path,
                            error=error.strerror or str(error), remedy=helps)  # fmt: skip
            self.unreadable[key] = told
            # Who may not look never sees that it is gone.
            return source.is_removed and isinstance(error, PermissionError)
        return True

    def _reach(self, key: StreamKey, beginning: Position) -> None:
        """Have a position in the file before anything of it is settled: else nobody sees that it went over a stop."""
        if not self.readers[key].transform.is_amid_line:
            self.checkpoints.reach(key, beginning)

    def _take(self, found: Sequence[tuple[PolledSource, Chunk]]) -> list[bool]:
        """Pass chunks on; of each, False if its reader has to wait for room, or for the target."""
        readers = [self.readers[source.key] for source, _ in found]
        if self.unreadable:
            for reader in readers:
                self.unreadable.pop(reader.source.key, None)
        return self._admission.take_all(readers, [chunk for _, chunk in found])

    async def _look(self) -> None:
        """Have active logs looked at, all together."""
        clock = asyncio.get_running_loop().time
        rhythm = self._sharing.rhythm if self._sharing else Rhythm()
        due = clock()
        while True:
            due, course = await rhythm.wait(max(clock(), due + self._rounds.seconds), self._rounds.seconds)
            with self._batches.gathering(self._rounds.seconds):
                await self._rounds.hold(course)

    async def _save(self) -> None:
        for second in count():
            await asyncio.sleep(self.save_seconds)
            sources = [reader.source for reader in self.readers.values()]
            for source in sources:
                source.look_ahead()
                if source.is_readable:
                    self.unreadable.pop(source.key, None)
            self.held_bytes = removed.bound(sources)
            if second % _SEE_EVERY == 0:
                self._see(self._registry.answers)
            await self._deciding.look()
            await self._retargeting.look(self.wanted.streams())
            if self._left_out.is_due:
                self._tell_left_out(self.events.put)
            await self.checkpoints.flush_when_due()

    def _see(self, answers: Mapping[str, bool]) -> None:
        streams = {key: stream.input for key, stream in self._registry.streams.items()}
        self.checkpoints.see(dict.fromkeys(self.events.streams, "") | streams, answers)
        for container_id in self.checkpoints.vanished(
            {*self._registry.containers, docker_event.TARGET, left_out.TARGET}, answers
        ):
            self.counts.gap(container_id[:12])
