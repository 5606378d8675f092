"""Lumberjack version 2, the protocol of Beats: documents → windows of frames; frames that come back → acknowledgements.

A window is `2W` and the number of its documents, then for each `2J`, its number in the window from 1 on, its length and
itself; these frames stand plain, or deflated in one frame `2C`. The server answers `2A` and a number: all up to it are
taken. Numbers are unsigned, of four bytes, the highest first. A server that is still at work says so: it acknowledges
0, or what it acknowledged before.
"""

import struct
import zlib
from collections.abc import Sequence
from importlib.metadata import version

import msgspec

from collector.documents.form import Form
from collector.model import Segment

ACK_BYTES = 6
EMPTY_WINDOW = b"2W\0\0\0\0"

_numbers = struct.Struct(">II").pack
_number = struct.Struct(">I")
_BEHIND_ID = b',"beat":"pilotfish","version":%b},' % msgspec.json.encode(version("pilotfish"))


def marked(segment: Segment, form: Form) -> list[bytes]:
    """The documents of a segment, with what Logstash knows of an event besides: `[@metadata][_id]` is the id."""
    return [
        b'{"@metadata":{"_id":%b%b%b' % (msgspec.json.encode(name), _BEHIND_ID, body[1:])
        for name, body in zip(segment.ids, form.written(segment.documents), strict=True)
    ]


def window(documents: Sequence[bytes], level: int) -> bytes:
    """One window, deflated at this level; 0 leaves it plain."""
    parts: list[bytes] = []
    for number, document in enumerate(documents, 1):
        parts += (b"2J", _numbers(number, len(document)), document)
    frames = b"".join(parts)
    head = b"2W" + _number.pack(len(documents))
    if not level:
        return head + frames
    deflated = zlib.compress(frames, level)
    return b"".join((head, b"2C", _number.pack(len(deflated)), deflated))


def acknowledged(frame: bytes) -> int:
    """Up to which document of its window the server has taken them.

    Raises:
        ValueError: this is no acknowledgement.
    """
    if len(frame) != ACK_BYTES or not frame.startswith(b"2A"):
        raise ValueError("no acknowledgement")
    return int(_number.unpack_from(frame, 2)[0])
