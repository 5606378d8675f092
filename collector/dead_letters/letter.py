"""One dead letter ↔ one line: the document as it was refused, why, and where it came from.

`{"reason": …, "detail": …, "time": …, "_id": …, "container_id": …, "container": …, "entry": …, "target": …, "day": …,
"document": {…}}`. Lines of earlier versions lack the three members about the container.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from typing import NamedTuple

import msgspec
import orjson
from msgspec import Raw, Struct, field

from collector.documents import recovered
from collector.documents.document import is_document
from collector.documents.refused import as_original
from collector.errors import UNREADABLE
from collector.model import Rejected, Segment

_DETAIL = 1000  # characters of a destination's words


class Letter(Struct, frozen=True, kw_only=True):
    """A dead letter; `document` as it stands there."""

    reason: str
    detail: str = ""
    time: str = ""
    id: str = field(name="_id")
    container_id: str = ""
    container: str = ""
    entry: str = ""
    target: str
    day: str
    document: Raw

    @property
    def origin(self) -> tuple[str, str, str, str, str]:
        """What the documents of one segment have in common."""
        return self.container_id, self.container, self.entry, self.target, self.day


class Wanted(NamedTuple):
    """Which letters: "" means any."""

    reason: str = ""
    target: str = ""

    def matches(self, letter: Letter) -> bool:
        """Whether it is one of them."""
        return self.reason in ("", letter.reason) and self.target in ("", letter.target)


def line(rejected: Rejected) -> bytes:
    """The line of a refused document, with its newline."""
    segment = rejected.segment
    stream = segment.stream
    head = {
        "reason": rejected.type,
        "detail": rejected.reason[:_DETAIL],
        "time": datetime.now(UTC).isoformat(timespec="microseconds"),
        "_id": segment.ids[rejected.index],
        "container_id": stream.container_id,
        "container": stream.container,
        "entry": stream.entry,
        "target": stream.target,
        "day": segment.day,
    }
    # Spliced, not decoded: what a destination cannot read must be kept as it is.
    return orjson.dumps(head)[:-1] + b',"document":' + segment.documents[rejected.index] + b"}\n"


def read(text: bytes) -> Letter | None:
    """The letter of a line; None if the line is damaged, or holds what could not be sent."""
    try:
        text.decode()  # the parser looks at no bytes of a `Raw`
        letter = msgspec.json.decode(text, type=Letter)
        date.fromisoformat(letter.day)
    except UNREADABLE:
        return None
    return letter if letter.id and is_document(bytes(letter.document)) else None


def segments(letters: Sequence[Letter]) -> Iterator[Segment]:
    """The original documents of `letters` under their ids, in order; a segment for each run of equal origin."""
    for origin, run in groupby(letters, key=lambda letter: letter.origin):
        container_id, container, entry, target, day = origin
        theirs = list(run)
        yield recovered.segment(
            container_id=container_id,
            container=container,
            entry=entry,
            target=target,
            day=day,
            ids=[letter.id for letter in theirs],
            documents=[as_original(bytes(letter.document)) for letter in theirs],
        )
