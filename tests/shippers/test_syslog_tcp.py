"""Syslog over TCP, TLS and UDP on real sockets: framing, what is sent again, and what is told."""

import asyncio
import re
import socket
import ssl
from contextlib import closing
from pathlib import Path

import pytest
import trustme
from structlog.testing import capture_logs

from collector.errors import Unavailable
from collector.ports import OutputContext, Shipper
from shippers.syslog import Settings
from tests.collector.net.stream_server import StreamServer
from tests.contract.segments import batch, document, log_stream, plain_segment, segment

LOGS = ['{"message":"one\\ntwo"}', '{"message":"12 three"}', '{"message":"größe\\u0000"}']


class Heap:
    """Takes all that comes, of each connection by itself."""

    def __init__(self) -> None:
        self.connections: list[bytearray] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(mine := bytearray())
        while data := await reader.read(1 << 16):
            mine.extend(data)

    def ids(self, number: int) -> list[str]:
        return [each.decode() for each in re.findall(rb' id="([^"]*)"', bytes(self.connections[number]))]


def opened(site: OutputContext, host: str, **options: object) -> Shipper:
    return Settings.model_validate({"type": "syslog", "hosts": host, **options}).open(site)


def counted(data: bytes) -> list[bytes]:
    """RFC 6587, 3.4.1, by itself."""
    found = []
    while data:
        size, _, data = data.partition(b" ")
        found.append(data[: int(size)])
        assert len(found[-1]) == int(size)
        data = data[int(size) :]
    return found


@pytest.mark.parametrize("framing", ["octet_counted", "newline"])
async def test_each_document_is_one_message_whatever_is_in_it(site: OutputContext, framing: str) -> None:
    heap = Heap()
    stream = log_stream()
    async with StreamServer(heap) as server:
        shipper = opened(site, server.host, framing=framing)
        await shipper.ship(batch(segment([document(log.encode(), stream) for log in LOGS], stream), plain_segment(700)))
        await shipper.aclose()
    [data] = map(bytes, heap.connections)
    messages = counted(data) if framing == "octet_counted" else data.splitlines()
    assert len(messages) == 703
    texts = [each.partition(b"] ")[2].decode() for each in messages[:3]]
    assert texts == [f"one{'#012' if framing == 'newline' else chr(10)}two", "12 three", "größe#000"]


async def test_what_was_sent_shortly_before_the_server_closed_is_sent_again(site: OutputContext) -> None:
    heap = Heap()
    parts = [batch(plain_segment(10, first=10 * n)) for n in range(3)]
    async with StreamServer(heap) as server:
        shipper = opened(site, server.host)
        for part in parts[:2]:
            await shipper.ship(part)
        await server.close_all()
        assert (await shipper.ship(parts[2])).delivered == 10
        await shipper.aclose()
    ids = [name for part in parts for each in part.segments for name in each.ids]
    assert heap.ids(1) == ids


async def test_what_may_be_lost_is_sent_again_at_the_end_too(site: OutputContext) -> None:
    heap = Heap()
    sent = batch(plain_segment(10))
    async with StreamServer(heap) as server:
        shipper = opened(site, server.host)
        await shipper.ship(sent)
        await server.close_all(is_reset=True)
        with capture_logs() as logs:
            await shipper.aclose()
    assert heap.ids(1) == list(sent.segments[0].ids)
    assert logs == []


async def test_what_is_lost_twice_is_sent_a_third_time_and_in_order(site: OutputContext) -> None:
    heap = Heap()
    parts = [batch(plain_segment(5, first=5 * n)) for n in range(4)]
    async with StreamServer(heap) as server:
        shipper = opened(site, server.host)
        for part in parts:
            await shipper.ship(part)
            await server.close_all()
        await shipper.ship(batch(plain_segment(0)))
        await shipper.ship(batch(plain_segment(1, "till")))
        await shipper.aclose()
    ids = [name for part in parts for each in part.segments for name in each.ids]
    assert heap.ids(4)[:20] == ids


