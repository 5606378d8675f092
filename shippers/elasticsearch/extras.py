"""What an operator adds to each request: headers, parameters of bulk requests, a proxy → judged, and ready to be sent.

What would break the protocol is refused: a name that we set ourselves, or one that changes the form of the answers.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlencode, urlsplit

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
_OUR_PARAMETERS = frozenset({"filter_path", "format", "source", "source_content_type", "timeout"})
_USUAL_PROXY = "http://proxy:3128"


class Proxy(NamedTuple):
    """A proxy by its URL, and what it is told of who asks."""

    url: str
    headers: Mapping[str, str]


def fault_of_header(name: str, value: str) -> str:
    """What is wrong with a header, or ""; no value is quoted."""
    if not _TOKEN.fullmatch(name):
        return f"{name!r} is no name of a header: expected letters, digits and -"
    if name.lower() == "authorization":
        return f"{name!r} has options of its own: set username and password_file, or api_key_file"
    if name.lower() in _OUR_HEADERS:
        return f"{name!r} is set by Pilotfish itself, another value would break the requests: leave it out"
    if _CONTROL.search(value) or not remote.encodes(value):
        return f"{name!r} holds a line break or another control character: write it as one line of text in UTF-8"
    return ""


def fault_of_parameter(name: str, value: str) -> str:
    """What is wrong with a parameter of bulk requests, or ""."""
    if not name.strip():
        return "a parameter has no name: expected one such as pipeline"
    if name in _OUR_PARAMETERS:
        return f"{name!r} is set by Pilotfish itself, or changes the form of the answers: leave it out"
    return "" if remote.encodes(name + value) else f"{name!r} is no text: write it in UTF-8"


def fault_of_proxy(url: str) -> str:
    """What is wrong with the URL of a proxy, or ""; it may hold credentials, so that it is never quoted."""
    try:
        parts = urlsplit(url)
        scheme, server = parts.scheme, parts.netloc.rpartition("@")[2]
    except ValueError:
        return f"is no URL such as {_USUAL_PROXY}"
    if scheme != "http" or remote.fault_of(f"http://{server}", _USUAL_PROXY) or parts.path not in ("", "/"):
        return f"is no URL of an HTTP proxy such as {_USUAL_PROXY}"
    return "has a query, which cannot be used" if parts.query or parts.fragment else ""


def proxy_of(url: str) -> Proxy:
    """The proxy of a URL without a fault, its credentials apart."""
    parts = urlsplit(url)
    server = f"http://{parts.netloc.rpartition('@')[2]}"
    if parts.username is None:
        return Proxy(server, {})
    credentials = remote.basic(unquote(parts.username), unquote(parts.password or ""))
    return Proxy(server, {"proxy-authorization": credentials})


def headers_of(path: Path, option: str) -> dict[str, str]:
    """The headers of a file that the option names: one `Name: value` a line.

    Raises:
        ConfigurationError: the file cannot be read, or holds something else.
    """
    found: dict[str, str] = {}
    for number, line in _lines(remote.text(path, option)):
        name, colon, value = line.partition(":")
        fault = fault_of_header(name.strip(), value.strip()) if colon else "holds no colon: expected Name: value"
        if fault:
            raise ConfigurationError(f"{option}: {path}, line {number}", fault)
        found[name.strip()] = value.strip()
    if not found:
        raise ConfigurationError(f"{option}: {path} is empty", "write headers into it, one Name: value a line")
    return found


def query_of(parameters: Mapping[str, str]) -> str:
    """The parameters as they stand behind others in a request's target."""
    return f"&{urlencode(parameters)}" if parameters else ""


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
