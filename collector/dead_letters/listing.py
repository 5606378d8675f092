"""Directories of letters → which there are: how many by output, target and reason, and the newest or oldest of them.

Every file is read through, so that the totals are true; of what is shown, as much is held as was asked for, within a
bound of bytes. What is written or replayed meanwhile may be seen or not. Blocks.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from collector.files.ownership import open_own
from collector.model import within

from .folder import files_of
from .letter import Wanted, read

_OUTPUT = re.compile(r"[a-z][a-z0-9_]*")
MOST_BYTES = 8 << 20  # of lines that are shown at once


class Listing(Struct):
    """`lines` are `{"output": …, <the letter>}`, oldest first; `damaged` counts lines of which nothing can be sent."""

    total: int = 0
    damaged: int = 0
    lines: list[bytes] = field(default_factory=list)
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # of (output, target, reason)

    def summary(self) -> dict[str, Any]:
        """How many letters there are, by where they were to go and why they did not."""
        reasons = [
            {"output": output, "target": target, "reason": reason, "letters": letters}
            for (output, target, reason), letters in self.reasons.most_common()
        ]
        return {"total": self.total, "damaged": self.damaged, "reasons": reasons}


def outputs_of(roots: Sequence[Path]) -> list[str]:
    """The outputs of which letters are kept below `roots`, configured still or not."""
    directories = [path for root in roots for path in root.glob("*") if _OUTPUT.fullmatch(path.name)]
    return sorted({path.name for path in directories if files_of(path)})


def find(roots: Sequence[Path], outputs: Sequence[str], wanted: Wanted, *, limit: int, oldest: bool = False) -> Listing:
    """The letters of `outputs` below `roots` that are wanted, and the `limit` newest (or oldest) of all of them.

    Raises:
        OSError: a file cannot be read.
    """
    listing = Listing()
    shown: list[tuple[str, bytes]] = []
    for directory in (root / output for root in roots for output in outputs):
        shown += _of_output(listing, directory, wanted, limit=limit, oldest=oldest)
        shown.sort(key=lambda each: each[0])
        if oldest:
            shown = within(MOST_BYTES, shown[:limit], _size)
        else:
            shown = within(MOST_BYTES, reversed(shown[max(len(shown) - limit, 0) :]), _size)[::-1]
    listing.lines = [text for _, text in shown]
    return listing


def _of_output(
    listing: Listing, directory: Path, wanted: Wanted, *, limit: int, oldest: bool
) -> list[tuple[str, bytes]]:
    kept: deque[tuple[str, bytes]] = deque()
    size = 0
    for text in _lines(directory):
        letter = read(text)
        if letter is None:
            listing.damaged += 1
            continue
        if not wanted.matches(letter):
            continue
        listing.total += 1
        listing.reasons[directory.name, letter.target, letter.reason] += 1
        if oldest and (len(kept) >= limit or size > MOST_BYTES):
            continue
        shown = b'{"output":"%b",' % directory.name.encode() + text.strip()[1:]
        kept.append((letter.time, shown))
        size += len(shown)
        while not oldest and kept and (len(kept) > limit or (size > MOST_BYTES and len(kept) > 1)):
            size -= len(kept.popleft()[1])
    return list(kept)


def _lines(directory: Path) -> Iterable[bytes]:
    for path in files_of(directory):
        try:
            with open(path, "rb", opener=open_own) as file:
                yield from (text for text in file if text.strip())
        except FileNotFoundError:
            continue  # replayed, or gone for newer ones


def _size(shown: tuple[str, bytes]) -> int:
    return len(shown[1])
