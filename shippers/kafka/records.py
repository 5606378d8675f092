"""Segments → records, in the batches of a topic's partition that a producer sends; and what became of which document.

A record has the headers `id`, the `_id` of its document, and `pilotfish`, the form of the document; or that says
`bundle`, and its value is NDJSON, as `Batch.lines` writes it, of one segment, whose stream and day are in further
headers, so that a reader makes segments of it without a look into the documents.
"""

from collections.abc import Callable, Iterator, Sequence
from time import time
from typing import Any, Literal, NamedTuple
from zlib import crc32

import msgspec
from msgspec import Struct

from collector.documents.form import Form
from collector.model import Batch, Rejected, Segment

TOO_LARGE = "too_large"
_AROUND_BYTES = 200  # of a record and its batch, besides key, value and headers: 61 and 21 at most, and names
_BUNDLE_BYTES = 900_000
_BUNDLE_HEADERS_BYTES = 4096

Headers = list[tuple[str, bytes]]


class How(NamedTuple):
    """How documents become records. `name` is that of the `form`, `batch_bytes` the size of a batch of them."""

    form: Form
    name: str
    key: Literal["container", "id", "none"]
    is_bundled: bool
    max_record_bytes: int
    batch_bytes: int


class Sealed(Struct):
    """A batch of records for one partition, and the documents in it: of each segment those at the indexes."""

    topic: str
    partition: int
    builder: Any
    documents: list[tuple[Segment, list[int]]]

    @property
    def count(self) -> int:
        """Number of documents."""
        return sum(len(indexes) for _, indexes in self.documents)

    def batch(self) -> Batch:
        """The documents."""
        return Batch(tuple(segment.part(indexes) for segment, indexes in self.documents))

    def rejected(self, reason: str) -> Iterator[Rejected]:
        """Each of the documents, as one that the brokers refuse for its size."""
        for segment, indexes in self.documents:
            for index in indexes:
                yield Rejected(segment, index, TOO_LARGE, reason)


