"""Forward: the laws of every shipper against a server by the specification, then acknowledgements and secrets."""

import asyncio
import ssl
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import msgspec
import orjson
import pytest
import trustme
from pydantic import ValidationError

from collector.errors import Unauthorized, Unavailable
from collector.model import Batch, Receipt
from collector.ports import OutputContext, Shipper
from shippers.forward import Settings
from shippers.forward.message_pack import first_value
from tests.collector.net.stream_server import Serve, StreamServer, take_all
from tests.contract.segments import batch, document, log_stream, plain_segment, segment
from tests.contract.shippers import Destination, ShipperContract, deliver, settled
from tests.receivers.forward import ForwardServer, Known

SENT = batch(plain_segment(10), plain_segment(20, "till"), plain_segment(0, "idle"), plain_segment(5, first=10))
KEY = "a shared key of the test"
PASSWORD = "a password of the test"
USER: Known = {"shared_key": KEY, "username": "agent", "password": PASSWORD}


def settings(host: str, **options: object) -> Settings:
    return Settings.model_validate({"type": "forward", "hosts": host, **options})


def output(host: str, site: OutputContext, **options: object) -> Shipper:
    return settings(host, **options).open(site)


async def shipped(host: str, site: OutputContext, sent: Batch = SENT, **options: object) -> Receipt:
    shipper = output(host, site, **options)
    try:
        return settled(await shipper.ship(sent), sent)
    finally:
        await shipper.aclose()


async def probed(host: str, site: OutputContext, **options: object) -> str:
    shipper = output(host, site, **options)
    try:
        return str(await shipper.probe())  # type: ignore[attr-defined]
    finally:
        await shipper.aclose()


