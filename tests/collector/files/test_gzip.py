"""Laws of gzip: what is packed comes back, by any program; what is damaged is told as one error."""

import gzip as standard
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.files import gzip


@given(st.lists(st.binary(max_size=2000), max_size=5))
def test_what_is_packed_whole_or_in_pieces_comes_back(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    codec = gzip.compressor()
    stream = b"".join([*map(codec.compress, pieces), codec.flush()])
    assert standard.decompress(stream) == standard.decompress(gzip.compress(content)) == content
    assert gzip.decompress(stream) == gzip.decompressor().decompress(standard.compress(content)) == content
    checksum = 0
    for piece in pieces:
        checksum = gzip.crc32(piece, checksum)
    assert checksum == crc32(content)


@pytest.mark.parametrize(
    "stream", [b"", b"no gzip at all", standard.compress(b"cut " * 100)[:20]], ids=["empty", "foreign", "cut"]
)
def test_what_is_no_whole_stream_is_one_error(stream: bytes) -> None:
    with pytest.raises(gzip.GzipError):
        gzip.decompress(stream)


def test_a_damaged_stream_is_that_error_also_piece_by_piece() -> None:
    with pytest.raises(gzip.GzipError):
        gzip.decompressor().decompress(b"\x1f\x8b\x08 damaged, as it is")
