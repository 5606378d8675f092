"""Options that do not fit are told, and no secret stands in what is told."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from collector.boards.access import Access, Secret, access
from collector.boards.client import connected
from collector.errors import PilotfishError, UsageError
from tests.collector.boards.serving import answering

URL = "http://127.0.0.1:5601"
SECRET = "h1dden"


def given(value: str = SECRET) -> Secret:
    return Secret("PILOTFISH_SETUP_PASSWORD", value=value)


def fault(url: str = URL, **options: object) -> str:
    with pytest.raises(UsageError) as raised:
        access(url, **options)  # type: ignore[arg-type]
    assert SECRET not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("url", ["", "kibana:5601", "ftp://kibana", "http://", "http://kibana:70000", "http://ki bana"])
def test_what_is_no_address_is_told(url: str) -> None:
    assert "is not a URL such as http://127.0.0.1:5601" in fault(url)


def test_credentials_in_the_address_are_refused_and_not_repeated() -> None:
    assert "contains credentials" in fault(f"http://elastic:{SECRET}@kibana:5601")


def test_a_base_path_stays_and_the_slash_behind_it_goes() -> None:
    assert access("https://example/kibana/").url == "https://example/kibana"


def test_options_that_do_not_go_together_are_told() -> None:
    assert "go together" in fault(username="elastic")
    assert "go together" in fault(password=given())
    assert "exclude each other" in fault(username="elastic", password=given(), key=given())


def test_a_file_that_holds_no_secret_is_told(tmp_path: Path) -> None:
    def told(content: bytes) -> str:
        (tmp_path / "file").write_bytes(content)
        return fault(username="elastic", password=Secret("--password-file", tmp_path / "file"))

    assert f"--password-file: {tmp_path}/file is empty" in told(b"\n")
    assert "contains a line break" in told(f"{SECRET}\nmore".encode())
    assert "is not text" in told(b"\xff" + SECRET.encode())
    assert "cannot read" in fault(username="elastic", password=Secret("--password-file", tmp_path / "none"))


def test_a_secret_does_not_show_itself() -> None:
    assert SECRET not in repr(given())
    assert SECRET not in f"{given()}"


def test_a_ca_file_that_holds_no_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("hello")
    assert "contains no certificate" in fault(ca_file=tmp_path / "ca.pem")


def test_a_key_is_sent_as_the_server_wants_it() -> None:
    assert access(URL, key=given("id:key"), scheme="ApiKey").authorization == {"Authorization": "ApiKey aWQ6a2V5"}
    assert access(URL, key=given("aWQ6a2V5"), scheme="ApiKey").authorization == {"Authorization": "ApiKey aWQ6a2V5"}
    assert access(URL, key=given("glsa:x"), scheme="Bearer").authorization == {"Authorization": "Bearer glsa:x"}


async def test_https_is_trusted_with_its_authority_only(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with answering(web.json_response({"is": "there"}), tls=_tls(authority)) as url:

        async def asked(reached: Access) -> object:
            async with connected("Kibana", reached, {}) as client:
                return (await client.get("/")).body

        assert await asked(access(url, ca_file=tmp_path / "ca.pem")) == {"is": "there"}
        with pytest.raises(PilotfishError, match=r"not trusted.*--ca-file"):
            await asked(access(url))


async def test_https_at_a_plain_port_is_told_as_such() -> None:
    async with (
        answering(web.json_response({})) as url,
        connected("Grafana", access(url.replace("http", "https")), {}) as client,
    ):
        with pytest.raises(PilotfishError, match=r"^Grafana at https://\S+ does not use TLS: use http:// in --url$"):
            await client.get("/")


async def test_a_handshake_that_fails_is_told_in_the_words_of_tls() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x15\x03\x01\x00\x02\x02\x28")  # alert: handshake failure
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connected("Grafana", access(url), {}) as client:
            with pytest.raises(PilotfishError, match=r"^no TLS connection to Grafana at \S+ \(.*handshake failure\)"):
                await client.get("/")


def _tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context
