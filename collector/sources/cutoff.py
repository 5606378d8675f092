"""Leaves out lines that are older than a moment: what `backlog: new` and `backlog: 24h` ask for."""

from msgspec.structs import replace

from collector.model import Chunk, Start

_MEASURED = "1970"  # times before that, such as Go's year 1, were never measured: the lines around tell how old one is


def cutoff_of(start: Start) -> str:
    """The moment before which lines are left out: of a log of which none was settled. "" for none."""
    return start.cutoff if start.resume is None or start.resume.is_unsettled else ""


def without_older(chunk: Chunk, cutoff: str) -> tuple[Chunk, bool]:
    """The chunk from its first line that is not older than `cutoff` (Docker's time to the second) on.

    And whether there is such a line: then nothing behind it is left out any more.
    """
    data, start = chunk.data, chunk.start
    if _time(data) < cutoff:
        return replace(chunk, data=b"", start=chunk.end), False
    offset, number = 0, start.line
    while _time(data[offset : (after := data.index(b"\n", offset) + 1)]) < cutoff:
        offset = after
        number += 1
    if offset:  # counted from the end: of the first line some may be left out
        start = start._replace(offset=chunk.end.offset - len(data) + offset, line=number)
    return replace(chunk, data=data[offset:], start=start), True


def _time(lines: bytes) -> str:
    """Docker's `time`, to the second, of the last of the raw lines that was measured; "" if there is none."""
    end = len(lines)
    while (start := lines.rfind(b'"time":"', 0, end)) >= 0:
        time = lines[start + 8 : start + 27].decode(errors="replace")
        if time >= _MEASURED:
            return time
        end = start
    return ""
