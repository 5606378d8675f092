"""The Docker Engine API, GET only: the connection and its calls are aiodocker's, with a time limit on each.

The event stream is our own GET on aiodocker's session: its subscription says neither that the stream is open nor
that it is dead after a restart of the daemon.
"""

import asyncio
import re
import ssl
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiodocker
import aiohttp
import orjson
import structlog

from collector import paths
from collector.discovery.event import ACTIONS
from collector.durations import Durations
from collector.errors import UNREADABLE, ConfigurationError, PilotfishError
from collector.masking import mask_url

log = structlog.get_logger(__name__)

POLL_SECONDS = 15.0
_AT_FULL_PACE = 200  # containers; with more of them each is asked less often
_CALL_SECONDS = 15.0
_DISK_SECONDS = 300.0  # walks through all images and volumes
_EVENTS_CONNECT_SECONDS = 10.0
_NO_ANSWER = 600  # aiodocker's own codes begin above those of HTTP
_FORBIDDEN = (401, 403, 405)  # no daemon answers so: something before it does
_TLS_FAILURE = re.compile(r"\[SSL: \w+\] (.+?) \(_ssl\.c")
_REMEDIES = (  # the first whose words are in the cause
    ("Permission", "run as root, or give this user access to the socket (group docker)"),
    ("HTTP request to an HTTPS server", "it wants TLS: set inputs.docker.tls (DOCKER_TLS_VERIFY, DOCKER_CERT_PATH)"),
    ("mismatch", "inputs.docker.url (DOCKER_HOST) must name the daemon as its certificate does"),
    ("has expired", "renew the daemon's certificate"),
    (
        "certificate verify failed",
        "ca.pem in inputs.docker.tls must be of the authority that signed the daemon's certificate",
    ),
    (
        "refused with",
        "a proxy before it must pass on GET of /version, /info, /events, /containers/json, "
        "/containers/{id}/json and /containers/{id}/stats, see docs/security.md",
    ),
    ("alert", "is cert.pem in inputs.docker.tls in date, and of the authority that the daemon trusts (--tlscacert)?"),
    (
        "Connection refused",  # of a unix socket; one that is mounted into a container stays that of the daemon before
        "is the daemon running, and inputs.docker.url (DOCKER_HOST) its address? In a container: restart it if the "
        "daemon was restarted",
    ),
    ("", "is the daemon running, and inputs.docker.url (DOCKER_HOST) its address?"),
)


class EngineUnavailable(PilotfishError):
    """The daemon does not answer, or answers with an error."""


class NoSuchContainer(PilotfishError):
    """The container is gone."""


def interval_seconds(containers: int) -> float:
    """How often so many containers are asked for, one by one."""
    return POLL_SECONDS * max(1.0, containers / _AT_FULL_PACE)


