"""Segments of one place → an object: its name and its content, the same whenever they are sent."""

from collections.abc import Collection
from typing import NamedTuple

import msgspec
from msgspec import Struct, field

from collector.documents.form import Form
from collector.documents.ids import digest
from collector.documents.places import clean, ids_of
from collector.errors import UNREADABLE
from collector.files import gzip
from collector.model import Batch, Segment

_HASH_BYTES = 8
_END = ".ndjson.gz"


class Part(NamedTuple):
    """What becomes one object: segments of one place, `prefix`."""

    prefix: str
    segments: list[Segment]

    @property
    def documents(self) -> int:
        """Number of documents."""
        return sum(segment.count for segment in self.segments)

    @property
    def name(self) -> str:
        """The name of the object. Its letters need no quotes in a URL, but for those of the prefix."""
        first, last = self.segments[0].ids[0], self.segments[-1].ids[-1]
        told = digest(ids_of(self.segments))[:_HASH_BYTES].hex()
        return f"{self.prefix}{clean(first)}_{clean(last)}_{told}{_END}"

    def content(self, form: Form) -> bytes:
        """One document a line with its id, in gzip. For a thread."""
        return gzip.compress(Batch(tuple(self.segments)).lines(form.written))

    def halves(self) -> list["Part"]:
        """Two parts of about equal count, in order; a part has as many documents each time it is divided."""
        middle = self.documents // 2
        found: list[list[Segment]] = [[], []]
        seen = 0
        for segment in self.segments:
            cut = min(max(middle - seen, 0), segment.count)
            for side, indexes in enumerate((range(cut), range(cut, segment.count))):
                if indexes:
                    found[side].append(segment.part(indexes))
            seen += segment.count
        return [Part(self.prefix, side) for side in found]


class _Named(Struct):
    id: str = field(name="_id", default="")


def ids_in(content: bytes) -> Collection[str]:
    """The ids of the documents in an object; none if it is none of ours."""
    try:
        lines = gzip.decompress(content).splitlines()
        return {msgspec.json.decode(line, type=_Named).id for line in lines}
    except (*UNREADABLE, gzip.GzipError):
        return set()
