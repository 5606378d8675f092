"""`15m`, `24h`, `2026-11-23T04:05:06.789Z` → a span or nanoseconds since 1970, as commands and the API take them."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

DURATION = re.compile(r"([0-9]+)\s*(s|m|h|d|w)")
LONGEST = timedelta(days=36_525)  # a century before now is a year with four digits, and fits in nanoseconds
_MOST_DIGITS = 6
_NANO_DIGITS, _SECOND_CHARACTERS = 9, 20
_DATE_DIGITS = 8  # 20261123 is a day; fewer digits are a number whose unit is missing
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FRACTION = re.compile(r"[.,](\d{1,9})(?=$|Z|[+-])", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def duration(text: str) -> timedelta:
    """Parse `90s`, `15m`, `24h`, `3d` or `2w`.

    Raises:
        ValueError: it is none of these, or far too long.
    """
    _refuse_bare(text.strip())
    match = DURATION.fullmatch(text.strip())
    span = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match and len(match[1]) <= _MOST_DIGITS else None
    if span is None or span > LONGEST:
        raise ValueError("not a duration such as 90s, 15m, 24h or 3d (at most 100 years)")
    return span


def moment(text: str, *, now: int, zone: tzinfo | None) -> int:
    """Parse a time in nanoseconds: a duration counts back from `now`; a time without offset is meant in `zone`.

    `zone` None is the machine's own.

    Raises:
        ValueError: it is neither a duration nor an ISO 8601 time.
    """
    text = text.strip()
    _refuse_bare(text)
    try:
        if DURATION.fullmatch(text):
            return now - _nanoseconds(duration(text))
        # datetime keeps six digits of the second: the digits are taken out and added as they stand
        digits = match[1] if (match := _FRACTION.search(text)) else ""
        seconds = datetime.fromisoformat(_FRACTION.sub("", text))
        aware = seconds if seconds.tzinfo else seconds.replace(tzinfo=zone) if zone else seconds.astimezone()
        return _nanoseconds(aware - _EPOCH) + int(digits.ljust(9, "0"))
    except (ValueError, OverflowError, OSError):
        raise ValueError("not a time such as 15m, 2h, 3d or 2026-11-23T04:05:06Z") from None


def seconds_of(time: str) -> float:
    """A time in Docker's form → seconds since 1970, to the microsecond; a second of many lines is parsed once.

    Raises:
        ValueError: it is no time.
    """
    fraction = time[19:-1]
    if time[-1:] != "Z" or (fraction and not fraction[1:].isdecimal()):
        return moment(time, now=0, zone=UTC) / 1e9
    return _whole_second(time[:19]) + float(f"0{fraction}")


def nanoseconds_of(time: str) -> int:
    """A time in Docker's form → nanoseconds since 1970; a second of many lines is parsed once.

    Raises:
        ValueError: it is no time.
    """
    fraction = time[20:-1]
    is_fraction = fraction.isdecimal() and time[19] == "." and len(fraction) <= _NANO_DIGITS
    if time[-1:] != "Z" or not (is_fraction or len(time) == _SECOND_CHARACTERS):
        return moment(time, now=0, zone=UTC)
    return _second(time[:19]) * 1_000_000_000 + int(fraction.ljust(_NANO_DIGITS, "0"))


@lru_cache(maxsize=1024)
def _second(text: str) -> int:
    """As `_whole_second`, at a third of its cost: lines that are far apart are each of another one."""
    hours, minutes, seconds = text[11:13], text[14:16], text[17:]
    is_usual = text.isascii() and f"{hours}{minutes}{seconds}".isdecimal()
    if not is_usual or text[10] + text[13] + text[16] != "T::" or max(minutes, seconds) > "59" or hours > "23":
        return moment(f"{text}Z", now=0, zone=UTC) // 1_000_000_000
    return _midnight(text[:10]) + 3600 * int(hours) + 60 * int(minutes) + int(seconds)


@lru_cache(maxsize=64)
def _midnight(day: str) -> int:
    return moment(f"{day}T00:00:00Z", now=0, zone=UTC) // 1_000_000_000


@lru_cache(maxsize=64)
def _whole_second(text: str) -> int:
    return moment(text, now=0, zone=UTC) // 1_000_000_000


def iso(nanoseconds: int) -> str:
    """Render as UTC with nine digits: `moment` gives the same nanoseconds back."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _refuse_bare(text: str) -> None:
    if text.isdecimal() and len(text) < _DATE_DIGITS:
        raise ValueError(f"{text} has no unit: write {text}m, {text}h or {text}d")


def _nanoseconds(span: timedelta) -> int:
    return (span.days * 86400 + span.seconds) * 1_000_000_000 + span.microseconds * 1000
