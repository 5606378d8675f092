"""How other collectors name a destination → the options of an output; each type of output translates for itself.

A type that does not know what is named gives None, and the next is asked.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from collector.errors import ConfigurationError


class Route(NamedTuple):
    """A destination as logspout names one: `adapter[+transport]://host[:port][/path][?option=value&…]`.

    `transport` is "" where the URI names none, which for logspout is udp; `port` is 0 where it names none. `options`
    are without the filters of the route. `variables` are the environment, of which an adapter of logspout's reads its
    own (`RAW_FORMAT`, `SYSLOG_…`, `LOGSPOUT_TLS_…`).
    """

    adapter: str
    transport: str
    host: str
    port: int = 0
    path: str = ""
    options: Mapping[str, str] = {}
    variables: Mapping[str, str] = {}

    def address(self, default_port: int) -> str:
        """`host:port`, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port or default_port}"


class LogPilot(NamedTuple):
    """What log-pilot's environment says: the word of its output, all variables, and its secrets by their names.

    `secret` gives the text of a file of /run/secrets, "" where there is none.
    """

    output: str
    variables: Mapping[str, str]
    secret: Callable[[str], str] = lambda name: ""


class Translated(NamedTuple):
    """The options of an output, without `type`.

    `origins` names what says each option: variables, or options of the route. `idle` are those that have no effect,
    each with the reason, in words that stand behind its name. `members` are what documents have to tell beside the
    usual, by the keys of `fields` in a rule: `container`, `labels`.
    """

    options: Mapping[str, Any]
    origins: Mapping[str, str] = {}
    idle: Mapping[str, str] = {}
    members: Mapping[str, tuple[str, ...]] = {}


def tls_of(route: Route) -> Translated:
    """The options of TLS (`collector.net.options.TlsOptions`) that logspout's variables stand for; none without TLS."""
    if route.transport != "tls":
        return Translated({})
    names = {
        "ca_file": "LOGSPOUT_TLS_CA_CERTS",
        "client_cert_file": "LOGSPOUT_TLS_CLIENT_CERT",
        "client_key_file": "LOGSPOUT_TLS_CLIENT_KEY",
    }
    idle = {
        "LOGSPOUT_TLS_HARDENING": "not needed: TLS 1.2 or newer, with the defaults of OpenSSL, is used anyway",
        "LOGSPOUT_TLS_DISABLE_SYSTEM_ROOTS": "not needed: where a file of authorities is given, only these are trusted",
    }
    return Translated(*taken(route.variables, names), of_set(route.variables, idle))


def taken(variables: Mapping[str, str], names: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The options that variables say as they stand, and what says each; `names` has the variable of each option."""
    origins = {option: name for option, name in names.items() if variables.get(name)}
    return {option: variables[name] for option, name in origins.items()}, origins


def address_of(variables: Mapping[str, str], program: str, default_port: int) -> tuple[str, str]:
    """`host:port` of `<program>_HOST` and `<program>_PORT`, and the variables that say it.

    Raises:
        ConfigurationError: no host is said.
    """
    host, port = f"{program}_HOST", f"{program}_PORT"
    if not (name := variables.get(host)):
        raise ConfigurationError(f"{host}: is missing", "set it to the name of the server")
    said = variables.get(port)
    return f"{name}:{said or default_port}", f"{host}, {port}" if said else host


def of_set(variables: Mapping[str, str], reasons: Mapping[str, str]) -> dict[str, str]:
    """Of variables that have no effect those that are set, with the reason."""
    return {name: why for name, why in reasons.items() if variables.get(name)}
