"""The output `gelf` against a server by the specification: the laws of all outputs by each way, and its own."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.errors import Refused, Unauthorized, Unavailable
from collector.model import Batch, LogStream, Receipt
from collector.ports import OutputContext, Shipper
from shippers.gelf import Settings
from shippers.gelf.datagrams import HEAD_BYTES, MOST_CHUNKS, chunks
from shippers.gelf.messages import Contents, messages
from tests.contract.segments import batch, document, log_stream, plain_segment, segment
from tests.contract.shippers import HOSTILE_LOGS, HOSTILE_TARGETS, Destination, ShipperContract
from tests.examples import examples
from tests.receivers.gelf import GelfServer, fault_of

SAID = Contents(None, has_members=True)


class Place:
    """A fresh server."""

    def __init__(self, server: GelfServer, site: OutputContext, options: dict[str, Any]) -> None:
        given_ = {"type": "gelf", "hosts": server.host, "full_message": "document", **options}
        self.settings = Settings.model_validate(given_)
        self.server = server
        self._site = site

    def open(self) -> Shipper:
        return self.settings.open(self._site)

    async def stored(self) -> dict[str, list[bytes]]:
        seen = -1
        while seen != (seen := len(self.server.messages)):
            for _ in range(20):  # turns of the loop: the server is in this one
                await asyncio.sleep(0.001)
        assert self.server.faults == []
        return self.server.stored()


class GelfContract(ShipperContract):
    deduplicates = False
    takes_anything = True
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    async def destination(
        self, site: OutputContext, tmp_path_factory: pytest.TempPathFactory
    ) -> AsyncIterator[Destination]:
        async with GelfServer(tmp_path_factory.mktemp("gelf")) as server:
            yield Place(server, site, self.options)


class TestGelfByHttp(GelfContract):
    pass


class TestGelfByHttpInBulk(GelfContract):
    options: ClassVar[dict[str, Any]] = {"bulk": True}


class TestGelfByTcp(GelfContract):
    options: ClassVar[dict[str, Any]] = {"transport": "tcp"}


class TestGelfByUdp(GelfContract):
    options: ClassVar[dict[str, Any]] = {"transport": "udp"}
    hostile_logs: ClassVar[Sequence[str]] = [log for log in HOSTILE_LOGS if len(log) < 60_000]


# ---------------------------------------------------------------- one message


def message(log: object, stream: LogStream | None = None, *, output: str = "stdout", contents: Contents = SAID) -> Any:
    stream = stream or log_stream()
    [found] = messages(segment([document(log, stream, output=output)], stream), contents)
    assert b"\0" not in found
    return json.loads(found)


def test_a_message_has_what_docker_and_graylog_call_it() -> None:
    stream = log_stream()
    stream = replace(stream, fields={**stream.fields, "docker_image": "shop:1", "docker_service": "web"})
    assert message({"message": "hello", "user": "ann", "n": 7, "ok": True, "o": {"a": [1]}}, stream) == {
        "version": "1.1", "host": "moby", "short_message": "hello", "timestamp": 1795399980.768123456, "level": 6,
        "_pilotfish_id": "c6007466c847cab80ed7d649-0", "_stream": "stdout", "_container_id": "c0ffee",
        "_container_name": "c0ffee-1", "_image_name": "shop:1", "_target": "shop", "_docker_service": "web",
        "_log_user": "ann", "_log_n": "7", "_log_ok": "true", "_log_o": '{"a": [1]}',
    }  # fmt: skip


def test_every_digit_of_the_time_is_there() -> None:
    stream = log_stream()
    [found] = messages(segment([document({"message": "x"}, stream)], stream), SAID)
    assert b'"timestamp":1795399980.768123456,' in found


@pytest.mark.parametrize("text", ["", " ", "\n", " \n\t"])
def test_the_short_message_is_never_empty(text: str) -> None:
    assert message({"message": text})["short_message"] == "-"


def test_the_lines_of_a_message_are_in_full_message() -> None:
    found = message({"message": "Traceback\n  at x\n  at y"})
    assert (found["short_message"], found["full_message"]) == ("Traceback", "Traceback\n  at x\n  at y")
    assert "full_message" not in message({"message": "one line"})


def test_no_line_replaces_what_is_ours() -> None:
    log = {
        "_pilotfish_id": "x",
        "_id": "y",
        "target": "z",
        "_target": "z",
        "version": "2",
        "host": "evil",
        "message": "m",
    }
    found = message(log)
    assert (found["_target"], found["host"], found["version"], found["_log_host"]) == ("shop", "moby", "1.1", "evil")
    assert "_id" not in found


@pytest.mark.parametrize(
    ("log", "output", "level"),
    [({"level": "fatal"}, "stdout", 2), ({"level": "error"}, "stdout", 3), ({"level": "debug"}, "stderr", 7),
     ({"message": "x"}, "stderr", 3), ({"message": "x"}, "stdout", 6)],
)  # fmt: skip
def test_the_level_is_a_number_of_syslog(log: object, output: str, level: int) -> None:
    assert message(log, output=output)["level"] == level


def test_a_document_without_a_time_has_none() -> None:
    stream = log_stream()
    [found] = messages(segment([document({"message": "x"}, stream, time="2026-99-99T00:00:00Z")], stream), SAID)
    assert "timestamp" not in json.loads(found)


LOGS = st.dictionaries(st.text(max_size=12), st.text(max_size=40) | st.integers() | st.none(), max_size=5)


@given(LOGS, st.text(max_size=40) | st.sampled_from(HOSTILE_TARGETS))
@examples(3)
def test_any_line_of_any_container_keeps_the_rules_of_gelf(log: dict[str, object], text: str) -> None:
    stream = replace(log_stream(text), container=text, fields={"host": text, "@target": text, text: text, "id": text})
    for each in (log, {"message": text, **log}):
        assert fault_of(message(each, stream)) == ""


# ---------------------------------------------------------------- chunks


@given(st.binary(min_size=1, max_size=5000), st.integers(HEAD_BYTES + 1, 600))
@examples(3)
def test_chunks_make_the_message_again_or_there_are_too_many(data: bytes, chunk_bytes: int) -> None:
    made = chunks(data, chunk_bytes)
    if not made:
        assert len(data) > MOST_CHUNKS * (chunk_bytes - HEAD_BYTES)
        return
    assert all(len(each) <= chunk_bytes for each in made)
    if len(made) == 1:
        assert made == [data]
        return
    assert {(each[:2], each[2:10], each[11]) for each in made} == {(b"\x1e\x0f", made[0][2:10], len(made))}
    assert [each[10] for each in made] == list(range(len(made)))
    assert b"".join(each[12:] for each in made) == data


# ---------------------------------------------------------------- what may go wrong


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[GelfServer]:
    async with GelfServer(tmp_path) as running:
        yield running


def opened(server: GelfServer, site: OutputContext, **options: Any) -> Shipper:
    return Place(server, site, options).open()


async def shipped(shipper: Shipper, sent: Batch) -> Receipt:
    try:
        return await shipper.ship(sent)
    finally:
        await shipper.aclose()


async def test_a_refused_message_is_rejected_and_its_neighbours_arrive(server: GelfServer, site: OutputContext) -> None:
    server.answers.extend([202, 400, 413, 202])
    receipt = await shipped(opened(server, site), batch(plain_segment(4)))
    assert receipt.delivered == 2
    found = sorted((each.type, each.is_final, each.reason) for each in receipt.rejected)
    assert [each[:2] for each in found] == [("invalid", False), ("too_large", True)]
    assert all("so I am told" in reason for *_, reason in found)
    assert len(server.messages) == 2


async def test_what_was_taken_before_a_failure_is_not_sent_again(server: GelfServer, site: OutputContext) -> None:
    server.answers.extend([202] * 20 + [503] * 20)
    receipt = await shipped(opened(server, site), batch(plain_segment(100)))
    assert receipt.delivered == 20
    assert receipt.retry.count == 80
    assert len(server.messages) == 20


@pytest.mark.parametrize(("status", "error"), [(503, Unavailable), (401, Unauthorized), (200, Unavailable)])
@pytest.mark.parametrize("bulk", [False, True])
async def test_another_answer_than_202_is_no_success(
    server: GelfServer, site: OutputContext, status: int, error: type[Exception], bulk: bool
) -> None:
    server.answers.extend([status] * 20)
    with pytest.raises(error):
        await shipped(opened(server, site, bulk=bulk), batch(plain_segment(20)))


async def test_a_bulk_request_that_is_refused_is_to_be_sent_in_halves(server: GelfServer, site: OutputContext) -> None:
    server.answers.append(400)
    with pytest.raises(Refused, match="so I am told"):
        await shipped(opened(server, site, bulk=True), batch(plain_segment(3)))


async def test_a_message_of_too_many_chunks_is_rejected_for_good(server: GelfServer, site: OutputContext) -> None:
    stream = log_stream()
    big = document({"message": "x" * 100_000}, stream)
    place = Place(server, site, {"transport": "udp", "chunk_bytes": 512, "compress": False})
    sent = batch(segment([*plain_segment(1).documents, big], stream))
    receipt = await shipped(place.open(), sent)
    assert receipt.delivered == 1
    [rejected] = receipt.rejected
    assert (rejected.index, rejected.type, rejected.is_final) == (1, "too_large", True)
    assert len(await place.stored()) == 1


async def test_larger_messages_come_compressed_and_in_chunks(server: GelfServer, site: OutputContext) -> None:
    stream = log_stream()
    log = {"message": " ".join(str(n * n) for n in range(3000))}
    place = Place(server, site, {"transport": "udp"})
    sent = batch(segment([document(log, stream)], stream))
    await shipped(place.open(), sent)
    assert list(await place.stored()) == list(sent.segments[0].ids)
    assert 2 < server.datagrams < len(log["message"]) / 1408


async def test_what_was_sent_shortly_before_the_server_closed_is_sent_again(
    tmp_path: Path, site: OutputContext
) -> None:
    async with GelfServer(tmp_path) as server:
        shipper = opened(server, site, transport="tcp")
        await shipper.ship(batch(plain_segment(5)))
    async with GelfServer(tmp_path, port=server.port) as again:
        await shipper.ship(batch(plain_segment(5, first=5)))
        await shipper.aclose()
        assert len(again.stored()) == 10


async def test_tls_and_credentials_go_with_each_request(tmp_path: Path, site: OutputContext) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "password").write_text("s3cret-word\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with GelfServer(tmp_path, tls=context) as server:
        options = {"tls": True, "username": "agent", "password_file": str(tmp_path / "password")}
        place = Place(server, site, {**options, "ca_file": str(tmp_path / "ca.pem")})
        assert "s3cret" not in repr(place.settings)
        await shipped(place.open(), batch(plain_segment(3)))
        assert {each["authorization"] for each in server.asked} == {"Basic YWdlbnQ6czNjcmV0LXdvcmQ="}
        with pytest.raises(Unavailable, match="cannot be verified") as caught:
            await shipped(opened(server, site, **options), batch(plain_segment(3)))
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("transport", ["http", "tcp", "udp"])
async def test_a_server_that_is_away_is_told(site: OutputContext, transport: str) -> None:
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        settings = Settings.model_validate(
            {"type": "gelf", "hosts": f"127.0.0.1:{bound.getsockname()[1]}", "transport": transport}
        )
    with pytest.raises(Unavailable, match="Connection refused"):
        await shipped(settings.open(site), batch(plain_segment(3)))


@pytest.mark.parametrize(
    ("transport", "words"), [("http", "answers (405)"), ("tcp", "accepts"), ("udp", "UDP does not")]
)
async def test_the_probe_tells_what_is_there(
    server: GelfServer, site: OutputContext, transport: str, words: str
) -> None:
    shipper = opened(server, site, transport=transport)
    assert words in await shipper.probe()  # type: ignore[attr-defined]
    await shipper.aclose()


@pytest.mark.parametrize(("transport", "kind"), [("http", "at_least_once"), ("tcp", "unsafe"), ("udp", "unsafe")])
def test_only_http_promises_that_each_message_arrives(transport: str, kind: str) -> None:
    settings = Settings.model_validate({"type": "gelf", "hosts": "graylog.example", "transport": transport})
    assert settings.promise().kind == kind


@pytest.mark.parametrize(
    "options",
    [{"transport": "udp", "tls": True}, {"transport": "tcp", "username": "u", "password": "p"},
     {"transport": "tcp", "headers": {"a": "b"}}, {"transport": "udp", "bulk": True}],
)  # fmt: skip
def test_options_that_have_no_effect_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no effect with transport"):
        Settings.model_validate({"type": "gelf", "hosts": "graylog.example", **options})
