"""A port before another that takes connections while nobody listens there, as docker's proxy and balancers do."""

import asyncio
from contextlib import suppress
from typing import Literal, Self

Kind = Literal["closes", "resets", "pages"]
_PAGE = b"HTTP/1.1 %d Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>"


class PortProxy:
    """Passes on what comes to `url`; use it as an async context manager.

    What cannot be passed on it closes, resets, or answers with a page (`pages`), and so what breaks on the way.
    """

    def __init__(self, port: int, kind: Kind = "closes", *, status: int = 502) -> None:
        self.taken = 0  # connections while nobody listened
        self._port = port
        self._kind = kind
        self._page = _PAGE % status
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """What an output's `hosts` name."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            self.taken += 1
            if self._kind == "pages":
                with suppress(TimeoutError):  # the request, lest the answer is lost with what was not read
                    async with asyncio.timeout(0.02):
                        while await reader.read(1 << 16):
                            pass
            self._break_off(writer)
            return
        answers = asyncio.create_task(_copy(far_reader, writer))
        asks = asyncio.create_task(_copy(reader, far_writer))
        await asyncio.wait((answers, asks), return_when=asyncio.FIRST_COMPLETED)
        if answers.done():
            self._break_off(writer)
        asks.cancel()
        answers.cancel()
        writer.close()
        far_writer.close()

    def _break_off(self, writer: asyncio.StreamWriter) -> None:
        if self._kind == "pages":
            with suppress(OSError):
                writer.write(self._page)
        if self._kind == "resets":
            writer.transport.abort()
        else:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while content := await reader.read(1 << 16):
            writer.write(content)
            await writer.drain()
