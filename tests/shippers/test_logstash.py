"""Logstash: the laws of every shipper by both of its protocols, then what windows and acknowledgements mean."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, cast

import orjson
import pytest
import trustme
from pydantic import ValidationError
from structlog.testing import capture_logs

from collector.delivery.backoff import Backoff
from collector.documents.forms import form_of
from collector.errors import Unavailable
from collector.model import Batch, Receipt
from collector.net.streams import PLAIN
from collector.ports import OutputContext, Shipper
from shippers.logstash import Settings
from shippers.logstash.windows import Windows
from tests.collector.desk import Desk
from tests.collector.net.stream_server import Serve, StreamServer, take_all
from tests.collector.recording_shipper import Relay
from tests.contract.segments import batch, document, log_stream, messages, plain_segment, segment
from tests.contract.shippers import Destination, ShipperContract, deliver, settled
from tests.receivers.logstash import LogstashServer

SENT = batch(
    plain_segment(10), plain_segment(20, "till"), plain_segment(0, "idle"), plain_segment(30, "shop", first=10)
)
Answer = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


def settings(host: str, **options: object) -> Settings:
    return Settings.model_validate({"type": "logstash", "hosts": host, **options})


def output(host: str, site: OutputContext, **options: object) -> Shipper:
    return settings(host, **options).open(site)


async def shipped(host: str, site: OutputContext, sent: Batch = SENT, **options: object) -> Receipt:
    """One attempt, with plain frames."""
    shipper = output(host, site, **{"compression_level": 0, **options})
    try:
        return settled(await shipper.ship(sent), sent)
    finally:
        await shipper.aclose()


def ack(number: int) -> bytes:
    return b"2A" + struct.pack(">I", number)


def answering(answer: Answer) -> Serve:
    """A server of plain frames, which does this with the size of each window that it has read."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            assert await reader.readexactly(2) == b"2W"
            (count,) = struct.unpack(">I", await reader.readexactly(4))
            for _ in range(count):
                head = await reader.readexactly(10)
                await reader.readexactly(struct.unpack(">I", head[6:])[0])
            await answer(count, writer)

    return serve


def saying(*frames: bytes) -> Serve:
    """A server that says so after each window."""

    async def say(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(frames))

    return answering(say)


class Played:
    """A fresh server, as the contract sees it."""

    def __init__(self, server: LogstashServer, site: OutputContext, options: dict[str, Any]) -> None:
        self.settings = settings(server.host, **options)
        self._server = server
        self._site = site

    def open(self) -> Shipper:
        return self.settings.open(self._site)

    async def stored(self) -> dict[str, list[bytes]]:
        return self._server.stored()


class _OfLogstash(ShipperContract):
    deduplicates = False
    takes_anything = True
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    async def destination(
        self, site: OutputContext, tmp_path_factory: pytest.TempPathFactory
    ) -> AsyncIterator[Destination]:
        async with LogstashServer(tmp_path_factory.mktemp("logstash")) as server:
            yield cast(Destination, Played(server, site, self.options))


class TestLumberjack(_OfLogstash, ShipperContract):
    options: ClassVar = {"window": 16}


class TestLumberjackUncompressed(_OfLogstash, ShipperContract):
    options: ClassVar = {"compression_level": 0}


class TestJsonLines(_OfLogstash, ShipperContract):
    """The close of a connection is heard: so all is there when it is over."""

    options: ClassVar = {"protocol": "json_lines"}


# ------------------------------------------------------------------ acknowledgements


async def test_documents_go_in_windows_of_the_size_that_is_set(site: OutputContext) -> None:
    sizes = []

    async def note(count: int, writer: asyncio.StreamWriter) -> None:
        sizes.append(count)
        writer.write(ack(count))

    async with StreamServer(answering(note)) as server:
        assert (await shipped(server.host, site, window=25)).delivered == 60
    assert sizes == [25, 25, 10]


async def test_acknowledgements_of_a_part_add_up_to_the_whole(site: OutputContext) -> None:
    async with StreamServer(saying(ack(7), ack(59), ack(60))) as server:
        assert (await shipped(server.host, site)).delivered == 60


async def test_what_was_acknowledged_before_the_connection_broke_is_delivered_and_the_rest_is_sent_again(
    site: OutputContext,
) -> None:
    async def part(count: int, writer: asyncio.StreamWriter) -> None:
        writer.write(ack(count) if count == 25 else ack(3))
        if count < 25:
            writer.close()

    async with StreamServer(answering(part)) as server:
        receipt = await shipped(server.host, site, window=25)
    assert receipt.delivered == 53
    assert [each.ids for each in receipt.retry.segments] == [SENT.segments[3].ids[23:]]


