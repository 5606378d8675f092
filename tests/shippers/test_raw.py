"""The output `raw` against a server that takes lines: the laws of all outputs, and what is its own."""

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import trustme
from pydantic import ValidationError

from collector.errors import ConfigurationError, Unavailable
from collector.ports import OutputContext, Route, Shipper
from shippers.raw import Settings
from tests.collector.net.stream_server import StreamServer
from tests.contract.segments import batch, document, log_stream, plain_segment, segment
from tests.contract.shippers import HOSTILE_LOGS, Destination, ShipperContract, deliver
from tests.needs import marks
from tests.receivers.raw import Receiver

CONTEXT = OutputContext("under_test", Path("/none"))


@pytest.fixture
@marks("engines")
def server(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "server") as receiver:
        yield receiver


class Place:
    def __init__(self, receiver: Receiver, site: OutputContext, **more: Any) -> None:
        self._receiver = receiver
        self._site = site
        self._more = more

    def open(self) -> Shipper:
        return Settings(**{**self._receiver.options(), **self._more}).open(self._site)

    async def stored(self) -> dict[str, list[bytes]]:
        return await asyncio.to_thread(self._receiver.stored)


class TestRawByTcp(ShipperContract):
    deduplicates = False
    takes_anything = True
    more: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def destination(self, server: Receiver, site: OutputContext) -> Destination:
        return Place(server, site, **self.more)


class TestRawByUdp(TestRawByTcp):
    hostile_logs: ClassVar[Sequence[str]] = [log for log in HOSTILE_LOGS if len(log) < 60_000]
    more: ClassVar[dict[str, Any]] = {"transport": "udp"}


class Lines(StreamServer):
    """Keeps what comes."""

    def __init__(self, **more: Any) -> None:
        super().__init__(self._take, **more)
        self.data = b""
        self.news = asyncio.Event()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            self.data += data
            self.news.set()

    async def lines(self, count: int) -> list[bytes]:
        async with asyncio.timeout(10):
            while self.data.count(b"\n") < count:
                self.news.clear()
                await self.news.wait()
        return self.data.split(b"\n")[:-1]


async def shipped(settings: Settings, *logs: str) -> None:
    stream = log_stream()
    shipper = settings.open(CONTEXT)
    try:
        await deliver(shipper, batch(segment([document(log.encode(), stream) for log in logs], stream)))
    finally:
        await shipper.aclose()


async def test_a_template_says_what_a_line_holds() -> None:
    async with Lines() as server:
        settings = Settings(hosts=(server.host,), template="<{{.Source}}> {{toJSON .Data}} {{.ContainerName}}")
        await shipped(settings, '{"message":"a\\nb"}', '{"n":1}')
        assert await server.lines(2) == [rb'<stdout> "a\nb" c0ffee-1', rb'<stdout> "{\"n\":1}" c0ffee-1']


async def test_lines_go_encrypted_to_a_server_that_the_authority_vouches_for(tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with Lines(tls=context) as server:
        await shipped(Settings(hosts=(server.host,), transport="tls", ca_file=tmp_path / "ca.pem", template="x"), "{}")
        assert await server.lines(1) == [b"x"]
        with pytest.raises(Unavailable, match="cannot be verified"):
            await shipped(Settings(hosts=(server.host,), transport="tls", template="x"), "{}")


async def test_a_server_that_is_away_is_unavailable_with_a_remedy() -> None:
    async with Lines() as server:
        settings = Settings(hosts=(server.host,), template="x")
    with pytest.raises(Unavailable) as raised:
        await shipped(settings, "{}")
    assert raised.value.remedy


async def test_a_connection_that_the_server_has_closed_gets_no_line() -> None:
    async with Lines() as server:
        shipper = Settings(hosts=(server.host,), template="{{.Data}}").open(CONTEXT)
        await deliver(shipper, batch(plain_segment(1)))
        await server.lines(1)
        await server.close_all()
        await deliver(shipper, batch(plain_segment(1, first=1)))
        assert await server.lines(2) == [b'{"message": "line 0"}', b'{"message": "line 1"}']
        assert server.connections == 2
        await shipper.aclose()


async def test_a_line_that_no_datagram_holds_is_rejected_and_the_others_go() -> None:
    shipper = Settings(hosts=("127.0.0.1:9",), transport="udp", template="{{.Data}}").open(CONTEXT)
    stream = log_stream()
    part = segment([document({"message": "x" * 66_000}, stream)], stream)
    try:
        receipt = await shipper.ship(batch(part))
    finally:
        await shipper.aclose()
    [rejected] = receipt.rejected
    assert (rejected.type, rejected.is_final) == ("too_large", True)


async def test_a_check_says_that_nothing_is_acknowledged() -> None:
    async with Lines() as server:
        shipper = Settings(hosts=(server.host,)).open(CONTEXT)
        assert await shipper.probe() == f"{server.host} accepts connections; it acknowledges no line"
        await shipper.aclose()


@pytest.mark.parametrize(
    "options",
    [
        {"template": "{{.Container.Config.Env}}"},
        {"template": "{{"},
        {"transport": "udp", "tls": True},
        {"ca_file": "/x"},
    ],
)
def test_options_that_have_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(hosts=("a:1",), **options)


def test_nothing_is_promised() -> None:
    assert {Settings(hosts=("a:1",), transport=way).promise().kind for way in ("tcp", "udp", "tls")} == {"unsafe"}


def test_a_route_has_the_template_of_its_variable_and_udp_unless_it_says_otherwise() -> None:
    template = '{ "container" : "{{ .Container.Name }}", "labels": {{ toJSON .Container.Config.Labels }} }\\n'
    found = Settings.from_route(Route("raw", "", "a", 9000, variables={"RAW_FORMAT": template}))
    assert found is not None
    assert found.options == {"hosts": ["a:9000"], "transport": "udp", "template": template.removesuffix("\\n")}
    assert (found.origins, found.members) == ({"template": "RAW_FORMAT"}, {"labels": ("*",)})
    plain = Settings.from_route(Route("raw", "tcp", "::1"))
    assert plain is not None
    assert plain.options == {"hosts": ["[::1]:514"], "transport": "tcp", "template": "{{.Data}}"}
    assert Settings.from_route(Route("syslog", "tcp", "a")) is None


def test_a_route_over_tls_has_the_certificates_of_logspouts_variables(tmp_path: Path) -> None:
    variables = {
        "LOGSPOUT_TLS_CA_CERTS": "/ca.pem", "LOGSPOUT_TLS_CLIENT_CERT": "/c.pem", "LOGSPOUT_TLS_CLIENT_KEY": "/k.pem",
        "LOGSPOUT_TLS_HARDENING": "true",
    }  # fmt: skip
    found = Settings.from_route(Route("raw", "tls", "a", 1, variables=variables))
    assert found is not None
    made = Settings.model_validate(found.options)
    assert (str(made.ca_file), str(made.client_cert_file), str(made.client_key_file)) == ("/ca.pem", "/c.pem", "/k.pem")
    assert found.idle.keys() == {"LOGSPOUT_TLS_HARDENING"}
    with pytest.raises(ConfigurationError, match="ca_file: cannot read /ca"):
        made.open(CONTEXT)
