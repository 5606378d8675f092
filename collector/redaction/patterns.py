"""Regular expressions over bytes whose time grows with the text and no faster: RE2, as in `formats.parts.linear`."""

from collections.abc import Callable, Sequence

import re2

from collector.formats.parts.linear import MOST_BYTES, MOST_TEXT_BYTES
from collector.text.bounds import shown

_ANYWHERE = re2._re2.RE2.Anchor.UNANCHORED
_MOST_STEPS = 600  # of a pattern of an operator, as of one of a container
_MOST_MEMORY = 1 << 20  # bytes, of one program with its cache

Span = tuple[int, int]
Spans = Sequence[Span]


class Pattern:
    """A regular expression. `steps` tells what a byte of text costs at the worst."""

    __slots__ = ("_match", "steps")

    def __init__(self, pattern: str, *, is_utf8: bool = False, captures: bool = True) -> None:
        """Without `is_utf8` each byte is a character.

        Raises:
            ValueError: it is none of RE2's.
        """
        options = re2.Options()
        options.encoding = re2.Options.Encoding.UTF8 if is_utf8 else re2.Options.Encoding.LATIN1
        options.max_mem = _MOST_MEMORY
        options.log_errors = False
        options.never_capture = not captures
        try:
            compiled = re2.compile(pattern.encode(), options)
        except re2.error as error:
            cause = error.args[0].decode(errors="replace")
            raise ValueError(f"pattern cannot be used: {shown(cause)}; its syntax is that of RE2") from None
        self.steps: int = compiled.programsize
        self._match: Callable[..., Spans] = compiled._regexp.Match

    def find(self, data: bytes, at: int = 0) -> Spans | None:
        """Where the first match from `at` on is, and each of its groups; (-1, -1) for a group that is not there."""
        found = self._match(_ANYWHERE, data, at, len(data))
        return found if found[0][0] >= 0 else None


class Needles:
    """Several patterns that are looked for at once: one pass of an automaton, 1.1 ns a byte, however many there are.

    A byte of the text is a character. They are kept simple, so that no text makes an automaton with many states of
    them: no repetition with a bound stands behind a beginning that may come again within it.

    `which` gives the numbers of those that a text has; `first` where the first of any is.
    """

    __slots__ = ("first", "which")

    def __init__(self, patterns: Sequence[str]) -> None:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.log_errors = False
        options.never_capture = True
        together = re2._re2.Set(_ANYWHERE, options)
        for pattern in patterns:
            together.Add(pattern.encode())
        together.Compile()
        self.which: Callable[[bytes], Sequence[int]] = together.Match  # where there is none, cheaper than `first`
        self.first = Pattern("|".join(patterns), captures=False).find


def of_operator(pattern: str) -> Pattern:
    """A pattern that an operator wrote; what it finds is redacted, or its group `secret` if it has one.

    Raises:
        ValueError: it cannot be used; the text says why.
    """
    if not pattern.strip():
        raise ValueError("pattern is empty; write one that matches what is to be redacted")
    if len(pattern.encode()) > MOST_BYTES:
        raise ValueError(f"pattern has {len(pattern.encode())} bytes; {MOST_BYTES} are allowed")
    _refuse_groups(pattern)
    steps = Pattern(pattern).steps  # one for bytes tells what repetitions cost
    if steps > _MOST_STEPS:
        raise ValueError(f"pattern becomes a program of {steps} steps; {_MOST_STEPS} are allowed")
    found = Pattern(pattern, is_utf8=True)
    if found.find(b"") is not None:
        raise ValueError("pattern matches an empty text, so it would match everywhere; use + where it has *")
    return found


def most_bytes(pattern: Pattern) -> int:
    """How much text a pattern of an operator is let loose on: at the worst some 40 ms."""
    return MOST_TEXT_BYTES * _MOST_STEPS // max(pattern.steps, 1)


def _refuse_groups(pattern: str) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern.encode(), options)
    except re2.error:
        return  # it is refused with its reason
    names = [name.decode() for name in compiled.groupindex]
    if names not in ([], ["secret"]) or (names and compiled.groups > 1):
        raise ValueError("pattern has groups of other names; name none, or one that is called secret")
