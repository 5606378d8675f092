r"""Patterns that containers ask for, on an engine whose time grows with the text and no faster: RE2 (ADR 0029).

A pattern may be plain, or as log-pilot and Fluentd write it, `/^\d+/`. Beyond a bound a line is not looked at.
"""

import re
from collections.abc import Callable

import re2

from collector.text.bounds import shown

MOST_BYTES = 512  # of a pattern
MOST_CHARACTERS = 4096  # of a line: what it begins with tells what it is
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
        program = re2.compile(wrapped[1] if wrapped else pattern, options)
    except re2.error as error:
        cause = error.args[0]
        cause = cause.decode(errors="replace") if isinstance(cause, bytes) else str(cause)
        raise ValueError(f"{shown(pattern)} cannot be used: {shown(cause)}; the syntax is that of RE2") from None
    if program.programsize > _MOST_STEPS:
        raise ValueError(f"{shown(pattern)} repeats too much for a pattern: use smaller repetitions")
    find = program.search
    return lambda text: find(text[:MOST_CHARACTERS]) is not None
