"""Document → GELF message: one JSON object.

What holds of each: it has a `short_message`, and no `_id`, which GELF forbids; what an application writes can replace
none of the members that are ours, since all of it begins with `_log_`. Each value of the application is a text: a
server that has seen a number first would refuse the message later, in silence.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec
import orjson
from msgspec import Raw

from collector.documents.document import MESSAGES, is_document, split
from collector.documents.summary import Summary, summary
from collector.errors import UNREADABLE
from collector.model import LogStream, Segment

ID = "_pilotfish_id"
MOST_VALUE_BYTES = 32_000  # of a field: Graylog's index takes 32,766 of a keyword
_MOST_MEMBERS = 200
_MOST_NAME = 100
_LEVELS = {"trace": 7, "debug": 7, "info": 6, "warn": 4, "error": 3, "fatal": 2}
_OF_STREAM = {"stderr": 3}  # of a line that tells no level
_INFO = 6
_NOT_NAME = re.compile(r"[^A-Za-z0-9_.-]")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z", re.ASCII)
_NO_TEXT = "-"
_OURS = frozenset({"host", "@target", "docker_container", "docker_container_id", "docker_image"})

_members = msgspec.json.Decoder(dict[str, Raw]).decode
_text = msgspec.json.Decoder(str).decode


class Contents(NamedTuple):
    """What a message holds besides what is ours.

    `document` gives whole documents for `full_message`, in their order; None for the lines of a message that has
    several. `has_members` adds the members of a line that is a JSON object.
    """

    document: Callable[[list[bytes]], list[bytes]] | None
    has_members: bool


def messages(segment: Segment, contents: Contents) -> list[bytes]:
    """A message for each document."""
    around = _around(segment.stream)
    host = orjson.dumps(_bounded(segment.stream.fields.get("host", "")).strip() or _NO_TEXT)
    whole = contents.document(segment.documents) if contents.document else None
    made = []
    for index, (name, document) in enumerate(zip(segment.ids, segment.documents, strict=True)):
        said = summary(document)
        text = said.message.encode(errors="replace").decode()
        first, _, more = text.strip().partition("\n")
        full = b""
        if whole is not None:
            full = b',"full_message":%b' % orjson.dumps(whole[index].decode(errors="replace"))
        elif more or len(first) > MOST_VALUE_BYTES // 4:
            full = b',"full_message":%b' % orjson.dumps(text)
        made.append(
            b'{"version":"1.1","host":%b,"short_message":%b%b%b,"level":%d,"%b":%b,"_stream":"%b"%b%b}'
            % (
                host,
                orjson.dumps(_bounded(first.strip()) or _NO_TEXT),
                full,
                _timestamp(said.time),
                _level(said),
                ID.encode(),
                orjson.dumps(name),
                said.stream.encode(),
                around,
                _said_members(document) if contents.has_members else b"",
            )
        )
    return made


def _around(stream: LogStream) -> bytes:
    """The members that each message of a stream has, from the comma on: those of Docker's own driver, and ours."""
    fields = stream.fields
    ours = {"_container_id": stream.container_id, "_container_name": stream.container, "_target": stream.target}
    if image := fields.get("docker_image"):
        ours["_image_name"] = image
    others = {f"_{_NOT_NAME.sub('_', name)}": value for name, value in fields.items() if name not in _OURS}
    members = {name: _bounded(value) for name, value in {**others, **ours}.items() if name not in ("_id", ID)}
    return b"," + orjson.dumps(members)[1:-1]


def _said_members(document: bytes) -> bytes:
    """The members of the line, from the comma on: `_log_<name>`, each as a text, but for its message."""
    log = split(document).log if is_document(document) else b"{}"
    if log.startswith(b'{"message":') and log.find(b'":', 12) < 0:
        return b""
    try:
        found = list(_members(log).items())[:_MOST_MEMBERS]
    except UNREADABLE:
        return b""
    texts = {f"_log_{_NOT_NAME.sub('_', name)[:_MOST_NAME]}": _as_text(bytes(raw))
             for name, raw in found if name not in MESSAGES}  # fmt: skip
    return b"," + orjson.dumps(texts)[1:-1] if texts else b""


def _as_text(raw: bytes) -> str:
    try:
        text = _text(raw) if raw[:1] == b'"' else raw.decode(errors="replace")
    except UNREADABLE:
        text = raw.decode(errors="replace")
    return _bounded(text)


def _bounded(text: str) -> str:
    """The text, or its beginning with an ellipsis behind it, in so many bytes as a field may have."""
    if len(text) <= MOST_VALUE_BYTES // 4:  # no character has more bytes
        return text.encode(errors="replace").decode()
    data = text.encode(errors="replace")
    return (
        data.decode() if len(data) <= MOST_VALUE_BYTES else data[: MOST_VALUE_BYTES - 3].decode(errors="ignore") + "…"
    )


def _level(said: Summary) -> int:
    return _LEVELS.get(said.level) or _OF_STREAM.get(said.stream, _INFO)


def _timestamp(stamp: str) -> bytes:
    """The member `timestamp`, from the comma on, with every digit of the line's time; nothing where none is known."""
    if not (found := _TIME.fullmatch(stamp)) or (seconds := _seconds(found[1])) is None:
        return b""
    return b',"timestamp":%d%b' % (seconds, (found[2] or "").encode())


@lru_cache(4096)
def _seconds(stamp: str) -> int | None:
    try:
        return int(datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
