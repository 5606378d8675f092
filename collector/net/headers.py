"""Headers and a proxy that an operator adds to each request → judged, and ready to be sent.

A header that we set ourselves is refused: another value would break the protocol.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator

from collector.errors import ConfigurationError
from collector.net import remote

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_OUR_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_USUAL_PROXY = "http://proxy:3128"


class Proxy(NamedTuple):
    """A proxy by its URL, and what it is told of who asks."""

    url: str
    headers: Mapping[str, str]


def _as_texts(given: object) -> object:
    return {name: _as_text(value) for name, value in given.items()} if isinstance(given, dict) else given


AS_TEXTS = BeforeValidator(_as_texts)
"""Of an option that is a mapping: its values are texts, whatever YAML takes them for."""


def _as_text(value: object) -> object:
    """A number or a truth value as HTTP has it; YAML reads `debug: 1` and `refresh: true` so."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def fault_of_header(name: str, value: str, credentials: str) -> str:
    """What is wrong with a header, or ""; no value is quoted. `credentials` are the options for an authorization."""
    if not _TOKEN.fullmatch(name):
        return f"{name!r} is not a header name: expected letters, digits and -"
    if name.lower() == "authorization" and credentials:
        return f"{name!r} has options of its own: set {credentials}"
    if name.lower() in _OUR_HEADERS:
        return f"{name!r} is set by Pilotfish itself, another value would break the requests: leave it out"
    if _CONTROL.search(value) or not remote.encodes(value):
        return f"{name!r} contains a line break or another control character: write it as one line of text in UTF-8"
    return ""


def fault_of_proxy(url: str) -> str:
    """What is wrong with the URL of a proxy, or ""; it may hold credentials, so that it is never quoted."""
    try:
        parts = urlsplit(url)
        scheme, server = parts.scheme, parts.netloc.rpartition("@")[2]
    except ValueError:
        return f"is not a URL such as {_USUAL_PROXY}"
    if scheme != "http" or remote.fault_of(f"http://{server}", _USUAL_PROXY) or parts.path not in ("", "/"):
        return f"is not a URL of an HTTP proxy such as {_USUAL_PROXY}"
    return "has a query, which is not supported" if parts.query or parts.fragment else ""


def proxy_of(url: str) -> Proxy:
    """The proxy of a URL without a fault, its credentials apart."""
    parts = urlsplit(url)
    server = f"http://{parts.netloc.rpartition('@')[2]}"
    if parts.username is None:
        return Proxy(server, {})
    credentials = remote.basic(unquote(parts.username), unquote(parts.password or ""))
    return Proxy(server, {"proxy-authorization": credentials})


def headers_of(path: Path, option: str, credentials: str) -> dict[str, str]:
    """The headers of a file that the option names: one `Name: value` a line.

    Raises:
        ConfigurationError: the file cannot be read, or holds something else.
    """
    found: dict[str, str] = {}
    for number, line in _lines(remote.text(path, option)):
        name, colon, value = line.partition(":")
        fault = "contains no name of a header with a colon: expected Name: value"  # perhaps a secret alone: not quoted
        if colon and _TOKEN.fullmatch(name.strip()):
            fault = fault_of_header(name.strip(), value.strip(), credentials)
        if fault:
            raise ConfigurationError(f"{option}: {path}, line {number}", fault)
        found[name.strip()] = value.strip()
    if not found:
        raise ConfigurationError(f"{option}: {path} is empty", "write headers into it, one Name: value a line")
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