async def test_a_connection_that_breaks_before_any_acknowledgement_tells_nothing_and_may_be_the_documents_fault(
    site: OutputContext,
) -> None:
    async def leave(_: int, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with StreamServer(answering(leave)) as server:
        with pytest.raises(Unavailable, match="closed the connection") as caught:
            await shipped(server.host, site)
    assert caught.value.is_lost


@pytest.mark.parametrize("nonsense", [b"HTTP/1.1 400 Bad Request", b"1A\0\0\0<", b"2J\0\0\0<", ack(61), ack(2**32 - 1)])
async def test_an_answer_that_is_not_understood_means_that_nothing_is_known(
    nonsense: bytes, site: OutputContext
) -> None:
    async with StreamServer(saying(nonsense)) as server:
        with pytest.raises(Unavailable, match=r"acknowledges document|another protocol"):
            await shipped(server.host, site)


async def test_a_server_that_says_it_is_at_work_is_waited_for_beyond_the_time_out(site: OutputContext) -> None:
    async def slow(count: int, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            await asyncio.sleep(0.4)
            writer.write(ack(0))
        writer.write(ack(count))

    async with StreamServer(answering(slow)) as server:
        assert (await shipped(server.host, site, request_timeout_seconds=1.0)).delivered == 60


async def test_a_server_that_is_at_work_for_ever_is_not_waited_for(site: OutputContext) -> None:
    async def never(_: int, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(ack(0))
                await asyncio.sleep(0.01)

    async with StreamServer(answering(never)) as server:
        streams = settings(server.host).streams(site.output, PLAIN, kind="Logstash")
        shipper = Windows(streams, form=form_of("pilotfish"), most=100, level=0, work_seconds=0.1)
        with pytest.raises(Unavailable, match="at work on 60 documents"):
            await shipper.ship(SENT)
        await shipper.aclose()


async def test_a_server_that_says_nothing_is_not_waited_for(site: OutputContext) -> None:
    async with StreamServer(take_all) as server:
        with pytest.raises(Unavailable, match="did not answer"):
            await shipped(server.host, site, request_timeout_seconds=0.05)


class Picky(LogstashServer):
    """Ends the connection at a document that it cannot read, as Logstash does."""

    async def keep(self, lines: Sequence[bytes]) -> None:
        if any(b"poison" in line for line in lines):
            raise ValueError("cannot read it")
        await super().keep(lines)


async def test_a_document_at_which_the_connection_always_ends_becomes_a_dead_letter_and_the_others_arrive(
    site: OutputContext, tmp_path: Path
) -> None:
    stream = log_stream()
    part = segment([document({"poison" if n == 70 else "n": n}, stream) for n in range(200)], stream)
    async with Picky(tmp_path) as server:
        shipper = output(server.host, site, window=50)
        desk = Desk(tmp_path, Relay(shipper), backoff=lambda: Backoff(0.001, longest_seconds=0.02))
        async with desk.open(workers=1):
            await desk.put(part)
        await shipper.aclose()
        assert server.stored().keys() == {*part.ids} - {part.ids[70]}
    assert [letter["_id"] for letter in desk.letters] == [part.ids[70]]


async def test_a_batch_goes_to_another_host_when_one_is_away(site: OutputContext, tmp_path: Path) -> None:
    async with StreamServer() as gone:
        away = gone.host
    async with LogstashServer(tmp_path) as server:
        for _ in range(3):
            assert (await shipped(f"{away},{server.host}", site)).delivered == 60


async def test_an_event_has_its_id_in_its_metadata_and_the_document_is_as_it_was(
    site: OutputContext, tmp_path: Path
) -> None:
    async with LogstashServer(tmp_path) as server:
        await shipped(server.host, site, batch(plain_segment(1)))
        event = orjson.loads(server.file.read_bytes())
    metadata = event.pop("@metadata")
    assert metadata["_id"] == plain_segment(1).ids[0]
    assert metadata["beat"] == "pilotfish"
    assert event == orjson.loads(plain_segment(1).documents[0])


async def test_documents_are_written_in_the_form_that_is_set(site: OutputContext, tmp_path: Path) -> None:
    async with LogstashServer(tmp_path) as server:
        for protocol in ("lumberjack", "json_lines"):
            shipper = output(server.host, site, document="ecs", protocol=protocol)
            await deliver(shipper, batch(plain_segment(1)))
            await shipper.aclose()
        events = [orjson.loads(line) for line in server.file.read_bytes().splitlines()]
    assert [event["container"]["name"] for event in events] == ["c0ffee-1"] * 2


# ------------------------------------------------------------------ lines that nothing acknowledges


async def test_lines_on_a_connection_that_the_server_closed_are_sent_again_before_the_next(
    site: OutputContext,
) -> None:
    received: list[bytes] = []
    has_closed = asyncio.Event()

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readline() if not received else await reader.read())
        writer.close()
        has_closed.set()

    first, second = batch(plain_segment(1)), batch(plain_segment(1, first=1))
    async with StreamServer(read) as server:
        shipper = output(server.host, site, protocol="json_lines")
        await shipper.ship(first)
        await has_closed.wait()
        await shipper.ship(second)
        await shipper.aclose()
        assert received == [first.lines(), first.lines() + second.lines()]


async def test_lines_that_cannot_be_sent_again_at_the_end_are_told_of_in_the_log(site: OutputContext) -> None:
    async with StreamServer(take_all) as server:
        shipper = output(server.host, site, protocol="json_lines")
        await shipper.ship(batch(plain_segment(1)))
        await server.close_all(is_reset=True)
    with capture_logs() as logs:
        await shipper.aclose()
    assert [(each["event"], each["output"]) for each in logs] == [("messages may be lost", site.output)]


async def test_by_udp_each_document_is_a_datagram_and_one_that_is_too_large_is_rejected(
    site: OutputContext,
) -> None:
    stream = log_stream()
    sent = segment([*messages(3, stream), document({"message": "w" * 70_000}, stream)], stream)
    with socket.socket(type=socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        shipper = output(f"127.0.0.1:{listener.getsockname()[1]}", site, protocol="json_lines", transport="udp")
        receipt = settled(await shipper.ship(batch(sent)), batch(sent))
        assert receipt.delivered == 3
        assert [(each.index, each.is_final) for each in receipt.rejected] == [(3, True)]
        assert [listener.recv(1 << 16) + b"\n" for _ in range(3)] == [
            Batch((sent.part([number]),)).lines() for number in range(3)
        ]
        assert "has an address" in await shipper.probe()  # type: ignore[attr-defined]
        await shipper.aclose()


# ------------------------------------------------------------------ TLS


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_a_server_that_wants_a_client_certificate_gets_it(
    authority: trustme.CA, ca_file: Path, site: OutputContext, tmp_path: Path
) -> None:
    context = server_context(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    shown = tmp_path / "client.pem"
    authority.issue_cert("agent.example").private_key_and_cert_chain_pem.write_to_path(str(shown))
    tls: dict[str, Any] = {"tls": True, "ca_file": str(ca_file)}
    async with LogstashServer(tmp_path, tls=context) as server:
        assert (await shipped(server.host, site, **tls, client_cert_file=str(shown))).delivered == 60
        with pytest.raises(Unavailable):
            await shipped(server.host, site, **tls)


async def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(
    authority: trustme.CA, site: OutputContext, tmp_path: Path
) -> None:
    async with LogstashServer(tmp_path, tls=server_context(authority)) as server:
        with pytest.raises(Unavailable, match=r"cannot be verified.*set ca_file"):
            await shipped(server.host, site, tls=True)
        assert server.stored() == {}


# ------------------------------------------------------------------ options and probe


@pytest.mark.parametrize("protocol", ["lumberjack", "json_lines"])
async def test_probe_connects_and_sends_no_document(protocol: str, site: OutputContext, tmp_path: Path) -> None:
    async with LogstashServer(tmp_path) as server:
        shipper = output(server.host, site, protocol=protocol)
        told = await shipper.probe()  # type: ignore[attr-defined]
        await shipper.aclose()
        assert server.host in told
        assert server.stored() == {}
    with pytest.raises(Unavailable):
        await output(server.host, site, protocol=protocol).probe()  # type: ignore[attr-defined]


async def test_probe_takes_an_older_server_for_one_that_accepts_connections(site: OutputContext) -> None:
    async with StreamServer(take_all) as server:
        shipper = output(server.host, site)
        assert await shipper.probe() == f"{server.host} accepts connections"  # type: ignore[attr-defined]
        await shipper.aclose()


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"protocol": "json_lines", "window": 5}, "window has no effect with protocol: json_lines"),
        ({"protocol": "json_lines", "compression_level": 5}, "compression_level has no effect"),
        ({"transport": "udp"}, "transport: udp needs protocol: json_lines"),
        ({"transport": "udp", "protocol": "json_lines", "tls": True}, "tls has no effect"),
    ],
)
def test_options_are_refused_where_they_do_nothing(options: dict[str, Any], fault: str, site: OutputContext) -> None:
    with pytest.raises(ValidationError, match=fault):
        output("a", site, **options)


def test_only_what_is_acknowledged_is_promised() -> None:
    kinds = [
        Settings.model_validate({"hosts": "a", "protocol": protocol}).promise().kind
        for protocol in ("lumberjack", "json_lines")
    ]
    assert kinds == ["at_least_once", "unsafe"]


def test_each_protocol_has_a_port_of_its_own() -> None:
    ports = [
        Settings.model_validate({"hosts": "a", "protocol": protocol}).addresses()[0].port
        for protocol in ("lumberjack", "json_lines")
    ]
    assert ports == [5044, 5959]
