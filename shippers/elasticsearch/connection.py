"""One HTTP request → its answer, over a pool of nodes: the lower half of the official client, bytes in and bytes out.

The pool puts a node that failed aside for a while; nothing is retried here. Headers are the plain media types that
all servers know (`docs/decisions/0003-elasticsearch-client-plain-media-type.md`).
"""

import os
from collections.abc import Sequence
from io import BytesIO
from typing import Any, ClassVar, NamedTuple

import msgspec
from aiohttp import ClientConnectorError
from elastic_transport import (
    AiohttpHttpNode,
    AsyncTransport,
    ConnectionTimeout,
    NodeConfig,
    Serializer,
    TlsError,
    TransportError,
)
from msgspec import Struct

from collector.errors import Refused, ShippingError, Unauthorized, Unavailable

_WORDS = 300  # characters of a server's own words that an error repeats
_MEDIA = ("application/json", "application/x-ndjson", "application/*", "text/*")
_LARGE_BYTES = 1 << 20  # aiohttp warns about plain bytes from here on, and sends a file in pieces


class Answer(NamedTuple):
    """What a server said: HTTP status, body as it came (decompressed), and its wish in seconds when to try again."""

    status: int
    body: bytes
    retry_after: float | None


class Fault(Struct):
    """An `error` member: `type` names the kind."""

    type: str = ""
    reason: str | None = None


class _Refusal(Struct):
    error: Fault | str = ""


class _Verbatim(Serializer):
    """Leaves bodies alone: the client's own ones decode every answer and copy every request twice."""

    mimetype: ClassVar[str] = "*/*"

    def dumps(self, data: Any) -> Any:
        return data

    def loads(self, data: bytes) -> bytes:
        return data


class _QuietNode(AiohttpHttpNode):
    """Logs no request: the client's own decodes whole bodies for its log as soon as anybody listens to it."""

    def _log_request(self, *_: Any, **__: Any) -> None:
        return


class Connection:
    """A cluster as its nodes; `identity` says in words who asks and which options make it so, for errors."""

    def __init__(
        self, nodes: list[NodeConfig], hosts: Sequence[str], *, identity: tuple[str, str], timeout_seconds: float
    ) -> None:
        serializers = dict.fromkeys(_MEDIA, _Verbatim())
        self._transport = AsyncTransport(
            nodes, node_class=_QuietNode, serializers=serializers, max_retries=0, meta_header=False
        )
        self._timeout_seconds = timeout_seconds
        self._who, self._credentials = identity
        self.name = ", ".join(hosts)

    async def request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        *,
        media: str = "application/json",
        gzipped: bool = False,
    ) -> Answer:
        """Send one request to one node; every answer, whatever its status, is returned.

        Raises:
            Unavailable: no answer came.
        """
        headers = {"content-type": media} if body is not None else {}
        if gzipped:
            headers["content-encoding"] = "gzip"
        try:
            meta, answer = await self._transport.perform_request(
                method,
                target,
                body=BytesIO(body) if body and len(body) > _LARGE_BYTES else body,
                headers=headers,
                request_timeout=self._timeout_seconds,
            )
        except TransportError as error:
            raise self._unreachable(error) from None
        return Answer(meta.status, answer, _seconds(meta.headers.get("retry-after")))

    async def aclose(self) -> None:
        """Close every connection; may be called twice."""
        await self._transport.close()

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
            case 413:
                return Refused(f"{self.name} takes no request of this size (413)", "lower batch_bytes")
            case 429 | 502 | 503 | 504:
                return Unavailable(
                    f"{self.name} is overloaded or starting ({answer.status}: {words})", retry_after=answer.retry_after
                )
        remedy = "check that `hosts` names Elasticsearch or OpenSearch, with the path when a proxy is before it"
        return Unavailable(
            f"{self.name} refused the request ({answer.status}: {words})", remedy, retry_after=answer.retry_after
        )

    def _unreachable(self, error: TransportError) -> Unavailable:
        reason = _reason(error)
        if isinstance(error, TlsError):
            return _untrusted(self.name, reason)
        if isinstance(error, ConnectionTimeout):
            return Unavailable(
                f"{self.name} did not answer within {self._timeout_seconds:g} s",
                "raise request_timeout_seconds if it is slow",
            )
        return Unavailable(
            f"{self.name} cannot be reached ({reason})", "check `hosts` (https or http?), the network and that it runs"
        )


def _reason(error: TransportError) -> str:
    """The cause on one line: of a connection that could not be made, what the system said and no more."""
    told = str(error.message)
    cause = error.__context__  # `errors` holds earlier attempts only
    if isinstance(cause, ClientConnectorError) and not isinstance(error, TlsError):
        failed = cause.os_error
        code = failed.errno if isinstance(failed.errno, int) else 0  # below zero: of the name's resolution
        told = os.strerror(code) if code > 0 else str(failed.strerror or failed)
    return " ".join(told.split())[:_WORDS]


def _untrusted(name: str, reason: str) -> Unavailable:
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        remedy = "set ca_file to the certificate that signed the server's, and use the host name that stands in it"
        return Unavailable(f"the certificate of {name} cannot be verified ({reason})", remedy)
    remedy = "check that it serves https (else write http:// in `hosts`) and whether it wants client_cert_file"
    return Unavailable(f"no TLS connection to {name} ({reason})", remedy)


def words_of(answer: Answer) -> str:
    """What the server says about a refusal, on one line and cut; "no words" for an empty answer."""
    try:
        error = msgspec.json.decode(answer.body, type=_Refusal).error
        text = f"{error.type}: {error.reason}" if isinstance(error, Fault) else error
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = answer.body[:_WORDS].decode(errors="replace")
    return " ".join(text.split())[:_WORDS] or "no words"


def _seconds(text: str | None) -> float | None:
    """`Retry-After` as seconds; the form with a date is left to the caller's own back-off."""
    return float(text) if text and text.isascii() and text.isdigit() else None
