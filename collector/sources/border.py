"""Where a read should end, so that what another output made of the same lines can be taken over."""

from typing import NamedTuple


class Border(NamedTuple):
    """Behind so many bytes a line ends. `is_last`: all others that read there are waiting for more, or behind it.

    `data` are the lines up to there, if one of the others has just read them from there on, else b"".
    """

    size: int
    is_last: bool = False
    data: bytes = b""
