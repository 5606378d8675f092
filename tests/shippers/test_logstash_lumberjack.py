"""Laws of the frames of lumberjack: what is written can be read by its length, number and form alone."""

import asyncio
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shippers.logstash.lumberjack import acknowledged, window
from tests.examples import examples
from tests.receivers.logstash import documents_of

documents = st.lists(st.binary(max_size=200).map(lambda body: b'{"x":"%b"}' % body.hex().encode()), max_size=40)


@given(documents, st.integers(0, 9))
@examples(1)
def test_a_window_holds_its_documents_in_their_order(bodies: list[bytes], level: int) -> None:
    async def read() -> list[bytes]:
        reader = asyncio.StreamReader()
        reader.feed_data(window(bodies, level))
        reader.feed_eof()
        assert await reader.readexactly(6) == b"2W" + struct.pack(">I", len(bodies))
        found = await documents_of(reader, len(bodies)) if bodies or level else []
        assert reader.at_eof()
        return found

    assert asyncio.run(read()) == bodies


@given(st.integers(0, 2**32 - 1))
@examples(1)
def test_an_acknowledgement_tells_its_number(number: int) -> None:
    assert acknowledged(b"2A" + struct.pack(">I", number)) == number


@given(st.binary(max_size=12).filter(lambda frame: len(frame) != 6 or not frame.startswith(b"2A")))
@examples(1)
def test_anything_else_is_no_acknowledgement(frame: bytes) -> None:
    with pytest.raises(ValueError, match="no acknowledgement"):
        acknowledged(frame)