def answering(*answers: object, most: int = 100) -> Serve:
    """A server that says so when it is asked first; `...` stands for the acknowledgement of the next message.

    It closes the connection after `most` acknowledgements.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data, left = bytearray(), most
        for answer in answers:
            if answer is not ...:
                writer.write(answer if isinstance(answer, bytes) else msgspec.msgpack.encode(answer))
        while left and (more := await reader.read(1 << 16)):
            data += more
            while left and ... in answers and (found := first_value(data)):
                (_, _, options), end = found
                del data[:end]
                left -= 1
                writer.write(msgspec.msgpack.encode({"ack": options[b"chunk"].decode()}))

    return serve


class Played:
    """A fresh server, as the contract sees it."""

    def __init__(self, server: ForwardServer, site: OutputContext) -> None:
        self.settings = settings(server.host)
        self._server = server
        self._site = site

    def open(self) -> Shipper:
        return self.settings.open(self._site)

    async def stored(self) -> dict[str, list[bytes]]:
        return self._server.stored()


class TestForward(ShipperContract):
    deduplicates = False

    @pytest.fixture
    async def destination(
        self, site: OutputContext, tmp_path_factory: pytest.TempPathFactory
    ) -> AsyncIterator[Destination]:
        async with ForwardServer(tmp_path_factory.mktemp("forward")) as server:
            yield cast(Destination, Played(server, site))


# ------------------------------------------------------------------ messages and acknowledgements


async def test_each_tag_is_a_message_of_its_own(site: OutputContext, tmp_path: Path) -> None:
    async with ForwardServer(tmp_path) as server:
        await shipped(server.host, site)
    assert server.tags == ["pilotfish.shop", "pilotfish.till"]


@pytest.mark.parametrize(
    ("pattern", "target", "tag"),
    [
        ("pilotfish.{target}", "a b/c:d", "pilotfish.a_b_c_d"),
        ("pilotfish.{target}", "..", "pilotfish.unnamed"),
        ("docker.{target}.%Y", "Shop-ol", "docker.Shop-ol.2026"),
        ("logs", "shop", "logs"),
    ],
)
async def test_a_tag_is_made_of_the_target(
    pattern: str, target: str, tag: str, site: OutputContext, tmp_path: Path
) -> None:
    async with ForwardServer(tmp_path) as server:
        await shipped(server.host, site, batch(plain_segment(1, target)), tag=pattern)
    assert server.tags == [tag]


async def test_the_time_of_a_record_is_that_of_its_line_to_the_nanosecond(site: OutputContext, tmp_path: Path) -> None:
    async with ForwardServer(tmp_path) as server:
        stream = log_stream()
        times = ["2026-11-23T02:13:00.768123456Z", "2026-11-23T10:13:00.5+08:00", "2026-11-23T02:13:00Z"]
        sent = segment([document({"message": "x"}, stream, time=each) for each in times], stream)
        await shipped(server.host, site, batch(sent))
    second = 1795399980
    assert server.times == [(second, 768123456), (second, 500000000), (second, 0)]


async def test_a_record_has_its_id_and_log_as_an_object(site: OutputContext, tmp_path: Path) -> None:
    async with ForwardServer(tmp_path) as server:
        await shipped(server.host, site, batch(plain_segment(1)))
        record = orjson.loads(server.file.read_bytes())
    assert record.pop("_id") == plain_segment(1).ids[0]
    assert record == orjson.loads(plain_segment(1).documents[0])


async def test_messages_go_uncompressed_where_that_is_set(site: OutputContext, tmp_path: Path) -> None:
    async with ForwardServer(tmp_path) as server:
        assert (await shipped(server.host, site, compression="none")).delivered == 35
        assert len(server.stored()) == 35


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ('{"n":18446744073709551616}', "more than 64 bits"),
        ('{"n":1e999}', "more than 64 bits"),
        ('{"a":"first","a":"second"}', "one key twice"),
        ('{"deep":' + "[" * 120 + "]" * 120 + "}", "levels deep"),
    ],
)
async def test_what_no_record_can_say_is_rejected_and_its_neighbours_arrive(
    log: str, reason: str, site: OutputContext, tmp_path: Path
) -> None:
    stream = log_stream()
    good = document({"message": 'a "key": in a text \\'}, stream)
    sent = batch(segment([good, document(log.encode(), stream), good], stream))
    async with ForwardServer(tmp_path) as server:
        receipt = await shipped(server.host, site, sent)
    assert receipt.delivered == 2
    (one,) = receipt.rejected
    assert one.index == 1
    assert reason in one.reason
    assert not one.is_final  # as text it can be sent


async def test_a_batch_of_which_nothing_can_be_sent_asks_no_server(site: OutputContext) -> None:
    stream = log_stream()
    sent = batch(segment([document(b'{"n":18446744073709551616}', stream)], stream))
    receipt = await shipped("127.0.0.1:1", site, sent)
    assert len(receipt.rejected) == 1


async def test_what_was_acknowledged_before_the_connection_broke_is_delivered_and_the_rest_is_sent_again(
    site: OutputContext,
) -> None:
    async with StreamServer(answering(..., most=1)) as server:
        receipt = await shipped(server.host, site)
    assert receipt.delivered == 15
    assert [each.stream.target for each in receipt.retry.segments] == ["till"]


async def test_a_message_that_is_sent_again_has_the_same_chunk(site: OutputContext) -> None:
    chunks = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = bytearray()
        while not (found := first_value(data)):
            data += await reader.read(1 << 16)
        chunks.append(found[0][2][b"chunk"])

    async with StreamServer(note) as server:
        for sent in (plain_segment(5), plain_segment(5), plain_segment(6)):
            with pytest.raises(Unavailable) as caught:
                await shipped(server.host, site, batch(sent))
            assert caught.value.is_lost
    assert chunks[0] == chunks[1] != chunks[2]


@pytest.mark.parametrize(
    "nonsense",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", {"ack": "of another"}, {"ack": 5}, {}, None, "text", b"\xc1", ["PONG"]],
)
async def test_an_answer_that_is_not_understood_means_that_nothing_is_known(
    nonsense: object, site: OutputContext
) -> None:
    async with StreamServer(answering(nonsense)) as server:
        with pytest.raises(Unavailable, match="another protocol"):
            await shipped(server.host, site)


async def test_no_acknowledgement_in_time_means_that_nothing_is_known(site: OutputContext) -> None:
    async with StreamServer(take_all) as server:
        with pytest.raises(Unavailable, match="did not answer"):
            await shipped(server.host, site, request_timeout_seconds=0.05)


async def test_one_connection_carries_one_batch_after_the_other(site: OutputContext, tmp_path: Path) -> None:
    async with ForwardServer(tmp_path) as server:
        shipper = output(server.host, site)
        for _ in range(3):
            await deliver(shipper, SENT)
        await shipper.aclose()
        assert server.connections == 1


async def test_a_connection_on_which_the_server_said_too_much_is_not_used_again(site: OutputContext) -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = bytearray()
        while more := await reader.read(1 << 16):
            data += more
            while found := first_value(data):
                del data[: found[1]]
                writer.write(2 * msgspec.msgpack.encode({"ack": found[0][2][b"chunk"].decode()}))

    async with StreamServer(twice) as server:
        shipper = output(server.host, site)
        for _ in range(2):
            assert (await shipper.ship(batch(plain_segment(1)))).delivered == 1
        await shipper.aclose()
        assert server.connections == 2


# ------------------------------------------------------------------ who asks


@pytest.fixture
def secret_options(tmp_path: Path) -> dict[str, Any]:
    """A key and a user, their secrets in files."""
    (tmp_path / "key").write_text(f"{KEY}\n")
    (tmp_path / "password").write_text(PASSWORD)
    return {
        "shared_key_file": str(tmp_path / "key"),
        "username": "agent",
        "password_file": str(tmp_path / "password"),
    }


@pytest.mark.parametrize("known", [{"shared_key": KEY}, USER])
async def test_a_server_that_asks_for_secrets_gets_documents_from_who_knows_them(
    known: Known, secret_options: dict[str, Any], site: OutputContext, tmp_path: Path
) -> None:
    async with ForwardServer(tmp_path, known=known) as server:
        assert (await shipped(server.host, site, **secret_options)).delivered == 35
        assert server.refused == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"shared_key": "another"}, "shared_key mismatch"),
        ({"username": "somebody"}, "username/password mismatch"),
        ({"password": "another"}, "username/password mismatch"),
        ({"hostname": "server"}, "same hostname"),
    ],
)
async def test_secrets_that_are_refused_are_told_with_the_servers_reason_and_never_shown(
    wrong: dict[str, object], reason: str, site: OutputContext, tmp_path: Path
) -> None:
    options: dict[str, Any] = {**USER, **wrong}
    async with ForwardServer(tmp_path, known=USER) as server:
        for attempt in (shipped, probed):
            with pytest.raises(Unauthorized, match=reason) as caught:
                await attempt(server.host, site, **options)
            told = "".join(traceback.format_exception(caught.value))
            assert not any(secret in told for secret in (KEY, PASSWORD))
        assert server.stored() == {}


async def test_a_server_that_does_not_know_the_key_itself_gets_nothing(site: OutputContext) -> None:
    helo = ["HELO", {"nonce": b"\xff" * 16, "auth": "", "keepalive": True}]
    pong = ["PONG", True, "", "server", "0" * 128]
    received = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(msgspec.msgpack.encode(helo))
        received.extend(await reader.read(1 << 16))
        writer.write(msgspec.msgpack.encode(pong))
        received.extend(await reader.read())

    async with StreamServer(serve) as server:
        with pytest.raises(Unauthorized, match="has another shared key"):
            await shipped(server.host, site, shared_key=KEY)
    ping, end = first_value(received) or ([], 0)
    assert ping[0] == b"PING"
    assert end == len(received)


async def test_a_server_that_asks_for_a_key_that_is_not_set_says_so_to_the_operator(
    site: OutputContext, tmp_path: Path
) -> None:
    async with ForwardServer(tmp_path, known=USER) as server:
        for attempt in (shipped, probed):
            with pytest.raises(Unauthorized, match=r"asks for a shared key: set shared_key_file"):
                await attempt(server.host, site)


async def test_a_server_that_asks_for_no_key_where_one_is_set_gets_nothing(site: OutputContext, tmp_path: Path) -> None:
    async with ForwardServer(tmp_path) as server:
        with pytest.raises(Unavailable, match=r"before documents are sent: remove shared_key"):
            await shipped(server.host, site, shared_key=KEY, request_timeout_seconds=0.05)
        assert server.stored() == {}


@pytest.mark.parametrize("nonsense", [["HELO", 5], ["PONG"], {}, b"HTTP/1.1 200 OK\r\n", b"\xc1"])
async def test_a_greeting_that_is_not_understood_gets_no_document(nonsense: object, site: OutputContext) -> None:
    async with StreamServer(answering(nonsense)) as server:
        with pytest.raises(Unavailable, match="another protocol"):
            await shipped(server.host, site, shared_key=KEY)


async def test_secrets_and_documents_go_over_tls(
    secret_options: dict[str, Any], site: OutputContext, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with ForwardServer(tmp_path, known=USER, tls=context) as server:
        tls: dict[str, Any] = {"tls": True, "ca_file": str(tmp_path / "ca.pem")}
        assert (await shipped(server.host, site, **tls, **secret_options)).delivered == 35
        with pytest.raises(Unavailable, match="cannot be verified"):
            await shipped(server.host, site, tls=True, **secret_options)


async def test_a_server_that_keeps_no_connection_gets_one_for_each_batch(site: OutputContext, tmp_path: Path) -> None:
    async with ForwardServer(tmp_path, known={"shared_key": KEY}, keepalive=False) as server:
        shipper = output(server.host, site, shared_key=KEY)
        for _ in range(2):
            assert (await shipper.ship(batch(plain_segment(1)))).delivered == 1
        await shipper.aclose()
        assert server.connections == 2


async def test_a_key_that_is_replaced_in_its_file_is_used_from_the_next_connection_on(
    secret_options: dict[str, Any], site: OutputContext, tmp_path: Path
) -> None:
    async with ForwardServer(tmp_path, known={"shared_key": "the new one"}) as server:
        shipper = output(server.host, site, **secret_options)
        with pytest.raises(Unauthorized):
            await shipper.ship(SENT)
        (tmp_path / "key").write_text("the new one")
        assert (await shipper.ship(SENT)).delivered == 35
        await shipper.aclose()


# ------------------------------------------------------------------ options and probe


async def test_probe_sends_no_document(site: OutputContext, tmp_path: Path) -> None:
    async with ForwardServer(tmp_path) as server:
        assert await probed(server.host, site) == f"{server.host} accepts connections"
        assert server.stored() == {}
    with pytest.raises(Unavailable):
        await probed(server.host, site)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"username": "agent"}, "go together"),
        ({"password": PASSWORD}, "go together"),
        ({"shared_key": KEY, "shared_key_file": "/x"}, "exclude each other"),
        ({"tag": "a b"}, "may contain"),
    ],
)
def test_options_that_make_no_sense_are_told_without_a_secret(
    options: dict[str, object], fault: str, site: OutputContext
) -> None:
    with pytest.raises(ValidationError, match=fault) as caught:
        output("a", site, **options)
    assert not any(secret in str(caught.value) for secret in (KEY, PASSWORD))


def test_no_secret_is_in_what_settings_say_of_themselves() -> None:
    told = repr(Settings.model_validate({"hosts": "a", **USER}))
    assert not any(secret in told for secret in (KEY, PASSWORD))
