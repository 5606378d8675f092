"""Message → datagrams: one, or chunks of one, of which a server makes the message again in whatever order they come."""

import os

MOST_CHUNKS = 128
HEAD_BYTES = 12
_MAGIC = b"\x1e\x0f"
_ID_BYTES = 8


def chunks(message: bytes, chunk_bytes: int) -> list[bytes]:
    """Datagrams of at most `chunk_bytes`; none if it would take more than a message may have."""
    if len(message) <= chunk_bytes:
        return [message]
    size = chunk_bytes - HEAD_BYTES
    count = -(-len(message) // size)
    if count > MOST_CHUNKS:
        return []
    head = _MAGIC + os.urandom(_ID_BYTES)
    return [b"%b%c%c%b" % (head, at, count, message[at * size : (at + 1) * size]) for at in range(count)]
