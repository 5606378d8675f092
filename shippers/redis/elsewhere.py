"""How log-pilot and logspout's Redis modules name a server → options of this output."""

from collector.ports import LogPilot, Route, Translated
from collector.ports.translating import address_of, of_set, taken

_PORT = 6379
_KEY = "logspout"  # of the module logspout-redis-logstash
_IDLE = {
    "REDIS_WORKER": "the agent finds the number of concurrent requests itself, up to `concurrency`",
    "REDIS_LOADBALANCE": "the first of `hosts` that answers is used",
    "REDIS_TIMEOUT": "set `request_timeout_seconds`",
    "REDIS_BULK_MAX_SIZE": "batches are bounded by bytes: set `batch_bytes`",
}
_OF_MODULES = {
    **dict.fromkeys(("REDIS_DOCKER_HOST", "REDIS_LOGSTASH_TYPE"), "use `tags` of a rule in `containers`"),
    "REDIS_USE_V0_LAYOUT": "a document has the form that `document` says",
}


def of_log_pilot(said: LogPilot) -> Translated:
    """A list, as log-pilot's filebeat writes it.

    Raises:
        ConfigurationError: its variables name no host.
    """
    where, names = address_of(said.variables, "REDIS", _PORT)
    options, origins = taken(said.variables, {"password": "REDIS_PASSWORD"})
    kind = said.variables.get("REDIS_DATATYPE", "list")
    idle = of_set(said.variables, _IDLE)
    if kind == "list" and "REDIS_DATATYPE" in said.variables:
        origins["mode"] = "REDIS_DATATYPE"
    elif kind != "list":
        idle["REDIS_DATATYPE"] = "documents go to a list: what is published to a channel is lost without a reader"
    return Translated({"hosts": [f"redis://{where}"], "mode": "list", **options}, {"hosts": names, **origins}, idle)


def of_route(route: Route) -> Translated | None:
    """A list of the adapter `redis`."""
    if route.adapter not in ("redis", "rediss") or route.transport not in ("", "tcp", "tls"):
        return None
    scheme = "rediss" if route.adapter == "rediss" or route.transport == "tls" else "redis"
    options, origins = taken(route.variables, {"key": "REDIS_KEY", "password": "REDIS_PASSWORD"})
    more, whence = taken(route.options, {"key": "key", "password": "password"})
    found = {"hosts": [f"{scheme}://{route.address(_PORT)}"], "mode": "list", "key": _KEY, **options, **more}
    return Translated(found, {**origins, **whence}, of_set(route.variables, _OF_MODULES))
