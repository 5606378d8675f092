r"""Values of what is named like a secret: `password=…`, `'token' => '…'`, `X-Auth-Token: …`, `--secret …`, `<pwd>…`.

In a text that is no JSON object; in one, keys are known as such (`json_lines`), and `is_secret` judges their names.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from collector.redaction.json_lines import value_end
from collector.redaction.patterns import Pattern, Span

_WORDS = (
    r"passw(?:or)?ds?|passwort|pass[_\-]?phrase|pwd|pass|secrets?|token|credentials?"
    r"|(?:api|access|secret|private|account|shared|signing|encryption|auth|master|service)[_\-. ]?keys?"
)
_MORE = r"(?:[_\-]?(?:hash|confirmation|confirm|repeat|again|value|string|text|plain|old|new))?\d{0,2}"
# In JSON the name may be written in more ways, and what stands around the colon, too.
_NAMED = (
    r"(?i:passw|pass[_.\- ]*phrase|pwd|pass|secret|token|credential|authorization"
    r"|(?:api|access|secret|private|account|shared|signing|encryption|auth|master|service)[_.\- ]*key)"
)
NEEDLE = (
    rf"{_NAMED}(?i:[a-z0-9_.\- ]*)(?:\\+[tnr]|\s|[\"'\\\]])*[=:>]"
    rf"|--(?i:[a-z0-9_.\-]*){_NAMED}(?i:[a-z0-9_.\-]*)(?:\s|\\+[tnr])"
)
_KEY = Pattern(rf"""(?i)({_WORDS}){_MORE}(\\*["'])?\]?[ \t]*(=>|:=|==|=|:|>|[ \t])[ \t]*""")
_NAME = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
_MOST_NAME = 128
_QUOTE = re.compile(rb"""\\*["'`]""")
# Where a value without quotes ends. A comma, semicolon or ampersand may belong to it, if no other member follows.
_END = re.compile(
    rb"""[\s"'<>)\]}|`]|(?<!\\)\\++(?:["']|[nrt](?=[\s"'A-Za-z\[{]))|[,;&](?=[\s"')\]}]|\Z|[\w.\-]{1,64}[=:]|amp;)|\Z"""
)
_RANDOM = re.compile(rb"[0-9!@#$%^*+/_=~]")
_BEFORE_KEY = re.compile(rb"(?:\A|\n|\\n)[ \t\-]*\Z")

_SECRET = re.compile(
    r"(?:pass(?:wor|w)d|passwort|passphrase|pass_phrase|pwd|secret|token|passwords|secrets"
    r"|(?:api|access|secret|private|account|shared|signing|encryption|auth|master|service)_?keys?"
    r"|(?:\A|_)(?:credentials?|authorization)"
    r"|(?:db|database|sql|mysql|pg|postgres|redis|smtp|mail|ftp|user|admin|root|auth|login|basic)_?pass)"
    r"(?:_?(?:hash|confirmation|confirm|repeat|again|value|string|text|plain|old|new))?_?\d{0,2}\Z"
)
_IS_FLAG = re.compile(r"\A(?:is|has|have|had|needs?|requires?|use|uses|with|without|show|no|invalid|missing)_")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN = re.compile(r"[_.\- ]+")


@lru_cache(maxsize=2048)
def is_secret(name: bytes) -> bool:
    """Whether what is called so is a secret: its last word is one, as in `db.password`, `apiKey`, `AUTH_TOKEN_2`."""
    text = name[-_MOST_NAME:].decode("latin-1")
    words = _BETWEEN.sub("_", _CAMEL.sub("_", text).lower()).strip("_")
    return _SECRET.search(words) is not None and _IS_FLAG.search(words) is None


def find(data: bytes) -> Iterator[Span | None]:
    """The values in a text, without their quotes."""
    at = 0
    while at < len(data) and (found := _KEY.find(data, at)) is not None:
        (_, end), (start, _), quote, (separator, separator_end) = found
        at = max(end, at + 1)
        begin = _begin(data, start)
        name = data[begin : quote[0] if quote[0] >= 0 else separator].rstrip(b" \t]")
        sign = data[separator:separator_end]
        is_close = end == separator_end and data[separator - 1 : separator] != b" "  # `{Password:x}`, as Go prints it
        is_mapped = quote[0] >= 0 or sign in (b"=", b":=", b"=>") or (sign == b":" and is_close)
        if sign in (b" ", b"\t", b">"):
            is_mapped = data[begin - 1 : begin] in (b"<", b":") if sign == b">" else _is_flag(data, name, end)
            if not is_mapped:
                continue
        span = None if sign == b"==" or not is_secret(name) else _value(data, end, begin, name, is_mapped=is_mapped)
        yield span
        if span is not None:
            at = max(at, span[1])


def _is_flag(data: bytes, name: bytes, end: int) -> bool:
    """Whether it is an argument of a command, with its value behind a space."""
    return name.startswith(b"--") and data[end : end + 1] not in (b"", b"-")


def _begin(data: bytes, start: int) -> int:
    before = data[max(0, start - _MOST_NAME) : start]
    return start - (len(before) - len(before.rstrip(_NAME)))


def _value(data: bytes, at: int, begin: int, name: bytes, *, is_mapped: bool) -> Span | None:
    """Where the value at `at` is, of the name that begins at `begin`; `is_mapped`: more than a colon says so.

    What is refused for its beginning is refused before its end is looked for: else each key in it would look again.
    """
    opening = _QUOTE.match(data, at)
    start = opening.end() if opening is not None else at
    if name.lower() in (b"pwd", b"oldpwd") and data[start : start + 1] == b"/":
        return None  # the shell's working directory
    if data[start : start + 1] in (b":", b"/") and data[at - 1 : at] == b":":
        return None  # `token::new`, `secret://name`
    if opening is not None:
        end = _closing(data, start, opening[0])
    elif data[at : at + 1] in (b"{", b"[") and is_mapped:
        end = value_end(data, at)
    else:
        ending = _END.search(data, at)
        end = ending.start() if ending is not None else len(data)
        if not is_mapped and not _is_likely(data, begin, start, end, name):
            return None
    return (start, end) if start < end else None


def _closing(data: bytes, start: int, quote: bytes) -> int:
    """Where a quoted value ends: at a quote that is escaped as often as the first one was, else nowhere."""
    at = start
    while (at := data.find(quote, at)) >= 0:
        before = _backslashes(data, start, at)
        if before == 0 or (len(quote) == 1 and before % 2 == 0):
            return at
        at += len(quote)
    return len(data)


def _backslashes(data: bytes, start: int, at: int) -> int:
    first = at
    while first > start and data[first - 1] == 0x5C:
        first -= 1
    return at - first


def _is_likely(data: bytes, begin: int, start: int, end: int, name: bytes) -> bool:
    """Whether a word behind `name: ` is a value and no prose: `password: hunter2`, and not `password: incorrect`."""
    value = data[start:end]
    if not value:
        return False
    if _RANDOM.search(value) is not None or b"-" in name:
        return True
    return (
        _BEFORE_KEY.search(data[max(0, begin - 32) : begin]) is not None
        and not data[end : end + 64].partition(b"\n")[0].strip()[:1].isalnum()
    )
