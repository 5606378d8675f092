"""RELP: what is known of each message, whatever the server answers, or does not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import Refused, Unavailable
from collector.model import Receipt
from collector.ports import OutputContext, Shipper
from shippers.syslog import Settings
from shippers.syslog.relp import WINDOW, Frame, Malformed, frame, taken
from tests.collector.net.stream_server import StreamServer
from tests.contract.segments import batch, plain_segment
from tests.examples import examples

from .relp_server import OPENED, RelpServer, rsp

FRAMES = st.builds(
    Frame, st.integers(0, 999_999_999), st.sampled_from([b"rsp", b"syslog", b"serverclose"]), st.binary(max_size=50)
)


@given(st.lists(FRAMES, max_size=8), st.data())
@examples(3)
def test_frames_are_read_as_they_were_written_wherever_they_are_split(frames: list[Frame], data: st.DataObject) -> None:
    text = b"".join(frame(*each) for each in frames)
    buffer, found = bytearray(), []
    while text:
        size = data.draw(st.integers(1, len(text)))
        buffer += text[:size]
        text = text[size:]
        found += list(taken(buffer))
    assert found == frames
    assert not buffer


@given(st.binary(max_size=80))
@examples(3)
def test_any_bytes_are_frames_or_more_is_awaited_or_they_are_refused(data: bytes) -> None:
    buffer = bytearray(data)
    try:
        found = list(taken(buffer))
    except Malformed:
        return
    assert len(buffer) < 80
    assert b"".join(frame(*each) for each in found) == data[: len(data) - len(buffer)] or found


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 400 Bad Request\r\n", b"1 rsp 5 200 OK\n", b"1 rsp 999999 ", b"x" * 60, b"\n"]
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        list(taken(bytearray(data)))


class Site:
    def __init__(self, server: RelpServer, shipper: Shipper, sockets: StreamServer) -> None:
        self.server = server
        self.shipper = shipper
        self.sockets = sockets


Opened = Callable[[RelpServer], AbstractAsyncContextManager[Site]]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    @asynccontextmanager
    async def open_at(server: RelpServer) -> AsyncIterator[Site]:
        async with StreamServer(server) as sockets:
            settings = Settings(hosts=(sockets.host,), transport="relp", request_timeout_seconds=2)
            shipper = settings.open(OutputContext("away", tmp_path))
            try:
                yield Site(server, shipper, sockets)
            finally:
                await shipper.aclose()

    return open_at


async def test_each_message_is_delivered_when_it_is_acknowledged_and_no_more_than_the_window_wait(
    opened: Opened,
) -> None:
    async with opened(RelpServer(hold=1000)) as site:
        receipt = await site.shipper.ship(batch(plain_segment(700)))
        assert receipt == Receipt(delivered=700)
        assert len(site.server.taken) == 700
        assert WINDOW // 2 <= site.server.most_open <= WINDOW
    assert site.server.is_closed_well


async def test_a_refused_message_is_rejected_with_the_words_of_the_server(opened: Opened) -> None:
    answer = lambda place, _: b"500 no room\nfor it" if place in (1, 5) else b"200 OK"  # noqa: E731
    async with opened(RelpServer(answer)) as site:
        receipt = await site.shipper.ship(batch(plain_segment(3), plain_segment(4, "till")))
        assert receipt.delivered == 5
        assert [(each.segment.stream.target, each.index, each.reason) for each in receipt.rejected] == [
            ("shop", 1, "500 no room for it"), ("till", 2, "500 no room for it"),
        ]  # fmt: skip


async def test_a_server_that_refuses_every_message_refuses_the_batch(opened: Opened) -> None:
    async with opened(RelpServer(lambda *_: b"500 disk full")) as site:
        with pytest.raises(Refused, match="500 disk full"):
            await site.shipper.ship(batch(plain_segment(3)))


async def test_what_was_acknowledged_before_the_connection_broke_is_not_sent_again(opened: Opened) -> None:
    async with opened(RelpServer(lambda place, _: b"200 OK" if place < 150 else None)) as site:
        sent = batch(plain_segment(300), plain_segment(100, "till"))
        receipt = await site.shipper.ship(sent)
        assert 0 < receipt.delivered <= 150
        assert receipt.delivered + receipt.retry.count == 400
        left = [name for segment in receipt.retry.segments for name in segment.ids]
        assert left == [name for segment in sent.segments for name in segment.ids][receipt.delivered :]


async def test_a_connection_that_breaks_before_any_answer_leaves_all_unknown(opened: Opened) -> None:
    async with opened(RelpServer(lambda *_: None)) as site:
        with pytest.raises(Unavailable) as caught:
            await site.shipper.ship(batch(plain_segment(3)))
        assert caught.value.is_lost


@pytest.mark.parametrize(
    "answer",
    [rsp(999_999), b"hello, world\n", b"7 ehlo 2 ok\n", b"0 serverclose 0\n", b"2 rsp 99999999 200 OK\n"],
    ids=["number", "text", "command", "serverclose", "length"],
)
async def test_an_answer_of_another_form_is_not_taken_for_success(opened: Opened, answer: bytes) -> None:
    async with opened(RelpServer(lambda *_: answer)) as site:
        with pytest.raises(Unavailable, match=site.sockets.host):
            await site.shipper.ship(batch(plain_segment(3)))


async def test_a_server_that_never_answers_is_left_in_time(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"commands=syslog\n")
        writer.write(rsp(1, OPENED))
        await reader.read()

    async with StreamServer(silent) as sockets:
        settings = Settings(hosts=(sockets.host,), transport="relp", request_timeout_seconds=0.1)
        shipper = settings.open(OutputContext("away", tmp_path))
        with pytest.raises(Unavailable, match=r"did not answer within 0\.1 s"):
            await shipper.ship(batch(plain_segment(3)))
        await shipper.aclose()


@pytest.mark.parametrize(
    ("offers", "words"),
    [
        (b"500 not you", "refuses the RELP session (500 not you)"),
        (b"200 OK\ncommands=eventlog", "does not take the RELP command `syslog`"),
    ],
)
async def test_a_session_that_is_refused_is_told(opened: Opened, offers: bytes, words: str) -> None:
    async with opened(RelpServer(opened=offers)) as site:
        with pytest.raises(Unavailable) as caught:
            await site.shipper.ship(batch(plain_segment(3)))
        assert words in str(caught.value)
        assert not caught.value.is_lost


async def test_a_server_of_another_protocol_is_told(tmp_path: Path) -> None:
    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    async with StreamServer(http) as sockets:
        settings = Settings(hosts=(sockets.host,), transport="relp")
        shipper = settings.open(OutputContext("away", tmp_path))
        with pytest.raises(Unavailable, match="answers as no RELP server does: check that `hosts` names a RELP server"):
            await shipper.ship(batch(plain_segment(3)))
        await shipper.aclose()


async def test_the_probe_tells_the_software_of_the_server(opened: Opened) -> None:
    async with opened(RelpServer()) as site:
        assert await site.shipper.probe() == "tests"  # type: ignore[attr-defined]
