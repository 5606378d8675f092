"""`nginx`: access log `combined`, the `main` of nginx's image, and the error log, which go to one container's output.

Behind `combined` may stand "$http_x_forwarded_for", and $request_time, and $upstream_response_time behind that; with
anything else behind it the whole line stands in `message` too. The names are those of fluentd's parser `nginx`:
`remote`, `host` (the second column), `user`, `time`, `method`, `path`, `code`, `size`, `referer`, `agent`,
`http_x_forwarded_for`. Of the error log come `time`, `level`, `pid`, `tid`, `connection` and `message`.
"""

import re

from collector.formats.parts.access import CODE_AND_SIZE, HEAD, put, put_exchange
from collector.formats.parts.members import MemberFormat, Members, filled, with_text

# nginx writes quotes and backslashes of a value as \xXX. Seconds have three digits behind the point.
_access = re.compile(
    rf'{HEAD}"([^"]*+)"{CODE_AND_SIZE}'
    r'(?: "([^"]*+)" "([^"]*+)"(?: "([^"]*+)")?(?: ([0-9]{1,9}\.[0-9]{3}))?(?: ([0-9]{1,9}\.[0-9]{3}|-))?)?( .*)?',
    re.DOTALL,
).fullmatch
_error = re.compile(
    r"([0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}) \[([a-z]++)\] "
    r"([0-9]{1,18})#([0-9]{1,18}): (?:\*([0-9]{1,18}) )?(.*)",
    re.DOTALL,
).fullmatch


class Format(MemberFormat):
    """Reads what nginx writes."""

    def members(self, text: str) -> Members | None:
        """Those of an access line, or of an error."""
        if (found := _access(text)) is None:
            return _members_of_error(text)
        remote, host, user, time, request, code, size, referer, agent, forwarded, took, upstream, more = found.groups()
        members: Members = {}
        put(members, "remote", remote)
        put(members, "host", host)
        put(members, "user", user)
        put_exchange(members, time, request, code, size, referer, agent)
        put(members, "http_x_forwarded_for", forwarded)
        put(members, "request_time", took, float)
        put(members, "upstream_response_time", upstream, float)
        return with_text(members, text) if more else members


def _members_of_error(text: str) -> Members | None:
    if (found := _error(text)) is None:
        return None
    time, level, pid, tid, connection, message = found.groups()
    return filled(
        {
            "time": time,
            "level": level,
            "pid": int(pid),
            "tid": int(tid),
            "connection": connection and int(connection),
            "message": message,
        }
    )
