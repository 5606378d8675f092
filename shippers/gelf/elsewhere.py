"""How log-pilot and logspout's module for GELF name a server → options of this output."""

from collector.ports import LogPilot, Route, Translated, tls_of
from collector.ports.translating import address_of, taken

_PORT = 12201
_TRANSPORTS = ("udp", "tcp")


def of_log_pilot(said: LogPilot) -> Translated:
    """A server by UDP, or by TCP, as log-pilot's fluentd sends to it.

    Raises:
        ConfigurationError: its variables name no host.
    """
    where, names = address_of(said.variables, "GRAYLOG", _PORT)
    options, origins = taken(said.variables, {"transport": "GRAYLOG_PROTOCOL"})
    return Translated({"hosts": [where], "transport": "udp", **options}, {"hosts": names, **origins})


def of_route(route: Route) -> Translated | None:
    """The adapter `gelf`; udp where no transport is named."""
    if route.adapter != "gelf" or route.transport not in ("", *_TRANSPORTS, "tls", "http"):
        return None
    has_tls = route.transport == "tls"
    tls = tls_of(route)
    transport = "tcp" if has_tls else route.transport or "udp"
    where = {"hosts": [route.address(_PORT)], "transport": transport, **({"tls": True} if has_tls else {})}
    return Translated({**where, **tls.options}, tls.origins, tls.idle)
