"""A time of a document → text in a layout of Go's, such as `2006-01-02T15:04:05Z07:00`."""

import re
from datetime import datetime

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
# The reference time of Go, in parts: the longest first, since one may begin like another.
_PART = re.compile(
    r"January|Monday|2006|Jan|Mon|MST|Z07:00|Z0700|-07:00|-0700|[.,]0+|[.,]9+|01|02|03|04|05|06|15|PM|pm|_2|1|2|3|4|5"
)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT = 3  # letters


def formatted(time: str, layout: str) -> str:
    """The time in the layout; a text that is no time stays as it is."""
    if not (found := _TIME.fullmatch(time)):
        return time
    moment, digits, zone = found[1], (found[2] or "").ljust(9, "0"), found[3]
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return time
    return _PART.sub(lambda match: _part(match[0], at, digits, zone), layout)


def _part(word: str, at: datetime, digits: str, zone: str) -> str:
    if word[0] in ".,":
        shown = digits[: len(word) - 1]
        shown = shown if word[1] == "0" else shown.rstrip("0")
        return f"{word[0]}{shown}" if shown else ""
    return _named(word, at) or _zoned(word, zone)


def _named(word: str, at: datetime) -> str:
    hour = at.hour % 12 or 12
    month, day = _MONTHS[at.month - 1], _DAYS[at.weekday()]
    known = {
        "2006": f"{at.year:04}", "06": f"{at.year % 100:02}", "January": month, "Jan": month[:_SHORT],
        "01": f"{at.month:02}", "1": str(at.month), "Monday": day, "Mon": day[:_SHORT], "02": f"{at.day:02}",
        "_2": f"{at.day:2}", "2": str(at.day), "15": f"{at.hour:02}", "03": f"{hour:02}", "3": str(hour),
        "04": f"{at.minute:02}", "4": str(at.minute), "05": f"{at.second:02}", "5": str(at.second),
        "PM": "PM" if at.hour >= 12 else "AM", "pm": "pm" if at.hour >= 12 else "am",
    }  # fmt: skip
    return known.get(word, "")


def _zoned(word: str, zone: str) -> str:
    is_utc = zone == "Z"
    offset = "+00:00" if is_utc else zone
    if word == "MST":
        return "UTC" if is_utc else offset.replace(":", "")
    if word[0] == "Z" and is_utc:
        return "Z"
    return offset if ":" in word else offset.replace(":", "")
