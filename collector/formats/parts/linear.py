r"""Patterns of containers and operators, on an engine whose time grows with the text and no faster: RE2 (ADR 0029).

A pattern may be written as log-pilot has it, `/^(?<time>\S+) …/`, with Ruby's flags `i` and `m`, or plain, as Python
and Go have it. What Ruby writes in another way than RE2 is rewritten; what RE2 does not have, or would read as
something else, is refused with a remedy.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import re2

MOST_BYTES = 512  # of a pattern
MOST_TEXT_BYTES = 1 << 14  # of a line: at the worst some 40 ms
_MOST_STEPS = 600  # of a program that reads bytes: each costs at most some 4 ns for each byte of a line
_MOST_MEMORY = 1 << 18  # bytes, of a program with its cache

_WRAPPED = re.compile(r"/(.*)/([a-z]*)", re.DOTALL).fullmatch
_FLAGS = {"i": "i", "m": "s"}  # Ruby's `m` lets a dot match a newline
_NAMED = re.compile(r"\(\?P?<([^=!>][^>]*)>").fullmatch
# What a pattern consists of: escapes, classes, the beginnings of groups, quantifiers in a row, anything else.
_TOKEN = re.compile(
    r"""\\.|\[\^?\]?(?:\[:\^?[a-z]*:\]|\\.|[^\]\\])*+\]|\(\?(?:P?<[=!]|P?<[^>]*>|'[^']*'|P=|[^<'P])?|[*+?]\+|.""",
    re.DOTALL,
)
_IN_RE2: Mapping[str, str] = {r"\h": "[0-9a-fA-F]", r"\H": "[^0-9a-fA-F]", r"\Z": r"\z"}
_BEHIND = "it looks at what stands behind or before, which RE2 cannot: match that too, outside of the named groups"
_ATOMIC = "it keeps the engine from going back, and RE2 never does: leave the + out, or write (?: for (?>"
_AGAIN = "it asks for a text that was there before, which RE2 cannot: match any text in its place"
_MISSING: Mapping[str, str] = {
    "(?=": _BEHIND,
    "(?!": _BEHIND,
    "(?<=": _BEHIND,
    "(?<!": _BEHIND,
    "(?>": _ATOMIC,
    "(?~": "it matches what does not contain a text, which RE2 cannot: match with a class such as [^;]*",
    "(?(": "it has a condition, which RE2 cannot: use alternatives with |",
    "(?#": "it is a comment, which RE2 does not have: leave it out",
    "(?P=": _AGAIN,
    r"\k": _AGAIN,
    r"\g": "it calls a group, which RE2 cannot: write the group again",
    r"\K": "it moves the beginning of the match, which RE2 cannot: use a named group",
    r"\G": "it means the end of the last match, and there is one match of a line: use ^",
    r"\R": r"it stands for newlines, and RE2 does not have it: use \n",
    r"\X": "it stands for a character with its accents, and RE2 does not have it: use .",
    r"\C": "it matches a part of a character: use .",
}
_CLASS = r"a [ or && inside of a class means different things to different engines: write \[ or \&"


class Program:
    """A pattern that can be asked. `names` are those of its groups, with their numbers, in their order.

    Raises:
        ValueError: the pattern cannot be used; the text says why, and what to write instead.
    """

    __slots__ = ("_match", "names")

    def __init__(self, pattern: str) -> None:
        if not pattern.strip():
            raise ValueError("pattern is missing: write one with named groups, such as ^(?<time>\\S+) (?<message>.*)$")
        program = _bounded(pattern)
        groups: Mapping[bytes, int] = program.groupindex
        self.names = tuple(sorted(((name.decode(), group) for name, group in groups.items()), key=lambda one: one[1]))
        if not self.names:
            raise ValueError("pattern names no group: write (?<name>…) around what shall be a member")
        # What `search` calls: with its objects around the result a line takes half as long again.
        self._match: Callable[..., Sequence[tuple[int, int]]] = program._regexp.Match

    def spans(self, line: bytes) -> Sequence[tuple[int, int]] | None:
        """Where each group is in a line of UTF-8, as bytes, the whole match first; (-1, -1) if it is not there.

        None if nothing of the line matches, or if it is too long.
        """
        if len(line) > MOST_TEXT_BYTES:
            return None
        found = self._match(_ANYWHERE, line, 0, len(line))
        return found if found[0][0] >= 0 else None


_ANYWHERE = re2._re2.RE2.Anchor.UNANCHORED
_ENDS = 1 << 11  # characters that are looked at of a longer line, at its beginning and at its end


def matcher(pattern: str) -> Callable[[str], bool]:
    """What tells whether a pattern is found in a line; of a long one its beginning and its end are looked at.

    Raises:
        ValueError: the pattern cannot be used; the text says why, and what to write instead.
    """
    match: Callable[..., Sequence[tuple[int, int]]] = _bounded(pattern)._regexp.Match

    def is_found(text: str) -> bool:
        line = (text if len(text) <= 2 * _ENDS else f"{text[:_ENDS]}…{text[-_ENDS:]}").encode()
        return match(_ANYWHERE, line, 0, len(line))[0][0] >= 0

    return is_found


def _bounded(pattern: str) -> re2._Regexp:
    """The program of a pattern.

    Raises:
        ValueError: as `matcher`.
    """
    if len(pattern.encode()) > MOST_BYTES:
        raise ValueError(f"pattern has {len(pattern.encode())} bytes: {MOST_BYTES} are allowed")
    written = _for_re2(pattern)
    # One for bytes tells what repetitions cost; one for UTF-8 has a thousand steps for \pL, of which few are taken.
    steps = _compiled(written, re2.Options.Encoding.LATIN1).programsize
    if steps > _MOST_STEPS:
        raise ValueError(
            f"pattern becomes a program of {steps} steps: {_MOST_STEPS} are allowed; use smaller repetitions"
        )
    return _compiled(written)


def _compiled(pattern: str, encoding: object = re2.Options.Encoding.UTF8) -> re2._Regexp:
    options = re2.Options()
    options.encoding = encoding
    options.max_mem = _MOST_MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error as error:
        cause = error.args[0].decode(errors="replace").partition(": ")[0]  # behind it is a piece of the pattern
        raise ValueError(f"pattern cannot be used: {cause}; its syntax is that of RE2") from None


def _for_re2(pattern: str) -> str:
    """The pattern as RE2 has it."""
    wrapped = _WRAPPED(pattern.strip())
    pattern, flags = wrapped.groups() if wrapped else (pattern, "")
    if unknown := sorted(set(flags) - _FLAGS.keys()):
        raise ValueError(f"pattern has the flag {unknown[0]} behind its last slash: i and m can be used")
    names = set[str]()
    written = "".join(_piece(found[0], names) for found in _TOKEN.finditer(pattern))
    return f"(?{''.join(sorted({_FLAGS[flag] for flag in flags}))}){written}" if flags else written


def _piece(piece: str, names: set[str]) -> str:
    """A piece of a pattern as RE2 has it; its name joins `names`."""
    if piece[0] == "[" and len(piece) > 1:
        return _class(piece)
    if piece[:3] == "(?'":
        piece = f"(?<{piece[3:-1]}>"
    if named := _NAMED(piece):
        if named[1] in names:
            raise ValueError("pattern has two groups with one name: put the alternatives into one group")
        names.add(named[1])
    if reason := _MISSING.get(piece):
        raise ValueError(f"pattern has {piece}: {reason}")
    if piece[-1] == "+" and len(piece) > 1 and piece[0] in "*+?":
        raise ValueError(f"pattern has {piece}: {_ATOMIC}")
    if piece[0] == "\\" and piece[1:].isdigit() and piece != r"\0":
        raise ValueError(f"pattern has {piece}: {_AGAIN}")
    return _IN_RE2.get(piece, piece)


def _class(piece: str) -> str:
    inner = re.sub(r"\\.|\[:\^?[a-z]*:\]", "", piece[1:])
    if "[" in inner or "&&" in inner:
        raise ValueError(f"pattern cannot be used: {_CLASS}")
    return re.sub(r"\\(.)", lambda found: "0-9a-fA-F" if found[1] == "h" else found[0], piece)
