"""Where a read should end, so that what another output made of the same lines can be taken over."""

from msgspec import Struct

from collector.model import Position


class Border(Struct, frozen=True, gc=False):
    """Behind so many bytes a line ends. `is_last`: all others that read there are waiting for more, or behind it.

    `data` are the lines up to there, if one of the others has just read them from there on, else b"": they end at the
    position `end`, the last one with `last_line`, known by its `fingerprint`.
    """

    size: int
    is_last: bool = False
    data: bytes = b""
    end: Position | None = None
    last_line: bytes = b""
    fingerprint: str = ""
