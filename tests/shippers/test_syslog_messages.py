"""A document as a syslog message: what stands where, within which bounds, whatever an application writes."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.model import LogStream
from shippers.syslog.messages import FACILITIES, LEAST_BYTES, Composer, Header, cut, name
from tests.contract.segments import document, log_stream, segment
from tests.contract.shippers import HOSTILE_TARGETS
from tests.examples import examples

HEADER = Header("{host}", "{container}", "{container_id}", "-")
RFC5424 = re.compile(
    rb"<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) "
    rb"([\x21-\x7e]{1,128}) ([\x21-\x7e]{1,32}) "
    rb"(\[pilotfish@32473(?: [a-z_]{1,32}=\"(?:[^\"\\\]]|\\[\"\\\]])*\")*\]) (.*)",
    re.DOTALL,
)
RFC3164 = re.compile(
    rb"<(\d{1,3})>([A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d) ([\x21-\x7e]+) "
    rb"([\x21-\x7e]{1,32}(?:\[[\x21-\x7e]+\])?): (.*)",
    re.DOTALL,
)


def composer(
    *,
    facility: str = "user",
    is_rfc5424: bool = True,
    body: Callable[[list[bytes]], list[bytes]] | None = None,
    is_one_line: bool = False,
    most_bytes: int = 8192,
) -> Composer:
    return Composer(
        facility=facility,
        header=HEADER,
        is_rfc5424=is_rfc5424,
        body=body,
        is_one_line=is_one_line,
        most_bytes=most_bytes,
    )


def message(log: object, stream: LogStream | None = None, *, output: str = "stdout", **options: Any) -> bytes:
    stream = stream or log_stream()
    [found] = composer(**options).messages(segment([document(log, stream, output=output)], stream))
    return found


def test_a_message_of_rfc_5424_has_time_names_and_structured_data() -> None:
    stream = log_stream()
    stream = replace(stream, fields={**stream.fields, "docker_image": "shop:1"})
    assert message({"message": "hello"}, stream).decode() == (
        '<14>1 2026-11-23T02:13:00.768123Z moby c0ffee-1 c0ffee - [pilotfish@32473 container="c0ffee-1" '
        'target="shop" image="shop:1" id="c6007466c847cab80ed7d649-0" stream="stdout"] hello'
    )


def test_a_message_of_rfc_3164_has_time_host_and_tag() -> None:
    assert message({"message": "hello"}, is_rfc5424=False) == b"<14>Nov 23 02:13:00 moby c0ffee-1[c0ffee]: hello"


@pytest.mark.parametrize(
    ("log", "output", "severity"),
    [
        ({"level": "fatal"}, "stdout", 2), ({"level": "error"}, "stdout", 3), ({"level": "warn"}, "stderr", 4),
        ({"level": "info"}, "stderr", 6), ({"level": "debug"}, "stdout", 7), ({"level": "trace"}, "stdout", 7),
        ({"message": "x"}, "stdout", 6), ({"message": "x"}, "stderr", 3), ({"level": "none"}, "stderr", 3),
    ],
)  # fmt: skip
def test_the_level_gives_the_severity_else_the_stream_does(log: object, output: str, severity: int) -> None:
    assert message(log, output=output, facility="local7").startswith(b"<%d>1 " % (23 * 8 + severity))


def test_facilities_have_the_numbers_of_the_rfc() -> None:
    assert [FACILITIES[each] for each in ("kern", "user", "syslog", "authpriv", "local0", "local7")] == [
        0, 1, 5, 10, 16, 23,
    ]  # fmt: skip


def test_line_breaks_are_kept_where_the_length_frames_and_replaced_where_a_newline_does() -> None:
    assert message({"message": "a\nb\r\tc"}).endswith(b"] a\nb\r\tc")
    assert message({"message": "a\nb\r\tc"}, is_one_line=True).endswith(b"] a#012b#015\tc")


def test_a_nul_is_replaced_since_receivers_end_there() -> None:
    assert message({"message": "a\0b"}).endswith(b"] a#000b")


def test_the_whole_document_may_be_the_text() -> None:
    whole = document({"message": "hello"}, log_stream())
    assert message({"message": "hello"}, body=lambda documents: documents).endswith(b"] " + whole)


def test_a_long_text_is_cut_at_a_character_and_says_how_long_it_was() -> None:
    found = message({"message": "ä" * 10_000}, most_bytes=4096)
    parsed = RFC5424.fullmatch(found)
    assert parsed
    assert b' original_bytes="20000"]' in found
    text = parsed[8].decode()
    assert text == "ä" * (len(text) - 1) + "…"
    assert 4093 <= len(found) <= 4096


def test_a_text_that_fits_to_the_byte_is_not_cut() -> None:
    least = len(message({"message": ""}))
    assert message({"message": "x" * (4096 - least)}, most_bytes=4096).endswith(b"xx")
    assert message({"message": "x" * (4097 - least)}, most_bytes=4096).endswith("…".encode())


def test_a_document_without_a_time_has_none_in_the_message() -> None:
    stream = log_stream()
    [found] = composer().messages(segment([document({"message": "x"}, stream, time="yesterday")], stream))
    assert found.startswith(b"<14>1 - moby")


@pytest.mark.parametrize("is_rfc5424", [True, False])
@pytest.mark.parametrize("target", HOSTILE_TARGETS)
def test_no_name_breaks_a_message(target: str, is_rfc5424: bool) -> None:
    stream = log_stream(target)
    hostile = replace(stream, container=target, fields={"host": target * 3, "@target": target, "docker_image": target})
    found = message({"message": "text"}, hostile, is_rfc5424=is_rfc5424, most_bytes=LEAST_BYTES)
    parsed = (RFC5424 if is_rfc5424 else RFC3164).fullmatch(found)
    assert parsed
    assert parsed[parsed.re.groups] == b"text"


LOGS = st.dictionaries(st.sampled_from(["message", "msg", "level", "x"]), st.text(max_size=60), max_size=4)


@given(LOGS, st.text(max_size=300), st.booleans(), st.integers(LEAST_BYTES, LEAST_BYTES + 50))
@examples(3)
def test_any_line_of_any_container_is_one_message_within_its_bound(
    log: dict[str, str], text: str, is_one_line: bool, most_bytes: int
) -> None:
    stream = replace(log_stream(text), container=text)
    found = message(log | {"y": text * 8}, stream, is_one_line=is_one_line, most_bytes=most_bytes)
    assert RFC5424.fullmatch(found)
    assert len(found) <= most_bytes
    assert b"\0" not in found
    assert not is_one_line or b"\n" not in found
    found.decode()


@given(st.text(max_size=50), st.integers(3, 60))
@examples(3)
def test_what_is_cut_is_text_of_the_size_asked_for(text: str, most_bytes: int) -> None:
    found = cut(text.encode(), most_bytes)
    assert len(found) <= most_bytes
    assert found.decode() == text or text.startswith(found.decode().removesuffix("…"))


def test_a_pattern_names_members_and_unknown_ones_are_empty() -> None:
    known = {"container": "web 1", "docker_service": "shop"}
    assert name("{docker_service}/{container}", known, 48) == "shop/web_1"
    assert name("{nothing}", known, 48) == "-"
    assert name("{container}" * 20, known, 48) == ("web_1" * 20)[:48]
