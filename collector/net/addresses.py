"""Servers named as `host:port` in options → what is connected to; what is wrong with such a name → words."""

import ipaddress
import re
from typing import NamedTuple

from collector.net.remote import encodes

_ADDRESS = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
_NAME = re.compile(r"[\w.-]+")
_LAST_PORT = 65535


class Address(NamedTuple):
    """A host, by name or IP address without brackets, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def fault_of(text: str, usual: str) -> str:
    """What is wrong with the address of a server, or ""; `usual` is a good one. No password is quoted."""
    if "@" in text:
        return f"contains credentials: expected an address such as {usual}"
    if "://" in text or "/" in text:
        return f"({text!r}) is a URL or a path: expected an address such as {usual}"
    if text.count(":") > 1 and not text.startswith("["):
        return f"({text!r}) is not an address such as {usual}: write an IPv6 address in brackets, such as [::1]:514"
    if not (found := _ADDRESS.fullmatch(text)) or not _is_host(found["v6"], found["name"]):
        return f"({text!r}) is not an address such as {usual}"
    if found["port"] and not 0 < int(found["port"]) <= _LAST_PORT:
        return f"({text!r}) has a port that is not from 1 to {_LAST_PORT}: expected an address such as {usual}"
    return ""


def address_of(text: str, default_port: int) -> Address:
    """The address that a text without fault stands for."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError("no address")
    return Address(found["v6"] or found["name"], int(found["port"] or default_port))


def _is_host(v6: str | None, name: str | None) -> bool:
    if v6 is None:
        return name is not None and _NAME.fullmatch(name) is not None and encodes(name, "idna")  # as `getaddrinfo` does
    try:
        ipaddress.IPv6Address(v6)
    except ValueError:
        return False
    return True
