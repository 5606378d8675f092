"""What the HTTP port answers: one table for an agent of one process and for the gateway of several workers."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler

from collector.web import page_files
from collector.web.rights import Role

Side = Literal["agent", "gateway"]
Policy = Literal["data", "page"]
# Content-Security-Policy: data is nothing that a browser shows, and the page uses nothing but its own files.
POLICIES: Mapping[Policy, str] = {
    "data": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "page": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
}
PAGE_FILES = {  # by route
    "page" if name == page_files.START else f"page/{name}": name for name in page_files.names()
}


class Route(NamedTuple):
    """`only` names the side that has it, "" if both have. A tail has no length and no end: HEAD would wait for them.

    `policy` tells what a browser may do with the answer. Behind the token, `role` is the least that may ask, and
    `is_filtered` says that the answer is narrowed by the filter of who asks: without it a token with a filter may not.
    """

    path: str
    method: str = "GET"
    allow_head: bool = True
    only: Side | Literal[""] = ""
    policy: Policy = "data"
    role: Role = "admin"
    is_filtered: bool = False


ROUTES: Mapping[str, Route] = {
    "page": Route("/", policy="page"),
    **{route: Route(f"/{route}", policy="page") for route in PAGE_FILES if route != "page"},
    "metrics": Route("/metrics"),
    "engine_metrics": Route("/metrics/docker"),
    "healthz": Route("/healthz"),
    "readyz": Route("/readyz"),
    "search": Route("/api/search", role="view", is_filtered=True),
    "tail": Route("/api/tail", allow_head=False, role="view", is_filtered=True),
    "logs": Route("/logs", allow_head=False, role="view", is_filtered=True),
    "logs_of": Route("/logs/{which}", allow_head=False, role="view", is_filtered=True),
    "routes": Route("/routes"),
    "route": Route("/routes/{id}"),
    "add_route": Route("/routes", "POST"),
    "remove_route": Route("/routes/{id}", "DELETE"),
    "status": Route("/api/status", role="view"),
    "explain": Route("/api/explain", role="view", is_filtered=True),
    "dead_letters": Route("/api/dead-letters", role="view"),
    "replay": Route("/api/dead-letters/replay", "POST"),
    "v1/search": Route("/api/v1/search", role="view", is_filtered=True),
    "v1/histogram": Route("/api/v1/histogram", role="view", is_filtered=True),
    "v1/facets": Route("/api/v1/facets", role="view", is_filtered=True),
    "v1/patterns": Route("/api/v1/patterns", role="view", is_filtered=True),
    "v1/context": Route("/api/v1/context", role="view", is_filtered=True),
    "v1/tail": Route("/api/v1/tail", allow_head=False, role="view", is_filtered=True),
    "v1/export": Route("/api/v1/export", allow_head=False, role="download", is_filtered=True),
    "v1/export_size": Route("/api/v1/export/size", role="download", is_filtered=True),
    "v1/containers": Route("/api/v1/containers", role="view", is_filtered=True),
    "v1/explain": Route("/api/v1/explain", role="view", is_filtered=True),
    "v1/whoami": Route("/api/v1/whoami", role="view", is_filtered=True),
    "v1/outputs": Route("/api/v1/outputs", role="view"),
    "v1/dead_letters": Route("/api/v1/dead-letters", role="view"),
    "v1/replay": Route("/api/v1/dead-letters/replay", "POST"),
    "v1/openapi": Route("/api/v1/openapi.json", role="view", is_filtered=True),
}

_BY_PATH = {(route.method, route.path): route for route in ROUTES.values()}
_POLICY_BY_PATH = {route.path: route.policy for route in ROUTES.values()}


def policy(path: str) -> str:
    """The Content-Security-Policy of what is answered there."""
    return POLICIES[_POLICY_BY_PATH.get(path, "data")]


def of_path(method: str, path: str) -> Route:
    """The route of this method and path; one that the table does not have is for administrators."""
    return _BY_PATH.get(("GET" if method == "HEAD" else method, path), Route(path))


def routes(side: Side, handlers: Mapping[str, Handler]) -> list[web.RouteDef]:
    """The table's routes of a side, with what answers each: `handlers`, and the files of the page.

    Raises:
        LookupError: something answers none of them, or one is answered by nothing.
    """
    wanted = {name: route for name, route in ROUTES.items() if route.only in ("", side)}
    if wrong := (wanted.keys() - PAGE_FILES.keys()) ^ handlers.keys():
        raise LookupError(f"routes and handlers of the {side} differ: {', '.join(sorted(wrong))}")
    answers = {**handlers, **page_files.handlers(PAGE_FILES)}
    return [
        web.get(route.path, answers[name], allow_head=route.allow_head)
        if route.method == "GET"
        else web.route(route.method, route.path, answers[name])
        for name, route in wanted.items()
    ]
