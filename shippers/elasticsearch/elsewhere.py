"""How log-pilot and logspout name a cluster → options of this output."""

from collections.abc import Mapping
from typing import Any

from collector.errors import ConfigurationError
from collector.ports import LogPilot, Route, Translated

_PORT = 9200
_CREDENTIAL = "es_credential"
_CREDENTIAL_FILE = f"/run/secrets/{_CREDENTIAL}"
_WORKERS = "the agent finds the number of concurrent requests itself, up to `concurrency`"
_BATCHES = "batches are bounded by bytes: set `batch_bytes`"


def of_route(route: Route) -> Translated | None:
    """A cluster that a module of somebody else's sent to; the transports are http and https."""
    if route.adapter not in ("elasticsearch", "es") or route.transport not in ("", "http", "https", "tls", "tcp"):
        return None
    scheme = "https" if route.transport in ("https", "tls") else "http"
    path = route.path.rstrip("/")
    return Translated({"hosts": [f"{scheme}://{route.address(_PORT)}{path}"]})


def of_log_pilot(said: LogPilot) -> Translated:
    """Hosts, credentials and index of log-pilot's variables.

    Raises:
        ConfigurationError: they name no host, or the secret has no password.
    """
    given = {name: value for name, value in said.variables.items() if name.startswith("ELASTICSEARCH_") and value}
    options, origins = _hosts(given)
    found, whence = _credentials(given, said.secret(_CREDENTIAL))
    options |= found
    origins |= whence
    idle = {"ELASTICSEARCH_WORKER": _WORKERS, "ELASTICSEARCH_BULK_MAX_SIZE": _BATCHES}
    idle = {name: why for name, why in idle.items() if name in given}
    if _is_false(given.get("ELASTICSEARCH_SSL_VERIFY", "true")):
        options["verify"], origins["verify"] = False, "ELASTICSEARCH_SSL_VERIFY"
    elif "ELASTICSEARCH_SSL_VERIFY" in given:
        idle["ELASTICSEARCH_SSL_VERIFY"] = "not needed: certificates are verified by default"
    if index := given.get("ELASTICSEARCH_INDEX"):
        options["index"], origins["index"] = f"{index}-%Y.%m.%d", "ELASTICSEARCH_INDEX"
    if said.variables.get("FILEBEAT_INDEX"):
        idle["FILEBEAT_INDEX"] = "it named a template: `pilotfish setup` installs those of this output"
    return Translated(options, origins, idle)


def _hosts(given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """URLs of hosts that may have none of scheme, port and path."""
    names = [name for name in ("ELASTICSEARCH_HOSTS",) if name in given]
    names = names or [name for name in ("ELASTICSEARCH_HOST", "ELASTICSEARCH_PORT") if name in given]
    if not names or names == ["ELASTICSEARCH_PORT"]:
        raise ConfigurationError("ELASTICSEARCH_HOSTS: is missing", "set it, or ELASTICSEARCH_HOST")
    hosts = given.get("ELASTICSEARCH_HOSTS", "").replace(",", " ").split()
    if not hosts:
        port = given.get("ELASTICSEARCH_PORT", str(_PORT))
        hosts = [f"{given['ELASTICSEARCH_HOST']}:{port}"]
    scheme = given.get("ELASTICSEARCH_SCHEME", "http")
    path = f"/{given['ELASTICSEARCH_PATH'].strip('/')}" if given.get("ELASTICSEARCH_PATH", "").strip("/") else ""
    urls = [host if "://" in host else f"{scheme}://{host}{path}" for host in hosts]
    more = [name for name in ("ELASTICSEARCH_SCHEME", "ELASTICSEARCH_PATH") if name in given]
    return {"hosts": urls}, {"hosts": ", ".join([*names, *more])}


def _credentials(given: Mapping[str, str], secret: str) -> tuple[dict[str, Any], dict[str, str]]:
    """User and password of the secret `user:password`, divided at its first colon, else of the variables."""
    if secret:
        user, colon, password = secret.partition(":")
        if not (colon and user and password):
            raise ConfigurationError(f"{_CREDENTIAL_FILE}: is not user:password", "write both, with a colon between")
        return {"username": user, "password": password}, dict.fromkeys(("username", "password"), _CREDENTIAL_FILE)
    names = {"username": "ELASTICSEARCH_USER", "password": "ELASTICSEARCH_PASSWORD"}
    origins = {option: name for option, name in names.items() if name in given}
    return {option: given[name] for option, name in origins.items()}, origins


def _is_false(text: str) -> bool:
    return text.strip().lower() in ("false", "no", "off", "0")
