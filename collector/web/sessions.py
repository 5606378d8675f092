"""The token in a link → a cookie that stands for it in one browser: it reads what the page shows, for a week.

A browser sends a cookie to every port of a host, so it holds no token, bears a name of this agent alone, and opens
nothing but GET routes. It is made from the agent's own token: with another one all of them end. That of a token that
was made has its rights, and ends with it.
"""

import hashlib
import hmac
import time
from collections.abc import Iterator
from itertools import islice

from aiohttp import hdrs, web
from yarl import URL

from collector.web.rights import Rights
from collector.web.tokens import Tokens

SECONDS = 7 * 86400
READS = ("GET", "HEAD")
_MOST_OF_THE_NAME = 16  # cookies that are looked at: others of the host may have set some
_MOST_BYTES = 128  # of one


class Sessions:
    """The sessions of an agent with this token, and others that were made."""

    def __init__(self, token: str, tokens: Tokens) -> None:
        self._token = token.encode()
        self._tokens = tokens
        self.name = f"pilotfish-{self._signed('name')[:16]}"

    def begin(self, request: web.Request) -> web.Response | None:
        """Where a link with the token leads: to the same page without it; None if the token is wrong."""
        given = request.query.getall("token", [])
        rights = self.of_token(given[0]) if len(given) == 1 else None
        if rights is None:
            return None
        rest = [(name, text) for name, text in request.query.items() if name != "token"]
        answer = web.Response(status=303, headers={hdrs.LOCATION: str(URL("/").with_query(rest))})
        seconds = SECONDS if rights.expires is None else max(0, min(SECONDS, int(rights.expires - time.time())))
        said = f"{int(time.time()) + seconds}.{rights.token}".removesuffix(".")
        answer.set_cookie(
            self.name, f"{said}.{self._signed(said)}", max_age=seconds, path="/api", httponly=True, samesite="Strict"
        )
        return answer

    def of_token(self, given: str) -> Rights | None:
        """What this token lets do; None if it is none."""
        if hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._token):
            return Rights()
        found = self._tokens.of(given)
        return None if found is None else found.rights

    def of_cookie(self, request: web.Request) -> Rights | None:
        """Those of a session, if the request only reads, and comes from the agent's own page, as the browser tells."""
        if request.method not in READS or request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return None
        found = map(self._rights, islice(self._given(request), _MOST_OF_THE_NAME))
        return next((rights for rights in found if rights is not None), None)

    def _given(self, request: web.Request) -> Iterator[str]:
        for header in request.headers.getall(hdrs.COOKIE, []):
            for pair in header.split(";"):
                name, _, value = pair.strip().partition("=")
                if name == self.name:
                    yield value

    def _rights(self, value: str) -> Rights | None:
        said, _, signature = value.rpartition(".")
        until, _, key = said.partition(".")
        if len(value) > _MOST_BYTES or not (until.isascii() and until.isdigit()):
            return None
        same = hmac.compare_digest(signature.encode("utf-8", "surrogateescape"), self._signed(said).encode())
        if not same or int(until) <= time.time():
            return None
        if not key:
            return Rights()
        found = self._tokens.by_id(key)
        return None if found is None else found.rights

    def _signed(self, what: str) -> str:
        return hmac.new(self._token, f"pilotfish session: {what}".encode(), hashlib.sha256).hexdigest()
