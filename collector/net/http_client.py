"""Requests → answers, over the nodes of one destination; what went wrong → the error that a user reads."""

import os
import ssl
from typing import NamedTuple

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    ClientSSLError,
    ServerTimeoutError,
)

from collector.errors import Refused, ShippingError, Unauthorized, Unavailable
from collector.net.http_node import CONNECT_SECONDS, Answer, AnswerTooLong, Question, is_cut
from collector.net.http_pool import Nodes

WORDS = 300  # characters of a server's own words that an error repeats
_PROXY_CREDENTIALS = "correct user and password in proxy_url"


class AnswerTooLarge(Unavailable):
    """The answer was longer than the request allows."""


class Peer(NamedTuple):
    """How errors speak of a destination.

    `name` names its hosts, `kind` what they should be; `who` asks, with the remedy `credentials` if that one is
    refused; `overload` says where to look when it is overloaded for long.
    """

    name: str
    kind: str
    who: str
    credentials: str
    overload: str = "check its log and any proxy in front of it"


class HttpClient:
    """A destination as its nodes."""

    def __init__(self, nodes: Nodes, peer: Peer) -> None:
        self.peer = peer
        self._nodes = nodes
        self._wrong_hosts = f"check that `hosts` names {peer.kind}, with its path if a proxy is in front of it"

    async def ask(self, question: Question, *, is_measured: bool = False) -> Answer:
        """Send one request; every answer, whatever its status, is returned.

        `is_measured` if it carries documents: the time that it takes says how fast a node takes them.

        Raises:
            Unavailable: no answer came; lost, if the connection broke while it was on its way.
        """
        try:
            return await self._nodes.ask(question, is_measured=is_measured)
        except (ClientError, TimeoutError, OSError) as error:
            failure = self._unreachable(error)
            failure.is_lost = is_measured and is_cut(error)  # with others no document is on its way
            raise failure from None

    async def aclose(self) -> None:
        """Close every connection; may be called twice."""
        await self._nodes.aclose()

    def refusal(self, answer: Answer, words: str | None = None, *, is_measured: bool = True) -> ShippingError:
        """The error that an answer of another status than asked for stands for.

        `words` are the server's, if they are known; `is_measured` as it was asked with.
        """
        error = self._refusal(answer, words_of(answer) if words is None else words)
        if isinstance(error, Unavailable):
            error.is_lost = is_measured and is_cut(answer)
        return error

    def _refusal(self, answer: Answer, words: str) -> ShippingError:
        name = self.peer.name
        match answer.status:
            case 401:
                return Unauthorized(f"{name} rejects {self.peer.who} (401)", self.peer.credentials)
            case 403:
                cause = f"{name} does not permit {self.peer.who} to do this (403: {words})"
                return Unauthorized(cause, "grant the privilege")
            case 407:
                return Unauthorized(f"the proxy in front of {name} rejects the credentials (407)", _PROXY_CREDENTIALS)
            case 413:
                return Refused(f"{name} rejects requests of this size (413)", "lower batch_bytes")
            case 429 | 502 | 503 | 504:
                return Unavailable(
                    f"{name} is overloaded or starting ({answer.status}: {words})",
                    f"the agent retries; if it persists, {self.peer.overload}",
                    retry_after=answer.retry_after,
                )
        cause = f"{name} rejected the request ({answer.status}: {words})"
        return Unavailable(cause, self._wrong_hosts, retry_after=answer.retry_after)

    def stranger(self, cause: str) -> Unavailable:
        """The error of a server that is of another kind; `cause` stands behind its name."""
        return Unavailable(f"{self.peer.name} {cause}", self._wrong_hosts)

    def _unreachable(self, error: Exception) -> Unavailable:
        name = self.peer.name
        remedy = "check `hosts` (https or http?), the network, and that the server runs"
        if isinstance(error, AnswerTooLong):
            return AnswerTooLarge(f"{name} sends {error}", "check the proxies in front of it")
        if isinstance(error, ClientHttpProxyError):
            if error.status == 407:
                return Unauthorized(f"the proxy in front of {name} rejects the credentials (407)", _PROXY_CREDENTIALS)
            remedy = "allow the proxy to connect to it"
            return Unavailable(f"the proxy in front of {name} cannot connect to it ({error.status})", remedy)
        if isinstance(error, ClientProxyConnectionError):
            remedy = "check proxy_url and that the proxy runs"
            return Unavailable(f"the proxy in front of {name} cannot be reached ({_reason(error)})", remedy)
        if isinstance(error, ClientSSLError | ssl.SSLError):
            return _untrusted(name, " ".join(str(error).split())[:WORDS])
        if isinstance(error, ServerTimeoutError):
            return Unavailable(f"{name} did not accept a connection within {CONNECT_SECONDS:g} s", remedy)
        if isinstance(error, TimeoutError):
            return Unavailable(
                f"{name} did not answer within {self._nodes.timeout_seconds:g} s",
                "raise request_timeout_seconds if it is slow",
            )
        return Unavailable(f"{name} cannot be reached ({_reason(error)})", remedy)


def words_of(answer: Answer) -> str:
    """What an answer says, on one line and cut; "no reason given" for an empty one."""
    return one_line(answer.body[:WORDS].decode(errors="replace"))


def one_line(text: str) -> str:
    """A server's words on one line and cut; "no reason given" for none."""
    return " ".join(text.split())[:WORDS] or "no reason given"


def _reason(error: Exception) -> str:
    """The cause on one line: of a connection that could not be made, what the system said and no more."""
    told = str(error) or type(error).__name__
    if isinstance(error, ClientConnectorError):
        failed = error.os_error
        code = failed.errno if isinstance(failed.errno, int) else 0  # below zero: of the name's resolution
        told = os.strerror(code) if code > 0 else str(failed.strerror or failed)
    return " ".join(told.split())[:WORDS]


def _untrusted(name: str, reason: str) -> Unavailable:
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        remedy = "set ca_file to the CA certificate of the server, and use a host name of the server's certificate"
        return Unavailable(f"the certificate of {name} cannot be verified ({reason})", remedy)
    remedy = "check that it uses https (else write http:// in `hosts`), and whether it requires client_cert_file"
    return Unavailable(f"no TLS connection to {name} ({reason})", remedy)
