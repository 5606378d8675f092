"""Who takes many connections, or asks slowly, takes nobody else's turn and little memory."""

import asyncio
import ctypes
import socket
import struct
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp
import pytest
import uvloop

from collector.ports import Found, Query
from collector.state.places import BUSY
from collector.web import connection_limit, server
from collector.web.api import Patience
from collector.web.connection_limit import MOST, MOST_OF_ONE
from tests.collector.waiting import until
from tests.collector.web.agent import Site, segment, site

ASKED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
SLOW = ASKED + b"X-Slow: "  # a head that does not end


class Heap:
    """A store of one large document."""

    def __init__(self, document: bytes) -> None:
        self.document = document

    async def search(self, query: Query) -> Found:
        return Found(1, [self.document])


class Guest:
    """A connection from an address of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def status(self) -> int:
        line = await self.reader.readline()
        return int(line.split()[1]) if line else 0


async def visit(here: Site, stack: AsyncExitStack, sent: bytes, *, host: str = "127.0.0.1") -> Guest:
    reader, writer = await asyncio.open_connection(here.address.host, here.address.port, local_addr=(host, 0))
    stack.callback(writer.close)
    writer.write(sent)
    await writer.drain()
    return Guest(reader, writer)


async def test_one_host_cannot_take_all_connections(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        held = [await visit(here, stack, SLOW, host="127.0.0.2") for _ in range(MOST_OF_ONE)]
        assert await (await visit(here, stack, ASKED + b"\r\n", host="127.0.0.2")).status() == 503
        assert await (await visit(here, stack, ASKED + b"\r\n", host="127.0.0.3")).status() == 200
        for guest in held:
            guest.writer.close()
            await guest.writer.wait_closed()
        await asyncio.sleep(0.2)  # the server hears of it
        assert await (await visit(here, stack, ASKED + b"\r\n", host="127.0.0.2")).status() == 200


def test_the_same_holds_on_the_loop_that_the_agent_has(tmp_path: Path) -> None:
    uvloop.run(test_one_host_cannot_take_all_connections(tmp_path))


async def test_all_hosts_together_have_so_many(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        for number in range(MOST):
            await visit(here, stack, SLOW, host=f"127.0.0.{2 + number % 8}")
        assert await (await visit(here, stack, ASKED + b"\r\n", host="127.0.0.99")).status() == 503


@pytest.mark.parametrize("sent", [b"", b"GET", SLOW, ASKED + b"\r\n"])
async def test_a_connection_that_asks_nothing_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.3)
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        guest = await visit(here, stack, sent)
        async with asyncio.timeout(10):
            while await guest.reader.read(4096):
                pass


async def test_a_head_of_many_fields_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        many = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 1000) for number in range(server.MOST_HEADERS + 1))
        assert await (await visit(here, stack, ASKED + many + b"\r\n")).status() == 400


async def test_a_tail_outlives_the_time_to_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.3)
    async with site(tmp_path) as here:
        async with here.session.get(here.url("/api/tail"), headers=here.headers) as tail:
            await asyncio.sleep(1.0)
            assert not tail.content.at_eof()
            assert here.live.watchers == 1
        await until(lambda: here.live.watchers == 0)
        assert isinstance(tail, aiohttp.ClientResponse)


async def test_this_machine_is_answered_whoever_else_plays(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        for number in range(40):
            for host in ("127.0.0.2", "127.0.0.3"):
                await visit(here, stack, SLOW if number % 2 else b"", host=host)
        for _ in range(31):
            guest = await visit(here, stack, ASKED + b"Connection: close\r\n\r\n")
            assert await guest.status() == 200


def test_this_machine_is_answered_on_the_loop_that_the_agent_has(tmp_path: Path) -> None:
    uvloop.run(test_this_machine_is_answered_whoever_else_plays(tmp_path))


async def test_who_is_turned_away_hears_that_the_agent_is_busy(tmp_path: Path) -> None:
    async with site(tmp_path) as here, AsyncExitStack() as stack:
        for _ in range(MOST_OF_ONE):
            await visit(here, stack, SLOW)
        for sent in (b"", ASKED + b"\r\n", ASKED + b"X: " + b"x" * 100_000 + b"\r\n\r\n"):
            guest = await visit(here, stack, sent)
            assert b'"error":"busy: too many connections are open"' in await guest.reader.read(1 << 16), sent[:60]
        response = await here.session.get(here.url("/api/status"), headers=here.headers)
        assert (response.status, (await response.json())["error"]) == (503, BUSY)
        assert (await guest.reader.read()) == b""


@pytest.mark.parametrize("path", ["/metrics", "/api/search", "/api/tail"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_client_that_does_not_take_its_answer_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, loop: str
) -> None:
    monkeypatch.setattr(connection_limit, "TAKE_SECONDS", 0.3)
    monkeypatch.setattr(connection_limit, "LEAST_BYTES_PER_SECOND", 1 << 30)
    big = b"x" * (16 << 20)

    async def law() -> None:
        async with site(tmp_path, page=big, search=lambda _: Heap(big)) as here, AsyncExitStack() as stack:
            asked = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {here.headers['Authorization']}\r\n\r\n"
            guest = await visit(here, stack, asked.encode())
            if path == "/api/tail":
                await until(lambda: here.live.watchers == 1)
                here.live.publish(segment("web-1", big))
            await asyncio.sleep(1.5)
            taken = 0
            with suppress(ConnectionError):
                while piece := await guest.reader.read(1 << 20):
                    taken += len(piece)
            assert 0 < taken < len(big)
            await until(lambda: here.live.watchers == 0)

    uvloop.run(law()) if loop == "uvloop" else asyncio.run(law())


async def test_a_client_that_takes_its_answer_slowly_gets_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limit, "TAKE_SECONDS", 0.1)
    monkeypatch.setattr(connection_limit, "LEAST_BYTES_PER_SECOND", 4 << 20)
    big = b"x" * (16 << 20)
    async with site(tmp_path, page=big) as here, AsyncExitStack() as stack:
        guest = await visit(here, stack, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        taken = 0
        while piece := await guest.reader.read(1 << 19):
            taken += len(piece)
            await asyncio.sleep(0.02)
    assert taken > len(big)


SO_ATTACH_FILTER = 26  # linux: asm-generic/socket.h
DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # a program of one instruction: BPF_RET | BPF_K with 0 bytes to keep


def vanish(writer: asyncio.StreamWriter) -> None:
    """From now on its kernel sees nothing of what comes, so it acknowledges nothing: a machine without power."""
    program = ctypes.create_string_buffer(DROP_ALL, len(DROP_ALL))
    end: socket.socket = writer.get_extra_info("socket")
    end.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))


@pytest.mark.root  # where a machine is hardened, nobody else may attach a filter
@pytest.mark.parametrize(
    ("path", "is_shown_more", "loop"),
    [
        ("/logs", False, "asyncio"),
        ("/logs", False, "uvloop"),
        ("/logs", True, "uvloop"),
        ("/api/tail", True, "asyncio"),
    ],
)
def test_a_client_that_is_gone_without_a_word_keeps_no_place(
    tmp_path: Path, path: str, is_shown_more: bool, loop: str
) -> None:
    async def law() -> None:
        async with site(tmp_path, patience=Patience(gone_seconds=1)) as here, AsyncExitStack() as stack:
            asked = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {here.headers['Authorization']}\r\n\r\n"
            guest = await visit(here, stack, asked.encode())
            assert await guest.status() == 200
            await until(lambda: here.live.watchers == 1)
            vanish(guest.writer)
            if is_shown_more:
                here.live.publish(segment("web-1", b'{"log":{"message":"x"},"stream":"stdout"}'))
            await until(lambda: here.live.watchers == 0)

    uvloop.run(law()) if loop == "uvloop" else asyncio.run(law())


@pytest.mark.root
async def test_a_client_that_is_quiet_and_there_keeps_its_place(tmp_path: Path) -> None:
    async with site(tmp_path, patience=Patience(gone_seconds=1)) as here, AsyncExitStack() as stack:
        asked = f"GET /logs HTTP/1.1\r\nHost: localhost\r\nAuthorization: {here.headers['Authorization']}\r\n\r\n"
        guest = await visit(here, stack, asked.encode())
        assert await guest.status() == 200
        other = await visit(here, stack, asked.encode())
        assert await other.status() == 200
        await until(lambda: here.live.watchers == 2)
        vanish(other.writer)
        await until(lambda: here.live.watchers == 1)  # so long that the other one would have gone, too
        here.live.publish(segment("web-1", b'{"log":{"message":"x"},"stream":"stdout","@timestamp":""}'))
        async with asyncio.timeout(10):
            while b"x" not in await guest.reader.readline():
                pass
