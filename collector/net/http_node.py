"""One request → its answer, at one node: bytes in and bytes out, bounded in time and in bytes.

No redirect is followed, since it would send documents and credentials to where nobody configured; an answer is read
in pieces up to its bound, so that neither a long one nor a bomb in gzip fills the memory. Headers, trust and proxy are
asked for at each request (`Access`), since the files behind them may change.
"""

import ssl
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import NamedTuple

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
)

from collector.net.headers import Proxy

CONNECT_SECONDS = 5.0  # packets that vanish are noticed early, however long an answer may take
MOST_BYTES = 8 << 20  # of an answer that tells of no documents
LONGEST_WISH_SECONDS = 60.0  # of a `Retry-After` that is obeyed: a wrong one must not park the output
_LARGE_BYTES = 1 << 20  # aiohttp warns about plain bytes from here on, and sends a file in pieces
_ENVOY = b"reset reason: connection termination"
_OUR_NAME = {"user-agent": "pilotfish"}
_NO_HEADERS_OF_ITS_OWN = ("accept", "accept-encoding", "user-agent")


class Answer(NamedTuple):
    """What a server said: HTTP status, body as it came (decompressed), and when to try again, in seconds.

    `headers` are found whatever the case of their names.
    """

    status: int
    body: bytes
    retry_after: float | None
    headers: Mapping[str, str] = {}


def is_of_cluster(answer: Answer) -> bool:
    """Whether every node would give it: not where this one is overloaded or broken, or behind a proxy."""
    return answer.status not in (401, 429) and answer.status < 500


class Question(NamedTuple):
    """A request: `target` is path and query, `most_bytes` the bound of what its answer may be, decompressed.

    `is_good` tells an answer that stands from one for which another node is asked, if there is one.
    """

    method: str
    target: str
    body: bytes | None
    headers: Mapping[str, str]
    most_bytes: int = MOST_BYTES
    is_good: Callable[[Answer], bool] = is_of_cluster


class Access(NamedTuple):
    """What every request of a destination goes with: headers, whom an https server is trusted by, and the proxy."""

    headers: Mapping[str, str] = {}
    tls: ssl.SSLContext | None = None
    proxy: Proxy | None = None


class AnswerTooLong(ClientError):
    """An answer beyond its bound; nothing is known of the request."""


def is_cut(found: Exception | Answer) -> bool:
    """Whether the connection came about and broke before there was a whole answer, be it behind a proxy that says so.

    nginx, HAProxy, Traefik and the clouds' balancers tell it by 502, Envoy by 503 in these words.
    """
    if isinstance(found, Answer):
        return found.status == 502 or (found.status == 503 and _ENVOY in found.body)
    if isinstance(found, ClientConnectorError):
        return False
    return isinstance(found, ServerDisconnectedError | ClientPayloadError | ClientOSError)


class Node:
    """One node by its URL without a slash at the end. Connects at the first request."""

    def __init__(
        self,
        url: str,
        *,
        access: Callable[[], Access] = Access,
        connections: int,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        self.url = url
        self._access = access
        self._is_tunnelled = url.startswith("https:")  # through a proxy, if there is one
        self._connections = connections
        self._connect_seconds = connect_seconds
        self._session: ClientSession | None = None

    async def ask(self, question: Question, seconds: float) -> Answer:
        """Send one request; every answer, whatever its status, is returned.

        Raises:
            ClientError: no whole answer came, or too long a one.
            TimeoutError: none came in `seconds`; as ServerTimeoutError, no connection came about.
            OSError: what the system says of the connection.
        """
        body = question.body
        given, tls, proxy = self._access()
        told = proxy.headers if proxy else {}  # in the request for a tunnel; without one the proxy reads ours
        headers = {**_OUR_NAME, **given} if self._is_tunnelled else {**_OUR_NAME, **given, **told}
        async with self._opened().request(
            question.method,
            self.url + question.target,
            data=BytesIO(body) if body and len(body) > _LARGE_BYTES else body,
            headers={**headers, **question.headers},
            timeout=ClientTimeout(total=seconds, sock_connect=self._connect_seconds),
            allow_redirects=False,
            ssl=tls or True,  # a connection of another context is not used again
            proxy=proxy.url if proxy else None,
            proxy_headers=told if self._is_tunnelled else {},
        ) as response:
            text = await _read(response, question.most_bytes)
            again = _seconds(response.headers.get("retry-after"))
            return Answer(response.status, text, again, response.headers)

    async def aclose(self) -> None:
        """Close every connection; may be called twice."""
        if self._session:
            await self._session.close()
            self._session = None

    def _opened(self) -> ClientSession:
        if self._session is None:
            connector = TCPConnector(limit=self._connections)
            self._session = ClientSession(  # without headers of its own: a proxy would be told them, passwords too
                skip_auto_headers=_NO_HEADERS_OF_ITS_OWN,
                connector=connector,
                cookie_jar=DummyCookieJar(),
            )
        return self._session


async def _read(response: ClientResponse, most_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > most_bytes:
            response.close()
            raise AnswerTooLong(f"a response of more than {most_bytes >> 20} MiB")
        pieces.append(piece)
    return b"".join(pieces)


def _seconds(text: str | None) -> float | None:
    """`Retry-After` as seconds; the form with a date is left to the caller's own back-off."""
    return min(float(text), LONGEST_WISH_SECONDS) if text and text.isascii() and text.isdigit() else None
