"""A chunk → parts of it, of which none becomes much more than so many bytes: lines of one letter, with long names.

What is added to a line is the same for each, so their number decides. Documents and ids do not depend on it.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from collector.model import Chunk, line_count
from collector.sources.fingerprint import fingerprint, last_line


def parts(chunk: Chunk, added_bytes: int, most_bytes: int) -> Iterator[Chunk]:
    """The chunk, or halves of halves of it: with `added_bytes` a line, no more than `most_bytes` are added to one."""
    lines = chunk.end.line - chunk.start.line
    if lines < 2 or lines * added_bytes <= most_bytes:
        yield chunk
        return
    for half in _halves(chunk):
        yield from parts(half, added_bytes, most_bytes)


def cut(chunk: Chunk, lines: int) -> tuple[Chunk, Chunk]:
    """So many of its lines, and the rest, which may be none."""
    end = 0
    for _ in range(lines):
        end = chunk.data.index(b"\n", end) + 1
    return _cut_behind(chunk, end)


def _halves(chunk: Chunk) -> tuple[Chunk, Chunk]:
    """Cut behind the line in the middle; there are two at least."""
    data = chunk.data
    return _cut_behind(
        chunk, data.find(b"\n", len(data) // 2, len(data) - 1) + 1 or data.rfind(b"\n", 0, len(data) - 1) + 1
    )


def _cut_behind(chunk: Chunk, end: int) -> tuple[Chunk, Chunk]:
    first, second = chunk.data[:end], chunk.data[end:]
    lines = line_count(first)
    # Counted from the end: of the first line some may be left out, and then nobody knows how it ends in the file.
    offset, line = chunk.end.offset - len(second), chunk.start.line + lines
    middle = chunk.end._replace(offset=offset, line=line, cursor=chunk.start.cursor)
    is_whole = lines > 1 or middle.offset - chunk.start.offset == len(first)
    known_by = fingerprint(last_line(first)) if is_whole else ""
    return (
        replace(chunk, data=first, end=middle, ended=False, fingerprint=known_by),
        replace(chunk, data=second, start=middle),
    )
