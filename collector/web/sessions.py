"""The token in a link → a cookie that stands for it in one browser: it reads what the page shows, for a week.

A browser sends a cookie to every port of a host, so it holds no token, bears a name of this agent alone, and opens
nothing but GET routes. It is made from the token: with another one all of them end.
"""

import hashlib
import hmac
import time
from collections.abc import Iterator
from itertools import islice

from aiohttp import hdrs, web
from yarl import URL

SECONDS = 7 * 86400
READS = ("GET", "HEAD")
_MOST_OF_THE_NAME = 16  # cookies that are looked at: others of the host may have set some
_MOST_BYTES = 128  # of one


class Sessions:
    """The sessions of an agent with this token."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self.name = f"pilotfish-{self._signed('name')[:16]}"

    def begin(self, request: web.Request) -> web.Response | None:
        """Where a link with the token leads: to the same page without it; None if the token is wrong."""
        if not self.is_token(request.query.getall("token", [])):
            return None
        rest = [(name, text) for name, text in request.query.items() if name != "token"]
        answer = web.Response(status=303, headers={hdrs.LOCATION: str(URL("/").with_query(rest))})
        until = str(int(time.time()) + SECONDS)
        value = f"{until}.{self._signed(until)}"
        answer.set_cookie(self.name, value, max_age=SECONDS, path="/api", httponly=True, samesite="Strict")
        return answer

    def is_token(self, given: list[str]) -> bool:
        """Whether this is the token, given once."""
        return len(given) == 1 and hmac.compare_digest(given[0].encode("utf-8", "surrogateescape"), self._token)

    def has(self, request: web.Request) -> bool:
        """Whether a request only reads, comes from the agent's own page, as far as the browser tells, and has one."""
        if request.method not in READS or request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return False
        return any(map(self._is_valid, islice(self._given(request), _MOST_OF_THE_NAME)))

    def _given(self, request: web.Request) -> Iterator[str]:
        for header in request.headers.getall(hdrs.COOKIE, []):
            for pair in header.split(";"):
                name, _, value = pair.strip().partition("=")
                if name == self.name:
                    yield value

    def _is_valid(self, value: str) -> bool:
        until, _, signature = value.partition(".")
        if len(value) > _MOST_BYTES or not (until.isascii() and until.isdigit()):
            return False
        same = hmac.compare_digest(signature.encode("utf-8", "surrogateescape"), self._signed(until).encode())
        return same and int(until) > time.time()

    def _signed(self, what: str) -> str:
        return hmac.new(self._token, f"pilotfish session: {what}".encode(), hashlib.sha256).hexdigest()
