"""Who asks → what he may do, and which lines he may see.

The guard (`collector.web.access`) puts the rights into each request, and every handler that shows lines or names of
containers narrows what it shows by them. What a filter does not admit is absent: no error tells that it is there.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from aiohttp import web
from msgspec import Struct

from collector.documents import document as documents
from collector.model import LogStream, Segment
from collector.search.trusted_filter import admits

Role = Literal["view", "download", "admin"]
ROLES: tuple[Role, ...] = ("view", "download", "admin")  # each may do what those before it may
ONLY = "Pilotfish-Only"
"""A header with a further filter, in the encoding of URLs: who asks may narrow what is shown to him."""


class Rights(Struct, frozen=True, kw_only=True):
    """A role, and filters that every line has to match, none: all lines. `expires` in seconds since 1970, None: never.

    `token` is the id of a token that was made; "" is the agent's own.
    """

    role: Role = "admin"
    only: tuple[str, ...] = ()
    expires: float | None = None
    token: str = ""

    def has_role(self, needed: Role) -> bool:
        """Whether it may do what this role may."""
        return ROLES.index(self.role) >= ROLES.index(needed)

    def sees(self, stream: LogStream) -> bool:
        """Whether some documents of a stream may be seen."""
        return not self.only or any(self._admitted(stream))

    def sees_all_of(self, streams: Sequence[LogStream]) -> bool:
        """Whether all documents of these streams may be seen; of none, only without a filter."""
        return not self.only or (bool(streams) and all(all(self._admitted(one)) for one in streams))

    def seen(self, segment: Segment) -> Segment:
        """The documents of a segment that may be seen."""
        return seen(segment, self.only)

    def _admitted(self, stream: LogStream) -> list[bool]:
        sources = dict.fromkeys(("stdout", "stderr", stream.source))
        return [all(admits(text, {**stream.fields, "stream": one}) for text in self.only) for one in sources]


RIGHTS = web.RequestKey("rights", Rights)
IS_VALID: web.RequestKey[Callable[[], bool]] = web.RequestKey("is_valid")


def seen(segment: Segment, only: Sequence[str]) -> Segment:
    """The documents of a segment whose trusted members match all of these filters."""
    if not only:
        return segment
    return segment.part([index for index, each in enumerate(segment.documents) if _is_admitted(each, only)])


def rights_of(request: web.Request) -> Rights:
    """Those of a request that the guard let pass."""
    return request[RIGHTS]


def is_valid(request: web.Request) -> bool:
    """Whether the token of a request that is answered for long is still one: nothing is shown for it afterwards."""
    return request[IS_VALID]()


def _is_admitted(document: bytes, only: Sequence[str]) -> bool:
    if not documents.is_document(document):
        return False
    members = {**documents.fields(document), "stream": documents.source(document)}
    return all(admits(text, members) for text in only)
