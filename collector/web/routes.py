"""What the HTTP port answers: one table for an agent of one process and for the gateway of several workers."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler

Side = Literal["agent", "gateway"]


class Route(NamedTuple):
    """`only` names the side that has it, "" if both have. A tail has no length and no end: HEAD would wait for them."""

    path: str
    method: str = "GET"
    allow_head: bool = True
    only: Side | Literal[""] = ""


ROUTES: Mapping[str, Route] = {
    "page": Route("/"),
    "metrics": Route("/metrics"),
    "engine_metrics": Route("/metrics/docker"),
    "healthz": Route("/healthz"),
    "readyz": Route("/readyz"),
    "search": Route("/api/search"),
    "tail": Route("/api/tail", allow_head=False),
    "status": Route("/api/status"),
    "dead_letters": Route("/api/dead-letters"),
    "replay": Route("/api/dead-letters/replay", "POST"),
}


def routes(side: Side, handlers: Mapping[str, Handler]) -> list[web.RouteDef]:
    """The table's routes of a side, with what answers each.

    Raises:
        LookupError: something answers none of them, or one is answered by nothing.
    """
    wanted = {name: route for name, route in ROUTES.items() if route.only in ("", side)}
    if wrong := wanted.keys() ^ handlers.keys():
        raise LookupError(f"routes and handlers of the {side} differ: {', '.join(sorted(wrong))}")
    return [
        web.get(route.path, handlers[name], allow_head=route.allow_head)
        if route.method == "GET"
        else web.route(route.method, route.path, handlers[name])
        for name, route in wanted.items()
    ]
