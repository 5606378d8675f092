"""The Docker Engine API, GET only: our own requests on aiodocker's session, each with a time limit.

aiodocker's own calls keep the version of the API that was agreed on first, for as long as the process lives, and its
subscription says neither that the stream is open nor that it is dead after a restart of the daemon.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiodocker
import aiohttp
import orjson
import structlog

from collector.docker import address
from collector.docker.calls import Calls
from collector.docker.event import ACTIONS
from collector.docker.refusals import Refusal, cause_and_remedy, refusal_of
from collector.errors import UNREADABLE, ConfigurationError, PilotfishError
from collector.files import paths
from collector.text.masking import mask_url

log = structlog.get_logger(__name__)

POLL_SECONDS = 15.0
_AT_FULL_PACE = 200  # containers; with more of them each is asked less often
_CALL_SECONDS = 15.0
_DISK_SECONDS = 300.0  # walks through all images and volumes
_NO_LIMIT = aiohttp.ClientTimeout(total=None)  # of aiohttp's: each answer has ours as a whole
_LIST = "containers/json"
_NONSENSE = ValueError("the response is not from the Docker Engine API")


class EngineUnavailable(PilotfishError):
    """The daemon does not answer, or answers with an error."""


class NoSuchContainer(PilotfishError):
    """The container is gone."""


def interval_seconds(containers: int) -> float:
    """How often so many containers are asked for, one by one."""
    return POLL_SECONDS * max(1.0, containers / _AT_FULL_PACE)


class Engine:
    """One daemon. Used as a context; connects at the first call. Several may share their `calls`."""

    def __init__(
        self,
        url: str,
        tls: Path | None = None,
        calls: Calls | None = None,
        *,
        place: str = "",
        begin_seconds: float = 10.0,
        silent_seconds: float = 45.0,
    ) -> None:
        """`place` is where its options stand, such as `inputs.docker.`: remedies name them.

        The stream of events has `begin_seconds` to begin, and ends after `silent_seconds` without an event.

        podman 2 and 5.2, and some proxies, begin it with the first event; one whose other end is gone is silent for
        ever, and proxies end one that has been for a minute.
        """
        self._begin_seconds = begin_seconds
        self._silent_seconds = silent_seconds
        self.url, self._base, self._socket = address.endpoint(url, is_tls=tls is not None)
        self.calls = calls or Calls()
        self._tls = tls
        self._place = place
        self._docker: aiodocker.Docker | None = None
        self._version = ""  # of the API, as agreed on; "" before, and when another daemon may be there
        self._agreeing = asyncio.Lock()

    def open(self) -> None:
        """Read the certificates; connects to nothing yet.

        Raises:
            ConfigurationError: one of them cannot be read.
        """
        self._client()

    async def aclose(self) -> None:
        """Close the connections; may be called twice."""
        if self._docker is not None:
            await self._docker.close()
            await self._docker.connector.close()
            self._docker = None

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def version(self) -> dict[str, Any]:
        """`GET /version`.

        Raises:
            EngineUnavailable: no usable answer.
        """
        return self._mapping(await self._get("version", "version"))

    async def info(self) -> dict[str, Any]:
        """`GET /info`.

        Raises:
            EngineUnavailable: no usable answer.
        """
        return self._mapping(await self._get("info", "info"))

    async def containers(self) -> list[dict[str, Any]]:
        """`GET /containers/json`, the stopped ones too.

        Raises:
            EngineUnavailable: no usable answer.
        """
        listed = await self._get("list", _LIST, {"all": "1"})
        if not isinstance(listed, list) or not all(isinstance(one, dict) and one.get("Id") for one in listed):
            raise self._unavailable(_NONSENSE)
        return listed

    async def inspect(self, container_id: str) -> dict[str, Any]:
        """`GET /containers/{id}/json`.

        Raises:
            NoSuchContainer: it was removed meanwhile.
            EngineUnavailable: no usable answer.
        """
        found = self._mapping(await self._get("inspect", f"containers/{container_id}/json"))
        if not found.get("Id"):
            raise self._unavailable(_NONSENSE)
        return found

    async def service(self, service_id: str) -> dict[str, Any]:
        """`GET /services/{id}`.

        Raises:
            EngineUnavailable: no usable answer, as from a daemon that is no manager of a swarm.
        """
        return self._mapping(await self._get("service", f"services/{service_id}"))

    async def stats(self, container_id: str) -> bytes:
        """`GET /containers/{id}/stats`, one sample, as JSON: zeros if the container does not run.

        Raises:
            NoSuchContainer: it was removed meanwhile.
            EngineUnavailable: no usable answer.
        """
        params = {"stream": "false", "one-shot": "true"}
        return await self._read("stats", f"containers/{container_id}/stats", params)

    async def disk_usage(self) -> dict[str, Any]:
        """`GET /system/df`: takes the daemon minutes where there is much.

        Raises:
            EngineUnavailable: no usable answer.
        """
        return self._mapping(await self._get("disk_usage", "system/df", seconds=_DISK_SECONDS))

    @asynccontextmanager
    async def events(self, since: int = 0) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The daemon's container events from now on; when the context is entered, the stream is open.

        With `since` (nanoseconds) those from then on come first, as far as the daemon remembers: the last 256. They
        end where nothing was told for `silent_seconds`: to be asked for anew.

        Raises:
            EngineUnavailable: no connection, no stream within `begin_seconds`, or it broke.
        """
        self._version = ""  # who answers now may be another daemon than before
        limits = aiohttp.ClientTimeout(total=None, sock_read=self._silent_seconds)
        params = {"filters": orjson.dumps({"type": ["container"], "event": ACTIONS}).decode()}
        if since:
            params["since"] = f"{since // 1_000_000_000}.{since % 1_000_000_000:09d}"
        late = f"its event stream did not begin within {self._begin_seconds:g} s"
        with self._errors("events", late):
            async with asyncio.timeout(self._begin_seconds):
                response = await self._send("events", params, limits)
        try:
            yield _objects(response)
        finally:
            response.close()

    async def _get(
        self, operation: str, path: str, params: Mapping[str, str] | None = None, *, seconds: float = _CALL_SECONDS
    ) -> Any:
        return self._parsed(await self._read(operation, path, params, seconds=seconds))

    async def _read(
        self, operation: str, path: str, params: Mapping[str, str] | None = None, *, seconds: float = _CALL_SECONDS
    ) -> bytes:
        with self._errors(path, f"no answer within {seconds:g} s"), self.calls.count(operation):
            async with asyncio.timeout(seconds), await self._send(path, params, _NO_LIMIT) as response:
                return await response.read()

    async def _send(
        self, path: str, params: Mapping[str, str] | None, limits: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        """The answer to a GET, in the version of the API that the daemon has now.

        Raises:
            Refusal: it is an error.
        """
        version = await self._agreed()
        try:
            return await self._ask(f"{version}/{path}", params, limits)
        except Refusal as refusal:
            if not refusal.is_of_version:
                raise
        if self._version == version:
            self._version = ""  # another daemon has taken the place of the one that was asked
        return await self._ask(f"{await self._agreed()}/{path}", params, limits)

    async def _agreed(self) -> str:
        """The newest version of the API that the daemon has, asked for once for all who wait."""
        async with self._agreeing:
            if not self._version:
                try:
                    async with await self._ask("version", None, _NO_LIMIT) as response:
                        told = self._mapping(self._parsed(await response.read()))
                except Refusal as refusal:
                    raise self._unavailable(refusal) from None
                if not told.get("ApiVersion"):
                    raise self._unavailable(_NONSENSE)
                self._version = f"v{told['ApiVersion']}"
            return self._version

    async def _ask(
        self, path: str, params: Mapping[str, str] | None, limits: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        response = await self._client().session.get(
            f"{self._base}/{path}", params=params, timeout=limits, allow_redirects=False
        )
        if refusal := await refusal_of(response):
            raise refusal
        return response

    @contextmanager
    def _errors(self, path: str, late: str) -> Iterator[None]:
        """What the libraries below raise → what this module does. `late` tells that the time was over.

        Raises:
            NoSuchContainer: 404 of a container.
            EngineUnavailable: no usable answer.
        """
        try:
            yield
        except Refusal as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND and path.startswith("containers/") and path != _LIST:
                raise NoSuchContainer(refusal.words) from None
            raise self._unavailable(refusal) from None
        except TimeoutError:
            raise self._unavailable(ValueError(late)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._unavailable(error) from None

    def _client(self) -> aiodocker.Docker:
        if self._docker is None:
            context = True if self._tls is None else _tls_context(self._tls, self._place)
            # made here, for aiodocker's own would read the environment
            unix = aiohttp.UnixConnector(self._socket) if self._socket else None
            self._docker = aiodocker.Docker(url=self._base, connector=unix or aiohttp.TCPConnector(ssl=context))
        return self._docker

    def _parsed(self, answer: bytes) -> Any:
        try:
            return orjson.loads(answer)
        except UNREADABLE:
            raise self._unavailable(_NONSENSE) from None

    def _mapping(self, answer: object) -> dict[str, Any]:
        if not isinstance(answer, dict):
            raise self._unavailable(_NONSENSE)
        return answer

    def _unavailable(self, error: Exception) -> EngineUnavailable:
        """To be raised; whoever answers next may be another daemon, so the version is agreed on anew."""
        self._version = ""
        cause, remedy = cause_and_remedy(f"Docker at {self.url}", error, self._place)
        return EngineUnavailable(mask_url(cause), remedy)


async def _objects(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """One JSON object a line, until nothing is told for a while.

    Raises:
        EngineUnavailable: the stream ended, or broke.
    """
    rest = b""
    try:
        async for piece in response.content.iter_any():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line.strip() and isinstance(told := _decoded(line), dict):
                    yield told
    except aiohttp.SocketTimeoutError:
        return
    except (aiohttp.ClientError, OSError) as error:
        raise EngineUnavailable(f"the Docker event stream broke ({type(error).__name__})") from None
    raise EngineUnavailable("the Docker daemon closed the event stream")


def _decoded(line: bytes) -> object:
    """None of a line that is no JSON: labels are others' words, and the daemon would tell it again."""
    try:
        return orjson.loads(line)
    except UNREADABLE:
        log.warning("unreadable Docker event ignored", bytes=len(line))
        return None


def _tls_context(directory: Path, place: str) -> ssl.SSLContext:
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
            f"{place}tls (DOCKER_CERT_PATH) must name a directory with ca.pem, cert.pem and key.pem",
        ) from None
    return context
