"""Documents are taken apart and joined again, byte for byte; what no composer wrote is left alone."""

import json

import pytest

from collector.documents.framed import framed, joined
from tests.contract.segments import document, log_stream

DOCUMENT = document({"message": 'a","stream":"stdout","@timestamp":"2026-11-23T10:00:00Z"}'}, log_stream())


def test_what_is_taken_apart_is_joined_again() -> None:
    others = [document({"n": n}, log_stream(), time=f"2026-11-23T10:00:0{n}.5Z", output="stderr") for n in range(3)]
    apart = framed([DOCUMENT, *others])
    assert apart is not None
    again = [
        joined("x-1", log, stream.decode(), time.decode(), tail) for log, stream, time, tail in zip(*apart, strict=True)
    ]
    assert again == [b'{"_id":"x-1",' + body[1:] for body in (DOCUMENT, *others)]
    assert json.loads(apart.logs[0]) == json.loads(DOCUMENT)["log"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1]",
        b'{"log":{}}',
        DOCUMENT[1:],
        DOCUMENT[:-1],
        DOCUMENT + b"\n",
        DOCUMENT.replace(b"Z", b"+01:00"),
        DOCUMENT.replace(b'"stream":"stdout"', b'"stream":"other"'),
    ],
)
def test_what_no_composer_wrote_is_not_taken_apart(body: bytes) -> None:
    assert framed([DOCUMENT, body]) is None
