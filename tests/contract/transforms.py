"""The laws that every transform keeps (`collector.ports.Transform`).

A format's test module subclasses `TransformContract`, and says how to make the transform and how an application's line
stands in the format.
"""

import json
import random
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest

from collector.model import BEGINNING, Chunk, FileId, Position, Resume, Segment, Start, Ticket
from collector.ports import Transform
from collector.sources.fingerprint import fingerprint, last_line

from .segments import log_stream

STREAM = log_stream()
FILE = FileId(STREAM.container_id, "5eed", 0)
TRUSTED = dict(STREAM.fields)

TEXTS = (
    "plain", "", " ", "größe 日本 🐟", '{"level":"info","message":"json"}', '{"a":1', "[1]", "null", "tab\there",
    '","@target":"evil","x":"', '"},"@target":"evil"}', '{"@target":"evil","docker_container":"evil"}',
    '{"log":{"@timestamp":"x"},"stream":"evil"}', "back\\slash", "nul\x00inside", "quote\"s", "\r", "a" * 5000,
)  # fmt: skip


def chunks(lines: Sequence[bytes], cuts: Iterable[int] = (), *, first: int = 0, ended: bool = True) -> list[Chunk]:
    """The lines from `first` on, cut before these numbers, as a source gives them."""
    edges = [first, *sorted({cut for cut in cuts if first < cut < len(lines)}), len(lines)]
    found = []
    for start, end in pairwise(edges):
        data = b"".join(lines[start:end])
        found.append(
            Chunk(stream=STREAM, data=data, start=place(lines, start), end=place(lines, end),
                  fingerprint=fingerprint(last_line(data)), changed=lambda: 10**18)
        )  # fmt: skip
    if ended:
        last = place(lines, len(lines))
        found.append(Chunk(stream=STREAM, data=b"", start=last, end=last, ended=True, changed=lambda: 10**18))
    return found


def place(lines: Sequence[bytes], number: int) -> Position:
    return Position(FILE, sum(map(len, lines[:number])), number)


class TransformContract:
    """Override `transform` and `line`."""

    @abstractmethod
    def transform(self, start: Start = BEGINNING) -> Transform:
        """A new one, of a stream that is read from `start` on."""

    @abstractmethod
    def line(self, text: str, number: int) -> bytes:
        """The raw line, or lines, by which the format says that an application wrote `text`; `number` may tell time."""

    def lines(self) -> list[bytes]:
        """All of `TEXTS`, twice."""
        raw = b"".join(self.line(text, number) for number, text in enumerate(TEXTS * 2))
        return raw.splitlines(keepends=True)

    def read(self, found: Iterable[Chunk], start: Start = BEGINNING) -> list[tuple[str, bytes]]:
        """Each document with its id."""
        transform = self.transform(start)
        return [one for chunk in found for each in transform.take(chunk).segments for one in self.documents(each)]

    @staticmethod
    def documents(segment: Segment) -> list[tuple[str, bytes]]:
        assert segment.size == sum(map(len, segment.documents))
        return list(zip(segment.ids, segment.documents, strict=True))

    @pytest.mark.parametrize("seed", range(20))
    def test_where_the_input_is_cut_changes_neither_documents_nor_ids(self, seed: int) -> None:
        lines = self.lines()
        chance = random.Random(seed)
        cuts = [chance.randrange(len(lines)) for _ in range(chance.randrange(1, 12))]
        assert self.read(chunks(lines, cuts)) == self.read(chunks(lines))

    def test_each_document_is_one_line_of_json_with_the_trusted_members(self) -> None:
        found = self.read(chunks(self.lines()))
        assert found
        for _, document in found:
            assert b"\n" not in document
            read = json.loads(document)
            assert {name: read[name] for name in TRUSTED} == TRUSTED
            assert {"log", "stream", "@timestamp"} <= read.keys()
            members = document[1:].decode()
            assert members.count('"@target":"evil"') == json.dumps(read["log"], separators=(",", ":")).count(
                '"@target":"evil"'
            )

    def test_ids_are_unique_and_none_is_empty(self) -> None:
        ids = [name for name, _ in self.read(chunks(self.lines()))]
        assert all(ids)
        assert len(set(ids)) == len(ids)

    def test_reading_again_from_wherever_it_says_gives_the_rest(self) -> None:
        lines = self.lines()
        whole = self.read(chunks(lines))
        transform, count, ends = self.transform(), 0, list[tuple[int, Ticket]]()
        for chunk in chunks(lines, range(0, len(lines), 5)):
            taken = transform.take(chunk)
            for segment in taken.segments:
                count += segment.count
                ends.append((count, segment.ticket))
            if taken.end is not None:
                ends.append((count, taken.end))
        assert count == len(whole)
        for count, ticket in ends:
            start = Start(Resume(ticket.end, {}, ticket.fingerprint), "", ticket.last_time, carried=ticket.carried)
            rest = self.read(chunks(lines, first=ticket.end.line), start)
            assert rest[len(rest) - len(whole) + count :] == whole[count:]  # what it says is never too far on
            assert set(rest) <= set(whole)

    def test_nothing_is_kept_when_the_container_has_ended(self) -> None:
        transform = self.transform()
        for chunk in chunks(self.lines()):
            taken = transform.take(chunk)
        assert not transform.is_amid_line
        assert transform.undecided() is None
        assert taken.end is not None
        assert taken.end.end.line == len(self.lines())

    def test_a_chunk_without_data_moves_the_position(self) -> None:
        end = Position(FILE, 500, 5)
        taken = self.transform().take(Chunk(stream=STREAM, data=b"", start=end, end=end, changed=lambda: 10**18))
        assert taken.segments == []
        assert taken.end is not None
        assert taken.end.end == end

    @pytest.mark.parametrize("seed", range(20))
    def test_garbage_breaks_nothing(self, seed: int) -> None:
        chance = random.Random(seed)
        lines = [chance.choice([chance.randbytes(30).replace(b"\n", b""), line[:-1]]) + b"\n" for line in self.lines()]
        for _, document in self.read(chunks(lines, [7])):
            assert b"\n" not in document
            assert {name: json.loads(document)[name] for name in TRUSTED} == TRUSTED

    def test_what_is_taken_together_is_what_each_becomes_alone(self) -> None:
        lines = self.lines()
        several = [self.transform() for _ in range(3)]
        alone = self.transform()
        for chunk in chunks(lines, [1, 2, 9, 17]):
            expected = [one for each in alone.take(chunk).segments for one in self.documents(each)]
            made = type(alone).together([(transform, chunk) for transform in several], 1 << 20)
            assert len(made) == len(several)
            for transform, segments in zip(several, made, strict=True):
                found = transform.take(chunk).segments if segments is None else segments
                assert [one for each in found for one in self.documents(each)] == expected
