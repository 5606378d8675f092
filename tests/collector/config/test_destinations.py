"""What `http.routes_allow` allows: hosts are compared as hosts, and what cannot be meant is told."""

from contextlib import suppress
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.config.destinations import destination, host_of
from tests.examples import examples


def allows(entry: str, to: str) -> bool:
    words, _, where = to.partition("://")
    adapter, _, transport = words.partition("+")
    host, _, port = where.rpartition(":")
    return destination(entry).has(adapter, transport, host_of(host.strip("[]")), int(port))


@pytest.mark.parametrize(
    ("entry", "to", "is_allowed"),
    [
        ("syslog+tls://*.example:6514", "syslog+tls://a.b.example:6514", True),
        ("syslog+tls://*.example:6514", "syslog+tls://A.EXAMPLE.:6514", True),
        ("syslog+tls://*.example:6514", "syslog+tcp://a.example:6514", False),
        ("syslog+tls://*.example:6514", "syslog+tls://a.example:65140", False),
        ("syslog+tls://*.example:6514", "syslog+tls://example.evil.com:6514", False),
        ("raw+tcp://10.*:5000", "raw+tcp://10.evil.com:5000", False),
        ("raw+tcp://10.*:5000", "raw+tcp://10.1.2.3:5000", True),
        ("raw+tcp://192.168.1.*:*", "raw+tcp://192.168.1.77:9", True),
        ("raw+tcp://192.168.1.*:*", "raw+tcp://192.168.10.77:9", False),
        ("raw+tcp://192.168.*.*:*", "raw+tcp://192.168.10.77:9", True),
        ("raw+tcp://10.0.0.0/8:5000", "raw+tcp://10.255.0.1:5000", True),
        ("raw+tcp://10.0.0.0/8:5000", "raw+tcp://11.0.0.1:5000", False),
        ("raw+tcp://10.0.0.0/8:5000", "raw+tcp://[::ffff:10.0.0.1]:5000", True),
        ("raw+tcp://127.0.0.1:*", "raw+tcp://127.0.0.1:9", True),
        ("raw+tcp://127.0.0.1:*", "raw+tcp://127.0.0.10:9", False),
        ("raw+tcp://[fd00::5]:9", "raw+tcp://[fd00:0::5]:9", True),
        ("raw+tcp://[fd00::5]:9", "raw+tcp://[fd00::6]:9", False),
        ("raw+tcp://[fd00::5]:9", "raw+tcp://f:9", False),
        ("raw+tcp://[fd00::/8]:9", "raw+tcp://[fd12::6]:9", True),
        ("raw+tcp://[fd00::/8]:9", "raw+tcp://[2001:db8::1]:9", False),
        ("raw+tcp://*.*:9", "raw+tcp://a:9", None),
        ("raw+tcp://logs?:50??", "raw+tcp://logs7:5044", True),
        ("raw+tcp://logs?:50??", "raw+tcp://logs77:5044", False),
        ("raw+tcp://db*:9", "raw+tcp://[fd00::1]:9", False),
        ("raw+tcp://*:9", "raw+tcp://[fd00::1]:9", True),
        ("raw+tcp://*", "raw+tcp://a.example:1", True),
        ("*", "redis+tls://a.example:1", True),
        ("redis+*", "redis+tls://a.example:1", True),
        ("redis+*", "syslog+tls://a.example:1", False),
        ("*://10.0.0.1:9", "kafka://10.0.0.1:9", True),
        ("*://10.0.0.1:9", "raw+tls://10.0.0.1:9", True),
        ("kafka://b:9092", "kafka://b:9092", True),
        ("kafka://b:9092", "kafka+tls://b:9092", False),
        ("kafka+udp://b:9092", "kafka://b:9092", True),
        ("syslog://b:514", "syslog+udp://b:514", True),
        ("tcp://b:514", "raw+tcp://b:514", True),
        ("RAW+TCP://B:514", "raw+tcp://b:514", True),
    ],
)
def test_adapter_transport_host_and_port_are_compared_each_by_itself(
    entry: str, to: str, is_allowed: bool | None
) -> None:
    if is_allowed is None:
        with pytest.raises(ValueError, match="which is no address and no network"):
            destination(entry)
    else:
        assert allows(entry, to) is is_allowed


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("raw+tcp://10.1.2.3/8:5", "raw+tcp://10.1.2.3/8:5 has the host '10.1.2.3/8', which is no address and no "
                                   "network; write 10.0.0.0/8"),
        ("raw+tcp://10.*.0.1:5", "write a network, such as 10.0.0.0/8 or [fd00::/8]"),
        ("raw+tcp://10.0.0.1*:5", "write a network"),
        ("raw+tcp://999.*:5", "write a network"),
        ("raw+tcp://10.0.0.256:5", "write a network"),
        ("raw+tcp://[fd00:*]:5", "write a network"),
        ("raw+tcp://logs.example/24:5", "write a network"),
        ("raw+tcp://fd00::1:5", "has an IPv6 address without brackets; write it as [fd00::1]:6514"),
        ("raw+tcp://logs.example", "has no port; write the port behind the host, or :* for any port"),
        ("raw+tcp://logs.example*", "has no port"),
        ("raw+tcp://[fd00::1]", "has no port"),
        ("raw+tcp://logs.example:x", "has the port 'x'; write a number, or * for any port"),
        ("raw+tcp://:5", "has the host ''"),
        ("raw+tcp://me@logs.example:5", "has the host 'me@logs.example'"),
        ("raw+tcp", "has no ://; write it as syslog+tls://logs.example:6514"),
        ("logs.example:6514", "has no ://"),
        ("", "has no ://"),
        ("://a:1", "has no adapter"),
        ("a+b+c://a:1", "has no adapter, or more than one transport"),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_meant_is_told_with_what_to_write(entry: str, told: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        destination(entry)
    assert told in str(raised.value)


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "0x7f000001", "10.0.0.01", "a.0x1", "1.2.3.4.", ""])
def test_what_is_an_address_to_a_resolver_alone_is_no_host(host: str) -> None:
    with pytest.raises(ValueError, match="is neither a host name nor an address"):
        host_of(host)


@examples(3)
@given(st.ip_addresses(), st.ip_addresses(v=4).map(int), st.integers(0, 32))
def test_a_network_has_its_addresses_and_no_other(address: object, first: int, prefix: int) -> None:
    network = ip_network((first >> (32 - prefix) << (32 - prefix), prefix))
    host = host_of(str(address))
    entry = destination(f"raw+tcp://{network}:9")
    assert entry.has("raw", "tcp", host, 9) == (host in network)
    assert entry.has("raw", "tcp", network[-1], 9)
    assert entry.has("raw", "tcp", ip_address(f"::ffff:{network[0]}").ipv4_mapped, 9)  # type: ignore[union-attr, arg-type]


@examples(3)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_an_entry_or_one_clear_error(entry: str, host: str) -> None:
    found = None
    with suppress(ValueError):
        found = destination(entry)
    with suppress(ValueError):
        name = host_of(host)
        assert found is None or found.has("raw", "", name, 1) in (True, False)
