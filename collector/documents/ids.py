"""Where a line stands → what its document's `_id` begins with: ADR 0001."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b

import orjson

from collector.model import FileId

ID_SCHEME = 1  # kept with the positions: another scheme would give another id to a line that was shipped already


def short_hash(parts: Sequence[str | int]) -> str:
    """72 bits in 12 characters."""
    return urlsafe_b64encode(blake2b(orjson.dumps(parts), digest_size=9).digest()).decode()


def id_prefix(file: FileId, entry: str) -> str:
    """What the `_id`s of one file's lines for one label entry begin with."""
    return short_hash([ID_SCHEME, file.container_id, file.head, file.ordinal, entry]) + "-"
