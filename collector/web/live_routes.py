"""`/routes`: live routes as logspout has them, for whoever has the token; off unless the configuration allows them."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from collector.errors import ConfigurationError, StateError
from collector.web.access import refusal

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
OFF = "set http.routes to true, and name destinations in http.routes_allow"


class NotAllowed(ConfigurationError):
    """The destination is not one of those that the configuration allows."""


class LiveRoutes(Protocol):
    """The routes that ship what is read from now on."""

    async def listed(self) -> Sequence[Mapping[str, Any]]:
        """Each as JSON can hold it, with its `id`."""
        ...

    async def add(self, said: bytes) -> Mapping[str, Any]:
        """Begin a route, or put it in the place of the one with its id; the route with its id.

        Raises:
            NotAllowed: the destination is not one of those that are allowed.
            ConfigurationError: it is no route, or cannot be had here.
            StateError: it cannot be kept.
        """
        ...

    async def remove(self, name: str) -> bool:
        """End a route; whether there was one.

        Raises:
            StateError: the file of it cannot be removed.
        """
        ...


class RoutesApi:
    """The handlers; `live` is None where routes are off."""

    def __init__(self, live: LiveRoutes | None) -> None:
        self._live = live

    def handlers(self) -> dict[str, Handler]:
        """By the name of its route."""
        return {
            "routes": self._if_on(self._all),
            "route": self._if_on(self._one),
            "add_route": self._if_on(self._add),
            "remove_route": self._if_on(self._remove),
        }

    def _if_on(self, handler: Callable[[LiveRoutes, web.Request], Awaitable[web.Response]]) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            if self._live is None:
                return refusal(403, "live routes are off", OFF)
            try:
                return await handler(self._live, request)
            except NotAllowed as error:
                return refusal(403, error.cause, error.remedy)
            except ConfigurationError as error:
                return refusal(400, error.cause, error.remedy)
            except StateError as error:
                return refusal(503, error.cause, error.remedy)

        return answer

    async def _all(self, live: LiveRoutes, _: web.Request) -> web.Response:
        return _json(await live.listed())

    async def _one(self, live: LiveRoutes, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        found = next((one for one in await live.listed() if one["id"] == name), None)
        return _unknown() if found is None else _json(found)

    async def _add(self, live: LiveRoutes, request: web.Request) -> web.Response:
        return _json(await live.add(await request.read()), status=201)

    async def _remove(self, live: LiveRoutes, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        is_one = ID.fullmatch(name) is not None and await live.remove(name)
        return web.Response() if is_one else _unknown()


def _json(value: object, status: int = 200) -> web.Response:
    body = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    return web.Response(body=body, status=status, content_type="application/json")


def _unknown() -> web.Response:
    return refusal(404, "there is no route of this id", "see `GET /routes` for those that are")
