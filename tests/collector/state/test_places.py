"""`collector.state.places`: where an agent listens and keeps its things."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.state.places import Address, address, demo_state_dir, is_off


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:9880", "127.0.0.1", 9880),
        (":9880", "", 9880),
        ("9880", "", 9880),
        ("[::1]:0", "::1", 0),
        (" name:65535 ", "name", 65535),
        ("MyHost:1", "myhost", 1),
        ("[2001:DB8:0::1]:1", "2001:db8::1", 1),
        ("[::0]:1", "::", 1),
    ],
)
def test_addresses_are_read(text: str, host: str, port: int) -> None:
    assert address(text) == (host, port)


@pytest.mark.parametrize(
    "text", ["", "host", "host:", "host:65536", "host:-1", "::1:80", "a b:1", "http://h:1", "u@h:1", "h:²"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"port|brackets|host"):
        address(text)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_an_address_is_read_as_it_is_written(host: object, port: int) -> None:
    assert address(str(Address(str(host), port))) == (str(host), port)


@pytest.mark.parametrize(("host", "reached"), [("", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("h", "h")])  # noqa: S104
def test_every_interface_is_reached_on_the_loopback_one(host: str, reached: str) -> None:
    assert Address(host, 1).reachable == (reached, 1)


def test_off_has_several_spellings() -> None:
    assert all(map(is_off, [None, False, "off", "Off", "null", "none"]))
    assert not any(map(is_off, [True, "", ":1", 0]))


def test_a_relative_state_home_is_ignored() -> None:
    assert demo_state_dir({"XDG_STATE_HOME": "/x", "HOME": "/h"}) == Path("/x/pilotfish-demo")
    assert demo_state_dir({"XDG_STATE_HOME": "x", "HOME": "/h"}) == Path("/h/.local/state/pilotfish-demo")
