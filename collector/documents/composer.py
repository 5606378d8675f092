"""The seam for the form of documents: finished lines and what is known of their stream → bytes.

A transform is given a composer of its own, since one keeps what it encoded last. `document.Pilotfish` is the one form.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from collector.model import LogStream


class WrittenLine(Protocol):
    """A line as its application wrote it, with the newline if it had one. With attributes if the composer takes any."""

    @property
    def log(self) -> str:
        """Its text."""

    @property
    def stream(self) -> str:
        """`stdout` or `stderr`."""


class FinishedLine(Struct, gc=False):
    """A line that is whole: `log` is the JSON object that stands for it (`Composer.log_of`).

    `is_cut` says that more belongs to it; `attrs` is JSON, b"" where it has none.
    """

    log: str
    stream: str
    time: str
    id: str
    attrs: bytes = b""
    is_cut: bool = False


class Composer(Protocol):
    """Composes the documents of one stream."""

    @property
    def with_attrs(self) -> bool:
        """Whether it takes the attributes of lines."""

    @property
    def reads_lines(self) -> bool:
        """Whether lines are read in a format or redacted: something of it is counted."""

    def log_of(self, text: str) -> str:
        """The JSON object, on one line, that stands for a line's text."""

    def message_of(self, text: str) -> str:
        """The JSON object with a text as its message, also where the text is JSON."""

    def misfits(self) -> int:
        """How many lines did not fit their format since it was asked last."""

    def redactions(self) -> Mapping[str, int]:
        """How often each rule of redaction found something since it was asked last."""

    def whole_lines(self, stream: LogStream, lines: Sequence[WrittenLine], stamps: Sequence[str]) -> list[bytes] | None:
        """A document for each line; None if one of them is a piece of a line. `stamps` are their `@timestamp`s."""

    def finished(self, stream: LogStream, lines: Sequence[FinishedLine], stamps: Sequence[str]) -> list[bytes]:
        """A document for each line."""

    def added_bytes(self, stream: LogStream) -> int:
        """How many bytes a document of the stream has beside its `log`, about."""
