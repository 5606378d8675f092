"""What a line says → its pattern: the same text for lines that differ in numbers, ids and quoted words alone.

The time that it takes is linear in the characters looked at, and these are bounded: lines are hostile.
"""

import re

MOST_CHARACTERS = 200
"""Of a pattern."""

_LOOKED_AT = 1024  # characters of a line
_MASK = "<…>"
_HEX = "[0-9a-fA-F]"
_VARIABLE = re.compile(
    rf"""
    "[^"]*" | (?<!\w)'[^']*'(?!\w)                          # quoted; an apostrophe inside of a word is none
    | \b{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}\b     # a UUID
    | \b0x{_HEX}+\b | \b(?=[a-fA-F]*[0-9]){_HEX}{{7,}}\b    # an address, a hash
    | [0-9]+(?:[.,:T-]?[0-9]+)*Z?                           # a number, an address of IPv4, a time
    """,
    re.VERBOSE,
)
_BLANKS = re.compile(r"\s+")


def mask(message: str) -> str:
    """The pattern of a message, of `MOST_CHARACTERS` at most and on one line: what varies is `<…>`."""
    masked = _VARIABLE.sub(_MASK, message[:_LOOKED_AT])
    pattern = _BLANKS.sub(" ", masked).strip()
    return pattern if len(pattern) <= MOST_CHARACTERS else pattern[: MOST_CHARACTERS - 1] + "…"
