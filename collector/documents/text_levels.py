"""The word in which the beginning of a plain line says its level, where the line stands in a form that says one.

Looked at is the head: the first line, without colors, up to `_HEAD` characters. A word is a level where it stands as
one: in brackets, before a colon, in capitals behind a time, or in a form of a runtime. Only times, numbers, brackets,
pairs, and names that look like those of threads and loggers may stand before it. In a line that has no time, a word in
capitals needs more behind it than one blank and a small letter: that may be a heading.

Each piece of a pattern keeps what it took (`++`, `(?>…)`), and the head is short: the time is bounded for any text. A
group that may be taken in several ways is not possessive itself: Python before 3.11.5 loses its place behind one that
does not match (gh-106052).
"""

import re
from collections.abc import Iterable

_HEAD = 256
_COLORED_HEAD = 512  # colors are taken out of it
_COLOR = re.compile("\x1b(?:\\[[0-9;:?]*+[A-Za-z]|\\([AB0])")

_TRACE_TO_ERROR = ("trace", "debug", "info", "warn", "error")
# Before a colon in any case: what no prose begins with. In brackets in any case.
_SAYING_WORDS = (*_TRACE_TO_ERROR, *("information", "notice", "warning", "err", "severe", "critical", "fatal", "panic"))
_ANY_WORDS = (*_SAYING_WORDS, *("verbose", "crit", "emerg", "alert", "trc", "dbg", "inf", "wrn", "ftl", "vrb"))
_CAPITALS = frozenset(
    (
        *map(str.upper, _ANY_WORDS),
        *(f"{word.upper()}{number}" for word in _TRACE_TO_ERROR for number in range(1, 10)),
        *("EMERGENCY", "DPANIC", "SUCCESS", "FINEST", "FINER", "PNC", "DBUG", "EROR"),
        *("DEBU", "ERRO", "FATA", "PANI", "TRAC"),
    )
)
_OTHERS = ("LOG", "FINE", "CONFIG", "PHP", "main", *"IWEFDTCV")  # what else a form behind a time may begin with
_CASES = frozenset((*_CAPITALS, *_OTHERS, *_ANY_WORDS, *map(str.title, _ANY_WORDS)))


def _one_of(patterns: Iterable[str]) -> str:
    return f"(?:{'|'.join(patterns)})"


def _any_case(words: Iterable[str]) -> str:
    return f"(?i:{'|'.join(sorted(words, reverse=True))})"  # the longer of two that begin alike comes first


_SAYING, _ANY, _UPPER = _any_case(_SAYING_WORDS), _any_case(_ANY_WORDS), _one_of(sorted(_CAPITALS, reverse=True))
# Without a time: others of them begin headings, too.
_OPENING = _one_of(
    sorted(_CAPITALS - {"ALERT", "EMERGENCY", "INFORMATION", "PANIC", "SUCCESS", "VERBOSE"}, reverse=True)
)
# Behind a colon: no switch, count or id of a trace, which make the word before it the name of a value.
_SAID = (
    r":(?=[ \t]+[^ \t])(?![ \t]*+(?:(?i:true|false|on|off|yes|no|none|null|nil|undefined)[ \t,;]*+$"
    r"|[0-9]++[ \t]*+(?:$|[,;%])|[0-9a-fA-F]{16}))"
)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTH, _DAY = _one_of(_MONTHS), _one_of(_DAYS)
_DATE = _one_of(
    (
        r"[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}",
        r"[0-9]{2}[-/.](?:[0-9]{2}|[A-Z][a-z]{2})(?:[-/.][0-9]{2,4})?",
        r"[0-9]{6,8}(?=[ T-])",
        rf"(?:{_DAY},? )?{_MONTH} ++[0-9]{{1,2}}(?:,? [0-9]{{4}}\b)?,?",
        rf"[0-9]{{1,2}} {_MONTH}(?: [0-9]{{4}})?",
    )
)
_ZONE = r"(?: ?(?:Z|UTC|GMT|AM|PM|[A-Z]{1,3}[ST]T|[+-][0-9]{2}:?[0-9]{2})(?![A-Za-z0-9]))*"
_SECONDS = rf":[0-9]{{2}}(?:[.,:][0-9]++)?{_ZONE}(?: [0-9]{{4}}(?=\]))?"
_TIME = (
    rf"(?:(?:{_DATE}[T_ ,:-]++)?[0-9]{{1,2}}:[0-9]{{2}}{_SECONDS}|{_DATE}[T ]++[0-9]{{2}}:[0-9]{{2}}{_ZONE}"
    r"|[0-9]{1,2}:[0-9]{2}[AP]M|[0-9]{10}(?:\.[0-9]++)?(?=[\]:]))"
)

