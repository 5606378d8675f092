"""The name of a file → which generation of a log it is: `app.log.1`, `app.log-20261130.gz`, `app-2026-11-30.0.log`.

The forms of Docker, logrotate (with `dateext`), logback, log4j, lumberjack and Python's `TimedRotatingFileHandler`.
"""

import re
from collections.abc import Container, Iterator

_DATE = r"(?:(?:19|20)\d\d[-_]?(?:0[1-9]|1[0-2])[-_]?(?:0[1-9]|[12]\d|3[01])|1\d{9})"  # or seconds since 1970
_DATED = re.compile(rf"[-._](?P<date>{_DATE})(?P<more>(?:[-_.:T]?\d{{1,6}}){{0,4}})", re.ASCII)
_MARKS = re.compile(r"(?<!^)[-._](?=\d)", re.ASCII)  # behind each the rest may be what tells a rotated file
_MORE = re.compile(r"\d{1,6}", re.ASCII)
_MOST_MORE = 4
_THOUSANDS = 10**6
_BEFORE_ALL_NUMBERED = 10**60
_MOST_DIGITS = 18


def generation(name: str, live: str) -> int | None:
    """How old a file of this name is beside the log's `live` file: 0 is that file itself, more is older; None: no part.

    Dated files are older than numbered ones.
    """
    if name == live:
        return 0
    plain = name.removesuffix(".gz")
    stem, dot, end = live.rpartition(".")
    if plain.startswith(live):
        rest = plain[len(live) :]
        if rest[:1] == "." and rest[1:].isascii() and rest[1:].isdigit() and len(rest) <= _MOST_DIGITS:
            dated = _DATED.fullmatch(rest)
            return int(rest[1:]) if dated is None else _age(dated)
    elif stem and plain.startswith(stem) and plain.endswith(dot + end):
        rest = plain[len(stem) : len(plain) - len(dot + end)]
    else:
        return None
    found = _DATED.fullmatch(rest)
    return None if found is None else _age(found)


def is_rotated(path: str, others: Container[str]) -> bool:
    """Whether a file is a rotated one of a log that is among these in the same folder."""
    folder, _, name = path.rpartition("/")
    return any(f"{folder}/{live}" in others for live in lives_of(name))


def lives_of(name: str) -> Iterator[str]:
    """The names of live files of which a file of this name would be a rotated one."""
    plain = name.removesuffix(".gz")
    stem, dot, end = plain.rpartition(".")
    ends = [(plain, "")] if not stem else [(plain, ""), (stem, dot + end)]
    for text, end in ends:
        for begin in (one.start() for one in _MARKS.finditer(text)):
            live = f"{text[:begin]}{end}"
            if generation(name, live):
                yield live


def _age(dated: re.Match[str]) -> int:
    """The later its date and what follows it, the smaller."""
    number = int("".join(_MORE.findall(dated["date"])))
    more = [int(one) for one in _MORE.findall(dated["more"])]
    for one in [*more, *[0] * (_MOST_MORE - len(more))]:
        number = number * _THOUSANDS + one
    return _BEFORE_ALL_NUMBERED - number
