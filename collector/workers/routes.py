"""Live routes of an agent of several workers: each worker ships the lines of its own containers by all of them.

A change is made by all workers or by none: where one refuses it, or does not answer, the others go back to what they
had. What that was is in the files of theirs, for nobody is told the passwords of a route.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import aiohttp
import orjson
import structlog
from aiohttp import web

from collector.errors import UNREADABLE, ConfigurationError, PilotfishError, StateError
from collector.files import paths
from collector.state import places
from collector.web.live_routes import ID, NotAllowed
from collector.workers.peer import ANSWER_SECONDS, Peer

log = structlog.get_logger(__name__)

_PATH = "/routes"
_ERRORS: Mapping[int, type[PilotfishError]] = {400: ConfigurationError, 403: NotAllowed}


class RoutesByWorkers:
    """The routes of all workers as one agent's (`collector.web.live_routes.LiveRoutes`)."""

    def __init__(self, peers: Sequence[Peer], answer_seconds: float = ANSWER_SECONDS) -> None:
        """A worker that has not answered for so long has refused."""
        self._peers = peers
        self._answer_seconds = answer_seconds
        self._turn = asyncio.Lock()  # one change at a time, else workers may end up with different ones

    async def listed(self) -> Sequence[Mapping[str, Any]]:
        """Each as JSON can hold it, with the numbers of all workers."""
        found: dict[str, dict[str, Any]] = {}
        for peer in self._peers:
            _, body = await self._ask(peer, "GET", _PATH)
            for one in orjson.loads(body):
                if (known := found.setdefault(one["id"], one)) is not one:
                    known["status"] = _added(known["status"], one["status"])
        return list(found.values())

    async def add(self, said: bytes) -> Mapping[str, Any]:
        """Begin a route with every worker, or with none.

        Raises:
            PilotfishError: a worker refuses it.
        """
        named = _with_id(said)
        async with self._turn:
            return await self._add(named.text, named.name)

    async def _add(self, said: bytes, name: str) -> Mapping[str, Any]:
        before = [await asyncio.to_thread(_kept, peer, name) for peer in self._peers]
        changed = 0
        answer = b""
        try:
            for peer in self._peers:
                _, answer = await self._ask(peer, "POST", _PATH, said)
                changed += 1
        except (ConfigurationError, NotAllowed):
            await self._restore(name, before[:changed])
            raise
        except (PilotfishError, asyncio.CancelledError):  # that one may have begun it, or does so yet
            await self._restore(name, before[: changed + 1])
            raise
        found: Mapping[str, Any] = orjson.loads(answer)
        return found

    async def _restore(self, name: str, before: Sequence[bytes]) -> None:
        """Have the first workers ship by what they had, b"" where that was no route of this name."""
        for peer, text in zip(self._peers, before, strict=False):
            try:
                if text:
                    await self._ask(peer, "POST", _PATH, text)
                else:
                    await self._ask(peer, "DELETE", f"{_PATH}/{name}")
            except PilotfishError as error:
                log.warning("live route differs between workers", route=name, worker=peer.number, reason=error.cause,
                            remedy="post it again, or remove it")  # fmt: skip

    async def remove(self, name: str) -> bool:
        """End a route with every worker; whether there was one.

        Raises:
            PilotfishError: a worker cannot.
        """
        told, errors = set[int](), list[PilotfishError]()
        async with self._turn:
            for peer in self._peers:
                try:
                    told.add((await self._ask(peer, "DELETE", f"{_PATH}/{name}"))[0])
                except PilotfishError as error:  # the others end it all the same
                    errors.append(error)
        if errors:
            raise errors[0]
        return web.HTTPOk.status_code in told

    async def _ask(self, peer: Peer, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of an answer; 404 is one.

        Raises:
            PilotfishError: the worker refuses, or does not answer.
        """
        try:
            async with asyncio.timeout(self._answer_seconds), peer.open(path, method=method, body=body) as answer:
                status, told = answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            raise StateError(f"worker {peer.number} does not answer", "check its log") from None
        if status < web.HTTPMultipleChoices.status_code or status == web.HTTPNotFound.status_code:
            return status, told
        try:
            refused = orjson.loads(told)
            error = _ERRORS.get(status, StateError)(refused["error"], refused["remedy"])
        except (*UNREADABLE, KeyError, TypeError):
            error = StateError(f"worker {peer.number} answers {status}", "check its log")
        raise error


class _Named(NamedTuple):
    """A route as it was said, and the id that all workers know it by; "" where the first refuses it."""

    text: bytes
    name: str


def _with_id(said: bytes) -> _Named:
    try:
        route = orjson.loads(said)
    except UNREADABLE:
        return _Named(said, "")
    if not isinstance(route, dict):
        return _Named(said, "")
    if not route.get("id"):
        name = secrets.token_hex(6)
        return _Named(orjson.dumps({**route, "id": name}), name)
    name = str(route["id"])
    return _Named(said, name if ID.fullmatch(name) else "")


def _kept(peer: Peer, name: str) -> bytes:
    """The route of this name that a worker has, as it keeps it; b"" if there is none.

    Raises:
        StateError: it cannot be read: then nobody could go back to it.
    """
    if not name:
        return b""
    try:
        return paths.content(peer.directory / places.ROUTES / f"{name}.json")
    except FileNotFoundError:
        return b""
    except OSError as error:
        cause = f"the route of worker {peer.number} cannot be read ({error.strerror})"
        raise StateError(cause, "check the state directory") from None


def _added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value or other[name] if name == "error" else value + other[name] for name, value in one.items()}