_SQUARE = r"\[[^\[\]]*+(?:\[[^\[\]]*+\][^\[\]]*+)*+\]|\([^()]*+\)"
_BRACKET = _SQUARE + r"|\{[^{}]*+\}|<[^<> ]++>"
_NUMBER = r"[#+]?+[0-9][\w.:+-]*+(?=[ \t|\]:]|$)"
_NAME = (
    r"\.{0,3}[\w-]++(?:(?:[./@$]|::|:(?=\w))[\w$@<>()-]++)+(?:\[[^\[\]]*+\])?(?=[ \t:|\]])(?<!Error)(?<!Exception)"
    r"|[\w./-]++\[[\w.:]++\](?=[ \t:])|s6-[a-z-]++(?=:)"
)
_THREAD = r"[A-Za-z_$-]++[0-9][\w$-]*+(?=[ \t:|\]])|TID-\w++|main(?= )"
_PAIR = r'[A-Za-z_][\w.-]*+=(?:"(?:[^"\\]|\\.)*+"|[^\s"]*+)(?=[ \t,\]|]|$)'
_APART = r"[\w.$:@-]++ ++-(?= )|[^|\s]++ *+\|"
_BETWEEN = r"[ \t|:,\])}-]*+"
_PAIRED = rf'(?:level|lvl|severity|log\.level|levelname)="?({_ANY}|[IWEFD](?=["\s]))(?:[+-][0-9]++)?"?(?=[\s,]|$)'
_BRACKETED = rf"\[ *+({_ANY}|(?i:note)) *+\]"

_BEHIND_A_TIME = (
    rf"({_UPPER})(?=[\s:|/\[\](!;,]|[+-][0-9]|$)",
    _BRACKETED,
    r"\[([IWEFDT]|[Ss]ystem(?=\] \[MY-))\]",  # Beego, Gitea, MySQL
    rf"\[[\w-]++:({_ANY}[1-8]?)\]",  # Apache's module
    rf"\[[^\[\]/]++/({_UPPER})\]",  # Minecraft's thread
    rf"[\w-]++\.({_UPPER})(?=: )",  # Monolog's channel
    rf"<({_ANY})>",
    rf"(?<=\t)({_ANY})(?=\t)",
    rf"(?<=\|)({_ANY})(?=\|)|(?<=\| )({_ANY})(?= ++\|)",
    rf"(?<=- )({_ANY})(?= -)",
    rf"({_SAYING}){_SAID}",
    rf"({_ANY}) (?= |\w++\.[\w.]++ : )",  # padded, as by Windows' CBS; swift-log
    r"(LOG)(?=:  | ++\[)|(?<=\] )(LOG) ",  # Postgres, NestJS, PgBouncer
    r"(FINE|CONFIG)(?= \[)",
    r"PHP (?:(Fatal|Parse) error|(Warning|Notice|Deprecated)): ",
    _PAIRED,
    r"([IWEFDTC])(?= ++(?:\||(?:[A-Z]{2,}|-) ++\[|[\w.-]++/[\w./-]++[:\]])|! )",  # etcd, MongoDB, TensorFlow, Telegraf
)
_WITHOUT_A_TIME = (
    rf"({_OPENING})(?=[ ]{{2}}|\t|:(?=[^\d:])|:$|\[[0-9]| ?[\[(|]| ++[-|] | \w++(?:::\w|:[ ]|\.\w)|!)",
    r"(DEBUG|INFO|WARN|WARNING|ERROR|ERR|CRITICAL|FATAL)(?= [0-9\"'A-Z][^A-Z])",
    rf"\[({_OPENING}) ++[\w:]++\] ",
    _BRACKETED,
    rf"({_SAYING}){_SAID}",
    rf"({_ANY})(?= ++\[[0-9]{{4}}-)",  # Mattermost
    _PAIRED,
    r"(dbug|trce|fail|crit)(?=: [\w.]++\[[0-9]++\])",  # .NET
)
# What begins a line and says it all, by the characters that it begins with: each is written by one family.
_FAMILIES = {
    "IWEFD": (
        r"([IWEFD])[0-9]{4,8} [0-9]{2}:[0-9]{2}:[0-9]{2}\.",  # klog, glog, CockroachDB
        r"([DIWEF]), \[[^\]]*+\] ",  # Ruby's Logger
        r"([VDIWEF])/[\w.$-]++ *+(?:\( *+[0-9]++\))?: ",  # logcat
        r"(Fatal) error: ",  # PHP
    ),
    "[": (r"\[ ?([DIWECN]) [0-9]{2}(?:[0-9]{2}|:[0-9]{2}:)",),  # Jupyter, Tornado, Passenger
    "=": (r"=(ERROR|WARNING|INFO) REPORT=",),  # Erlang
    "<": (r"<(trace|debug|info|warn|error)> ++\[[0-9]{10}\.",),  # NetworkManager
    "n": (r"npm (ERR|WARN|error|warn|info|notice|verb|http|sill)[! ]",),
    "(": (r"\(node:[0-9]++\) (?:\[\w++\] )?\w*?(Warning): ",),
    "P": (r"(?:PHP )?(Fatal|Parse) error: ", r"PHP (Warning|Notice|Deprecated): "),
    "f": (r"(fatal) error: ",),  # Go
    "/": (r"/\S*?\.py:[0-9]++: \w*?(Warning): ",),
    "OJ": (r"(?:OpenJDK|Java HotSpot)[^:]*? VM (warning): ",),
    "S": (r"SLF4J\(([IWE])\): ",),
    "l": (r"log4j:(WARN|ERROR) ",),
    "0123456789": (
        r"[0-9]++:[XCSM] [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:.]++ ([.*#-]) ",  # Redis
        r"[0-9]{2}-[0-9]{2} [0-9:.]{12} ++[0-9]++ ++[0-9]++ ([VDIWEF]) ",  # logcat
    ),
}
_SIGNS = {".": "debug", "-": "debug", "*": "info", "#": "warn", "Parse": "error"}  # words of families alone
_SYSLOG = re.compile(r"<(1[0-8][0-9]|19[01]|[0-9]{1,2})>(?=\S)").match

