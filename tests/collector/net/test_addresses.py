"""Servers named in options: host and port, or words that say what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.net.addresses import Address, address_of, fault_of
from tests.examples import examples

USUAL = "log.example:514"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("log.example:6514", Address("log.example", 6514)),
        ("log.example", Address("log.example", 514)),
        ("10.0.0.7:1", Address("10.0.0.7", 1)),
        ("[::1]:601", Address("::1", 601)),
        ("[2001:db8::7]", Address("2001:db8::7", 514)),
        ("my_host:514", Address("my_host", 514)),
    ],
)
def test_an_address_is_a_host_and_a_port_or_the_usual_port(text: str, address: Address) -> None:
    assert fault_of(text, USUAL) == ""
    assert address_of(text, 514) == address


@pytest.mark.parametrize(
    "text",
    ["", ":514", "host:", "host:0", "host:65536", "host:x", "::1", "::1:514", "[::1", "[log.example]:514", "a b:514",
     "tcp://host:514", "host:514/path", "a..b:514", "x" * 64 + ":514", "host:514?x", "host\n:514",
     "host:51 4", "a,b:514"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_a_good_one_named(text: str) -> None:
    fault = fault_of(text, USUAL)
    assert USUAL in fault
    assert "\n" not in fault


def test_no_password_is_quoted() -> None:
    assert "secret" not in fault_of("user:secret@host:514", USUAL)


@given(st.text(max_size=40))
@examples(3)
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    if not fault_of(text, USUAL):
        address = address_of(text, 514)
        assert address.host
        assert 0 < address.port < 65536
        assert address_of(str(address), 1) == address


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert str(Address("::1", 514)) == "[::1]:514"
    assert str(Address("log.example", 514)) == "log.example:514"
