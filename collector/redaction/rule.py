"""What a rule is: it finds secrets in a text, and says what a line has at least where there is one."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from collector.redaction.patterns import Pattern, Span

Find = Callable[[bytes], Iterator[Span | None]]
Check = Callable[[bytes, int, int], Span | None]


class Rule(NamedTuple):
    """`find` gives the spans of secrets in a text, in their order, and None for what only looked like one.

    `needle` is a pattern (RE2, bytes) that matches at least wherever `find` finds something, also where the text is
    written as JSON; it is cheap, and most lines do not have it.
    """

    name: str
    needle: str
    find: Find


def matching(pattern: str, check: Check | None = None, *, again: Check | None = None) -> Find:
    """Finds what a pattern matches: its first group if it has one that matched, else all of it.

    `check` judges a match, and may move its ends. `again` says how much of a refused match to leave behind before the
    search goes on, as the end of the span that it gives; otherwise all of it.
    """
    program = Pattern(pattern)

    def find(data: bytes) -> Iterator[Span | None]:
        at = 0
        while at < len(data) and (found := program.find(data, at)) is not None:
            start, end = next((span for span in found[1:] if span[0] >= 0), found[0])
            span = (start, end) if check is None else check(data, start, end)
            yield span
            if span is not None:
                at = max(span[1], at + 1)
            else:
                left = again(data, start, end) if again is not None else None
                at = max(left[1] if left is not None else found[0][1], at + 1)

    return find


def stands_alone(data: bytes, start: int, end: int, more: bytes = b"") -> bool:
    """Whether no letter or digit, nor one of `more`, stands right before or behind."""
    return not _goes_on(data[start - 1 : start] if start else b"", more) and not _goes_on(data[end : end + 1], more)


def _goes_on(character: bytes, more: bytes) -> bool:
    return character.isalnum() or (character != b"" and character in more)
