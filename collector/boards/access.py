"""Options and environment → how a server is reached: address, authorization, trusted certificates.

A secret comes from a file or from the environment, never from the command line, which every user of the machine can
read; no text of an error holds one.
"""

import base64
import re
import ssl
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from collector.errors import UsageError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Secret(NamedTuple):
    """Where a secret is: `path` as given on the command line, else `value` from the environment."""

    name: str
    path: Path | None = None
    value: str = ""

    def __bool__(self) -> bool:
        return self.path is not None or bool(self.value)

    def __repr__(self) -> str:
        return f"Secret({self.name})"

    def read(self) -> str:
        """The secret without the line end that editors put there.

        Raises:
            UsageError: the file cannot be read, or holds no secret of one line.
        """
        found = (self.value if self.path is None else _text(self.path, self.name)).rstrip("\r\n")
        where = self.name if self.path is None else f"{self.name}: {self.path}"
        if not found.strip():
            raise UsageError(f"{where} is empty", "write the secret into it, or name another file")
        if _CONTROL.search(found):
            raise UsageError(f"{where} has several lines or control characters", "write the secret into it as one line")
        return found


class Access(NamedTuple):
    """A server's address without a slash at its end, the headers that let us in, and whom we trust."""

    url: str
    authorization: dict[str, str]
    tls: ssl.SSLContext | None
    who: str


NO_SECRET = Secret("a key")


def access(
    url: str,
    *,
    username: str = "",
    password: Secret = NO_SECRET,
    key: Secret = NO_SECRET,
    scheme: str = "",
    ca_file: Path | None = None,
    usual: str = "http://127.0.0.1:5601",
) -> Access:
    """Put together what the options say; `scheme` is what the server calls a `key`: ApiKey or Bearer.

    `usual` is an address as such servers have.

    Raises:
        UsageError: they do not fit together, or a file cannot be used.
    """
    if (password or username) and key:
        raise UsageError(f"{password.name} and {key.name} exclude each other", "give one of them")
    if bool(username) != bool(password):
        raise UsageError(f"--username and {password.name} go together", "give both or none")
    authorization, who = {}, "a request without credentials"
    if username:
        authorization["Authorization"] = f"Basic {_base64(f'{username}:{password.read()}')}"
        who = f"the user {username}"
    elif key:
        found = key.read().strip()
        encoded = _base64(found) if scheme == "ApiKey" and ":" in found else found
        authorization["Authorization"], who = f"{scheme} {encoded}", f"the secret of {key.name}"
    return Access(_address(url, usual), authorization, _trusting(ca_file) if ca_file else None, who)


def _address(url: str, usual: str) -> str:
    if "@" in url:  # not quoted: it may hold a password
        raise UsageError("--url holds credentials", "give --username and --password-file instead")
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.query or parts.fragment or re.search(r"\s", url):
        raise UsageError(f"--url: {url!r} is no address", f"write one such as {usual}")
    return url.rstrip("/")


def _trusting(ca_file: Path) -> ssl.SSLContext:
    certificates = _text(ca_file, "--ca-file")
    try:
        return ssl.create_default_context(cadata=certificates)
    except (ssl.SSLError, ValueError):
        raise UsageError(
            f"--ca-file: {ca_file} holds no certificate", "expected PEM (-----BEGIN CERTIFICATE-----)"
        ) from None


def _text(path: Path, option: str) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise UsageError(
            f"{option}: {path} cannot be read ({error.strerror})", "name a file that you may read"
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{option}: {path} is no text", "name the file with the secret") from None


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
