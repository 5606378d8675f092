"""`collector.web.logs`: lines as logspout gave them, for whoever has the token, and at nobody's cost."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from collector.model import LogStream, Segment
from collector.web.api import MOST_WATCHERS, Patience
from tests.collector.web.agent import Site, site
from tests.contract.segments import DAY, document, log_stream
from tests.contract.segments import segment as segment_of

TIME = f"{DAY}T02:13:00.768123456Z"


def stream(container: str, container_id: str = "c") -> LogStream:
    return replace(log_stream(container_id=container_id * 64), container=container)


DB, WEB = stream("shop_db", "d"), stream("web")


def said(where: LogStream, *lines: object, output: str = "stdout") -> Segment:
    logs = [b'{"message":%b}' % json.dumps(line).encode() if isinstance(line, str) else line for line in lines]
    return segment_of([document(log, where, output=output) for log in logs], where)


async def watch(here: Site, stack: AsyncExitStack, path: str, accept: str = "*/*") -> aiohttp.ClientResponse:
    headers = {**here.headers, "Accept": accept}
    response = await stack.enter_async_context(here.session.get(here.url(path), headers=headers))
    assert response.status == 200
    return response


async def lines(response: aiohttp.ClientResponse, count: int) -> list[str]:
    async with asyncio.timeout(10):
        return [(await response.content.readline()).decode().removesuffix("\n") for _ in range(count)]


async def test_lines_of_all_stand_behind_their_names_in_colours(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        response = await watch(here, stack, "/logs")
        assert response.headers["Content-Type"].startswith("text/plain")
        here.live.publish(said(DB, "ready", {"level": "info", "n": 1}))
        here.live.publish(said(WEB, "GET /"))
        assert await lines(response, 3) == [
            "\x1b[1;37m         shop_db|ready\x1b[0m",
            '\x1b[1;37m         shop_db|{"level": "info", "n": 1}\x1b[0m',
            "\x1b[1;36m             web|GET /\x1b[0m",
        ]


async def test_colours_can_be_had_off_and_an_event_has_its_name_on_each_line(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        response = await watch(here, stack, "/logs?colors=off")
        here.live.publish(said(WEB, "Traceback\n  line 1"))
        assert await lines(response, 2) == ["             web|Traceback", "             web|  line 1"]


async def test_no_line_makes_a_terminal_obey(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        response = await watch(here, stack, "/logs?colors=off")
        here.live.publish(said(WEB, "\x1b]0;owned\x07\ta\rb"))
        assert await lines(response, 1) == ["             web|\\x1b]0;owned\\x07\ta\\rb"]


@pytest.mark.parametrize("path", ["/logs/id:dddddddddddd", f"/logs/id:{'d' * 64}", "/logs/name:shop_db"])
async def test_one_container_is_had_by_its_id_or_name_without_the_name_before_each_line(
    tmp_path: Path, path: str
) -> None:
    async with site(tmp_path, streams=[DB, WEB]) as here, AsyncExitStack() as stack:
        response = await watch(here, stack, path)
        here.live.publish(said(WEB, "not this"))
        here.live.publish(said(DB, "this"))
        assert await lines(response, 1) == ["this"]


async def test_a_glob_has_to_match_the_whole_name_and_may_match_nothing_yet(tmp_path: Path) -> None:
    async with site(tmp_path, streams=[WEB]) as here, AsyncExitStack() as stack:
        response = await watch(here, stack, "/logs/name:*_db?colors=off")
        here.live.publish(said(stream("shop_db_copy"), "not this"))
        here.live.publish(said(DB, "this"))
        assert await lines(response, 1) == ["         shop_db|this"]


@pytest.mark.parametrize("path", ["/logs/id:eeee", "/logs/name:we", "/logs/name:shop"])
async def test_an_id_or_name_that_nobody_has_is_404(tmp_path: Path, path: str) -> None:
    async with site(tmp_path, streams=[DB, WEB]) as here:
        answer = await here.session.get(here.url(path), headers=here.headers)
        assert answer.status == 404
        assert set(await answer.json()) == {"error", "remedy"}


@pytest.mark.parametrize("path", ["/logs/other:x", "/logs/id:", "/logs/x", "/logs?colour=off"])
async def test_what_is_not_understood_is_400_with_a_remedy(tmp_path: Path, path: str) -> None:
    async with site(tmp_path) as here:
        answer = await here.session.get(here.url(path), headers=here.headers)
        assert (answer.status, set(await answer.json())) == (400, {"error", "remedy"})


@pytest.mark.parametrize("arguments", ["source=stderr", "sources=stderr", "sources=stderr,other"])
async def test_sources_narrow_it_down(tmp_path: Path, arguments: str) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        response = await watch(here, stack, f"/logs?colors=off&{arguments}")
        here.live.publish(said(WEB, "out"))
        here.live.publish(said(WEB, "err", output="stderr"))
        assert await lines(response, 1) == ["             web|err"]


async def test_both_sources_are_all_lines_of_containers_but_not_what_pilotfish_writes(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        all_of_it = await watch(here, stack, "/logs?colors=off")
        both = await watch(here, stack, "/logs?colors=off&source=stdout,stderr")
        for output in ("events", "limits", "stdout", "stderr"):
            here.live.publish(said(WEB, output, output=output))
        for response in (all_of_it, both):
            assert await lines(response, 2) == ["             web|stdout", "             web|stderr"]


def message(line: str, where: LogStream = WEB) -> dict[str, object]:
    container = {"Id": where.container_id, "Name": f"/{where.container}"}
    return {"Container": container, "Source": "stdout", "Data": line, "Time": TIME}


async def test_json_is_a_message_a_line_with_id_and_name_of_the_container_alone(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        response = await watch(here, stack, "/logs", "application/json")
        here.live.publish(said(WEB, "two\nlines", {"n": 1}))
        found = [json.loads(line) for line in await lines(response, 2)]
        assert found == [message("two\nlines"), message('{"n": 1}')]


async def test_a_web_socket_gets_a_message_for_each_line_and_an_end(tmp_path: Path) -> None:
    async with site(tmp_path, streams=[WEB]) as here, asyncio.timeout(10), AsyncExitStack() as stack:
        connecting = here.session.ws_connect(here.url("/logs/name:web"), headers=here.headers)
        socket = await stack.enter_async_context(connecting)
        here.live.publish(said(DB, "not this"))
        here.live.publish(said(WEB, "one", "two"))
        assert [json.loads(await socket.receive_str()) for _ in range(2)] == [message("one"), message("two")]
        here.live.close()
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_web_socket_that_is_closed_is_forgotten(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        async with here.session.ws_connect(here.url("/logs"), headers=here.headers):
            assert here.live.watchers == 1
        async with asyncio.timeout(10):
            while here.live.watchers:
                assert (await here.session.get(here.url("/healthz"))).status == 200


@pytest.mark.parametrize("path", ["/logs", "/logs/name:web"])
async def test_nothing_is_had_without_the_token_or_from_a_page_of_another_site(tmp_path: Path, path: str) -> None:
    async with site(tmp_path, streams=[WEB]) as here:
        assert (await here.session.get(here.url(path))).status == 401
        strange = {**here.headers, "Origin": "http://evil.example"}
        assert (await here.session.get(here.url(path), headers=strange)).status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await here.session.ws_connect(here.url(path), headers=strange)


async def test_a_slow_client_is_told_what_it_missed(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        text, objects = (
            await watch(here, stack, "/logs?colors=off"),
            await watch(here, stack, "/logs", "application/json"),
        )
        for _ in range(3):
            here.live.publish(said(WEB, "x" * 900))
        assert (await lines(text, 2))[1] == "2 lines left out: this client reads too slowly"
        assert json.loads((await lines(objects, 2))[1]) == {"skipped": 2}


def upgrade() -> Iterator[str]:
    yield "Upgrade: websocket"
    yield "Connection: Upgrade"
    yield "Sec-WebSocket-Version: 13"
    yield "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="


@pytest.mark.parametrize("headers", [[], list(upgrade())], ids=["http", "web-socket"])
async def test_a_client_that_takes_nothing_is_cut_off_and_costs_nobody_anything(
    tmp_path: Path, headers: list[str]
) -> None:
    async with site(tmp_path, patience=Patience(stall_seconds=0.2, heartbeat_seconds=60)) as here:
        reader, writer = await asyncio.open_connection(here.address.host, here.address.port, limit=1)
        head = [
            "GET /logs HTTP/1.1",
            f"Host: {here.address}",
            f"Authorization: {here.headers['Authorization']}",
            *headers,
        ]
        writer.write("\r\n".join([*head, "\r\n"]).encode())
        assert await reader.readexactly(9) == b"HTTP/1.1 "
        async with asyncio.timeout(30):
            while here.live.watchers:
                here.live.publish(said(WEB, "x" * 1_000_000))
                await asyncio.wait_for(here.session.get(here.url("/healthz")), 5)
        writer.close()


async def test_clients_are_limited_together_with_those_of_the_live_view(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        for _ in range(MOST_WATCHERS):
            await watch(here, stack, "/logs")
        assert (await here.session.get(here.url("/logs"), headers=here.headers)).status == 503
