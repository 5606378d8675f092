"""How far the oldest file of a spool is done ↔ the file `cursor` beside it.

Not synced: an older one, or none, only means that some records are sent again, under the same ids.
"""

import struct
from contextlib import suppress
from pathlib import Path
from zlib import crc32

from collector.files.ownership import open_own

_CURSOR = struct.Struct("<8sQI")  # mark of the file, how far it is done, CRC-32


def keep(directory: Path, mark: bytes, offset: int) -> None:
    """The file with this mark is done up to there."""
    body = _CURSOR.pack(mark, offset, 0)
    with suppress(OSError), open(directory / "cursor", "wb", opener=open_own) as opened:
        opened.write(body[:-4] + crc32(body).to_bytes(4, "little"))


def kept(directory: Path, mark: bytes) -> int | None:
    """Up to where the file with this mark is done; None if that is not known."""
    try:
        with open(directory / "cursor", "rb", opener=open_own) as opened:
            body = opened.read()
    except OSError:
        return None
    if len(body) != _CURSOR.size:
        return None
    found, offset, checksum = _CURSOR.unpack(body)
    is_whole: bool = checksum == crc32(_CURSOR.pack(found, offset, 0)) and found == mark
    return int(offset) if is_whole else None
