"""How log-pilot and logspout's module for Logstash name a server → options of this output."""

from typing import Any

from collector.ports import LogPilot, Route, Translated, tls_of
from collector.ports.translating import address_of, of_set

_BEATS, _LINES = 5044, 5000
_MOST_WINDOW = 100_000
_IDLE = {
    "LOGSTASH_WORKER": "the agent finds the number of concurrent requests itself, up to `concurrency`",
    "LOGSTASH_LOADBALANCE": "several `hosts` share the load anyway",
    "LOGSTASH_SLOW_START": "the agent begins with few concurrent requests anyway",
    "LOGSTASH_BULK_MAX_SIZE": "it is not a number from 1 to 100,000",
}
_FIELDS = "use `tags` of a rule in `containers`"
_OF_MODULE = {
    **dict.fromkeys(("LOGSTASH_TAGS", "LOGSTASH_FIELDS"), _FIELDS),
    "DOCKER_LABELS": "use `fields.labels` of a rule in `containers`",
    "DECODE_JSON_LOGS": "not needed: a line that is a JSON object is one in `log`",
}


def of_log_pilot(said: LogPilot) -> Translated:
    """The protocol of Beats, as log-pilot's filebeat speaks it.

    Raises:
        ConfigurationError: its variables name no host.
    """
    where, names = address_of(said.variables, "LOGSTASH", _BEATS)
    options: dict[str, Any] = {"hosts": [where]}
    origins, idle = {"hosts": names}, of_set(said.variables, _IDLE)
    count = said.variables.get("LOGSTASH_BULK_MAX_SIZE", "")
    if count.isascii() and count.isdecimal() and 0 < int(count) <= _MOST_WINDOW:
        options["window"], origins["window"] = int(count), "LOGSTASH_BULK_MAX_SIZE"
        del idle["LOGSTASH_BULK_MAX_SIZE"]
    return Translated(options, origins, idle)


def of_route(route: Route) -> Translated | None:
    """Lines of JSON, as the adapter `logstash` sends them; udp where no transport is named."""
    if route.adapter != "logstash" or route.transport not in ("", "udp", "tcp", "tls"):
        return None
    is_udp = route.transport in ("", "udp")
    tls = tls_of(route)
    options = {
        "hosts": [route.address(_LINES)],
        "protocol": "json_lines",
        "transport": "udp" if is_udp else "tcp",
        **({"tls": True} if route.transport == "tls" else {}),
        **tls.options,
    }
    return Translated(options, tls.origins, {**tls.idle, **of_set(route.variables, _OF_MODULE)})
