"""Requests → answers, over the nodes of one cluster; what went wrong → the error that a user reads.

Headers are the plain media types that all servers know, and nothing is asked again after an answer
(`docs/decisions/0003-elasticsearch-client-plain-media-type.md`, `0008-own-nodes.md`).
"""

import os
import ssl
from collections.abc import Mapping, Sequence

import msgspec
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    ClientSSLError,
    ServerTimeoutError,
)
from msgspec import Struct

from collector.errors import UNREADABLE, Refused, ShippingError, Unauthorized, Unavailable

from .extras import query_of
from .node import CONNECT_SECONDS, MOST_BYTES, Answer, AnswerTooLong, Node, Question, is_cut
from .nodes import Nodes
from .outcomes import is_bulk_answer

_SHARD_SHARE = 1 / 3  # of a request's time that a server may wait for the shards of one index
_SHARD_SECONDS = (1.0, 3.0)  # its bounds: it holds a turn of the output, and a node is given up after 5 s
_WRONG_HOSTS = "check that `hosts` names Elasticsearch or OpenSearch, with the path when a proxy is before it"
_PROXY_CREDENTIALS = "correct user and password in proxy_url"
_WORDS = 300  # characters of a server's own words that an error repeats


class Fault(Struct):
    """An `error` member: `type` names the kind."""

    type: str = ""
    reason: str | None = None


class _Refusal(Struct):
    error: Fault | str = ""


class Connection:
    """A cluster as its nodes; for errors, `name` names it and `identity` says who asks and which options make it so."""

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        name: str,
        identity: tuple[str, str],
        timeout_seconds: float,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._parameters = query_of(parameters or {})
        self._nodes = Nodes(nodes, timeout_seconds=timeout_seconds)
        self._timeout_seconds = timeout_seconds
        least, most = _SHARD_SECONDS
        self._shard_milliseconds = round(1000 * min(max(timeout_seconds * _SHARD_SHARE, least), most))
        self._who, self._credentials = identity

    async def request(self, method: str, target: str, body: bytes | None = None) -> Answer:
        """Send one request, `body` being JSON; every answer, whatever its status, is returned.

        Raises:
            Unavailable: no answer came.
        """
        headers = {"content-type": "application/json"} if body is not None else {}
        return await self._ask(Question(method, target, body, headers))

    async def bulk(self, filter_path: str, body: bytes, *, gzipped: bool, most_bytes: int = MOST_BYTES) -> Answer:
        """Send a bulk request; its answer holds `filter_path` and may be `most_bytes` long.

        The server waits a part of the time for an index without a primary, or one to be made: what else is in the
        request is told in time. Its own minute would leave the whole of it without an answer.

        Raises:
            Unavailable: no answer came; lost, if the connection broke while it was on its way.
        """
        target = f"/_bulk?filter_path={filter_path}&timeout={self._shard_milliseconds}ms{self._parameters}"
        headers = {"content-type": "application/x-ndjson"} | ({"content-encoding": "gzip"} if gzipped else {})
        return await self._ask(Question("POST", target, body, headers, most_bytes, _is_told), is_measured=True)

    async def aclose(self) -> None:
        """Close every connection; may be called twice."""
        await self._nodes.aclose()

    async def _ask(self, question: Question, *, is_measured: bool = False) -> Answer:
        try:
            return await self._nodes.ask(question, is_measured=is_measured)
        except (ClientError, TimeoutError, OSError) as error:
            failure = self._unreachable(error)
            failure.is_lost = is_measured and is_cut(error)  # with others no document is on its way
            raise failure from None

    def refusal(self, answer: Answer) -> ShippingError:
        """The error that an answer of another status than asked for stands for."""
        words = words_of(answer)
        match answer.status:
            case 401:
                return Unauthorized(f"{self.name} refuses {self._who} (401)", self._credentials)
            case 403:
                return Unauthorized(
                    f"{self.name} forbids {self._who} what it asked (403: {words})", "grant the privilege"
                )
            case 407:
                return Unauthorized(f"the proxy before {self.name} refuses who asks (407)", _PROXY_CREDENTIALS)
            case 413:
                return Refused(f"{self.name} takes no request of this size (413)", "lower batch_bytes")
            case 429 | 502 | 503 | 504:
                return Unavailable(
                    f"{self.name} is overloaded or starting ({answer.status}: {words})",
                    "it is asked again by itself; if that lasts, see GET _cluster/health and what is before it",
                    retry_after=answer.retry_after,
                )
        return Unavailable(
            f"{self.name} refused the request ({answer.status}: {words})", _WRONG_HOSTS, retry_after=answer.retry_after
        )

    def stranger(self, answer: Answer) -> Unavailable:
        """The error of a server that is of another kind, by what it answers to `GET /`."""
        return Unavailable(f"{self.name} is no Elasticsearch: it answers {answer.status} in other words", _WRONG_HOSTS)

    def _unreachable(self, error: Exception) -> Unavailable:
        remedy = "check `hosts` (https or http?), the network and that it runs"
        if isinstance(error, AnswerTooLong):
            return Unavailable(f"{self.name} gives {error}", "check the proxies before it")
        if isinstance(error, ClientHttpProxyError):
            if error.status == 407:
                return Unauthorized(f"the proxy before {self.name} refuses who asks (407)", _PROXY_CREDENTIALS)
            remedy = "let the proxy connect to it"
            return Unavailable(f"the proxy before {self.name} makes no connection to it ({error.status})", remedy)
        if isinstance(error, ClientProxyConnectionError):
            remedy = "check proxy_url and that the proxy runs"
            return Unavailable(f"the proxy before {self.name} cannot be reached ({_reason(error)})", remedy)
        if isinstance(error, ClientSSLError | ssl.SSLError):
            return _untrusted(self.name, " ".join(str(error).split())[:_WORDS])
        if isinstance(error, ServerTimeoutError):
            return Unavailable(f"{self.name} takes no connection within {CONNECT_SECONDS:g} s", remedy)
        if isinstance(error, TimeoutError):
            return Unavailable(
                f"{self.name} did not answer within {self._timeout_seconds:g} s",
                "raise request_timeout_seconds if it is slow",
            )
        return Unavailable(f"{self.name} cannot be reached ({_reason(error)})", remedy)


