"""Bytes before a position → a short hash of their last line, which tells whether this is still what was read.

A file that was cut in place and written anew may be longer than before, begin with the same line and have the same
inode; Docker's `time` at the end of each line makes that line differ.
"""

from hashlib import blake2b

LAST_LINE_BYTES = 256  # its end, which holds the time


def last_line(content: bytes) -> bytes:
    """The last line of `content` without its newline, the end of it if it is long; `content` is a line's end."""
    end = len(content) - content.endswith(b"\n")
    start = max(0, end - LAST_LINE_BYTES)
    return content[max(start, content.rfind(b"\n", start, end) + 1) : end]


def fingerprint(line: bytes) -> str:
    """What is kept of a last line, in hex; "" for none. A hash, since the line may hold a secret."""
    return blake2b(line, digest_size=8).hexdigest() if line else ""
