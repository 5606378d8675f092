"""The seam for how documents are made: finished lines and what is known of their stream → bytes.

A transform is given a composer of its own, since one keeps what it encoded last. All give documents of the form
`pilotfish`; other forms are made of it where a document is sent (`form`).
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from collector.model import Counts, LogStream


class WrittenLine(Protocol):
    """A line as its application wrote it, with the newline if it had one. With attributes if the composer takes any."""

    @property
    def log(self) -> str:
        """Its text."""

    @property
    def stream(self) -> str:
        """`stdout` or `stderr`."""

    @property
    def time(self) -> str:
        """Docker's time."""


class FinishedLine(Struct, gc=False):
    """A line that is whole, or an event of several. `time` is Docker's.

    `is_cut` says that more belongs to it, `is_broken` that its envelope cannot be read: it is a message then, also
    where it is JSON. `attrs` is JSON, b"" where it has none.
    """

    text: str
    stream: str
    time: str
    id: str
    attrs: bytes = b""
    is_cut: bool = False
    is_broken: bool = False


class Made(NamedTuple):
    """Documents, each with its `@timestamp` and its `_id`: those of lines that are left out are not among them."""

    documents: list[bytes]
    stamps: Sequence[str]
    ids: Sequence[str]


class Composer(Protocol):
    """Composes the documents of one stream. `stamps` are the `@timestamp`s of lines, one each, `ids` their `_id`s."""

    @property
    def with_attrs(self) -> bool:
        """Whether it takes the attributes of lines."""

    @property
    def reads_lines(self) -> bool:
        """Whether lines are read in a format, redacted or filtered: something of it is counted."""

    @property
    def is_selective(self) -> bool:
        """Whether a line may be left out, or get another time."""

    @property
    def remembers(self) -> bool:
        """Whether what becomes of a line depends on lines before it: then they come in their order."""

    @property
    def carried(self) -> str:
        """What has to be known, where reading goes on, of the lines that were composed."""

    def counted(self) -> Counts:
        """What was counted since it was asked last."""

    def whole_lines(
        self, stream: LogStream, lines: Sequence[WrittenLine], stamps: Sequence[str], ids: Sequence[str]
    ) -> Made | None:
        """A document for each line that is not left out; None if one of them is a piece of a line."""

    def finished(self, stream: LogStream, lines: Sequence[FinishedLine], stamps: Sequence[str]) -> Made:
        """A document for each line that is not left out."""

    def added_bytes(self, stream: LogStream) -> int:
        """How many bytes a document of the stream has beside its `log`, about."""
