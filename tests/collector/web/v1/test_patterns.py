"""`collector.web.v1.patterns`: what differs from one message to the next is taken out."""

import json
import time

import pytest

from collector.web.v1.patterns import masked, of


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("GET /orders/17 took 3.5 ms", "GET /orders/<n> took <n> ms"),
        ("2026-11-23T02:13:00.123Z started", "<time> started"),
        ("user 6f1c2a3e-1b2c-4d5e-8f90-0123456789ab left", "user <uuid> left"),
        ("from 10.0.0.1:8080", "from <ip>"),
        ("at 0xdeadBEEF in deadbeef00112233", "at <hex> in <hex>"),
        ("nothing differs", "nothing differs"),
    ],
)
def test_a_mask_stands_for_what_differs(message: str, expected: str) -> None:
    assert masked(message) == expected


def test_hostile_messages_take_time_in_proportion_to_their_length() -> None:
    begun = time.process_time()
    for sign in ("a", "0", "1.", "f-", "0x", "2026-", "a1"):
        masked(sign * 1_000_000)
    assert time.process_time() - begun < 1


def test_what_is_no_document_takes_nothing_with_it() -> None:
    good = json.dumps({"_id": "x", "log": {"message": "a 1"}, "@timestamp": "2026-11-23T02:13:00Z"}).encode()
    (found,) = of([b"{", good, b'{"log":{"message":"a 2"}}'])
    assert (found.pattern, found.count, found.id) == ("a <n>", 2, "x")
