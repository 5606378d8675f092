"""Environment → where an agent keeps its state and listens: the few facts that light commands need.

Nothing beyond the standard library and the errors, so that `healthcheck` and `search` start without pydantic;
`collector.config` builds on it.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from collector.errors import ConfigurationError

LISTEN_VARIABLE = "PILOTFISH_HTTP__LISTEN"
LISTEN = "127.0.0.1:9880"
LOCK = "lock"  # held by a running agent
HOST_FILE = "docker_host"  # the daemon's name, for a start without it
TOKEN_FILE = "http_token"  # noqa: S105 - a file's name
TOKENS_FILE = "tokens"
DEAD_LETTERS = "dead_letters"  # below the state directory, a directory for each output
SPOOL = "spool"  # the same
OUTPUTS = "outputs"  # below the state directory, a directory for what each output itself keeps
POSITIONS = "positions"  # below the state directory, files of each output
ROUTES = "routes"  # below the state directory, a file for each live route
ALERTS = "alerts"  # below the state directory, what alerts remember
WORKERS = "workers"  # below the state directory, a state directory for each worker of several
ADDRESS_FILE = "http_address"  # written by a running agent: `host:port`


_OFF = {"off", "no", "false", "null", "none"}


BUSY = "busy: too many connections are open"  # what the port says to one more; it is alive


class Address(NamedTuple):
    """Where HTTP listens: `host` "" means every interface, `port` 0 any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def reachable(self) -> "Address":
        """The address to connect to from this machine when it is listened on."""
        return Address({"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host), self.port)  # noqa: S104


def address(text: str) -> Address:
    """Parse `host:port`, `:port`, `[v6]:port` or `port`.

    Raises:
        ValueError: it is none of these.
    """
    host, _, port = text.strip().rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < 65536):
        raise ValueError("a port from 0 to 65535 is missing at the end")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError("an IPv6 address needs brackets: [::1]:9880")
    if not _is_host(host):
        raise ValueError("the host is not a name or an address")
    try:
        host = str(ip_address(host))  # as browsers write it
    except ValueError:
        host = host.lower()
    return Address(host, int(port))


def _is_host(host: str) -> bool:
    """Whether it can be looked up, as `getaddrinfo` encodes it; none is every interface."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return host.isprintable() and not any(character.isspace() or character in "/@" for character in host)


def listening(listen: object) -> Address | None:
    """Where a value of `http.listen` says that HTTP listens; None: no HTTP.

    Raises:
        ConfigurationError: it says neither.
    """
    if is_off(listen):
        return None
    try:
        return address(str(listen))
    except ValueError as error:
        raise ConfigurationError(f"http.listen: {error}", "write host:port, or off") from None


def is_off(listen: object) -> bool:
    """Whether this value of `http.listen` means: no HTTP."""
    return listen is None or listen is False or (isinstance(listen, str) and listen.lower() in _OFF)


def state_dir(environ: Mapping[str, str]) -> Path:
    """The directory used when none is configured: the machine's for root, else the user's."""
    return Path("/var/lib/pilotfish") if os.geteuid() == 0 else _user_state(environ) / "pilotfish"


def demo_state_dir(environ: Mapping[str, str]) -> Path:
    """Where `demo` keeps its state, so that `search` and `tail` find it without being told."""
    return _user_state(environ) / "pilotfish-demo"


def dead_letters(state: Path) -> list[Path]:
    """The directories of letters, of every worker that there is or was."""
    return [state / DEAD_LETTERS, *sorted(state.glob(f"{WORKERS}/*/{DEAD_LETTERS}"))]


def _user_state(environ: Mapping[str, str]) -> Path:
    chosen = environ.get("XDG_STATE_HOME", "")
    # the specification says that a relative path is to be ignored
    return Path(chosen) if chosen.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".local" / "state"
