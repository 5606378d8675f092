"""How bad a line is, as it says so itself: one of six names, or none. docs/levels.md is this for operators.

A member of the JSON object decides, else the beginning of the text (`collector.documents.text_levels`). A word inside
of the message never does, nor the stream: right, or none.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct, defstruct
from msgspec.structs import astuple

from collector.documents.text_levels import word_of
from collector.errors import UNREADABLE

NAMES = ("trace", "debug", "info", "warn", "error", "fatal")  # lowest first
# The numbers of OpenTelemetry: the first of the four that it has for each name.
SEVERITY: Mapping[str, int] = MappingProxyType({name: 1 + 4 * number for number, name in enumerate(NAMES)})
# In lower case; each also with a digit of 1 to 9 behind it (Apache's trace8, Postgres' debug1, MongoDB's D2).
ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "trace": ("trace", "trac", "trc", "trce", "t", "vrb", "finest", "finer", "silly", "sill"),
        "debug": ("debug", "debu", "dbg", "dbug", "d", "verbose", "verb", "v", "fine", "config", "http"),
        "info": (
            *("info", "inf", "i", "information", "informational", "notice", "note", "n", "log", "system", "success"),
        ),
        "warn": ("warn", "warning", "wrn", "w", "deprecated"),
        "error": ("error", "err", "erro", "eror", "e", "severe", "fail"),
        "fatal": (
            *("fatal", "fata", "ftl", "f", "critical", "crit", "c", "alert", "emergency", "emerg"),
            *("panic", "pani", "pnc", "dpanic"),
        ),
    }
)
# Members in which applications say it, the first that says something known; then numbers of other scales.
MEMBERS = (
    *("level", "severity", "log.level", "levelname", "lvl", "@l"),
    *("severity_text", "SeverityText", "severityText", "level_name", "Level", "LogLevel", "PRIORITY"),
)
OTEL_MEMBERS = ("severity_number", "SeverityNumber", "severityNumber")

_SYSLOG = ("fatal", "fatal", "fatal", "error", "warn", "info", "info", "debug")  # 0 to 7, and of GELF
_MONOLOG = {100: "debug", 200: "info", 250: "info", 300: "warn", 400: "error", 500: "fatal", 550: "fatal", 600: "fatal"}
_NUMBERED: Mapping[int, str] = {
    **dict(enumerate(_SYSLOG)),
    **{number: NAMES[number // 10 - 1] for number in range(10, 70)},  # pino, bunyan, and levels between theirs
    **_MONOLOG,
}
_MOST_CHARACTERS = 16  # of a word: the longest, some blanks, a digit
_DIGITS = "123456789"
_CLEF = '{"@t":"'  # a line of Serilog in its compact form, in which no `@l` means Information
_CLEF_MESSAGE = '","@m'
_CLEF_TIME = 48  # characters in which its time is over


def _words() -> dict[str, str]:
    """Each alias as it is mostly written."""
    low = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
    return {written: name for alias, name in low.items() for written in (alias, alias.upper(), alias.title())}


_WORDS = _words()


def normalized(value: str | int) -> str:
    """One of `NAMES` for a word or a number; "" if it is none.

    Numbers are those of pino and bunyan (10 to 60), of syslog and GELF (0 to 7) and of Monolog (100 to 600).
    """
    if isinstance(value, str):
        return _WORDS.get(value) or _of_odd_word(value)
    return "" if isinstance(value, bool) else _NUMBERED.get(value, "")


def level_of(log: str, text: str) -> str:
    """The level of a line, one of `NAMES`; "" if it says none.

    `log` is the JSON object that stands for it in a document; `text` the line as it is written, or the lines of an
    event with newlines between them.
    """
    if log.startswith(_LEVEL_FIRST) and (found := _WORDS.get(log[_AT : log.find('"', _AT)])):
        return found
    if not (log.startswith(_MESSAGE) and log.find('":', _AT) < 0) and (found := _of_json(log)):
        return found
    if text.lstrip()[:1] == "{":
        is_clef = log.startswith(_CLEF) and _CLEF_MESSAGE in log[:_CLEF_TIME]
        return "info" if is_clef else ""
    word = word_of(text)
    return _WORDS.get(word) or _of_odd_word(word) if word else ""


def _of_json(log: str) -> str:
    """By the two members that nearly all have, else by the others: a read of few members costs half of one of all."""
    try:
        return _of_words(astuple(_first(log))) or _of_others(astuple(_others(log)))
    except UNREADABLE:
        return ""


def _of_words(said: tuple[Any, ...]) -> str:
    for value in said:
        if value is not None and isinstance(value, str | int) and (found := normalized(value)):
            return found
    return ""


def _of_odd_word(word: str) -> str:
    """Of a word in other cases, with blanks around it, or with a number in or behind it."""
    if len(word) > _MOST_CHARACTERS:
        return ""
    low = word.strip().lower()
    if low.isdecimal() and low.isascii():
        return _NUMBERED.get(int(low), "")
    base, _, step = low.replace("-", "+").partition("+")  # Go's slog: INFO+2, DEBUG-4
    if step and not step.isdecimal():
        return ""
    return _WORDS.get(base) or (_WORDS.get(base[:-1], "") if base[-1:] in _DIGITS and len(base) > 1 else "")


def _of_others(said: tuple[Any, ...]) -> str:
    if said == _NOTHING:
        return ""
    words, numbers, (log, s, c, msg, t) = said[:_WORDED], said[_WORDED:-_REST], said[-_REST:]
    if found := _of_words(words):
        return found
    if isinstance(log, dict) and (found := _of_words((log.get("level"),))):
        return found
    for value in numbers:
        if found := _of_otel(value):
            return found
    if isinstance(s, str) and c is not None and (msg is not None or t is not None):  # MongoDB since 4.4
        return normalized(s) if s[:1] in "IWEFD" and len(s) <= len("D1") else ""
    return ""


def _of_otel(value: object) -> str:
    number = int(value) if isinstance(value, str) and value in _OTEL_WRITTEN else value
    is_known = isinstance(number, int) and not isinstance(number, bool) and 0 < number <= 4 * len(NAMES)
    return NAMES[(number - 1) // 4] if isinstance(number, int) and is_known else ""


_OTEL_WRITTEN = frozenset(map(str, range(1, 4 * len(NAMES) + 1)))
_LEVEL_FIRST, _MESSAGE, _AT = '{"level":"', '{"message":', 10


def _decoder(names: Sequence[str]) -> Callable[[str], Struct]:
    members = [f"member_{number}" for number in range(len(names))]
    said = defstruct(
        "Said", [(one, Any, None) for one in members], rename=dict(zip(members, names, strict=True)), gc=False
    )
    return msgspec.json.Decoder(said).decode


_first = _decoder(MEMBERS[:2])
_BESIDE = ("log", "s", "c", "msg", "t")  # of ECS, and of MongoDB
_WORDED, _REST = len(MEMBERS) - 2, len(_BESIDE)
_others = _decoder((*MEMBERS[2:], *OTEL_MEMBERS, *_BESIDE))
_NOTHING = (None,) * (_WORDED + len(OTEL_MEMBERS) + _REST)
