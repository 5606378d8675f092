"""Laws of a letter's line: what was written is read, older lines too, and what could not be sent is no letter."""

import json

import pytest

from collector.dead_letters.letter import Wanted, line, read, segments
from collector.documents.refused import as_text
from collector.model import Rejected
from tests.contract.segments import document, log_stream, plain_segment, segment

REFUSED = Rejected(plain_segment(2), 1, "mapper_exception", "cannot")
OLD = {
    "reason": "r",
    "detail": "d",
    "time": "2026-11-23T00:00:00.000+00:00",
    "_id": "x-1",
    "target": "shop",
    "day": "2026-11-23",
    "document": {"log": {"message": "m"}, "stream": "stdout"},
}


def written(**changed: object) -> bytes:
    return json.dumps({**OLD, **changed}, separators=(",", ":")).encode()


def test_a_letter_is_read_as_it_was_written() -> None:
    letter = read(line(REFUSED))
    assert letter is not None
    (made,) = segments([letter])
    assert (made.ids, made.documents, made.day) == (
        REFUSED.segment.ids[1:],
        REFUSED.segment.documents[1:],
        "2026-11-23",
    )
    stream = REFUSED.segment.stream
    assert (made.stream.key, made.stream.container, made.stream.target) == (stream.key, stream.container, "shop")
    assert made.size == len(made.documents[0])


def test_the_original_of_a_text_is_what_is_sent() -> None:
    stream = log_stream()
    original = document({"user": 7}, stream)
    text = as_text(Rejected(segment([original], stream), 0, "mapper_exception", ""))
    letter = read(line(Rejected(text, 0, "mapper_exception", "")))
    assert letter is not None
    assert next(segments([letter])).documents == [original]


def test_a_line_of_an_earlier_version_is_a_letter() -> None:
    letter = read(written())
    assert letter is not None
    assert (letter.id, letter.container_id, letter.container) == ("x-1", "", "")


def test_letters_of_one_origin_are_one_segment_and_keep_their_order() -> None:
    letters = [
        read(written(_id=name, target=target, day=day))
        for name, target, day in [("1", "a", "2026-11-23"), ("2", "a", "2026-11-23"), ("3", "b", "2026-11-23"),
                                  ("4", "a", "2026-11-24")]
    ]  # fmt: skip
    made = list(segments([letter for letter in letters if letter]))
    assert [(one.stream.target, one.day, one.ids) for one in made] == [
        ("a", "2026-11-23", ["1", "2"]), ("b", "2026-11-23", ["3"]), ("a", "2026-11-24", ["4"])
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b'{"reason":"torn',
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 5000,
        written(_id=""),
        written(_id=7),
        written(day="yesterday"),
        written(day=""),
        written(document=[]),
        written(document={}),
        written(document={"log": {}}),
        written(document={"stream": "x", "log": {}}),
        written(document={"log": {"message": "@"}, "stream": "x"}).replace(b"@", b"\xff"),
    ],
)
def test_what_could_not_be_sent_is_no_letter(text: bytes) -> None:
    assert read(text) is None


def test_a_number_that_no_parser_reads_alike_does_not_damage_a_letter() -> None:
    stream = log_stream()
    odd = document(b'{"n":123456789012345678901234567890,"a":1e999}', stream)
    letter = read(line(Rejected(segment([odd], stream), 0, "x", "y")))
    assert letter is not None
    assert bytes(letter.document) == odd


def test_reason_and_target_narrow_what_is_wanted() -> None:
    letter = read(written())
    assert letter is not None
    wanted = [Wanted(), Wanted(reason="r"), Wanted(target="shop"), Wanted("r", "shop")]
    unwanted = [Wanted(reason="x"), Wanted(target="x"), Wanted("r", "x")]
    assert [each.matches(letter) for each in wanted + unwanted] == [True] * 4 + [False] * 3
