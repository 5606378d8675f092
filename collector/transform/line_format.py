"""A format in which each raw line is one document: what a new format begins with (docs/tutorials/write-a-format.md)."""

from abc import abstractmethod

from collector.documents.composer import Composer, FinishedLine
from collector.documents.document import Pilotfish
from collector.documents.ids import id_prefix
from collector.documents.segments import days, segment_of
from collector.model import BEGINNING, Chunk, LogStream, Start, Ticket
from collector.ports import Taken, Transform
from collector.transform.stamps import Stamps, from_nanoseconds

_NO_TIME = from_nanoseconds(0)  # of lines before the first that has a time: never the clock's, which differs each time


class LineFormat(Transform):
    """Makes a document of each line; `read` is the format."""

    def __init__(self, stamps: Stamps, start: Start = BEGINNING, *, composer: Composer | None = None) -> None:
        """A first line without a time takes that of the line before `start`."""
        self._stamps = stamps
        self._composer = Pilotfish() if composer is None else composer
        self._last_time = start.last_time

    @abstractmethod
    def read(self, text: str) -> tuple[str, str]:
        """The time of a line (RFC 3339 or ISO 8601, "" if it has none), and what it says: a text or a JSON object."""

    def take(self, chunk: Chunk) -> Taken:
        """The documents of `chunk`."""
        if chunk.data and chunk.start.line == 0:  # another file: a line takes no time of a line in the one before
            self._last_time = ""
        begin = Ticket(chunk.start, self._last_time, carried=self._composer.carried)
        prefix = id_prefix(chunk.start.file, chunk.stream.entry)
        raws = enumerate(chunk.data.split(b"\n")[:-1], chunk.start.line)
        lines = [self._line(raw, f"{prefix}{number}") for number, raw in raws]
        rendered = self._stamps.render([line.time for line in lines])
        documents, stamps, ids = self._composer.finished(chunk.stream, lines, rendered)
        end = Ticket(chunk.end, self._last_time, chunk.fingerprint, carried=self._composer.carried)
        segments = [
            segment_of(
                chunk.stream, day, documents[first:last], ids[first:last], end if last == len(documents) else begin
            )
            for day, first, last in days(stamps)
        ]
        taken = Taken(segments, segments[-1].ticket if segments else end)
        if self._composer.reads_lines:
            taken.note(self._composer.counted())
        return taken

    def added_bytes(self, stream: LogStream) -> int:
        """How many bytes are added to a line of the stream, about."""
        return self._composer.added_bytes(stream)

    def _line(self, raw: bytes, name: str) -> FinishedLine:
        time, said = self.read(raw.decode(errors="replace").removesuffix("\r"))
        self._last_time = self._stamps.read(time) or self._last_time
        return FinishedLine(said, "stdout", self._last_time or _NO_TIME, name)
