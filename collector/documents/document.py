"""The bytes of a document: they are written and read in this folder and nowhere else.

`{"log":{…},"stream":"…","@timestamp":"…",["truncated":true,]<fields>[,"docker_attrs":[…]][,"delivery_error":"…"]}`:
docs/specification.md, section 3. The trusted members stand behind `log`, whole and last, so that the application
cannot reach them; none of them holds a bare quote, so the last seam of a document is the one behind `log`.

Nothing of a document is kept beside its bytes: `time` is read where it stands, without parsing; `message`, `level` and
`fields` parse, when they are asked for and not before.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec
import orjson
from msgspec import Struct, defstruct
from msgspec.structs import astuple

from collector.documents.attrs import Attrs, HasAttrs
from collector.documents.composer import FinishedLine, Made, WrittenLine
from collector.documents.json_text import log_of, text_of, validate
from collector.documents.json_text import message as message_of
from collector.errors import UNREADABLE
from collector.model import Counts, LogStream

# Members of `log` in which applications say what they have to say, and how bad it is: the first that is there.
MESSAGES = ("message", "msg", "@m")
LEVELS = ("level", "severity", "log.level", "levelname", "lvl", "@l")

HEAD = b'{"log":'
TEXT_MARK = b',"delivery_error":"'
_SEAM = b',"stream":"'
_TIME = b'"@timestamp":"'
OF_LINES = ("level", "docker_time", "first", "last")  # beside `log`, and no fields of the stream
NOT_FIELDS = frozenset({"stream", "@timestamp", "truncated", "docker_attrs", "delivery_error", *OF_LINES})
_TEXT_ALONE = re.compile(rb'\{"message":("[^"\\]*(?:\\.[^"\\]*)*")\}')
_AROUND_BYTES = 77  # of a document: what stands between `log`, the stream, the time and the fields
_NUMBERED = {10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}  # pino, bunyan


class Pilotfish:
    """Composes documents of the form `pilotfish`. The fields of a stream are encoded once."""

    __slots__ = ("_attrs", "_fields", "_tail", "with_attrs")

    reads_lines = is_selective = False

    @property
    def remembers(self) -> bool:
        """Whether what becomes of a line depends on lines before it."""
        return False

    @property
    def carried(self) -> str:
        """What has to be known of the lines before."""
        return ""

    def __init__(self, *, with_attrs: bool = False) -> None:
        """`with_attrs`: documents carry what log-opts add to a line."""
        self.with_attrs = with_attrs
        self._attrs = Attrs() if with_attrs else None
        self._fields: Mapping[str, str] | None = None
        self._tail = ""

    def whole_lines(
        self, stream: LogStream, lines: Sequence[WrittenLine], stamps: Sequence[str], ids: Sequence[str]
    ) -> Made | None:
        """A document for each line; None if one of them is a piece of a line. The hot path.

        Each is encoded by itself: a join of all would widen the whole text on its first character beyond ASCII.
        """
        tail = self._tail_of(stream)
        documents: list[bytes] = []
        append = documents.append
        for line, stamp in zip(lines, stamps, strict=True):
            log, newline, more = line.log.partition("\n")
            if log[-1:] == "}" and log[0] == "{" and newline and not more:
                try:
                    validate(log)
                except UNREADABLE:
                    log = log_of(log)
            elif line.log.endswith("\n"):
                log = log_of(text_of(line.log))
            else:
                return None
            append(f'{{"log":{log},"stream":"{line.stream}","@timestamp":"{stamp}{tail}'.encode())
        if self._attrs is not None:
            documents = list(map(self._attrs.add, documents, cast(Sequence[HasAttrs], lines)))
        return Made(documents, stamps, ids)

    def finished(self, stream: LogStream, lines: Sequence[FinishedLine], stamps: Sequence[str]) -> Made:
        """A document for each line."""
        tail = self._tail_of(stream)
        cut = f'","truncated":true{tail[1:]}'
        documents = [
            f'{{"log":{log},"stream":"{line.stream}","@timestamp":"{stamp}{cut if line.is_cut else tail}'.encode()
            for log, line, stamp in zip(map(self._log_of, lines), lines, stamps, strict=True)
        ]
        if self._attrs is not None:
            documents = list(map(self._attrs.add, documents, lines))
        return Made(documents, stamps, [line.id for line in lines])

    def _log_of(self, line: FinishedLine) -> str:
        """The JSON object, on one line, that stands for a line."""
        return message_of(line.text) if line.is_broken else log_of(line.text)

    def counted(self) -> Counts:
        """Nothing is counted."""
        return Counts()

    def added_bytes(self, stream: LogStream) -> int:
        """How many bytes a document of the stream has beside its `log`, about."""
        return len(self._tail_of(stream)) + _AROUND_BYTES

    def _tail_of(self, stream: LogStream) -> str:
        """What stands behind the digits of the time, to the last brace."""
        if stream.fields is not self._fields:
            self._fields = stream.fields
            members = orjson.dumps(dict(stream.fields)).decode()[1:]
            self._tail = f'",{members}' if stream.fields else '"}'
        return self._tail


class Parts(NamedTuple):
    """`log` is its JSON, `rest` the members behind it: from the comma on and without the last brace."""

    log: bytes
    rest: bytes


def split(document: bytes) -> Parts:
    """Take a document apart.

    Raises:
        ValueError: it is none.
    """
    if not is_document(document):
        raise ValueError(f"no document: {document[:40]!r}")
    seam = document.rindex(_SEAM)
    return Parts(document[len(HEAD) : seam], document[seam:-1])


def is_document(document: bytes) -> bool:
    """Whether bytes are of the form of a document; whether they are JSON is not looked at."""
    return document.startswith(HEAD) and document.find(_SEAM) > 0 and document.endswith(b"}")


def without_id(document: bytes) -> bytes:
    """A document that was found, as it was shipped: without the `_id` that is its first member then."""
    at = document.find(b",%b" % HEAD[1:])  # in a text there is a backslash before each quote
    return b"{%b" % document[at + 1 :] if not document.startswith(HEAD) and at > 0 else document


def is_text(document: bytes) -> bool:
    """Whether it was turned to text before, since it was refused as it was."""
    return TEXT_MARK in document[document.rfind(_SEAM) :]


def time(document: bytes) -> str:
    """Its `@timestamp` as it stands there; "" where no document has it."""
    seam = document.rfind(_SEAM)
    at = document.find(_TIME, seam)
    start = at + len(_TIME)
    end = document.find(b'"', start)
    return document[start:end].decode(errors="replace") if 0 < seam < at < end else ""


def source(document: bytes) -> str:
    """Its `stream`: stdout, stderr, or what else wrote it; "" if it is no document."""
    start = document.rfind(_SEAM) + len(_SEAM)
    end = document.find(b'"', start)
    return document[start:end].decode(errors="replace") if start >= len(_SEAM) and end > 0 else ""


def line(document: bytes) -> str:
    """The line as its application wrote it: the text of a message alone, else the JSON of `log`.

    A line that was read in a format is its members. What is no document is given as it is.
    """
    if not is_document(document):
        return document.decode(errors="replace")
    log = split(document).log
    if (text := _TEXT_ALONE.fullmatch(log)) is not None:
        try:
            return str(orjson.loads(text[1]))
        except UNREADABLE:
            pass
    return log.decode(errors="replace")


def fields(document: bytes) -> dict[str, str]:
    """The trusted fields of its stream, as `LogStream.fields`; none if it is no document."""
    try:
        members = orjson.loads(b"{%b}" % split(document).rest[1:])
    except UNREADABLE:
        return {}
    return {name: value for name, value in members.items() if name not in NOT_FIELDS and isinstance(value, str)}


def message(document: bytes) -> str:
    """What its application says: the first of `MESSAGES` in `log`, else the whole `log`; "" if it is no document."""
    if not is_document(document):
        return ""
    return said(split(document).log.decode(errors="replace"))


def said(log: str) -> str:
    """What a `log` says: the first of `MESSAGES` in it, else all of it."""
    found = _first(_messages, log)
    return log if found is None else str(found)


def level(document: bytes) -> str:
    """How bad it is in its application's word: the first of `LEVELS` in `log`; "" if none is there."""
    found = _first(_levels, split(document).log) if is_document(document) else None
    return "" if found is None else level_name(found)


def level_name(value: str | int) -> str:
    """A level by its name: some libraries write numbers."""
    return _NUMBERED.get(value, str(value)) if isinstance(value, int) else value


def decoder(names: Sequence[str]) -> Callable[[bytes | str], Struct]:
    """Reads these members of an object as `member_0` and so on, None if not there, and steps over the others."""
    members = [f"member_{number}" for number in range(len(names))]
    said = defstruct("Said", [(one, Any, None) for one in members], rename=dict(zip(members, names, strict=True)))
    return msgspec.json.Decoder(said).decode


_messages, _levels = decoder(MESSAGES), decoder(LEVELS)


def _first(read: Callable[[bytes | str], Struct], log: bytes | str) -> str | int | None:
    """The first of the members that is a text or a number."""
    try:
        said = read(log)
    except UNREADABLE:
        return None
    return next((value for value in astuple(said) if isinstance(value, str | int)), None)
