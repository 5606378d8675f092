"""What the access logs of nginx and Apache have in common.

Members have the names that fluentd's parsers give them, since the dashboards of log-pilot's users ask for those; what
fluentd drops has the server's own name for it.
"""

from collections.abc import Callable

from collector.formats.parts.members import Members

# Client, a column that is nearly always `-`, user (which may hold spaces), time.
HEAD = r"([^ ]++) ([^ ]++) ([^\[]+) \[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[^\]]++)\] "
CODE_AND_SIZE = r" ([0-9]{3}|-) ([0-9]{1,18}+|-)"
NONE = "-"


def put(members: Members, name: str, value: str | None, of: Callable[[str], str | int | float] = str) -> None:
    """Add a value as the log has it: `-` and nothing stand for none."""
    if value and value != NONE:
        members[name] = of(value)


def put_request(members: Members, request: str) -> None:
    """Add `GET /path HTTP/1.1` as its three parts, and anything else, as of a client that speaks TLS, as `request`."""
    method, _, rest = request.partition(" ")
    path, _, protocol = rest.rpartition(" ")
    if protocol[:5] == "HTTP/" and path and path[0] != " " and method:
        members["method"] = method
        members["path"] = path
        members["protocol"] = protocol
    else:
        put(members, "request", request)


def put_exchange(
    members: Members, time: str, request: str, code: str, size: str, referer: str | None, agent: str | None
) -> None:
    """Add what stands from the time to the agent, as both servers have it: what was asked, and what was answered."""
    members["time"] = time
    put_request(members, request)
    put(members, "code", code, int)
    put(members, "size", size, int)
    put(members, "referer", referer)
    put(members, "agent", agent)
