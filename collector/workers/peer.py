"""A worker's port, as the agent that it works for asks it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict

from collector.errors import Unavailable
from collector.web import access
from collector.web.connection_limit import MOST_OF_ONE
from collector.web.rights import ONLY
from collector.workers.supervisor import Worker

ANSWER_SECONDS = 5.0
_READ_BYTES = 256 << 10


class Peer:
    """A worker's port."""

    def __init__(self, worker: Worker, session: aiohttp.ClientSession) -> None:
        self.number = worker.share.number
        self.directory = worker.directory
        self._session = session
        self._url = f"http://{worker.address}"
        token = access.token(worker.directory)
        self._headers: dict[str, str] = {hdrs.AUTHORIZATION: f"Bearer {token}", hdrs.ACCEPT_ENCODING: "identity"}

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, only: Sequence[str] = ()
    ) -> tuple[int, bytes]:
        """Status and body; `only` are filters of who asks.

        Raises:
            Unavailable: it does not answer.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self.open(path, query, only=only) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            raise Unavailable(f"worker {self.number} does not answer") from None

    @asynccontextmanager
    async def open(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        accept: str = "*/*",
        body: bytes | None = None,
        only: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that may go on for long."""
        sent = CIMultiDict(self._headers | {hdrs.ACCEPT: accept} | dict(headers or {}))
        sent.extend([(ONLY, quote(text)) for text in only])
        url = f"{self._url}{path}"
        async with self._session.request(method, url, params=query, headers=sent, data=body) as answer:
            yield answer


async def ask(
    peers: Sequence[Peer], path: str, query: Mapping[str, str] | None = None, only: Sequence[str] = ()
) -> list[tuple[int, bytes]]:
    """What each worker answers.

    Raises:
        Unavailable: one does not.
    """
    return await asyncio.gather(*(peer.get(path, query, only) for peer in peers))


@asynccontextmanager
async def peers(workers: Sequence[Worker]) -> AsyncIterator[list[Peer]]:
    """The ports of all workers."""
    # A worker takes so many from this address; whoever asks beyond that waits here for his turn.
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=MOST_OF_ONE - 2)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, read_bufsize=_READ_BYTES) as session:
        yield [Peer(worker, session) for worker in workers]
