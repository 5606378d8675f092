r"""Patterns that containers ask for, on an engine whose time grows with the text and no faster: RE2 (ADR 0029).

A pattern may be plain, or as log-pilot and Fluentd write it, `/^\d+/`. Of a long line its beginning
and its end are looked at.
"""

import re
from collections.abc import Callable, Sequence

import re2

from collector.text.bounds import shown

MOST_BYTES = 512  # of a pattern
MOST_CHARACTERS = 4096  # of a line: how it begins and ends tells what it is
_MOST_STEPS = 600  # of a program: each costs at most some 4 ns for each byte
_MOST_MEMORY = 1 << 18
_WRAPPED = re.compile(r"/(.*)/", re.DOTALL).fullmatch


def matcher(pattern: str) -> Callable[[str], bool]:
    """What tells whether a pattern is found in a line.

    Raises:
        ValueError: it cannot be used.
    """
    if len(pattern.encode()) > MOST_BYTES:
        raise ValueError(f"a pattern has {len(pattern.encode())} bytes: {MOST_BYTES} are allowed")
    wrapped = _WRAPPED(pattern.strip())
    options = re2.Options()
    options.max_mem = _MOST_MEMORY
    options.log_errors = False
    try:
        program = re2.compile((wrapped[1] if wrapped else pattern).encode(), options)
    except re2.error as error:
        cause = shown(error.args[0].decode(errors="replace"))
        raise ValueError(f"{shown(pattern)} cannot be used: {cause}; its syntax is that of RE2") from None
    if program.programsize > _MOST_STEPS:
        raise ValueError(f"{shown(pattern)} repeats too much: use smaller repetitions")
    match: Callable[..., Sequence[tuple[int, int]]] = program._regexp.Match  # `search` takes five times as long

    def is_found(text: str) -> bool:
        if len(text) > MOST_CHARACTERS:
            text = f"{text[: MOST_CHARACTERS // 2]}…{text[-MOST_CHARACTERS // 2 :]}"
        line = text.encode()
        return match(_ANYWHERE, line, 0, len(line))[0][0] >= 0

    return is_found


_ANYWHERE = re2._re2.RE2.Anchor.UNANCHORED
