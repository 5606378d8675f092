"""`/api/v1/containers`, `outputs`, `explain`, `whoami`, `openapi.json`: what the agent knows without a search."""

from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec import json

from collector.errors import QueryError
from collector.text.times import iso
from collector.web.access import refusal
from collector.web.answers import ContainersAnswer, OutputsAnswer, WhoAmI
from collector.web.api import Views
from collector.web.arguments import known
from collector.web.rights import rights_of
from collector.web.v1 import openapi


class Telling:
    """The handlers."""

    def __init__(self, views: Views) -> None:
        self._views = views

    def handlers(self) -> dict[str, Handler]:
        """By the name of its route; `explain` is that of `collector.web.api`."""
        return {"v1/containers": self.containers, "v1/outputs": self.outputs} | own_handlers()

    async def containers(self, request: web.Request) -> web.Response:
        """Those of which something may be seen."""
        rights = rights_of(request)
        rows = self._views.containers(rights.sees if rights.only else None)
        return answer(request, ContainersAnswer(rows))

    async def outputs(self, request: web.Request) -> web.Response:
        """The books of each."""
        return answer(request, OutputsAnswer(self._views.outputs()))


def own_handlers() -> dict[str, Handler]:
    """What an agent of any number of processes answers alike."""
    return {"v1/whoami": who, "v1/openapi": described}


async def who(request: web.Request) -> web.Response:
    """What the token lets do."""
    rights = rights_of(request)
    expires = None if rights.expires is None else iso(int(rights.expires * 1e9))
    only = " AND ".join(f"({text})" for text in rights.only) if len(rights.only) > 1 else "".join(rights.only)
    return answer(request, WhoAmI(role=rights.role, filter=only, expires=expires))


async def described(_: web.Request) -> web.Response:
    """Describe the API, as OpenAPI has it."""
    return web.Response(body=json.encode(openapi.document()), content_type="application/json")


def answer(request: web.Request, told: object) -> web.Response:
    """An answer to a request without arguments."""
    try:
        known(request.query, set())
    except QueryError as error:
        return refusal(400, error.cause, error.remedy)
    return web.Response(body=json.encode(told) + b"\n", content_type="application/json")
