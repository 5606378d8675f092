"""A forward proxy on a real socket: absolute-form requests and CONNECT, with or without a password."""

import asyncio
import base64
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_REFUSAL = b"HTTP/1.1 %d No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class ForwardProxy:
    """Passes on what it is asked for: `asked` are first lines, `heads` their headers. An async context manager."""

    def __init__(self, *, credentials: str = "", refuses: int = 0) -> None:
        self.asked: list[str] = []
        self.heads: list[dict[str, str]] = []
        self.port = 0
        self._wanted = f"Basic {base64.b64encode(credentials.encode()).decode()}" if credentials else ""
        self._refuses = refuses
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection; what comes behind its head is passed on as it is."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *fields = head.rstrip("\r\n").split("\r\n")
        self.asked.append(first)
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        self.heads.append(headers)
        status = 407 if headers.get("proxy-authorization", "") != self._wanted else self._refuses
        if status:
            writer.write(_REFUSAL % status)
            writer.close()
            return
        method, target, version = first.split(" ")
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        back, forth = await asyncio.open_connection(url.hostname, url.port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            kept = [field for field in fields if not field.lower().startswith(("proxy-", "connection"))]
            path = target[target.index("/", len("http://")) :]
            lines = [f"{method} {path} {version}", *kept, "Connection: close", "", ""]
            forth.write("\r\n".join(lines).encode("latin-1"))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_pass_on(reader, forth))
            tasks.create_task(_pass_on(back, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass  # either side may be gone
    finally:
        writer.close()
