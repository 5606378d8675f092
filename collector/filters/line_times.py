"""The time that a line has of its own → Docker's form of it, where it is near Docker's time of the line.

A member of the line's `log` has it, in a usual form or as a pattern of strftime says, with Ruby's `%L`, `%N`, `%F` and
`%T` as log-pilot takes them. A time without an offset is meant in a zone; one without a year or a date has Docker's.
"""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from collector.documents.members import Member
from collector.reading import LineTime
from collector.text.times import seconds_of

EARLIEST = -7 * 86400.0  # seconds from Docker's time: a line's index stays near those of its day
LATEST = 3600.0
MOST_FORMAT = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DOCKERS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z")
_NUMBER = re.compile(r"[0-9]{9,19}(?:\.[0-9]{1,9})?")
_COMMON = "%d/%b/%Y:%H:%M:%S %z"  # of access logs: NCSA's common log format
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_USUAL = (_COMMON, "%b %d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%a, %d %b %Y %H:%M:%S %z",
          "%a %b %d %H:%M:%S.%f %Y", "%a %b %d %H:%M:%S %Y", "%m%d %H:%M:%S.%f")  # fmt: skip
_IN_PYTHON = {"%L": "%f", "%N": "%f", "%3N": "%f", "%6N": "%f", "%9N": "%f", "%F": "%Y-%m-%d", "%T": "%H:%M:%S",
              "%e": "%d", "%k": "%H", "%h": "%b", "%R": "%H:%M", "%D": "%m/%d/%y"}  # fmt: skip
_DIRECTIVE = re.compile(r"%(?:[369]?N|.)", re.DOTALL)
_KNOWN = frozenset("aAbBdHIjmMpSyYzfZ%")
_LONG_FRACTION = re.compile(r"(?<=[.,:][0-9]{6})[0-9]{1,3}(?![0-9])")
_NOT_A_FORMAT = "use a pattern of strftime, such as %Y-%m-%d %H:%M:%S, or %s for seconds since 1970"


def line_format(text: str) -> str:
    """A pattern of strftime or Ruby's as Python has it; `%s` stays.

    Raises:
        ValueError: it cannot be used.
    """
    if len(text) > MOST_FORMAT:
        raise ValueError(f"it has {len(text)} characters: {MOST_FORMAT} are allowed")
    if text == "%s":
        return text
    if "%" not in text:
        raise ValueError(_NOT_A_FORMAT)
    found = _DIRECTIVE.sub(lambda each: _IN_PYTHON.get(each[0], each[0]), text)
    if unknown := next((each for each in _DIRECTIVE.findall(found) if each[1:] not in _KNOWN), ""):
        raise ValueError(f"{unknown} is unknown: {_NOT_A_FORMAT}")
    try:
        datetime.strptime(datetime(2026, 11, 30, tzinfo=UTC).strftime(found), found)
    except (ValueError, re.error):
        raise ValueError(_NOT_A_FORMAT) from None
    return found


class LineTimes:
    """Those of one stream."""

    def __init__(self, asked: LineTime) -> None:
        """Take what was checked: `line_format`, and the name of a zone that there is."""
        self._member = Member(asked.key)
        self._formats = (line_format(asked.format),) if asked.format else _USUAL
        self._zone = ZoneInfo(asked.zone)
        self._last = ("", "")  # of the value before, and a time near it: lines of one second say the same
        self._found: datetime | None = None

    def time(self, log: str, docker: str) -> str | None:
        """The own time of a line with this `log`, as Docker writes it; "" without one, None if it is not to be used."""
        value = self._member.value(log)
        if value is None or isinstance(value, bool):
            return ""
        text, seconds = str(value).strip(), seconds_of(docker)
        if self._last != (text, docker[:13]):  # within one hour the year or date that is not written is the same
            self._found = self._moment(text, datetime.fromtimestamp(seconds, UTC))
            self._last = (text, docker[:13])
        moment = self._found
        if moment is None or not EARLIEST <= moment.timestamp() - seconds <= LATEST:
            return None
        is_whole = self._formats is _USUAL and _DOCKERS.fullmatch(text)  # with its nanoseconds
        return text if is_whole else _written(moment)

    def _moment(self, text: str, docker: datetime) -> datetime | None:
        if self._formats[0] == _COMMON and (found := _common(text)) is not None:
            return found
        is_number = _NUMBER.fullmatch(text) is not None
        if self._formats[0] == "%s" or (is_number and self._formats is _USUAL):
            return _since_1970(text) if is_number else None
        text = _LONG_FRACTION.sub("", text)
        if self._formats is _USUAL and (found := _iso(text)) is not None:
            return self._placed(found)
        for form in self._formats:
            try:
                return self._placed(self._dated(_parsed(text, form), form, docker))
            except (ValueError, OverflowError):
                continue
        return None

    def _placed(self, moment: datetime) -> datetime | None:
        try:
            return (moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def _dated(self, moment: datetime, form: str, docker: datetime) -> datetime:
        """With the year, or the date, that is not written: the one that brings it next to Docker's time."""
        if _has_year(form):
            return moment
        here = docker.astimezone(self._zone).replace(tzinfo=moment.tzinfo)
        if "%d" in form or "%j" in form:
            years = (here.year - 1, here.year, here.year + 1)
            others = [moment.replace(year=year) for year in years if _has(moment, year)]
        else:
            days = [(here + timedelta(days=day)).date() for day in (-1, 0, 1)]
            others = [datetime.combine(day, moment.timetz()) for day in days]
        return min(others, key=lambda other: abs(other - here))


def _parsed(text: str, form: str) -> datetime:
    """Of a leap year if it says none, so that each day is one. The zone comes later."""
    if _has_year(form):
        return datetime.strptime(text, form)
    return datetime.strptime(f"2000 {text}", f"%Y {form}")


def _has_year(form: str) -> bool:
    return "%Y" in form or "%y" in form


def _has(moment: datetime, year: int) -> bool:
    """Whether that year has the day."""
    try:
        moment.replace(year=year)
    except ValueError:
        return False
    return True


def _common(text: str) -> datetime | None:
    """`23/Nov/2026:02:13:00 +0000`, ten times as fast as strptime."""
    if len(text) != len("23/Nov/2026:02:13:00 +0000") or not text.isascii():
        return None
    try:
        zone = timedelta(hours=int(text[22:24]), minutes=int(text[24:26]))
        at = datetime(
            *(int(text[7:11]), _MONTHS[text[3:6]], int(text[:2])),
            *(int(text[12:14]), int(text[15:17]), int(text[18:20])),
            tzinfo=UTC,
        )
    except (ValueError, KeyError):
        return None
    seams = text[2] + text[6] + text[11] + text[14] + text[17] + text[20]
    if seams != "//::: " or text[21] not in "+-":
        return None
    return at - zone if text[21] == "+" else at + zone


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return None


def _since_1970(text: str) -> datetime | None:
    """Seconds, or thousandths, millionths or billionths of them: as many digits say."""
    whole, _, fraction = text.partition(".")
    digits = f"{whole}{fraction}"
    point = len(whole) if len(whole) <= 11 else 10  # until the year 5138
    microseconds = int(digits[:point]) * 10**6 + int(digits[point : point + 6].ljust(6, "0"))
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def _written(moment: datetime) -> str:
    fraction = f".{moment.microsecond:06}".rstrip("0").rstrip(".") if moment.microsecond else ""
    return f"{moment.isoformat()[:19]}{fraction}Z"
