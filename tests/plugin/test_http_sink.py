"""Laws of the kit for outputs over HTTP, shown by an output that is made of it, on a real server."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import trustme
from pydantic import ValidationError
from structlog.testing import capture_logs

from collector.errors import ConfigurationError, Refused, Unauthorized, Unavailable
from collector.net.remote import basic
from collector.ports import OutputContext, Shipper
from tests.collector.net.forward_proxy import ForwardProxy
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import Destination, ShipperContract, deliver
from tests.plugin.http_sink import HttpSink, Settings
from tests.plugin.sink_server import Fault, SinkServer

SECRET = "s3cret-in-a-test"
OTHER = "an0ther-in-a-test"
SENT = batch(plain_segment(3))


def sink(context: OutputContext, *hosts: str, **options: object) -> HttpSink:
    return Settings.model_validate({"type": "http_sink", "hosts": hosts, **options}).open(context)


@pytest.fixture
def context(tmp_path: Path) -> OutputContext:
    return OutputContext("sink", tmp_path / "state")


class Sink:
    """A fresh server, as the contract sees it."""

    def __init__(self, server: SinkServer, context: OutputContext) -> None:
        self._server = server
        self._context = context

    def open(self) -> Shipper:
        return sink(self._context, self._server.url)

    async def stored(self) -> dict[str, list[bytes]]:
        return self._server.stored


class TestHttpSink(ShipperContract):
    takes_anything = True

    @pytest.fixture
    async def destination(self, site: OutputContext) -> AsyncIterator[Destination]:
        async with SinkServer() as server:
            yield cast(Destination, Sink(server, site))


# ------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (Fault(503, b"starting"), Unavailable, r"is overloaded or starting \(503: starting\): the agent retries"),
        (Fault(404, b"nothing\nhere"), Unavailable, r"\(404: nothing here\): check that `hosts` names a sink of lines"),
        (Fault(200, b"<html>"), Unavailable, "answers in other words: check that `hosts` names a sink of lines"),
        (
            Fault(307, headers={"location": "http://example.com"}),
            Unavailable,
            r"rejected the request \(307: no reason given\)",
        ),
        (Fault(403, b"no"), Unauthorized, r"does not permit a request without credentials to do this \(403: no\)"),
        (Fault(413), Refused, "rejects requests of this size"),
        (Fault(200, b" " * (9 << 20)), Unavailable, "a response of more than 8 MiB"),
        (Fault(is_cut=True), Unavailable, "cannot be reached"),
        (Fault(502), Unavailable, "is overloaded or starting"),  # of a proxy: the connection behind it broke
        (Fault(503, b"upstream: reset reason: connection termination"), Unavailable, "is overloaded or starting"),
    ],
)
async def test_a_fault_is_told_with_its_remedy_and_the_batch_goes_through_again(
    context: OutputContext, fault: Fault, error: type[Exception], text: str
) -> None:
    async with SinkServer() as server:
        shipper = sink(context, server.url)
        server.faults.append(fault)
        with pytest.raises(error, match=text) as caught:
            await shipper.ship(SENT)
        is_lost = fault.is_cut or fault.status == 502 or b"termination" in fault.body
        assert getattr(caught.value, "is_lost", False) == is_lost
        assert (await deliver(shipper, SENT)).delivered == 3
        await shipper.aclose()


async def test_the_wish_when_to_be_asked_again_is_passed_on(context: OutputContext) -> None:
    async with SinkServer() as server:
        shipper = sink(context, server.url)
        server.faults.append(Fault(429, headers={"retry-after": "7"}))
        with pytest.raises(Unavailable) as caught:
            await shipper.ship(SENT)
        await shipper.aclose()
        assert caught.value.retry_after == 7.0


async def test_an_answer_that_does_not_come_in_time_is_told(context: OutputContext) -> None:
    never = asyncio.Event()
    async with SinkServer() as server:
        shipper = sink(context, server.url, request_timeout_seconds=0.05)
        server.faults.append(Fault(hold=never))
        with pytest.raises(Unavailable, match=r"did not answer within 0.05 s: raise request_timeout_seconds"):
            await shipper.ship(SENT)
        await shipper.aclose()
        never.set()


async def test_what_one_host_refuses_another_is_asked_for_at_once(context: OutputContext) -> None:
    async with SinkServer() as bad, SinkServer() as good:
        shipper = sink(context, bad.url, good.url)
        bad.faults.extend([Fault(500)] * 20)
        for _ in range(10):
            assert (await shipper.ship(SENT)).retry.count == 0
        await shipper.aclose()
        assert len(good.heads) == 10
        assert len(bad.heads) <= 2


# ------------------------------------------------------------------ credentials


@pytest.mark.parametrize(
    ("options", "authorization", "remedy"),
    [
        ({"bearer_token": SECRET}, f"Bearer {SECRET}", "correct bearer_token_file; the token may have expired"),
        (
            {"username": "me", "password": SECRET},
            basic("me", SECRET),
            "rejects the user 'me' (401): correct username or password_file",
        ),
        ({}, "", "rejects a request without credentials (401): set username and password_file, or bearer_token_file"),
    ],
)
async def test_who_asks_is_told_to_the_server_and_if_refused_to_the_user_without_the_secret(
    context: OutputContext, options: dict[str, object], authorization: str, remedy: str
) -> None:
    async with SinkServer(authorization=authorization) as server:
        shipper = sink(context, server.url, **options)
        assert (await shipper.ship(SENT)).delivered == 3
        server.authorization = f"Bearer {OTHER}"
        with pytest.raises(Unauthorized) as caught:
            await shipper.ship(SENT)
        await shipper.aclose()
    assert str(caught.value).endswith(remedy)
    assert SECRET not in f"{caught.value}{caught.value!r}"


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({"bearer_token_file": "file"}, "Bearer {}"),
        ({"bearer_token_file": "file", "headers": {"X-More": "1"}}, "Bearer {}"),
        ({"username": "me", "password_file": "file"}, "basic"),
    ],
)
async def test_a_secret_that_changes_in_its_file_is_sent_with_the_next_request(
    context: OutputContext, tmp_path: Path, options: dict[str, object], header: str
) -> None:
    def expected(secret: str) -> str:
        return basic("me", secret) if header == "basic" else header.format(secret)

    file = tmp_path / "secret"
    file.write_text(SECRET)
    given = {name: file if value == "file" else value for name, value in options.items()}
    async with SinkServer(authorization=expected(SECRET)) as server:
        shipper = sink(context, server.url, **given)
        assert (await shipper.ship(SENT)).delivered == 3
        server.authorization = expected(OTHER)
        with pytest.raises(Unauthorized):
            await shipper.ship(SENT)
        with capture_logs() as logs:
            file.write_text("")  # as `>` leaves it for a moment
            with pytest.raises(Unauthorized):
                await shipper.ship(SENT)
            file.write_text(f"{OTHER}\n")
            assert (await shipper.ship(SENT)).duplicate == 3
        await shipper.aclose()
    assert {line["log_level"] for line in logs} == {"warning", "info"}
    assert SECRET not in str(logs)
    assert OTHER not in str(logs)


async def test_headers_in_a_file_are_read_again_too(context: OutputContext, tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("X-Scope-OrgID: one\n")
    async with SinkServer() as server:
        shipper = sink(context, server.url, headers_file=file)
        await shipper.ship(SENT)
        file.write_text("X-Scope-OrgID: two\n")
        await shipper.ship(SENT)
        await shipper.aclose()
        assert [each["x-scope-orgid"] for each in server.heads] == ["one", "two"]


async def test_a_proxy_in_a_file_is_read_again_too(context: OutputContext, tmp_path: Path) -> None:
    file = tmp_path / "proxy"
    async with SinkServer() as server, ForwardProxy() as one, ForwardProxy(credentials=f"me:{SECRET}") as other:
        file.write_text(f"http://127.0.0.1:{one.port}")
        shipper = sink(context, server.url, proxy_url_file=file)
        await shipper.ship(SENT)
        file.write_text(f"http://me:{SECRET}@127.0.0.1:{other.port}")
        await shipper.ship(SENT)
        await shipper.aclose()
        assert (len(one.asked), len(other.asked), len(server.heads)) == (1, 1, 2)


def test_secrets_stand_nowhere(context: OutputContext) -> None:
    options = {"bearer_token": SECRET, "headers": {"X-Key": SECRET}, "proxy_url": f"http://me:{SECRET}@proxy"}
    given = Settings.model_validate({"type": "http_sink", "hosts": ["http://server"], **options})
    assert SECRET not in f"{given!r} {given} {given.model_dump_json()} {given.open(context)!r}"
    for wrong in ({"bearer_token_file": "/x"}, {"username": "me", "password": SECRET}, {"headers": {"te": SECRET}}):
        with pytest.raises(ValidationError) as caught:
            Settings.model_validate({"type": "http_sink", "hosts": ["http://server"], **options, **wrong})
        assert SECRET not in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"outputs\.sink\.bearer_token contains .* control") as refused:
        sink(context, "http://server", bearer_token=f"{SECRET}\r\nX: y")
    assert SECRET not in str(refused.value)


def test_of_two_ways_to_say_who_asks_any_two_options_are_rivals() -> None:
    rivals = Settings.rivals()
    assert {frozenset({"bearer_token", "bearer_token_file"}), frozenset({"password", "password_file"})} <= {*rivals}
    assert {frozenset({"bearer_token_file", "username"}), frozenset({"password", "bearer_token"})} <= {*rivals}
    assert frozenset({"proxy_url", "proxy_url_file"}) in rivals
    assert not any({"username", "password"} <= each or "headers" in each for each in rivals)


# ------------------------------------------------------------------ TLS


def server_tls(authority: trustme.CA, clients: trustme.CA | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    if clients:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_an_unknown_authority_is_told_and_one_that_changes_in_its_file_is_trusted(
    context: OutputContext, tmp_path: Path
) -> None:
    one, other = trustme.CA(), trustme.CA()
    file = tmp_path / "ca.pem"
    one.cert_pem.write_to_path(file)
    async with SinkServer(tls=server_tls(one)) as server:
        unaware = sink(context, server.url)
        with pytest.raises(
            Unavailable, match=r"certificate of .* cannot be verified .*: set ca_file to the CA certifica"
        ):
            await unaware.ship(SENT)
        await unaware.aclose()
        shipper = sink(context, server.url, ca_file=file)
        assert (await shipper.ship(SENT)).delivered == 3
    async with SinkServer(tls=server_tls(other), port=server.port) as server:
        with pytest.raises(Unavailable, match="cannot be verified"):
            await shipper.ship(SENT)
        other.cert_pem.write_to_path(file)
        assert (await shipper.ship(SENT)).delivered == 3
    async with SinkServer(tls=server_tls(one), port=server.port):  # nobody trusts it any more
        with pytest.raises(Unavailable, match="cannot be verified"):
            await shipper.ship(SENT)
    await shipper.aclose()


async def test_a_client_certificate_that_changes_in_its_files_is_shown_from_the_next_request_on(
    context: OutputContext, tmp_path: Path
) -> None:
    authority, old, new = trustme.CA(), trustme.CA(), trustme.CA()
    paths = {f"client_{name}_file": tmp_path / f"{name}.pem" for name in ("cert", "key")}
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    def write(clients: trustme.CA) -> None:
        pair = clients.issue_cert("agent.example")
        pair.cert_chain_pems[0].write_to_path(paths["client_cert_file"])
        pair.private_key_pem.write_to_path(paths["client_key_file"])

    write(old)
    async with SinkServer(tls=server_tls(authority, old)) as server:
        shipper = sink(context, server.url, ca_file=tmp_path / "ca.pem", **paths)
        assert (await shipper.ship(SENT)).delivered == 3
    async with SinkServer(tls=server_tls(authority, new), port=server.port):
        with pytest.raises(Unavailable):
            await shipper.ship(SENT)
        pair = new.issue_cert("agent.example")
        pair.cert_chain_pems[0].write_to_path(paths["client_cert_file"])  # its key is still the old one's
        with pytest.raises(Unavailable):
            await shipper.ship(SENT)
        pair.private_key_pem.write_to_path(paths["client_key_file"])
        assert (await shipper.ship(SENT)).delivered == 3
    await shipper.aclose()
