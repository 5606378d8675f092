"""Lines of a plain file → documents: each line as Docker's envelope would hold it, without a time.

All that follows is `docker_json`'s, and `multiline_json`'s where lines are joined. The time is that of `written`.
"""

from typing import cast

from collector.documents.composer import FinishedLine
from collector.model import Chunk, Decided, LogStream, Segment
from collector.ports import Transform, Undecided
from collector.sources.log_files import MAX_RAW_LINE_BYTES
from collector.transform.docker_json import DockerJson
from collector.transform.envelope import LineWithAttrs
from collector.transform.multiline_json import MultilineJson
from collector.transform.undated import RawLine
from collector.transform.written import WrittenLines


class _Plain(DockerJson):
    """What both have in common; `_times` has the lines that wait for their time."""

    _undated = WrittenLines
    rest = Transform.rest  # each output decides the times of its lines by itself

    @property
    def _times(self) -> WrittenLines:
        return cast(WrittenLines, self._held)

    @property
    def is_full(self) -> bool:
        """Whether more lines wait for their time than memory is meant for."""
        return self._times.is_full

    def undecided(self) -> Undecided | None:
        """The times of lines that wait, at once; else the end of events."""
        if not self._times:
            return super().undecided()
        written = self._times.undecided_times()
        return Undecided(written, 0.0, Decided(written=written))

    def _fast(self, chunk: Chunk) -> list[Segment] | None:
        return None

    def _slow(self, chunk: Chunk) -> list[Segment]:
        self._times.see(chunk)
        return super()._slow(chunk)

    def _take(self, raw: RawLine, stream: LogStream, finished: list[FinishedLine]) -> None:
        if self._times.is_due:
            self._release(stream, finished)
        self._last_time = self._times.time_at(raw.start)
        super()._take(raw, stream, finished)

    def _release(self, stream: LogStream, finished: list[FinishedLine], time: str = "") -> None:
        """Those of which the time is decided; the others wait on."""
        for raw in self._times.take():
            self._take(raw, stream, finished)

    def _envelope(self, content: bytes) -> LineWithAttrs | None:
        if len(content) >= MAX_RAW_LINE_BYTES:
            return None  # it was cut, and is marked
        return LineWithAttrs(log=f"{content.decode(errors='replace')}\n", time="", stream="stdout")

    def _finish_broken(self, raw: RawLine, stream: LogStream, finished: list[FinishedLine]) -> None:
        super()._finish_broken(raw, stream, finished)
        self.parse_errors -= 1  # there is no envelope that could be broken


class PlainLines(_Plain):
    """The transform of one stream of plain lines, each of which is a document."""


class PlainEvents(_Plain, MultilineJson):
    """The transform of one stream of plain lines that are joined to events."""
