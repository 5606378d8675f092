"""What the operator lets live routes send to, an entry of `http.routes_allow` → whether a destination is meant by it.

An entry is `adapter[+transport]://host:port`. Adapter, transport, host and port are compared each by itself, and hosts
as what they are: an address with addresses and networks, a name with names. No name is looked up.
"""

import re
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from collector.text.bounds import shown

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_UDP = "udp"  # what no transport is for logspout
_RAW = ("tcp", "udp", "tls")  # `tcp://` is `raw+tcp://`
_ANY = "*"
_WORD = re.compile(r"[a-z0-9_.*?-]+")
_PORT = re.compile(r"[0-9*?]{1,5}")
_NAME = re.compile(r"[a-z0-9._*?-]+")
_NUMBERS = re.compile(r"[0-9.*?]+")  # what can be an address, or a pattern of one
_OCTETS = re.compile(r"((?:[0-9]{1,3}\.){1,3})(?:\*\.){0,2}\*")  # such as 10.*, 10.1.*, 10.1.*.*
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")  # addresses to resolvers: 127.1, 0x7f.1, 2130706433
_NETWORK = "write a network, such as 10.0.0.0/8 or [fd00::/8]"


class Destination(NamedTuple):
    """An entry: `host` is a network, or a pattern of names; `*` is any host. The others are patterns of texts."""

    adapter: str
    transport: str
    host: Network | str
    port: str

    def has(self, adapter: str, transport: str, host: Address | str, port: int) -> bool:
        """Whether this destination is meant; `transport` is "" where it names none."""
        return (
            fnmatchcase(adapter.lower(), self.adapter)
            and fnmatchcase(transport.lower() or _UDP, self.transport)
            and self._has_host(host)
            and fnmatchcase(str(port), self.port)
        )

    def _has_host(self, host: Address | str) -> bool:
        if self.host == _ANY:
            return True
        if isinstance(host, str):
            return isinstance(self.host, str) and fnmatchcase(host, self.host)
        return not isinstance(self.host, str) and host in self.host


def host_of(text: str) -> Address | str:
    """A host as it is compared: an address, or a name in small letters.

    Raises:
        ValueError: it is neither; `127.1` is an address to resolvers and to nobody else.
    """
    try:
        address = ip_address(text)
    except ValueError:
        name = text.lower().removesuffix(".")
        if not name or _ENDS_IN_NUMBER.fullmatch(name):
            raise ValueError(f"{shown(text)} is neither a host name nor an address") from None
        return name
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def destination(text: str) -> Destination:
    """An entry, read.

    Raises:
        ValueError: it cannot be meant, with what to write in its place.
    """
    start, is_whole, rest = text.strip().lower().partition("://")
    if not is_whole and not start.endswith(_ANY):
        raise _wrong(text, "has no ://", "write it as syslog+tls://logs.example:6514")
    adapter, transport = _adapter(start, text)
    if not is_whole or rest == _ANY:
        return Destination(adapter, transport, _ANY, _ANY)
    host, colon, port = rest.rpartition(":")
    if not colon or host.count("[") != host.count("]"):
        raise _wrong(text, "has no port", "write the port behind the host, or :* for any port")
    if not _PORT.fullmatch(port):
        raise _wrong(text, f"has the port {shown(port)!r}", "write a number, or * for any port")
    return Destination(adapter, transport, _host(host, text), port)


def _adapter(start: str, text: str) -> tuple[str, str]:
    adapter, plus, transport = start.partition("+")
    if not plus:
        transport = _ANY if adapter.endswith(_ANY) else _UDP
    if not plus and adapter in _RAW:
        adapter, transport = "raw", adapter
    if not _WORD.fullmatch(adapter) or not _WORD.fullmatch(transport):
        raise _wrong(text, "has no adapter, or more than one transport", "write it as syslog+tls://logs.example:6514")
    return adapter, transport


def _host(host: str, text: str) -> Network | str:
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if bare is host and ":" in host:
        raise _wrong(text, "has an IPv6 address without brackets", "write it as [fd00::1]:6514")
    if bare is not host or "/" in host:
        return _network(bare, text)
    if host == _ANY:
        return host
    if octets := _OCTETS.fullmatch(host):
        numbers = octets[1].count(".")
        return _network(f"{octets[1]}{'.'.join(['0'] * (4 - numbers))}/{8 * numbers}", text)
    if _NUMBERS.fullmatch(host):
        return _network(host, text)
    if not _NAME.fullmatch(host):
        raise _wrong(text, f"has the host {shown(host)!r}", "write a host name with *, an address or a network")
    return host.removesuffix(".")


def _network(network: str, text: str) -> Network:
    try:
        return ip_network(network)
    except ValueError:
        pass
    try:
        remedy = f"write {ip_network(network, strict=False)}"
    except ValueError:
        remedy = _NETWORK
    raise _wrong(text, f"has the host {shown(network)!r}, which is no address and no network", remedy)


def _wrong(text: str, cause: str, remedy: str) -> ValueError:
    return ValueError(f"{shown(text)} {cause}; {remedy}")