async def test_a_server_that_does_not_read_to_the_end_is_told_in_the_log(site: OutputContext) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        await asyncio.Event().wait()

    async with StreamServer(deaf) as server:
        shipper = opened(site, server.host)
        await shipper.ship(batch(plain_segment(10)))
        with capture_logs() as logs:
            closing_ = asyncio.create_task(shipper.aclose())
            await server.close_all(is_reset=True)
            await closing_
    assert [(log["event"], log["output"]) for log in logs] == [("messages may be lost", site.output)]


async def test_a_server_that_closes_in_the_middle_leaves_the_batch_unknown(site: OutputContext) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with StreamServer(hang_up) as server:
        shipper = opened(site, server.host, max_message_bytes=1 << 20)
        stream = log_stream()
        big = segment([document({"message": "x" * 1_000_000}, stream)] * 20, stream)
        with pytest.raises(Unavailable, match=server.host) as caught:
            await shipper.ship(batch(big))
        assert caught.value.is_lost
        await shipper.aclose()


async def test_tls_is_spoken_and_a_wrong_certificate_is_told(site: OutputContext, tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    stranger.cert_pem.write_to_path(tmp_path / "stranger.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    heap = Heap()
    async with StreamServer(heap, tls=context) as server:
        shipper = opened(site, server.host, transport="tls", ca_file=str(tmp_path / "ca.pem"))
        await shipper.ship(batch(plain_segment(1000)))
        await shipper.aclose()
        assert len(counted(bytes(heap.connections[0]))) == 1000
        shipper = opened(site, server.host, transport="tls", ca_file=str(tmp_path / "stranger.pem"))
        with pytest.raises(Unavailable, match="cannot be verified"):
            await shipper.ship(batch(plain_segment(1)))
        await shipper.aclose()


async def test_each_datagram_is_a_message_and_nobody_there_is_told(site: OutputContext) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        shipper = opened(site, host, transport="udp", format="rfc3164")
        await shipper.ship(batch(plain_segment(20)))
        assert [listener.recv(9000).decode() for _ in range(20)] == [
            f"<14>Nov 23 02:13:00 moby c0ffee-1[c0ffee]: line {n}" for n in range(20)
        ]
        assert "UDP does not show" in await probed(shipper)
    with pytest.raises(Unavailable, match="Connection refused"):
        await shipper.ship(batch(plain_segment(3)))
    await shipper.aclose()


async def probed(shipper: Shipper) -> str:
    text: str = await shipper.probe()  # type: ignore[attr-defined]
    return text


async def test_the_probe_tells_that_nothing_is_acknowledged(site: OutputContext) -> None:
    async with StreamServer(Heap()) as server:
        shipper = opened(site, server.host)
        assert await probed(shipper) == f"{server.host} accepts connections; it acknowledges no message"
        await shipper.aclose()


@pytest.mark.parametrize(
    ("options", "kind"),
    [({}, "unsafe"), ({"transport": "tls"}, "unsafe"), ({"transport": "udp"}, "unsafe"),
     ({"transport": "relp"}, "at_least_once"), ({"transport": "relp", "tls": True}, "at_least_once")],
)  # fmt: skip
def test_only_relp_promises_that_each_message_arrives(options: dict[str, object], kind: str) -> None:
    settings = Settings.model_validate({"type": "syslog", "hosts": "log.example", **options})
    assert settings.promise().kind == kind


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"transport": "udp", "tls": True}, "tls has no effect with transport: udp"),
        ({"transport": "udp", "max_message_bytes": 100_000}, "the most that a datagram of UDP holds"),
        ({"hostname": "two words"}, "names in braces"),
        ({"app_name": "{a b}"}, "names in braces"),
        ({"hosts": "tcp://log.example"}, "expected an address such as log.example:514"),
        ({"ca_file": "/ca.pem"}, "has no effect without tls"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Settings.model_validate({"type": "syslog", "hosts": "log.example", **options})


@pytest.mark.parametrize(("transport", "port"), [("tcp", 514), ("udp", 514), ("tls", 6514), ("relp", 2514)])
def test_each_transport_has_its_usual_port(transport: str, port: int) -> None:
    settings = Settings.model_validate({"type": "syslog", "hosts": "log.example,[::1]:7", "transport": transport})
    assert [address.port for address in settings.addresses()] == [port, 7]
