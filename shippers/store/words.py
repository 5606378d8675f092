"""Text → words: runs of letters and digits in lower case; and words of many texts as numbers, to find all at once."""

from collections import defaultdict
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from collector.search.leaves import GAP

Array = np.ndarray[Any, np.dtype[Any]]

END = 0
"""The number that stands behind the last word of each text."""

_BYTES = bytes(
    byte if byte >= 128 or chr(byte).isalnum() or byte == ord("\n") else ord(" ") for byte in bytes(range(256)).lower()
)
"""Each byte in lower case; those of ASCII that are neither letter nor digit are blanks."""


class Worded(NamedTuple):
    """Texts as `tokens`, the numbers of their words with an `END` behind each text; the words from 1 on are `words`."""

    words: list[bytes]
    tokens: Array


def worded(texts: list[str]) -> Worded:
    """The words of texts."""
    plain = [text if text.isascii() else GAP.sub(" ", text).lower() for text in texts]
    joined = "\n".join(plain)
    if joined.count("\n") >= len(texts):
        joined = "\n".join([text.replace("\n", " ") for text in plain])
    lines = joined.encode().translate(_BYTES).replace(b"\n", b" \n ") + b" \n"
    numbers: defaultdict[bytes, int] = defaultdict(count().__next__)
    numbers[b"\n"], numbers[b""]  # END, and what stands between two blanks
    tokens = np.fromiter(map(numbers.__getitem__, lines.split(b" ")), np.uint32)
    tokens = tokens[tokens != 1]
    return Worded(list(numbers)[2:], np.maximum(tokens, 1) - 1)


def numbers_of(word: str, lines: bytes, *, is_prefix: bool) -> Array:
    """The numbers of the words among `lines` (each with a newline before and behind it) that are this, or begin so."""
    wanted = b"\n" + word.encode() + (b"" if is_prefix else b"\n")
    found: list[int] = []
    at = lines.find(wanted)
    while at >= 0:
        found.append(at)
        at = lines.find(wanted, at + 1) if is_prefix else -1
    if not found:
        return np.zeros(0, np.int64)
    if len(found) == 1:
        return np.array([lines.count(b"\n", 0, found[0]) + 1])
    breaks = np.flatnonzero(np.frombuffer(lines, np.uint8) == ord("\n"))
    return np.searchsorted(breaks, np.array(found)) + 1


def texts_with(tokens: Array, wanted: list[Array], slop: int) -> Array:
    """Which texts hold words in this order, by their numbers; up to `slop` others may stand between them.

    `wanted` are, for each word, the numbers that it may have.
    """
    places = [_places(tokens, numbers) for numbers in wanted]
    ends = np.flatnonzero(tokens == END)
    if not slop:
        first = places[0]
        for distance, following in enumerate(places[1:], 1):
            first = first[np.isin(first + distance, following, assume_unique=True)]
        return np.unique(np.searchsorted(ends, first))
    texts = [np.searchsorted(ends, its) for its in places]
    possible = np.unique(texts[0])
    for its in texts[1:]:
        possible = np.intersect1d(possible, its)
    return np.array([text for text in possible.tolist() if _is_spread(text, texts, places, slop)], np.int64)


def _places(tokens: Array, numbers: Array) -> Array:
    if len(numbers) == 1:
        return np.flatnonzero(tokens == numbers[0])
    return np.flatnonzero(np.isin(tokens, numbers))


def _is_spread(text: int, texts: list[Array], places: list[Array], slop: int) -> bool:
    """Whether the words follow each other in a text with no more than `slop` others between them."""
    mine = [its[at == text].tolist() for its, at in zip(places, texts, strict=True)]
    for place in mine[0]:
        last = place
        for following in mine[1:]:
            last = next((each for each in following if each > last), -1)
            if last < 0:
                return False
        if last - place - (len(mine) - 1) <= slop:
            return True
    return False
