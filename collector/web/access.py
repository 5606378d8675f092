"""State directory → the token that the API asks for, and the rules of who may ask.

The token stands in a file that only the agent's user reads: whoever can read the state can read the API. Host and
Origin are checked beside it, so that a page in a browser on this machine cannot use a name that it made point here.
"""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from msgspec import structs
from yarl import URL

from collector.errors import UNREADABLE, QueryError, StateError
from collector.files import ownership, writing
from collector.search import trusted_filter
from collector.state import places
from collector.web.rights import IS_VALID, ONLY, RIGHTS, Rights
from collector.web.routes import of_path, policy
from collector.web.sessions import READS, Sessions
from collector.web.tokens import Tokens

_GUARDED = ("/api/", "/logs/", "/routes/")
_GUARDED_PAGES = ("/logs", "/routes")
_MOST_TOKEN_BYTES = 1024
_HEADERS = {
    "Server": "pilotfish",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def token(state_dir: Path) -> str:
    """Read the token, or make it at the first start: 256 random bits in a file of mode 0600.

    Raises:
        StateError: the file cannot be read or made, or is damaged.
    """
    path = state_dir / places.TOKEN_FILE
    try:
        if not os.path.lexists(path):
            writing.place(path, f"{secrets.token_urlsafe(32)}\n".encode())
        with open(path, "rb", opener=ownership.open_own) as file:
            os.fchmod(file.fileno(), 0o600)
            found = file.read(_MOST_TOKEN_BYTES).decode("ascii").strip()
    except (OSError, *UNREADABLE) as error:
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "remove it; a new one is created at the next start; the agent's user must own the state directory"
        raise StateError(f"{path}: cannot be used ({reason})", remedy) from None
    if len(found) < 32:
        raise StateError(f"{path}: is too short for a token", "delete it; a new one is created at the next start")
    return found


@contextmanager
def announced(state_dir: Path, address: places.Address) -> Iterator[None]:
    """Leave the address where the commands look for it, while the agent listens.

    Raises:
        StateError: the file cannot be written.
    """
    path = state_dir / places.ADDRESS_FILE
    try:
        # whole for who reads it, but it says nothing after a power cut: the loop need not wait for the disk
        writing.replace(path, f"{address.reachable}\n".encode(), lasts=False)
    except OSError as error:
        raise StateError(f"{path}: cannot be written ({error.strerror})", "check the state directory") from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def guard(expected: str, listen: places.Address, tokens: Tokens) -> Middleware:
    """A middleware that lets data be asked for only at a name of ours, by no other site, with the token or a session.

    A session begins where the token is in the link to the page. A route asks for a role; and of a route that does not
    narrow what it shows by the filter of a token, a token with one gets nothing.
    """
    sessions = Sessions(expected, tokens)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        is_link = request.path == "/" and request.method in READS and "token" in request.query
        if not (is_link or request.path in _GUARDED_PAGES or request.path.startswith(_GUARDED)):
            return await handler(request)
        if not _is_ours(request.headers.get(hdrs.HOST, ""), listen):
            return refusal(
                403, "the Host header does not name this agent", "use http://127.0.0.1 or the listen address"
            )
        if not _same_origin(request):
            return refusal(403, "the request comes from a page of another site", "open the agent's own page")
        if is_link:
            return sessions.begin(request) or _unauthorized(f"open `/?token=` with the token in {places.TOKEN_FILE}")
        rights = _of_bearer(request, sessions) or sessions.of_cookie(request)
        if rights is None:
            return _unauthorized(f"send `Authorization: Bearer` with the token in {places.TOKEN_FILE}")
        try:
            request[RIGHTS] = rights = _narrowed(request, rights)
            request[IS_VALID] = lambda: not rights.token or tokens.by_id(rights.token) is not None
        except QueryError as error:
            return refusal(400, error.cause, error.remedy)
        return _not_permitted(request, rights) or await handler(request)

    return check


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that keep a browser careful."""
    response.headers.update(_HEADERS)
    response.headers["Content-Security-Policy"] = policy(request.path)


def refusal(status: int, cause: str, remedy: str) -> web.Response:
    """An error as the API tells it."""
    return web.json_response({"error": cause, "remedy": remedy}, status=status)


def _unauthorized(remedy: str) -> web.Response:
    answer = refusal(401, "the token is missing or wrong", remedy)
    answer.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    return answer


def _of_bearer(request: web.Request, sessions: Sessions) -> Rights | None:
    scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return sessions.of_token(given.strip()) if scheme.lower() == "bearer" else None


def _narrowed(request: web.Request, rights: Rights) -> Rights:
    """The rights with the filters that the request itself names.

    Raises:
        QueryError: one is none.
    """
    more = [unquote(text) for text in request.headers.getall(ONLY, [])]
    for text in more:
        trusted_filter.read(text)
    return structs.replace(rights, only=(*rights.only, *more)) if more else rights


def _not_permitted(request: web.Request, rights: Rights) -> web.Response | None:
    """A refusal of what these rights do not let do."""
    resource = request.match_info.route.resource
    if resource is None:
        return None  # there is no such route
    route = of_path(request.method, resource.canonical)
    if not rights.has_role(route.role):
        cause = f"the token has the role {rights.role}, and this needs {route.role}"
        return refusal(403, cause, f"create one with `pilotfish token create --role {route.role}`")
    if rights.only and not route.is_filtered:
        return refusal(403, "the token has a filter, and this shows all containers", "use a token without a filter")
    return None


def _same_origin(request: web.Request) -> bool:
    origin = request.headers.get(hdrs.ORIGIN)
    return origin is None or origin.lower() == f"{request.scheme}://{request.headers.get(hdrs.HOST, '')}".lower()


def _is_ours(host: str, listen: places.Address) -> bool:
    """Whether a Host header names this agent: rebinding needs a name, so addresses are safe where we listen."""
    try:
        name = URL(f"http://{host}").host or ""
    except ValueError:
        return False
    everywhere = listen.host in ("", "0.0.0.0", "::")  # noqa: S104
    if name == listen.host or name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback or everywhere
    except ValueError:
        return everywhere and name == socket.gethostname().lower()
