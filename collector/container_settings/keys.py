"""The vocabulary: what may be asked for, and how the text of a label becomes a value.

The text is hostile: each value is bounded, and one that cannot be used is refused with a reason that names the remedy.
No reason quotes a value, which may be a secret: it says which one by its place.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from collector.documents.levels import NAMES, normalized
from collector.documents.members import Member, field_name
from collector.filters.limits import limits
from collector.filters.line_times import line_format
from collector.filters.sampling import sample
from collector.formats.known import kind_of
from collector.formats.parts.linear import matcher
from collector.reading import EXCESS, Limit, Sample
from collector.text.bounds import bounded

MOST_TAGS = 32
MOST_GLOBS = 16
ABOUT = {"id": "docker_container_id", "image": "docker_image"}  # what `fields.container` adds
MOST_EVENT_LINES = 5000
MOST_GAP_SECONDS = 60.0
MOST_FOLD_SECONDS = 3600.0
MOST_WAIT_SECONDS = 60  # of a limit, for the lines beyond it to be read later
_GAP = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,9})?)\s*(?P<unit>ms|s|m)?", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
FILES = "files"  # in `labels.allow`: that a stream is named by a path
OPERATORS = frozenset({"redact"})  # whose lines have secrets must not say that they are shown
_WILD = re.compile(r"\[[^]]*\]|[*?_]")
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")
_MOST_NAME = 100
MOST_FIELDS = 32  # of a document, beside tags
MOST_VALUE_BYTES = 4096  # of a label or variable that says something
_LEAST_LETTERS = 2  # of a pattern for variables
_MOST_PARTS = 32  # names in a path
_SECRET = ("pass", "pwd", "secret", "token", "cred", "key", "auth", "private", "cookie", "session", "dsn", "url", "uri")


class Key(NamedTuple):
    """One thing that may be asked for; `read` raises ValueError with what is wrong with a value."""

    name: str
    read: Callable[[object], object]
    help: str
    example: str


def _any(value: object) -> object:
    return value


def size_of(value: object) -> int:
    """Bytes of a text; 0 of what is none."""
    return len(value.encode(errors="replace")) if isinstance(value, str) else 0


def _text(value: object) -> str:
    if not isinstance(value, str) or not (text := value.strip()):
        raise ValueError("it has no value")
    return text


def read_source(value: object) -> str:
    """Where the lines of a stream are.

    Raises:
        ValueError: nothing there can be followed.
    """
    text = _text(value)
    if text == "stdout":
        return text
    if not text.startswith("/"):
        raise ValueError("its place is not followed: use `stdout`, or a full path in a volume")
    parts = text.split("/")[1:]
    if size_of(text) > MOST_VALUE_BYTES or len(parts) > _MOST_PARTS or "\0" in text:
        raise ValueError(f"its path is too long, or no path: {_MOST_PARTS} names are allowed")
    if ".." in parts or "**" in text:
        raise ValueError("its path has `..` or `**`: write the path itself, with a `*` for each folder")
    if not parts[-1]:
        raise ValueError("it names a folder: name the files in it, such as `*.log`")
    return "/" + "/".join(part for part in parts if part not in ("", "."))


def _format(value: object) -> str:
    name = _text(value)
    kind_of(name)
    return name


def _multiline(value: object) -> str:
    if isinstance(value, bool):
        return "auto" if value else "off"
    if (word := _text(value).lower()) not in ("auto", "off"):
        raise ValueError("use auto or off, or patterns: multiline.start, multiline.continue, multiline.end")
    return word


def _pattern(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("it has no value")
    matcher(value)
    return value


def _max_lines(value: object) -> int:
    text = str(value).strip()
    if not text.isascii() or not text.isdigit() or not 2 <= int(text[:9]) <= MOST_EVENT_LINES:
        raise ValueError(f"use a number from 2 to {MOST_EVENT_LINES:,}")
    return int(text)


def _seconds(value: object) -> float:
    found = _GAP.fullmatch(str(value).strip())
    return float(found["number"]) * _UNITS[found["unit"] or "s"] if found else 0.0


def _gap(value: object) -> float:
    if not 0.001 <= (seconds := _seconds(value)) <= MOST_GAP_SECONDS:
        raise ValueError("use a time from 1ms to 1m, such as 500ms, 1s or 30s")
    return seconds


def _fold(value: object) -> float:
    if not 1 <= (seconds := _seconds(value)) <= MOST_FOLD_SECONDS:
        raise ValueError("use a time from 1s to 60m, such as 10s or 5m")
    return seconds


def _level(value: object) -> str:
    if not (found := normalized(_text(value))):
        raise ValueError(f"use a level: {', '.join(NAMES)}")
    return found


def _limits(value: object) -> tuple[Limit, ...]:
    return limits(_text(value))


def _sample(value: object) -> Sample:
    return sample(_text(value))


def _excess(value: object) -> str:
    if (word := _text(value)) not in EXCESS:
        raise ValueError(f"use {', '.join(EXCESS)}")
    return word


def _member(value: object) -> str:
    Member(name := _text(value))
    return name


def _time_format(value: object) -> str:
    line_format(text := _text(value))
    return text


def _zone(value: object) -> str:
    try:
        return ZoneInfo(_text(value)).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("use the name of a time zone, such as UTC or Europe/Berlin") from None


def _flag(value: object) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = value if isinstance(value, bool) else words.get(_text(value).lower())
    if found is None:
        raise ValueError("use true or false")
    return found


def _list(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, Sequence) else ()
    found = tuple(dict.fromkeys(text for part in parts if isinstance(part, str) and (text := part.strip())))
    if not found:
        raise ValueError("it names nothing: use names, or patterns with *, separated by commas")
    if len(found) > MOST_GLOBS:
        raise ValueError(f"it has {len(found)} entries: {MOST_GLOBS} are allowed")
    return tuple(bounded(one) for one in found)


def globs_of(value: object) -> tuple[str, ...]:
    """The names and patterns in a value; none if it cannot be used."""
    try:
        return _list(value)
    except ValueError:
        return ()


def is_chosen(name: str, globs: Sequence[str], key: str) -> bool:
    """Whether a label or variable becomes a field; a variable that may hold a secret only if it is written out."""
    is_secret = key == "fields.env" and any(word in name.lower() for word in _SECRET)
    return any(name == glob or (not is_secret and fnmatchcase(name, glob)) for glob in globs)


def _variables(value: object) -> tuple[str, ...]:
    found = _list(value)
    if broad := next((n for n, glob in enumerate(found, 1) if len(_WILD.sub("", glob)) < _LEAST_LETTERS), 0):
        raise ValueError(
            f"pattern {broad} would deliver nearly every variable, passwords too: name those that you want"
        )
    return found


def _about(value: object) -> tuple[str, ...]:
    found = _list(value)
    if unknown := next((number for number, one in enumerate(found, 1) if one not in ABOUT), 0):
        raise ValueError(f"name {unknown} is unknown; use {' or '.join(ABOUT)}")
    return found


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, Sequence) and not isinstance(value, str) else ()


def plain(name: str) -> str:
    """A name of a label or variable within that of a field: a dot would make an object of what stands before it."""
    return _FOREIGN.sub("_", name)[:_MOST_NAME]


def tags(value: object) -> Iterator[tuple[str, str] | ValueError]:
    """`stage=test,team=a` → fields and their values; in its place, what is wrong with one."""
    if isinstance(value, Mapping):
        pairs = [(str(name), str(one)) for name, one in value.items()]
    else:
        pairs = [(part, "") if "=" not in part else part.partition("=")[::2] for part in str(value).split(",")]
    for number, (name, text) in enumerate(pairs, 1):
        try:
            if not name.strip() or not text.strip():
                raise ValueError(f"it has no {'value' if name.strip() else 'name'}: use name=value")
            yield field_name(name), bounded(text.strip())
        except ValueError as error:
            yield ValueError(f"tag {number}: {error}")


def tags_of(value: Mapping[str, str]) -> dict[str, str]:
    """Those of an operator.

    Raises:
        ValueError: one cannot be used.
    """
    found: dict[str, str] = {}
    for one in tags(value):
        if isinstance(one, ValueError):
            raise one
        found[one[0]] = one[1]
    return found


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("target", _text, "target of the documents, and thereby their index", "shop"),
        Key("tags", _any, "fields of the documents, as name=value, separated by commas", "team=a,stage=test"),
        Key("fields.labels", _list, "labels of the container that become fields", "com.shop.*,tier"),
        Key("fields.env", _variables, "environment variables of the container that become fields", "APP_ENV"),
        Key("fields.container", _about, "members about the container: id, image, or both", "id,image"),
        Key("format", _format, "format of the lines; options of the format follow as `format.<option>`", "json"),
        Key(
            "multiline", _multiline, "auto: join stack traces and indented lines to events; off: join no lines", "auto"
        ),
        Key(
            "multiline.start",
            _pattern,
            "pattern of the first line of an event; other lines are joined to it",
            r"^\d{4}-",
        ),
        Key("multiline.continue", _pattern, "pattern of lines that are joined to the line before", r"^\s"),
        Key("multiline.end", _pattern, "pattern of the last line of an event", ";$"),
        Key("multiline.max_lines", _max_lines, "maximum number of lines of an event, 2 to 5,000; default: 500", "1000"),
        Key("multiline.gap", _gap, "time after which a line is not joined to the line before; default: 1s", "500ms"),
        Key("time.key", _member, "member of a line that has the line's own time; default: time", "ts"),
        Key(
            "time.format",
            _time_format,
            "format of that time, as strftime has it; default: ISO 8601 and other usual formats",
            "%d/%b/%Y:%H:%M:%S %z",
        ),
        Key("time.zone", _zone, "time zone of a time without an offset; default: UTC", "Europe/Berlin"),
        Key("fields.level", _flag, "true: add the level of a line as `level` and `severity_number`", "true"),
        Key("fields.line", _flag, "true: add the number of a line in its log file as `line`", "true"),
        Key("lines.include", _pattern, "pattern of the lines that are delivered; others are left out", "^(GET|POST) "),
        Key("lines.exclude", _pattern, "pattern of lines that are left out", "GET /health"),
        Key("level", _level, "minimum level; lines with a lower one are left out", "warn"),
        Key(
            "sample",
            _sample,
            "share of the lines that are delivered, chosen by their id or by the value of a member; errors always are",
            "1/10 by trace_id",
        ),
        Key(
            "fold",
            _fold,
            "time within which lines that differ only in numbers become two documents: the first line, and one that "
            "counts the others",
            "10s",
        ),
        Key("limit", _limits, "maximum number of lines or bytes per s, min, hour or day", "1000 lines/s, 1GB/day"),
        Key(
            "on_excess",
            _excess,
            "what becomes of lines beyond the limit. drop: they are left out; sample: one of 100 is delivered; wait: "
            "they are read later; store_only: only the embedded store gets them; default: drop",
            "sample",
        ),
        Key(
            "outputs",
            _list,
            "outputs that get the lines, by name, separated by commas; default: all",
            "elastic,archive",
        ),
        Key("redact", _names, "what is removed from the lines; only rules of the operator may set it", "secrets,pii"),
        Key("exclude", _flag, "true: do not follow the container, or the stream", "true"),
    )
}
