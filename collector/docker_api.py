"""The Docker Engine API, GET only: the connection and its calls are aiodocker's, with a time limit on each.

The event stream is our own GET on aiodocker's session: its subscription says neither that the stream is open nor
that it is dead after a restart of the daemon.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiodocker
import aiohttp
import orjson

from collector.errors import ConfigurationError, PilotfishError

_CALL_SECONDS = 15.0
_EVENTS_CONNECT_SECONDS = 10.0
# Those that change what is known of a container; each health check would tell three `exec_…` besides.
_EVENTS = [
    *("create", "start", "restart", "die", "stop", "kill", "oom", "destroy"),
    *("pause", "unpause", "rename", "update", "health_status"),
]


class EngineUnavailable(PilotfishError):
    """The daemon does not answer, or answers with an error."""


class NoSuchContainer(PilotfishError):
    """The container is gone."""


class Engine:
    """One daemon. Used as a context; connects at the first call."""

    def __init__(self, url: str, tls: Path | None = None) -> None:
        self.url = url
        self._tls = tls
        self._docker: aiodocker.Docker | None = None

    async def __aenter__(self) -> Self:
        self._client()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._docker is not None:
            await self._docker.close()
            self._docker = None

    async def version(self) -> dict[str, Any]:
        """`GET /version`.

        Raises:
            EngineUnavailable: no usable answer.
        """
        return dict(await self._get("version"))

    async def info(self) -> dict[str, Any]:
        """`GET /info`.

        Raises:
            EngineUnavailable: no usable answer.
        """
        return dict(await self._get("info"))

    async def containers(self) -> list[dict[str, Any]]:
        """`GET /containers/json`, the stopped ones too.

        Raises:
            EngineUnavailable: no usable answer.
        """
        return list(await self._get("containers/json", {"all": "1"}))

    async def inspect(self, container_id: str) -> dict[str, Any]:
        """`GET /containers/{id}/json`.

        Raises:
            NoSuchContainer: it was removed meanwhile.
            EngineUnavailable: no usable answer.
        """
        return dict(await self._get(f"containers/{container_id}/json"))

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The daemon's container events from now on; when the context is entered, the stream is open.

        Raises:
            EngineUnavailable: no connection, or it broke.
        """
        docker = self._client()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_EVENTS_CONNECT_SECONDS)
        params = {"filters": orjson.dumps({"type": ["container"], "event": _EVENTS}).decode()}
        try:
            async with docker._query("events", params=params, timeout=timeout) as response:
                yield _objects(response)
                response.close()
        except (aiodocker.DockerError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unavailable(error) from None

    async def _get(self, path: str, params: dict[str, str] | None = None) -> Any:
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                return await self._client()._query_json(path, params=params)
        except aiodocker.DockerError as error:
            if error.status == 404:
                raise NoSuchContainer(error.message) from None
            raise self._unavailable(error) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._unavailable(error) from None

    def _client(self) -> aiodocker.Docker:
        if self._docker is None:
            context = None if self._tls is None else _tls_context(self._tls)
            url = self.url.replace("tcp://", "https://", 1) if context is not None else self.url
            self._docker = aiodocker.Docker(url=url, ssl_context=context)
        return self._docker

    def _unavailable(self, error: Exception) -> EngineUnavailable:
        # aiodocker wraps the reason in brackets, once for each layer below it: the innermost tells what happened.
        words = str(error.args[-1] if error.args else "") or type(error).__name__
        cause = words.rstrip("]").rsplit("[", 1)[-1]
        if "Permission" in cause:
            remedy = "run as root, or give this user access to the socket (group docker)"
        else:
            remedy = "is the daemon running, and inputs.docker.url (DOCKER_HOST) its address?"
        return EngineUnavailable(f"Docker at {self.url} does not answer ({cause})", remedy)


async def _objects(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """One JSON object a line, until the stream ends."""
    rest = b""
    try:
        async for piece in response.content.iter_any():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line.strip():
                    yield orjson.loads(line)
    except (aiohttp.ClientError, OSError, orjson.JSONDecodeError) as error:
        raise EngineUnavailable(f"the event stream of the Docker daemon broke ({type(error).__name__})") from None


def _tls_context(directory: Path) -> ssl.SSLContext:
    """Mutual TLS as the docker command does it: `ca.pem`, `cert.pem` and `key.pem` in one directory.

    Raises:
        ConfigurationError: one of them cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=directory / "ca.pem")
        context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    except OSError as error:
        raise ConfigurationError(
            f"the Docker certificates in {directory} cannot be used ({error})",
            "inputs.docker.tls (DOCKER_CERT_PATH) must name a directory with ca.pem, cert.pem and key.pem",
        ) from None
    return context
