"""Topics of Kafka, read in a consumer group → any output: what other agents sent, under the ids that it had.

Each partition that the group gives this agent is a stream. The group's offset moves only over what is settled in every
output here: a relay that is killed, or loses a partition, leaves nothing out, and what another one reads again has the
same ids. One consumer reads for all outputs; a partition of which an output has enough waits.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from fnmatch import translate
from typing import Any, ClassVar, Literal

import structlog
from msgspec.structs import replace
from pydantic import Field

from collector.discovery.registry import Container
from collector.errors import Unavailable
from collector.intake.input import Input, InputContext, InputSettings
from collector.intake.partitions import Assigned
from collector.model import LogStream, Start
from collector.net.kafka import Access, KafkaOptions, knock, quiet, unavailable
from collector.ports import Finding
from collector.sources.desk import Desk
from collector.sources.partition import Partition, Record
from collector.transform.choice import choice_of
from collector.transform.relayed import Relayed
from collector.values import Seconds, Text

log = structlog.get_logger(__name__)

_ENOUGH_BYTES = 16 << 20  # of records that wait for outputs, together
_LEAST_BYTES = 256 << 10  # of one partition
_POLL_SECONDS = 0.2
_WAIT_MS = 200  # for records, at a broker, which answers nothing else meanwhile
_COMMIT_SECONDS = 1.0
_AGAIN_SECONDS = 2.0
_MOST_RECORDS = 5000
_AT_ONCE_BYTES = 4 << 20  # of records, about, that are unpacked at a time; what was fetched and not unpacked is packed


class Settings(KafkaOptions, InputSettings):
    """Records of Kafka, from other agents or from anybody."""

    is_relay: ClassVar[bool] = True

    type: Literal["kafka"] = "kafka"
    topics: tuple[Text, ...] = Field(("*",), min_length=1, description="topics to read, such as app-*")
    group: Text = Field("pilotfish", min_length=1, description="consumer group; its members share the partitions")
    backlog: Literal["all", "new"] = Field(
        "all", description="records to read where the group has no offset: all, or new (written from now on)"
    )
    refresh_seconds: Seconds = Field(30.0, gt=0, description="time between two looks for new topics and partitions")
    session_timeout_seconds: Seconds = Field(
        10.0, ge=6, description="time after which the partitions of a relay that died go to the others"
    )

    def open(self, context: InputContext) -> "Kafka":
        """Read the named files and make the input; connects to nothing yet.

        Raises:
            ConfigurationError: a file cannot be read, or the client for Kafka is not installed.
        """
        return Kafka(self, self.access(context.place), context)

    async def check(self, context: InputContext) -> AsyncIterator[Finding]:
        """Do the brokers let us in, and is any topic there."""
        subject = f"input {context.name} ({self.type})"
        opened = self.open(context)
        try:
            topics = await opened.topics()
        except Unavailable as error:
            yield Finding("fail", subject, error.cause, error.remedy)
            return
        finally:
            await opened.aclose()
        if topics:
            yield Finding("ok", subject, f"{len(topics)} topics: {', '.join(topics[:5])}")
        else:
            yield Finding("warn", subject, "no topic is there of those in topics", f"correct {context.place}topics")

    @property
    def pattern(self) -> str:
        """The topics, as a regular expression."""
        return "|".join(translate(one) for one in self.topics)


class Kafka(Input):
    """One member of the consumer group."""

    def __init__(self, settings: Settings, access: Access, context: InputContext) -> None:
        quiet()
        self.logs_option = f"{context.place}brokers"
        self._settings = settings
        self._access = access
        self._context = context
        self._consumer: Any = None
        self._assigned: dict[str, Assigned] = {}  # by the id of the stream
        self._sources: defaultdict[str, list[Partition]] = defaultdict(list)
        self._rules = context.rules.version  # by which streams were described
        self._ours: frozenset[Any] = frozenset()  # while the group is shared out, those from before
        self._paused: set[Any] = set()

    async def run(self) -> None:
        """Be a member of the group, until cancelled; it stays one until `aclose`, which commits what is settled."""
        from aiokafka.errors import KafkaError

        while True:
            try:
                await knock(self._access(), self._settings.who)
                await self._read()
            except Unavailable as error:
                self._lost(str(error))
            except (KafkaError, OSError, TimeoutError) as error:
                fault = unavailable(error, ", ".join(self._settings.brokers), self._settings.who)
                self._lost(str(fault))
            await self._leave()
            await asyncio.sleep(_AGAIN_SECONDS)

    def source(self, stream: LogStream, start: Start, desk: Desk) -> Partition:
        """What an output reads of a partition."""
        known = self._assigned.get(stream.container_id)
        begin, end = (known.begin, known.end) if known else (0, 0)
        made = Partition(stream, start, begin, end)
        self._sources[stream.container_id].append(made)
        return made

    def transform(self, stream: LogStream, start: Start) -> Relayed:
        """What splits it, and leaves out what its output does not want."""
        return Relayed(self._context.stamps, choice_of(stream.reading))

    async def topics(self) -> Sequence[str]:
        """Those that are there of the configured ones.

        Raises:
            Unavailable: no broker tells.
        """
        from aiokafka.admin import AIOKafkaAdminClient
        from aiokafka.errors import KafkaError

        await knock(self._access(), self._settings.who)
        admin = AIOKafkaAdminClient(**self._access())
        try:
            await admin.start()
            return sorted(one for one in await admin.list_topics() if re.fullmatch(self._settings.pattern, one))
        except (KafkaError, OSError, TimeoutError) as error:
            raise unavailable(error, ", ".join(self._settings.brokers), self._settings.who) from None
        finally:
            await admin.close()

    async def aclose(self) -> None:
        """Commit what is settled, and leave the group."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.request_timeout_seconds):
                await self._commit()
        await self._leave()

    # ------------------------------------------------------------------ the consumer

    async def _read(self) -> None:
        """Pass records on; returns never."""
        await self._leave()
        self._consumer = self._new_consumer()
        await self._consumer.start()
        self._consumer.subscribe(pattern=self._settings.pattern, listener=_listener(self._commit, self._take))
        clock = asyncio.get_running_loop().time
        due, most = clock(), 1
        while True:
            found = await self._consumer.getmany(timeout_ms=int(_POLL_SECONDS * 1000), max_records=most)
            await self._reconcile(found)
            count, size = self._give(found)
            if count:
                most = max(1, min(_MOST_RECORDS, _AT_ONCE_BYTES * count // max(size, 1)))
            self._pace()
            if clock() >= due:
                await self._commit()
                due = clock() + _COMMIT_SECONDS

    def _new_consumer(self) -> Any:
        from aiokafka import AIOKafkaConsumer

        settings = self._settings
        session = int(settings.session_timeout_seconds * 1000)
        return AIOKafkaConsumer(
            **self._access(),
            group_id=settings.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest" if settings.backlog == "all" else "latest",
            isolation_level="read_committed",
            metadata_max_age_ms=int(settings.refresh_seconds * 1000),
            fetch_max_wait_ms=_WAIT_MS,
            fetch_max_bytes=_AT_ONCE_BYTES,
            session_timeout_ms=session,
            heartbeat_interval_ms=session // 4,
        )

    async def _reconcile(self, found: Mapping[Any, Sequence[Any]]) -> None:
        """List the partitions that are ours now; some of their records may be in what was `found`."""
        listing = self._context.listing
        now = {f"/kafka/{self._context.name}/{one.topic}-{one.partition}": one for one in self._ours}
        for gone in self._assigned.keys() - now.keys():
            del self._assigned[gone]
            listing.drop(gone)
        there = self._consumer.assignment()
        if new := {
            stream_id: key for stream_id, key in now.items() if stream_id not in self._assigned and key in there
        }:
            ends = await self._consumer.end_offsets([*new.values()])
            for stream_id, key in new.items():
                records = found.get(key, ())
                begin = records[0].offset if records else await self._consumer.position(key)
                self._add(stream_id, key, begin, ends[key])
        self._follow_rules()
        if not listing.up:
            listing.answered()

    def _add(self, stream_id: str, key: Any, begin: int, end: int) -> None:
        stream = self._stream(stream_id, key.topic)
        since = asyncio.get_running_loop().time()
        sources = self._sources[stream_id]
        for one in sources:
            one.next = max(one.next, begin)
        self._assigned[stream_id] = Assigned(key, stream, begin, end, since, begin, begin, sources)
        self._list(stream)

    def _stream(self, stream_id: str, topic: str) -> LogStream:
        return replace(self._context.stream(stream_id, topic), is_relayed=True)

    def _list(self, stream: LogStream) -> None:
        listed = Container(id=stream.container_id, name=stream.container, state="running", streams=(stream,))
        self._context.listing.put(listed)

    def _follow_rules(self) -> None:
        """Describe the partitions anew if what is to be redacted has changed."""
        if self._rules == self._context.rules.version:
            return
        self._rules = self._context.rules.version
        for stream_id, one in self._assigned.items():
            one.stream = self._stream(stream_id, one.key.topic)
            self._list(one.stream)

    def _give(self, found: Mapping[Any, Sequence[Any]]) -> tuple[int, int]:
        """Give records to all that read their partition; how many they are, and how many bytes."""
        by_key = {one.key: one for one in self._assigned.values()}
        count = size = 0
        for key, records in found.items():
            if (one := by_key.get(key)) is None or not records:
                continue
            given = [
                Record(each.offset, each.timestamp, dict(each.headers), each.value or b"", each.key or b"")
                for each in records
            ]
            for source in one.open:
                if source.next >= one.fetched:  # else it wants earlier ones first
                    source.give(given)
            one.fetched = records[-1].offset + 1
            count += len(given)
            size += sum(len(each.value) for each in given)
        return count, size

    def _pace(self) -> None:
        """Have partitions wait of which an output has enough, and those begin earlier where one wants that."""
        most = max(_ENOUGH_BYTES // max(len(self._assigned), 1), _LEAST_BYTES)
        ours = self._consumer.assignment()
        full = set()
        for one in self._assigned.values():
            if not one.open or any(source.waiting_bytes > most for source in one.open):
                full.add(one.key)
            if one.wanted < one.fetched and one.key in ours:
                self._consumer.seek(one.key, one.wanted)
                one.fetched = one.wanted
        if new := (full - self._paused) & ours:
            self._consumer.pause(*new)
        if free := (self._paused - full) & ours:
            self._consumer.resume(*free)
        self._paused = full

    def _take(self, assigned: frozenset[Any]) -> None:
        self._ours = assigned

    async def _commit(self) -> None:
        """Tell the group what is settled."""
        from aiokafka.errors import KafkaError

        if self._consumer is None:
            return
        moved = {one: settled for one in self._assigned.values() if (settled := one.settled()) > one.committed}
        ours = self._consumer.assignment()
        offsets = {one.key: settled for one, settled in moved.items() if one.key in ours}
        if not offsets:
            return
        try:
            await self._consumer.commit(offsets)
        except KafkaError as error:  # the group is being shared out anew: what is not told is read again
            log.info("offsets not committed", input=self._context.name, reason=type(error).__name__)
            return
        for one, settled in moved.items():
            one.committed = settled

    def _lost(self, cause: str) -> None:
        if self._context.listing.lost(cause):
            log.warning("input unavailable", input=self._context.name, error=cause)

    async def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._paused.clear()
        if consumer is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(5.0):
                    await consumer.stop()


def _listener(before: Callable[[], Awaitable[None]], behind: Callable[[frozenset[Any]], None]) -> Any:
    """Tells when partitions are about to be taken away, and which ones are ours then."""
    from aiokafka import ConsumerRebalanceListener

    class Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # the client has no types
        async def on_partitions_revoked(self, revoked: object) -> None:
            await before()

        async def on_partitions_assigned(self, assigned: Iterable[object]) -> None:
            behind(frozenset(assigned))

    return Listener()
