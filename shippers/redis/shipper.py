"""One batch → one call of the script for each key → one Receipt."""

import asyncio
from collections.abc import Collection
from itertools import chain

import msgspec
from msgspec import Struct, field

from collector.documents.form import Form
from collector.documents.ids import digest
from collector.documents.places import Places, clean, host_of, ids_of
from collector.errors import UNREADABLE, Unavailable
from collector.model import Batch, Receipt, Segment

from .faults import WRONG_TYPE, word_of
from .nodes import Call, Nodes
from .scripts import REMEMBERED, Mode, script

_LARGE_BYTES = 128 << 10  # from here on a batch is encoded in a thread
_LAST = 10_000  # entries that are looked through to find documents


class RedisShipper:
    """`collector.ports.Shipper` on a Redis. It keeps nothing between batches: what was taken, the server knows."""

    def __init__(
        self,
        nodes: Nodes,
        places: Places,
        form: Form,
        *,
        mode: Mode,
        max_length: int,
        window_seconds: float,
        replicas: int,
    ) -> None:
        self._nodes = nodes
        self._places = places
        self._form = form
        self._mode = mode
        self._script = script(mode)
        self._limits = (max_length, round(window_seconds), REMEMBERED)
        self._replicas = replicas

    async def ship(self, batch: Batch) -> Receipt:
        """Have the documents in their keys, whatever was there before of the same batch.

        Raises:
            Unavailable: nothing is known of some of them, so all are to be sent again.
            Unauthorized: the server refuses the user or password, or lacks a permission.
        """
        groups = self._places.groups(batch)
        if not groups:
            return Receipt()
        if batch.size > _LARGE_BYTES:
            calls = await asyncio.to_thread(self._calls, groups)
        else:
            calls = self._calls(groups)
        answers = await self._nodes.run(self._script, calls, self._replicas)
        return self._receipt(groups, dict(zip((call.key for call in calls), answers, strict=True)))

    async def probe(self) -> str:
        """Which server is there, in words.

        Raises:
            Unavailable: it cannot be reached.
            Unauthorized: it refuses the user or password.
        """
        await self._nodes.ask("", "PING")
        facts = await self._nodes.ask("", "INFO", "server")
        if "valkey_version" in facts:
            return f"Valkey {facts['valkey_version']} at {self._nodes.name}"
        return f"Redis {facts.get('redis_version', 'of an unknown version')} at {self._nodes.name}"

    async def read_back(self, segment: Segment) -> Collection[str]:
        """The ids of the segment's documents that are among the last entries of its key.

        Raises:
            Unavailable: the server cannot be asked.
        """
        key = self._places.of(segment)
        if self._mode == "stream":
            entries = await self._nodes.ask(key, "XREVRANGE", key, "+", "-", "COUNT", _LAST)
            found = {members.get(b"id", b"").decode(errors="replace") for _, members in entries}
        else:
            lines = await self._nodes.ask(key, "LRANGE", key, -_LAST, -1)
            found = {_id_of(line) for line in lines}
        return found.intersection(segment.ids)

    async def aclose(self) -> None:
        """Close the connections; may be called twice, and without `ship`."""
        await self._nodes.aclose()

    def _calls(self, groups: dict[str, list[Segment]]) -> list[Call]:
        return [self._call(key, segments) for key, segments in groups.items()]

    def _call(self, key: str, segments: list[Segment]) -> Call:
        keys = (key, taken_key(key, host_of(segments[0].stream)))
        blob = msgspec.msgpack.encode(self._values(segments))
        return Call(key, keys, (digest(ids_of(segments)), blob, *self._limits))

    def _values(self, segments: list[Segment]) -> list[str]:
        """Id and document in turn, or lines that have both. As texts: the script's reader knows no other bytes."""
        if self._mode == "list":
            return Batch(tuple(segments)).lines(self._form.written).decode().splitlines()
        documents = chain.from_iterable(self._form.written(segment.documents) for segment in segments)
        pairs = zip(ids_of(segments), (each.decode() for each in documents), strict=True)
        return [*chain.from_iterable(pairs)]

    def _receipt(self, groups: dict[str, list[Segment]], answers: dict[str, int | Exception]) -> Receipt:
        delivered = duplicate = 0
        waits: dict[str, str] = {}
        retry: list[Segment] = []
        for key, segments in groups.items():
            answer = answers[key]
            count = sum(segment.count for segment in segments)
            if answer == 1:
                delivered += count
            elif answer == 0:
                duplicate += count
            elif isinstance(answer, Exception) and word_of(answer) == WRONG_TYPE:
                retry += segments
                waits |= {segment.stream.target: _blocked(key, self._mode) for segment in segments}
            else:
                raise self._failure(answer)
        return Receipt(delivered=delivered, duplicate=duplicate, retry=Batch(tuple(retry)), waits=waits)

    def _failure(self, answer: object) -> Unavailable:
        if not isinstance(answer, Exception):
            return Unavailable(f"{self._nodes.name} answers in other words", "check that `hosts` names Redis")
        if word_of(answer) == "READONLY":
            self._nodes.skip()
        return self._nodes.error(answer)


def taken_key(key: str, host: str) -> str:
    """The key that remembers the batches of a host in `key`; the braces put both on one server of a cluster."""
    return f"{{{key}}}:batches:{clean(host)}"


def _blocked(key: str, mode: Mode) -> str:
    return f"the key {key} has another type than {mode}: rename or delete it (TYPE {key} shows it), or change `key`"


class _Named(Struct):
    id: str = field(name="_id", default="")


def _id_of(line: bytes) -> str:
    try:
        return msgspec.json.decode(line, type=_Named).id
    except UNREADABLE:  # an element of somebody else
        return ""
