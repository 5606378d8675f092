"""Document → syslog message: RFC 5424 with structured data, or RFC 3164.

What holds of each: it has at most `most_bytes`, or is cut and says so; no byte of it ends it early, whatever an
application writes; a name in its header has no more than the characters that the RFC allows. What is the same for all
lines of a stream is made once for each segment.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from collector.documents.summary import Summary, summary
from collector.model import LogStream, Segment

FACILITIES: Mapping[str, int] = {
    name: number
    for number, name in enumerate(
        ("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
         "ntp", "audit", "alert", "clock", *(f"local{number}" for number in range(8)))
    )
}  # fmt: skip
SD_ID = "pilotfish@32473"  # the enterprise number that RFC 5612 gives to whoever has none
LEAST_BYTES = 2048  # of a message: its header and structured data fit, whatever the names
CUT = "…".encode()

_SEVERITIES = {"trace": 7, "debug": 7, "info": 6, "warn": 4, "error": 3, "fatal": 2}
_OF_STREAM = {"stderr": 3}  # of a line that tells no level
_INFO = 6
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)
_NAME = re.compile(r"\{(\w+)\}", re.ASCII)
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]")
_SHORT_ID = 12  # characters, as Docker prints it
_MOST_VALUE = 200  # characters of a value in the structured data
_KNOWN = ("host", "container", "container_id", "target")  # and each trusted member, by its name
_TAG = 32


class Header(NamedTuple):
    """Patterns of the names in a header: text with `{container}` and the like."""

    hostname: str
    app_name: str
    procid: str
    msgid: str


class Composer:
    """Writes the messages of an output.

    `body` gives the text of documents, in their order; None for what applications say. `is_one_line` has line breaks
    replaced, for servers that take one for the end of a message.
    """

    def __init__(
        self,
        *,
        facility: str,
        header: Header,
        is_rfc5424: bool,
        body: Callable[[list[bytes]], list[bytes]] | None,
        is_one_line: bool,
        most_bytes: int,
    ) -> None:
        self._heads = [b"<%d>" % (8 * FACILITIES[facility] + severity) for severity in range(8)]
        self._header = header
        self._is_rfc5424 = is_rfc5424
        self._body = body
        self._escaped = _one_line if is_one_line else _without_nul
        self._most_bytes = most_bytes

    def messages(self, segment: Segment) -> Iterator[bytes]:
        """A message for each document."""
        around = _Around(segment.stream, self._header)
        texts: Sequence[bytes | None] = self._body(segment.documents) if self._body else [None] * segment.count
        write = self._rfc5424 if self._is_rfc5424 else self._rfc3164
        for name, document, text in zip(segment.ids, segment.documents, texts, strict=True):
            said = summary(document)
            body = said.message.encode(errors="replace") if text is None else text
            yield write(around, name, said, self._escaped(body))

    def _rfc5424(self, around: "_Around", name: str, said: Summary, text: bytes) -> bytes:
        stamp = f"{said.time[:-1][:26]}Z" if _TIME.fullmatch(said.time) else "-"
        begin = b'%b1 %b %b id="%b" stream="%b"' % (
            self._heads[_severity(said)],
            stamp.encode(),
            around.rfc5424,
            name.encode(),
            said.stream.encode(),
        )
        if len(begin) + 2 + len(text) <= self._most_bytes:
            return b"%b] %b" % (begin, text)
        begin = b'%b original_bytes="%d"] ' % (begin, len(text))
        return begin + cut(text, self._most_bytes - len(begin))

    def _rfc3164(self, around: "_Around", name: str, said: Summary, text: bytes) -> bytes:
        begin = b"%b%b %b: " % (self._heads[_severity(said)], _bsd_time(said.time), around.rfc3164)
        return begin + cut(text, self._most_bytes - len(begin))


class _Around:
    """What stands in each message of a stream."""

    def __init__(self, stream: LogStream, header: Header) -> None:
        known = names_of(stream)
        host = name(header.hostname, known, 255)
        app, procid = name(header.app_name, known, 48), name(header.procid, known, 128)
        image = {"image": stream.fields["docker_image"]} if "docker_image" in stream.fields else {}
        data = {"container": stream.container, "target": stream.target, **image}
        params = "".join(f' {key}="{_value(value)}"' for key, value in data.items())
        self.rfc5424 = f"{host} {app} {procid} {name(header.msgid, known, 32)} [{SD_ID}{params}".encode()
        pid = "" if procid == "-" else f"[{procid}]"
        self.rfc3164 = f"{host} {app[:_TAG]}{pid}".encode()


def names_of(stream: LogStream) -> dict[str, str]:
    """What patterns may name: the stream's trusted members, and `_KNOWN`."""
    ours = (stream.fields.get("host", ""), stream.container, stream.container_id[:_SHORT_ID], stream.target)
    return {**stream.fields, **dict(zip(_KNOWN, ours, strict=True))}


def name(pattern: str, known: Mapping[str, str], most: int) -> str:
    """The name by a pattern, of printable ASCII: `-` if nothing is left of it."""
    filled = _NAME.sub(lambda found: known.get(found[1], ""), pattern)
    return _NOT_PRINTABLE.sub("_", filled)[:most] or "-"


def cut(text: bytes, most_bytes: int) -> bytes:
    """The text, or its beginning with an ellipsis behind it; no character is cut in two."""
    if len(text) <= most_bytes:
        return text
    return text[: most_bytes - len(CUT)].decode(errors="ignore").encode() + CUT


def _severity(said: Summary) -> int:
    return _SEVERITIES.get(said.level) or _OF_STREAM.get(said.stream, _INFO)


def _bsd_time(stamp: str) -> bytes:
    """`Nov 23 02:13:00`, in UTC: the form has no place for a zone. Midnight of the first day where none is known."""
    if not _TIME.fullmatch(stamp) or not 1 <= int(stamp[5:7]) <= len(_MONTHS) - 1:
        return b"Jan  1 00:00:00"
    return f"{_MONTHS[int(stamp[5:7])]} {int(stamp[8:10]):2} {stamp[11:19]}".encode()


def _value(text: str) -> str:
    """A value of structured data: RFC 5424, 6.3.3, and without what is no character of a text."""
    plain = text[:_MOST_VALUE].encode(errors="replace").decode()
    return "".join(f"\\{each}" if each in '"\\]' else each if each >= " " else "_" for each in plain)


def _without_nul(text: bytes) -> bytes:
    return text.replace(b"\0", b"#000") if b"\0" in text else text


def _one_line(text: bytes) -> bytes:
    """As rsyslog writes control characters: `#` and three octal digits."""
    return _without_nul(text).replace(b"\n", b"#012").replace(b"\r", b"#015")
