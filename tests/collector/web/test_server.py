"""`collector.web.server`: the open pages, start and stop."""

import asyncio
import logging
import socket
from pathlib import Path

import pytest

from collector.errors import PilotfishError
from collector.state.places import Address
from collector.web.api import Views
from collector.web.live import Live
from collector.web.server import serve
from tests.collector.web.agent import site


async def test_health_is_the_process_s_own(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        here.reasons.append("output elastic: connection refused")
        response = await here.session.get(here.url("/healthz"))
        assert (response.status, await response.text()) == (200, "ok\n")
        here.stuck.append("the reader of web-1")
        response = await here.session.get(here.url("/healthz"))
        assert (response.status, await response.text()) == (503, "stuck: the reader of web-1\n")


async def test_readiness_names_the_reasons(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        response = await here.session.get(here.url("/readyz"))
        assert (response.status, await response.json()) == (200, {"ready": True, "reasons": []})
        here.reasons.append("output elastic: connection refused (http://es:9200): is it running?")
        response = await here.session.get(here.url("/readyz"))
        assert (response.status, await response.json()) == (503, {"ready": False, "reasons": here.reasons})


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1",
            "application/openmetrics-text; version=1.0.0",
        ),
        ("application/openmetrics-text;version=nonsense", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
async def test_metrics_come_in_the_format_that_is_accepted(tmp_path: Path, accept: str, content_type: str) -> None:
    async with site(tmp_path) as here:
        response = await here.session.get(here.url("/metrics"), headers={"Accept": accept})
        assert response.status == 200
        assert response.headers["Content-Type"].startswith(content_type)
        assert 'pilotfish_documents_read_total{output="out"} 3' in await response.text()


async def test_the_landing_page_names_the_others(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        page = await (await here.session.get(here.url("/"))).text()
        assert all(f'href="{path}"' in page for path in ("metrics", "healthz", "readyz"))


async def open_and_close(listen: Address, state_dir: Path) -> None:
    views = Views(
        health=lambda: None,
        not_ready=list,
        metrics=lambda _: (b"", ""),
        status=dict,
        explain=lambda is_meant, _: [{"container": name} for name in ("db", "web") if is_meant(name)],
        search=None,
        live=Live(),
        dead_letters=[state_dir],
        replays={},
    )
    async with serve(listen, state_dir=state_dir, views=views):
        pass


async def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(PilotfishError, match=f"^http.listen {address}: another program uses this port: stop it"):
            await open_and_close(address, tmp_path)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_an_address_of_another_machine_is_one_line(tmp_path: Path, host: str) -> None:
    with pytest.raises(PilotfishError, match=f"^http.listen {host}:0: is not an address of this machine: "):
        await open_and_close(Address(host, 0), tmp_path)


async def test_a_port_can_be_opened_again_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        assert (await here.session.get(here.url("/healthz"))).status == 200
        port = here.address.port
    await open_and_close(Address("127.0.0.1", port), tmp_path)


async def test_ipv6_is_listened_on_where_there_is_any(tmp_path: Path) -> None:
    async with site(tmp_path, "::1") as here:
        assert (await here.session.get(here.url("/healthz"))).status == 200
        assert (tmp_path / "http_address").read_text() == f"[::1]:{here.address.port}\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET http://[x/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01 nonsense\r\n\r\n",
    ],
)
async def test_a_request_that_is_none_gets_400_and_leaves_no_trace(
    tmp_path: Path, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with site(tmp_path) as here:
        reader, writer = await asyncio.open_connection(*here.address)
        writer.write(request_bytes)
        assert b" 400 " in await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]
