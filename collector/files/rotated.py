"""The name of a file → which generation of a log it is: `app.log.1`, `app.log-20261130.gz`, `app-2026-11-30.0.log`.

The forms of Docker, logrotate (with `dateext`), logback, log4j, lumberjack and Python's `TimedRotatingFileHandler`.
"""

import re

_DATE = r"(?:(?:19|20)\d\d[-_]?(?:0[1-9]|1[0-2])[-_]?(?:0[1-9]|[12]\d|3[01])|1\d{9})"  # or seconds since 1970
_DATED = re.compile(rf"[-._](?P<date>{_DATE})(?P<more>(?:[-_.:T]?\d{{1,6}}){{0,4}})", re.ASCII)
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


def _age(dated: re.Match[str]) -> int:
    """The later its date and what follows it, the smaller."""
    number = int("".join(_MORE.findall(dated["date"])))
    more = [int(one) for one in _MORE.findall(dated["more"])]
    for one in [*more, *[0] * (_MOST_MORE - len(more))]:
        number = number * _THOUSANDS + one
    return _BEFORE_ALL_NUMBERED - number
