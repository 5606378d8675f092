"""Requests → answers of one server, and its refusals as errors with cause and remedy.

Redirects are not followed: they lead to a login page, or to where credentials should not go.
"""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from collector.boards.access import Access
from collector.errors import PilotfishError, Unavailable

ANSWER_SECONDS = 60.0  # an import waits for Elasticsearch to refresh
_TEXT_CHARACTERS = 200  # of a server's own words
_NOT_READY = {502, 503, 504}  # what a server, or the proxy before one, says while it starts
_LEAST_ERROR = 400
_PLAIN_REASONS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}  # OpenSSL 3.0, and from 3.2 on


class Answer(NamedTuple):
    """What a server said; `body` is None if it was not JSON."""

    status: int
    body: Any
    text: str

    @property
    def message(self) -> str:
        """The status, and the server's own words for it if there are any: short and on one line."""
        said = self.text if self.body is None else ""
        if isinstance(self.body, dict):
            said = str(self.body.get("message") or self.body.get("error") or "")
        words = " ".join(said.split())[:_TEXT_CHARACTERS]
        return f"{self.status}: {words}" if words else str(self.status)


class Client:
    """One server, `name` being what people call it. Answers come back as they are unless nobody can use them."""

    def __init__(self, name: str, access: Access, session: aiohttp.ClientSession) -> None:
        self.where = f"{name} at {access.url}"
        self._access = access
        self._session = session

    async def get(self, path: str) -> Answer:
        """Ask; raises as `send`."""
        return await self.send("GET", path)

    async def send(self, method: str, path: str, **content: Any) -> Answer:
        """Send a request; `content` is what aiohttp takes as `json`, `data`, `params`, `headers`.

        Raises:
            Unavailable: nobody answers, or the server says that it is not ready.
            PilotfishError: the answer is no JSON, or refuses who asks.
        """
        try:
            async with self._session.request(method, self._access.url + path, allow_redirects=False, **content) as got:
                answer = _answer(got.status, await got.text(errors="replace"))
                location = got.headers.get("Location", "")
        except aiohttp.ClientConnectorCertificateError as error:
            cause = f"the certificate of {self.where} is not trusted ({error.certificate_error})"
            raise PilotfishError(" ".join(cause.split()), "pass the CA certificate with --ca-file") from None
        except aiohttp.ClientConnectorSSLError as error:
            raise self._without_tls(error) from None
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise Unavailable(
                f"{self.where} does not answer ({_reason(error)})", "start it, or correct --url"
            ) from None
        return self._usable(answer, location)

    def _without_tls(self, error: aiohttp.ClientConnectorSSLError) -> PilotfishError:
        reason = getattr(error.os_error, "reason", None) or "no reason"
        if reason in _PLAIN_REASONS:
            return PilotfishError(f"{self.where} does not use TLS", "use http:// in --url")
        words = str(reason).replace("_", " ").lower()
        return PilotfishError(f"no TLS connection to {self.where} ({words})", "check which TLS versions it supports")

    def refusal(self, answer: Answer, what: str) -> PilotfishError:
        """What is wrong with an answer that should have been good."""
        return PilotfishError(f"{self.where} rejects {what} ({answer.message})", "check its log")

    def _usable(self, answer: Answer, location: str) -> Answer:
        if answer.status in _NOT_READY:
            raise Unavailable(f"{self.where} is not ready ({answer.message})", "wait for it with --wait 120")
        if answer.status == 401:
            raise PilotfishError(
                f"{self.where} rejects {self._access.who} (401)", "use a valid user and password, or a valid key"
            )
        if answer.status == 403:
            raise PilotfishError(
                f"{self.where} does not allow this for {self._access.who} ({answer.message})",
                "use a user with the right to manage dashboards",
            )
        if location and answer.status < _LEAST_ERROR:
            raise PilotfishError(
                f"{self.where} redirects to {location} ({answer.status})", "correct --url and its base path"
            )
        if answer.body is None:
            raise PilotfishError(
                f"{self.where} answers {answer.status} without JSON", "check that --url names the right server"
            )
        return answer


@asynccontextmanager
async def connected(name: str, access: Access, headers: Mapping[str, str]) -> AsyncIterator[Client]:
    """A client while the block lasts; `headers` go with each request."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    connector = aiohttp.TCPConnector(ssl=access.tls)
    async with aiohttp.ClientSession(
        headers={"Accept": "application/json", **headers, **access.authorization}, timeout=timeout, connector=connector
    ) as session:
        yield Client(name, access, session)


def _answer(status: int, text: str) -> Answer:
    try:
        return Answer(status, json.loads(text), text)
    except ValueError:
        return Answer(status, None, text)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    number = getattr(error, "errno", None)
    text = os.strerror(number) if isinstance(error, aiohttp.ClientConnectorError) and number and number > 0 else ""
    return text or " ".join(str(error).split()) or type(error).__name__