class Calls:
    """What was asked of a daemon: our load on it."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str]] = Counter()  # by operation and status, `error` without an answer
        self.seconds: defaultdict[str, Durations] = defaultdict(Durations)  # by operation

    @contextmanager
    def count(self, operation: str) -> Iterator[None]:
        """Count the call in the block by what comes of it."""
        began = time.perf_counter()
        code = "error"
        try:
            yield
            code = "200"
        except aiodocker.DockerError as error:
            code = str(error.status) if error.status < _NO_ANSWER else "error"
            raise
        finally:
            self.answers[operation, code] += 1
            self.seconds[operation].observe(time.perf_counter() - began)


class Engine:
    """One daemon. Used as a context; connects at the first call. Several may share their `calls`."""

    def __init__(self, url: str, tls: Path | None = None, calls: Calls | None = None) -> None:
        self.url = url
        self.calls = calls or Calls()
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
        return dict(await self._get("version", "version"))

    async def info(self) -> dict[str, Any]:
        """`GET /info`.

        Raises:
            EngineUnavailable: no usable answer.
        """
        return dict(await self._get("info", "info"))

    async def containers(self) -> list[dict[str, Any]]:
        """`GET /containers/json`, the stopped ones too.

        Raises:
            EngineUnavailable: no usable answer.
        """
        return list(await self._get("list", "containers/json", {"all": "1"}))

    async def inspect(self, container_id: str) -> dict[str, Any]:
        """`GET /containers/{id}/json`.

        Raises:
            NoSuchContainer: it was removed meanwhile.
            EngineUnavailable: no usable answer.
        """
        return dict(await self._get("inspect", f"containers/{container_id}/json"))

    async def stats(self, container_id: str) -> bytes:
        """`GET /containers/{id}/stats`, one sample, as JSON: zeros if the container does not run.

        Raises:
            NoSuchContainer: it was removed meanwhile.
            EngineUnavailable: no usable answer.
        """
        path = f"containers/{container_id}/stats"
        params = {"stream": "false", "one-shot": "true"}
        with self._errors(), self.calls.count("stats"):
            async with asyncio.timeout(_CALL_SECONDS), self._client()._query(path, params=params) as response, response:
                return await response.read()

    async def disk_usage(self) -> dict[str, Any]:
        """`GET /system/df`: takes the daemon minutes where there is much.

        Raises:
            EngineUnavailable: no usable answer.
        """
        return dict(await self._get("disk_usage", "system/df", seconds=_DISK_SECONDS))

    @asynccontextmanager
    async def events(self, since: int = 0) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The daemon's container events from now on; when the context is entered, the stream is open.

        With `since` (nanoseconds) those from then on come first, as far as the daemon remembers: the last 256.

        Raises:
            EngineUnavailable: no connection, or it broke.
        """
        docker = self._client()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_EVENTS_CONNECT_SECONDS)
        params = {"filters": orjson.dumps({"type": ["container"], "event": ACTIONS}).decode()}
        if since:
            params["since"] = f"{since // 1_000_000_000}.{since % 1_000_000_000:09d}"
        with self._errors():
            async with docker._query("events", params=params, timeout=timeout) as response:
                try:
                    yield _objects(response)
                finally:
                    response.close()  # aiodocker leaves that to its caller

    async def _get(
        self, operation: str, path: str, params: dict[str, str] | None = None, *, seconds: float = _CALL_SECONDS
    ) -> Any:
        with self._errors(), self.calls.count(operation):
            async with asyncio.timeout(seconds):
                return await self._client()._query_json(path, params=params)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What the libraries below raise → what this module does.

        Raises:
            NoSuchContainer: 404.
            EngineUnavailable: no usable answer.
        """
        try:
            yield
        except aiodocker.DockerError as error:
            if error.status == 404:
                raise NoSuchContainer(error.message) from None
            raise self._unavailable(error) from None
        except KeyError:  # aiodocker, of a refusal that is not the daemon's: a proxy's perhaps
            raise self._unavailable(ValueError("refused with an error that is not the daemon's")) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._unavailable(error) from None

    def _client(self) -> aiodocker.Docker:
        if self._docker is None:
            context = None if self._tls is None else _tls_context(self._tls)
            url = self.url.replace("tcp://", "https://", 1) if context is not None else self.url
            self._docker = aiodocker.Docker(url=url, ssl_context=context)
        return self._docker

    def _unavailable(self, error: Exception) -> EngineUnavailable:
        cause = _cause(error)
        remedy = next(remedy for words, remedy in _REMEDIES if words in cause)
        return EngineUnavailable(mask_url(f"Docker at {self.url} does not answer ({cause})"), remedy)


def _cause(error: Exception) -> str:
    """What happened, in one line: aiodocker wraps it in brackets, once for each layer below it."""
    if isinstance(error, aiodocker.DockerError) and error.status in _FORBIDDEN:
        return f"refused with {error.status}"
    words = " ".join(str(error.args[-1] if error.args else "").split()) or type(error).__name__
    if failure := _TLS_FAILURE.search(words):
        return failure[1].rstrip(".")
    return words.rstrip("]").rsplit("[", 1)[-1]


async def _objects(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """One JSON object a line, until the stream ends."""
    rest = b""
    try:
        async for piece in response.content.iter_any():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line.strip() and isinstance(told := _decoded(line), dict):
                    yield told
    except (aiohttp.ClientError, OSError) as error:
        raise EngineUnavailable(f"the event stream of the Docker daemon broke ({type(error).__name__})") from None


def _decoded(line: bytes) -> object:
    """None of a line that is no JSON: labels are others' words, and the daemon would tell it again."""
    try:
        return orjson.loads(line)
    except UNREADABLE:
        log.warning("an event of the Docker daemon cannot be read", bytes=len(line))
        return None


def _tls_context(directory: Path) -> ssl.SSLContext:
    """Mutual TLS as the docker command does it: `ca.pem`, `cert.pem` and `key.pem` in one directory.

    Raises:
        ConfigurationError: one of them cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=paths.file(directory / "ca.pem"))
        certificate, key = (paths.file(directory / name) for name in ("cert.pem", "key.pem"))
        context.load_cert_chain(certificate, key, password="")  # ask nobody for one
    except OSError as error:
        raise ConfigurationError(
            f"the Docker certificates in {directory} cannot be used ({error})",
            "inputs.docker.tls (DOCKER_CERT_PATH) must name a directory with ca.pem, cert.pem and key.pem",
        ) from None
    return context