class Packing:
    """Makes the batches for one call of `ship`. With `is_single` each record is a batch of its own."""

    def __init__(self, how: How, new_builder: Callable[[], Any], *, is_single: bool = False, turn: int = 0) -> None:
        """`turn` chooses the partition of the first segment that has no key."""
        self._sealed: list[Sealed] = []
        self.rejected: list[Rejected] = []
        self._how = how
        self._new_builder = new_builder
        self._is_single = is_single
        self._turn = turn
        self._now = int(time() * 1000)  # not the line's time: Kafka would remove old ones at once
        self._open: dict[tuple[str, int], Sealed] = {}
        around = _BUNDLE_HEADERS_BYTES if how.is_bundled else _AROUND_BYTES
        self._most = how.max_record_bytes - around

    @property
    def sealed(self) -> list[Sealed]:
        """The batches."""
        return [one for one in self._sealed if one.count]

    def add(self, segment: Segment, topic: str, partitions: Sequence[int]) -> None:
        """The documents of a segment, for a topic that has these partitions."""
        if not segment.count:
            return
        if self._how.is_bundled:
            self._add_bundles(segment, topic, self._partition(segment, partitions))
        elif self._how.key == "id":
            self._add_by_id(segment, topic, partitions)
        else:
            self._add(segment, topic, self._partition(segment, partitions))

    def _partition(self, segment: Segment, partitions: Sequence[int]) -> int:
        if self._how.key == "none":
            self._turn += 1
            return partitions[self._turn % len(partitions)]
        return by_key(segment.stream.container_id.encode(), partitions)

    def _add(self, segment: Segment, topic: str, partition: int) -> None:
        key = segment.stream.container_id.encode() if self._how.key == "container" else None
        form = ("pilotfish", self._how.name.encode())
        batch, indexes = self._begin(segment, topic, partition)
        for index, (name, body) in enumerate(zip(segment.ids, self._how.form.written(segment.documents), strict=True)):
            headers: Headers = [("id", name.encode()), form]
            if len(body) + len(name) > self._most:
                self._refuse(segment, index, len(body))
            else:
                if self._is_full(batch, key, body, headers):
                    batch, indexes = self._begin(segment, topic, partition, is_new=True)
                    batch.builder.append(timestamp=self._now, key=key, value=body, headers=headers)
                indexes.append(index)

    def _add_by_id(self, segment: Segment, topic: str, partitions: Sequence[int]) -> None:
        form = ("pilotfish", self._how.name.encode())
        for index, (name, body) in enumerate(zip(segment.ids, self._how.form.written(segment.documents), strict=True)):
            if len(body) + 2 * len(name) > self._most:
                self._refuse(segment, index, len(body))
                continue
            key = name.encode()
            self._put(segment, [index], topic, by_key(key, partitions), key, body, [("id", key), form])

    def _add_bundles(self, segment: Segment, topic: str, partition: int) -> None:
        key = segment.stream.container_id.encode() if self._how.key == "container" else None
        most = min(self._most, _BUNDLE_BYTES)
        lines: list[bytes] = []
        indexes: list[int] = []
        size = 0
        bodies = self._how.form.written(segment.documents)
        for index, (name, body) in enumerate(zip(segment.ids, bodies, strict=True)):
            line = b'{"_id":%b,%b\n' % (msgspec.json.encode(name), body[1:])
            if len(line) > self._most:
                self._refuse(segment, index, len(body))
                continue
            if lines and (size + len(line) > most or self._is_single):
                self._put(segment, indexes, topic, partition, key, b"".join(lines), self._named(segment, indexes))
                lines, indexes, size = [], [], 0
            lines.append(line)
            indexes.append(index)
            size += len(line)
        if lines:
            self._put(segment, indexes, topic, partition, key, b"".join(lines), self._named(segment, indexes))

    def _named(self, segment: Segment, indexes: Sequence[int]) -> Headers:
        stream = segment.stream
        found = {
            "id": f"{segment.ids[indexes[0]]}+{len(indexes)}",
            "pilotfish": "bundle",
            "document": self._how.name,
            "container_id": stream.container_id,
            "container": stream.container,
            "entry": stream.entry,
            "target": stream.target,
            "day": segment.day,
        }
        return [(name, value.encode(errors="replace")) for name, value in found.items()]

    def _put(
        self, segment: Segment, indexes: list[int], topic: str, partition: int, key: bytes | None, value: bytes,
        headers: Headers,
    ) -> None:  # fmt: skip
        batch, known = self._begin(segment, topic, partition)
        if self._is_full(batch, key, value, headers):
            batch, known = self._begin(segment, topic, partition, is_new=True)
            batch.builder.append(timestamp=self._now, key=key, value=value, headers=headers)
        known += indexes

    def _is_full(self, batch: Sealed, key: bytes | None, value: bytes, headers: Headers) -> bool:
        """Whether the record has no place in a batch that has others; else it is in it."""
        if self._is_single and batch.builder.record_count():
            return True
        return batch.builder.append(timestamp=self._now, key=key, value=value, headers=headers) is None

    def _begin(self, segment: Segment, topic: str, partition: int, *, is_new: bool = False) -> tuple[Sealed, list[int]]:
        """The batch of a partition that still has room, and where to note documents of the segment in it."""
        batch = self._open.get((topic, partition))
        if batch is None or is_new:
            batch = self._open[topic, partition] = Sealed(topic, partition, self._new_builder(), [])
            self._sealed.append(batch)
        if not batch.documents or batch.documents[-1][0] is not segment:
            batch.documents.append((segment, []))
        return batch, batch.documents[-1][1]

    def _refuse(self, segment: Segment, index: int, size: int) -> None:
        most = self._how.max_record_bytes
        reason = f"its record has more than {most:,} bytes ({size:,} of the document): max_record_bytes"
        self.rejected.append(Rejected(segment, index, TOO_LARGE, reason))


def by_key(key: bytes, partitions: Sequence[int]) -> int:
    """The partition of a key: CRC-32, as the partitioner `consistent` of librdkafka has it."""
    return partitions[crc32(key) % len(partitions)]
