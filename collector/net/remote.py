"""What options say of a server → its address judged, secrets and certificates read.

A secret comes from a file, the configuration or the environment, never from the command line, which every user of the
machine can read; no text of an error holds one.
"""

import base64
import errno
import re
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from collector.errors import UNREADABLE, ConfigurationError
from collector.files import paths

_REMEDIES = {
    errno.EACCES: "give the user of this process read access",
    errno.EISDIR: "name a file (Docker creates a directory when the file of a mount is missing)",
    errno.EFBIG: "name a file that holds this and nothing else",
    errno.ETIMEDOUT: "write into this pipe before the start and close it, or name a file",
    errno.EINVAL: "copy it into a file",
}
_BOM = "\ufeff"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # most of them break a header, none is meant


def fault_of(url: str, usual: str) -> str:
    """What is wrong with the URL of a server, or ""; `usual` is a good one. Quotes none that may hold a password."""
    if "@" in url:
        return "contains credentials: set username and password file separately"
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # not quoted: what is no port may be a password
        return f"is not a URL such as {usual}: the port is not a number from 1 to 65535, or the address is not IPv6"
    if not whole or re.search(r"\s", url):
        return f"({url!r}) is not a URL such as {usual}"
    if not encodes(parts.hostname or "", "idna"):  # as `getaddrinfo` does
        return (
            f"({url!r}) has a host name with an empty label or one over 63 characters: expected a name such "
            "as es.example"
        )
    return f"({url!r}) has a query, which is not supported" if parts.query or parts.fragment else ""


def secret(given: str | Path, option: str) -> str:
    """The secret given as such, or in a file, without the newlines and the BOM of editors and shells.

    Raises:
        ConfigurationError: the file cannot be read, or there is no secret of one line.
    """
    where = f"{option}: {given}" if isinstance(given, Path) else option
    found = (text(given, option) if isinstance(given, Path) else given).removeprefix(_BOM).rstrip("\r\n")
    if not found.strip():
        raise ConfigurationError(f"{where} is empty", "write the secret into it, or name another file")
    if not encodes(found):
        raise ConfigurationError(f"{where} is not text", "write it in UTF-8")
    if _CONTROL.search(found):
        raise ConfigurationError(
            f"{where} contains a line break or another control character",
            "write the secret into it as one line of text",
        )
    return found


def basic(username: str, password: str) -> str:
    """The header Authorization for a user and password."""
    return f"Basic {_base64(f'{username}:{password}')}"


def api_key(key: str) -> str:
    """The header Authorization for an API key of Elasticsearch or Kibana, encoded already or as `id:key`."""
    found = key.strip()
    return f"ApiKey {_base64(found) if ':' in found else found}"


def trusting(ca_file: Path | None, option: str) -> ssl.SSLContext:
    """TLS that trusts the authorities of a file (PEM), or the system's.

    Raises:
        ConfigurationError: the file cannot be read, or holds no certificate.
    """
    if ca_file is None:
        return ssl.create_default_context()
    # The comments of a bundle may be in any encoding; ssl takes ASCII alone.
    certificates = _bytes(ca_file, option).decode("ascii", "ignore")
    if "-----BEGIN" not in certificates:
        raise ConfigurationError(
            f"{option}: {ca_file} contains no certificate", "expected PEM (-----BEGIN CERTIFICATE-----)"
        )
    try:
        return ssl.create_default_context(cadata=certificates)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{option}: {ca_file} is not a list of certificates", error.reason or "") from None


def text(path: Path, option: str) -> str:
    """The content of a file that an option names, without a BOM.

    Raises:
        ConfigurationError: it cannot be read, or is no text.
    """
    try:
        return _bytes(path, option).decode("utf-8-sig")
    except UNREADABLE:
        raise ConfigurationError(f"{option}: {path} is not text", "name another file, or write it in UTF-8") from None


def file(path: Path, option: str) -> Path:
    """The path of a file that an option names, for what opens it by itself.

    Raises:
        ConfigurationError: there is no regular file.
    """
    try:
        return paths.file(path)
    except OSError as error:
        raise _unreadable(path, option, error) from None


def _bytes(path: Path, option: str) -> bytes:
    try:
        return paths.content(path)
    except OSError as error:
        raise _unreadable(path, option, error) from None


def _unreadable(path: Path, option: str, error: OSError) -> ConfigurationError:
    remedy = _REMEDIES.get(error.errno or 0, "mount the file or correct the path")
    return ConfigurationError(f"{option}: cannot read {path} ({error.strerror})", remedy)


def encodes(content: str, encoding: str = "utf-8") -> bool:
    """Whether a text can be sent: bytes that are not UTF-8 are lone surrogates in the environment."""
    try:
        content.encode(encoding)
    except UnicodeError:
        return False
    return True


def _base64(content: str) -> str:
    return base64.b64encode(content.encode()).decode()
