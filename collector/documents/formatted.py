"""Lines that are read in a format, or redacted, or both → documents of the form `pilotfish`."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol, cast

from collector.documents.attrs import Attrs, HasAttrs
from collector.documents.composer import FinishedLine, Made, WrittenLine
from collector.documents.document import Pilotfish
from collector.documents.json_text import log_of, message, text_of
from collector.model import Counts, LogStream

WITHHELD = (
    "withheld: this line is too long, or has too much that looks like a secret, to be redacted; "
    "the log of its container has it"
)


class Redacts(Protocol):
    """Takes secrets out of texts, before anything else sees them."""

    def text(self, text: str) -> str | None:
        """The text of a line without its secrets; None if it is withheld."""

    def broken(self, text: str) -> str | None:
        """The text of a broken envelope without its secrets; None if it is withheld."""

    def member(self, name: str, value: str) -> str:
        """The value of what has this name, without its secrets."""

    def suspects(self, texts: Sequence[str]) -> Collection[int]:
        """The places of those texts that may have some; the others have none."""

    def counted(self) -> Mapping[str, int]:
        """How often each rule found something since it was asked last."""


class Formatted(Pilotfish):
    """`read` gives the JSON object for a line's text, None if the line does not fit: then it is as without a format."""

    __slots__ = ("_counts", "_read", "_redact")

    reads_lines = True

    def __init__(
        self, read: Callable[[str], str | None] = log_of, *, redact: Redacts | None = None, with_attrs: bool = False
    ) -> None:
        super().__init__(with_attrs=with_attrs)
        self._read = read
        self._redact = redact
        self._counts = Counts()
        if redact is not None and with_attrs:
            self._attrs = Attrs(redact.member)

    def counted(self) -> Counts:
        """What was counted since it was asked last."""
        found, self._counts = self._counts, Counts()
        if self._redact is not None:
            found.redactions.update(self._redact.counted())
        return found

    def whole_lines(
        self, stream: LogStream, lines: Sequence[WrittenLine], stamps: Sequence[str], ids: Sequence[str]
    ) -> Made | None:
        """A document for each line; None if one of them is a piece of a line."""
        if not all(line.log.endswith("\n") for line in lines):
            return None
        logs = self._logs([text_of(line.log) for line in lines])
        tail = self._tail_of(stream)
        documents = [
            f'{{"log":{log},"stream":"{line.stream}","@timestamp":"{stamp}{tail}'.encode()
            for log, line, stamp in zip(logs, lines, stamps, strict=True)
        ]
        if self._attrs is not None:
            documents = list(map(self._attrs.add, documents, cast(Sequence[HasAttrs], lines)))
        return Made(documents, stamps, ids)

    def _logs(self, texts: list[str]) -> Iterable[str]:
        if self._redact is None:
            return map(self._log_of_text, texts)
        suspects = self._redact.suspects(texts)
        clean, any_ = self._log_of_text, self._log_of_seen
        return [any_(self._seen(text)) if number in suspects else clean(text) for number, text in enumerate(texts)]

    def _log_of(self, line: FinishedLine) -> str:
        return self._log_of_line(line, self._seen(line.text, is_broken=line.is_broken))

    def _log_of_line(self, line: FinishedLine, seen: str | None) -> str:
        return message(seen) if line.is_broken and seen is not None else self._log_of_seen(seen)

    def _seen(self, text: str, *, is_broken: bool = False) -> str | None:
        """A text without its secrets; None if it is withheld."""
        if self._redact is None:
            return text
        return self._redact.broken(text) if is_broken else self._redact.text(text)

    def _log_of_seen(self, seen: str | None) -> str:
        return message(WITHHELD) if seen is None else self._log_of_text(seen)

    def _log_of_text(self, text: str) -> str:
        found = self._read(text)
        if found is None:
            self._counts.misfits += 1
            return log_of(text)
        return found
