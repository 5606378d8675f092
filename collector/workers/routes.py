"""Live routes of an agent of several workers: each worker ships the lines of its own containers by all of them."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from collector.errors import UNREADABLE, ConfigurationError, PilotfishError, StateError
from collector.web.live_routes import NotAllowed
from collector.workers.gateway import Peer

_PATH = "/routes"
_ERRORS: Mapping[int, type[PilotfishError]] = {400: ConfigurationError, 403: NotAllowed}


class RoutesByWorkers:
    """The routes of all workers as one agent's (`collector.web.live_routes.LiveRoutes`)."""

    def __init__(self, peers: Sequence[Peer]) -> None:
        self._peers = peers

    async def listed(self) -> Sequence[Mapping[str, Any]]:
        """Each as JSON can hold it, with the numbers of all workers."""
        found: dict[str, dict[str, Any]] = {}
        for peer in self._peers:
            _, body = await _ask(peer, "GET", _PATH)
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
        answer = b""
        for number, peer in enumerate(self._peers):
            try:
                _, answer = await _ask(peer, "POST", _PATH, named)
            except PilotfishError:
                for other in self._peers[:number]:
                    await _ask(other, "DELETE", f"{_PATH}/{orjson.loads(named)['id']}")
                raise
        found: Mapping[str, Any] = orjson.loads(answer)
        return found

    async def remove(self, name: str) -> bool:
        """End a route with every worker; whether there was one.

        Raises:
            PilotfishError: a worker cannot.
        """
        told = [await _ask(peer, "DELETE", f"{_PATH}/{name}") for peer in self._peers]
        return any(status == web.HTTPOk.status_code for status, _ in told)


def _with_id(said: bytes) -> bytes:
    """The route with an id that all workers know it by; what is no object is refused by the first."""
    try:
        route = orjson.loads(said)
    except UNREADABLE:
        return said
    if isinstance(route, dict) and not route.get("id"):
        return orjson.dumps({**route, "id": secrets.token_hex(6)})
    return said


def _added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value or other[name] if name == "error" else value + other[name] for name, value in one.items()}


async def _ask(peer: Peer, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Status and body of an answer; 404 is one.

    Raises:
        PilotfishError: the worker refuses, or does not answer.
    """
    try:
        async with peer.open(path, method=method, body=body) as answer:
            status, told = answer.status, await answer.read()
    except aiohttp.ClientError:
        raise StateError(f"worker {peer.number} does not answer", "check its log") from None
    if status < web.HTTPMultipleChoices.status_code or status == web.HTTPNotFound.status_code:
        return status, told
    refused = orjson.loads(told)
    raise _ERRORS.get(status, StateError)(refused["error"], refused["remedy"])
