"""Where a daemon is, as DOCKER_HOST and `inputs.docker.url` may tell it → what is connected to.

The forms are those of the docker command (docker/cli `opts/hosts.go`, ParseHost), and http:// and https:// besides.
"""

import ipaddress
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from collector.files.paths import path_of

DEFAULT_SOCKET = "/var/run/docker.sock"
DEFAULT_TLS = "tcp://localhost:2376"  # where the docker command looks when it is told nothing but to use TLS
PATTERN = r"^\s*(unix://.*|(tcp|https?)://\S*|(?!\w+://)[^/\s]\S*)?\s*$"  # for `config schema`
_PORTS = {("tcp", False): 2375, ("tcp", True): 2376}
_MOST_SOCKET_BYTES = 107  # unix(7)
_FORMS = "use unix:///path or tcp://host:port"
_REFUSED = {
    "ssh": "uses ssh, which is not supported; run the agent on the daemon's host, where the log files are",
    "npipe": f"is a named pipe of Windows; {_FORMS}",
    "fd": f"is the socket that systemd passes to dockerd, not the daemon's address; use unix://{DEFAULT_SOCKET}",
}


class Endpoint(NamedTuple):
    """The address with its port, what requests begin with, and the unix socket they go through, "" for TCP."""

    url: str
    base: str
    socket: str


def canonical(text: str) -> str:
    """The address in one form: unix:///path, or a URL with a host; its port stays away if it was not told.

    Raises:
        ValueError: it is none; "what is wrong; what to do".
    """
    text = text.strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        if text.startswith("/"):
            raise ValueError("has no scheme; put unix:// before it")
        if re.match(r"(unix|tcp|https?):", text):
            raise ValueError(f"has a scheme without //; {_FORMS}")
        scheme, rest = ("tcp", text) if text else ("unix", "")
    if scheme == "unix":
        if rest.startswith("@"):
            raise ValueError("is an abstract socket (unix(7)), which is not supported; use unix:///path")
        return f"unix://{_socket(rest or DEFAULT_SOCKET)}"
    if scheme in ("tcp", "http", "https"):
        return _url(scheme, rest)
    raise ValueError(_REFUSED.get(scheme, f"is not the address of a daemon; {_FORMS}"))


def endpoint(url: str, *, is_tls: bool) -> Endpoint:
    """What to connect to for an address in its canonical form. `is_tls`: there are certificates to use."""
    if url.startswith("unix://"):
        return Endpoint(url, "http://localhost", url.removeprefix("unix://"))
    parts = urlsplit(url)
    scheme = "https" if is_tls or parts.scheme == "https" else "http"
    port = _PORTS.get((parts.scheme, is_tls)) if parts.port is None else None
    place = f"{parts.netloc}{f':{port}' if port else ''}{parts.path}"
    return Endpoint(f"{parts.scheme}://{place}", f"{scheme}://{place}", "")


def _socket(text: str) -> Path:
    path = path_of(text).absolute()
    if (size := len(os.fsencode(path))) > _MOST_SOCKET_BYTES:
        raise ValueError(
            f"is a path of {size} bytes, too long for a socket; use one of at most {_MOST_SOCKET_BYTES}, such as a "
            "symbolic link to the directory of the socket"
        )
    return path


def _url(scheme: str, rest: str) -> str:
    if re.search(r"[\s?#\x00-\x1f]", rest):
        raise ValueError(f"is not the address of a daemon: it contains a space, a ? or a #; {_FORMS}")
    place, slash, path = rest.partition("/")
    user, at, place = place.rpartition("@")
    if place.count(":") > 1 and _is_ipv6(place):
        place = f"[{place}]"
    try:
        parts = urlsplit(f"{scheme}://{place}")
        host, port = parts.hostname or "localhost", parts.port
    except ValueError:
        raise ValueError(f"has an invalid port or address; {_FORMS}") from None
    if not parts.hostname and scheme != "tcp":
        raise ValueError(f"has no host; {_FORMS}")
    if port == 0 or _is_odd(parts):
        raise ValueError(f"has an invalid port or address; {_FORMS}")
    host = f"[{host}]" if ":" in host else host
    told = f":{port}" if port else ""
    return f"{scheme}://{user}{at}{host}{told}{slash}{path}".rstrip("/")


def _is_odd(parts: SplitResult) -> bool:
    """More colons than a port has; or brackets around what is no address."""
    inside = parts.hostname or ""
    return (":" in inside) != ("[" in parts.netloc) or parts.netloc.count(":") - inside.count(":") > 1


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