def _is_told(answer: Answer) -> bool:
    """Whether a bulk request was carried out, or refused for what is in it."""
    return is_bulk_answer(answer.body) if answer.status == 200 else answer.status in (400, 413)


def _reason(error: Exception) -> str:
    """The cause on one line: of a connection that could not be made, what the system said and no more."""
    told = str(error) or type(error).__name__
    if isinstance(error, ClientConnectorError):
        failed = error.os_error
        code = failed.errno if isinstance(failed.errno, int) else 0  # below zero: of the name's resolution
        told = os.strerror(code) if code > 0 else str(failed.strerror or failed)
    return " ".join(told.split())[:_WORDS]


def _untrusted(name: str, reason: str) -> Unavailable:
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        remedy = "set ca_file to the certificate that signed the server's, and use the host name that stands in it"
        return Unavailable(f"the certificate of {name} cannot be verified ({reason})", remedy)
    remedy = "check that it serves https (else write http:// in `hosts`) and whether it wants client_cert_file"
    return Unavailable(f"no TLS connection to {name} ({reason})", remedy)


def is_taken(answer: Answer) -> bool:
    """Whether something was not created since there is one of its name already."""
    return answer.status == 400 and b"already exists" in answer.body


def words_of(answer: Answer) -> str:
    """What the server says about a refusal, on one line and cut; "no words" for an empty answer."""
    try:
        error = msgspec.json.decode(answer.body, type=_Refusal).error
        text = f"{error.type}: {error.reason}" if isinstance(error, Fault) else error
    except UNREADABLE:
        text = answer.body[:_WORDS].decode(errors="replace")
    return " ".join(text.split())[:_WORDS] or "no words"
