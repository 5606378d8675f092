"""Bytes of letters by target → what has to go when all of them are too much: from those who have most, oldest first.

Each target keeps what it has up to an equal share, and what others leave of theirs is shared again. So a target of
which everything is refused pushes out its own old letters, and nobody else's.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from collector.errors import UNREADABLE
from collector.files.ownership import open_own

Span = tuple[int, int]  # of a file: from here to there, without the latter


class _Of(Struct):
    target: str = ""


class Cut(Struct):
    """What is left of a file, as spans in order, and how many letters of each target went with how many bytes."""

    kept: list[Span]
    letters: Counter[str]
    sizes: Counter[str]


def excess(sizes: Mapping[str, int], most: int) -> dict[str, int]:
    """By how much each target is over its share, where all of them may have `most` together."""
    left = most
    waiting = sorted(sizes.items(), key=lambda each: each[1])
    for number, (_, size) in enumerate(waiting):
        share = left // (len(waiting) - number)
        if size > share:
            return {target: size - share for target, size in waiting[number:] if size > share}
        left -= size
    return {}


def sizes_of(path: Path) -> Counter[str]:
    """How many bytes each target has in a file; a damaged line is of the target "".

    Raises:
        OSError: it cannot be read.
    """
    sizes: Counter[str] = Counter()
    with open(path, "rb", opener=open_own) as file:
        for text in file:
            sizes[_target(text)] += len(text)
    return sizes


def cut(path: Path, over: Mapping[str, int], *, keeps_last: bool) -> Cut:
    """Choose the oldest letters of a file to go, of each target until `over` is reached; never the last, if it is kept.

    Raises:
        OSError: it cannot be read.
    """
    found = Cut([], Counter(), Counter())
    end = 0
    with open(path, "rb", opener=open_own) as file:
        size = os.fstat(file.fileno()).st_size if keeps_last else -1
        for text in file:
            start, end = end, end + len(text)
            target = _target(text)
            if found.sizes[target] < over.get(target, 0) and end != size:
                found.letters[target] += 1
                found.sizes[target] += len(text)
            else:
                add(found.kept, (start, end))
    return found


def add(spans: list[Span], span: Span) -> None:
    """Add a span behind the others; one that touches the last makes it longer."""
    if spans and spans[-1][1] == span[0]:
        spans[-1] = (spans[-1][0], span[1])
    elif span[0] < span[1]:
        spans.append(span)


def told(letters: Counter[str], most: int = 5) -> str:
    """Targets with their numbers, those with most first: `shop (120), till (3)`."""
    shown = [f"{target or 'unknown'} ({count})" for target, count in letters.most_common(most)]
    return ", ".join(shown) + (f" and {len(letters) - most} more" if len(letters) > most else "")


def _target(text: bytes) -> str:
    try:
        return msgspec.json.decode(text, type=_Of).target
    except UNREADABLE:
        return ""  # half a line


def all_of(sizes: Sequence[Counter[str]]) -> Counter[str]:
    """The sum of several files'."""
    total: Counter[str] = Counter()
    for each in sizes:
        total.update(each)
    return total