_family = {first: re.compile(_one_of(patterns)).match for firsts, patterns in _FAMILIES.items() for first in firsts}
# Up to the letters behind the time: mostly they are the level, or the line says none.
_time = re.compile(
    rf"[ \t]*+(?:(?>{_NUMBER}|-|(?!{_BRACKETED})(?:{_BRACKET}))[ \t:]++){{0,4}}?"
    rf"[\[(<]?{_TIME}{_BETWEEN}(?P<word>[A-Za-z]*+)"
).match
_sender = re.compile(r"(?:[\w.-]++ )?[\w./-]++(?:\[[0-9]++\])?: ").match  # of syslog: host and program
_behind_a_time = re.compile(
    rf"(?:(?>{_BRACKET}|{_NUMBER}|{_PAIR}|{_NAME}|{_THREAD}|{_APART}|\*){_BETWEEN}){{0,10}}?"
    rf"{_one_of(_BEHIND_A_TIME)}"
).match
_PROGRAM = rf"(?:{_NAME}|nginx(?=: \[)|mysqld?(?=: \[))(?::|(?<=\]))"
_without_a_time = re.compile(
    rf"[ \t]*+(?>(?:{_SQUARE})[ \t]*+|{_NUMBER}[ \t:]++|{_PROGRAM}[ \t]++){{0,6}}?{_one_of(_WITHOUT_A_TIME)}"
).match
_in_pairs = re.compile(rf"[ \t]*+(?:{_PAIR}[ \t]++){{0,12}}?{_PAIRED}").match
_MONTHS_AND_DAYS = frozenset((*_MONTHS, *_DAYS))
_BEHIND_CAPITALS = frozenset((*" \t:|/[](!;,", ""))


def word_of(text: str) -> str:
    """The word, letter or number in which a line says its level; "" if it says none."""
    head = text[:_HEAD]
    if "\x1b" in head:
        head = _COLOR.sub("", text[:_COLORED_HEAD])[:_HEAD]
    if "\n" in head:
        head = head[: head.index("\n")]
    first = head[:1]
    if first == "<" and (number := _SYSLOG(head)):
        return str(int(number[1]) & 7)
    if (family := _family.get(first)) and (found := family(head)):
        return _word(found)
    if (not first.isalpha() or head[:3] in _MONTHS_AND_DAYS) and (found := _time(head)):
        return _behind(head, found)
    return _begun(head)


def _behind(head: str, time: re.Match[str]) -> str:
    """The word of a line with a time; most say it right behind that, or nowhere."""
    word, at, end = time["word"], time.start("word"), time.end()
    next_ = head[end : end + 1]
    if word in _CAPITALS and next_ in _BEHIND_CAPITALS:
        return word
    if head[:1].isalpha() and (sender := _sender(head, at)):
        at = sender.end()
    elif next_ == '"' or (word and next_ == " " and head[end + 1 : end + 2] not in "-| " and word not in _CASES):
        return ""
    found = _behind_a_time(head, at)
    return _word(found) if found else ""


def _begun(head: str) -> str:
    """The word of a line without a time; of an indented one, which may go on with another, in capitals or brackets."""
    first = next(iter(head.split(None, 1)), "")
    if (first.isalpha() and first not in _CASES) or not first:
        return ""
    if head[:1].isspace() and first[0] not in "[(" and first.rstrip(":!") not in _CAPITALS:
        return ""
    found = (_in_pairs if first[0].isalpha() and "=" in first else _without_a_time)(head)
    return _word(found) if found else ""


def _word(found: re.Match[str]) -> str:
    word: str = found[found.lastindex or 0]
    return _SIGNS.get(word, word)
