"""The laws that every format keeps (`collector.formats.Format`).

A format's test module subclasses `FormatContract`, and brings a corpus: lines as its programs write them, each with the
members that come of it, and lines that do not fit.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.formats import FORMATS, Format, make

Corpus = Mapping[str, Mapping[str, Any]]

_BLOCK = 1 << 16
_CPU_SECONDS = 0.5  # for a block: what grows with the square of the text takes minutes
_FILLERS = (
    *('"', "\\", " ", "[", "]", "a", "=", ":", ",", "<", "9", "-", "\n", "ä", '\\"', "a=", 'a="', '" "', '"",', "a b "),
    *(' "', "[[", '["', "[a ", '\\" ', "a:1 ", "} ", "1.1 "),
)


class FormatContract:
    """Override `name`, `fits` and `unfit`; `options` if there are any."""

    name: ClassVar[str]
    options: ClassVar[Mapping[str, str]] = {}
    fits: ClassVar[Corpus]
    unfit: ClassVar[tuple[str, ...]]

    def format(self) -> Format:
        return make(self.name, self.options)

    def words(self, text: str) -> str:
        """The text but for what the format says in other words, such as a number that stands for a level."""
        return text

    def test_it_is_found_by_its_name_and_says_what_its_options_are(self) -> None:
        assert self.name in FORMATS
        assert self.options.keys() <= type(self.format()).OPTIONS.keys()
        assert all(type(self.format()).OPTIONS.values())
        with pytest.raises(ValueError, match="has no option unheard-of"):
            make(self.name, {**self.options, "unheard-of": "1"})

    def test_each_line_of_the_corpus_has_its_members_and_their_types(self) -> None:
        assert len(self.fits) + len(self.unfit) >= 12
        reader = self.format()
        wrong = {}
        for line, expected in self.fits.items():
            found = self.read(reader, line)
            if found != expected or types_of(found) != types_of(expected):
                wrong[line] = found
        assert wrong == {}

    def test_each_line_that_does_not_fit_is_left_as_it_is(self) -> None:
        reader = self.format()
        assert {line: found for line in self.unfit if (found := reader.log(line)) is not None} == {}

    def test_no_word_of_a_line_is_lost(self) -> None:
        """Nor of a line that was cut anywhere: what no member holds is in `message`."""
        reader = self.format()
        for line in self.fits:
            for end in range(len(line) + 1):
                cut = line[:end]
                if (found := self.read(reader, cut)) is not None:
                    said = " ".join(texts_of(found)).lower()
                    assert [
                        word for word in re.findall(r"[A-Za-z]{2,}", self.words(cut)) if word.lower() not in said
                    ] == []

    def test_any_text_is_one_object_on_one_line_or_does_not_fit(self) -> None:
        reader, another = self.format(), self.format()

        @given(st.one_of(st.text(), self.mutated()))
        def holds(text: str) -> None:
            found = reader.log(text)
            assert found == another.log(text)
            if found is not None:
                assert "\n" not in found
                assert isinstance(json.loads(found.encode()), dict)

        holds()

    def mutated(self) -> st.SearchStrategy[str]:
        """Lines of the corpus in which something was cut out and something put in."""

        def changed(line: str, start: int, stop: int, more: str) -> str:
            return line[: start % (len(line) + 1)] + more + line[stop % (len(line) + 1) :]

        places = st.integers(0, 1000)
        return st.builds(changed, st.sampled_from([*self.fits, *self.unfit]), places, places, st.text(max_size=5))

    def test_time_grows_with_the_text_and_no_faster(self) -> None:
        reader = self.format()
        lines = list(self.fits)[:3]
        for text in hostile(lines):
            assert seconds(partial(reader.log, text)) < _CPU_SECONDS, text[:200]

    @staticmethod
    def read(reader: Format, line: str) -> dict[str, Any] | None:
        found = reader.log(line)
        return None if found is None else json.loads(found)


def hostile(lines: list[str]) -> Iterator[str]:
    """A block each: the beginnings of lines, and one thing again and again."""
    for line in ["", *lines]:
        for end in sorted({len(line) * part // 8 for part in range(9)}):
            for filler in _FILLERS:
                yield line[:end] + filler * (_BLOCK // len(filler))
                yield line[:end] + filler * (_BLOCK // len(filler)) + "x"  # what was closed goes on


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def types_of(members: Mapping[str, Any] | None) -> list[type]:
    """`1`, `1.0` and `True` are equal, but no one type of Elasticsearch."""
    return [] if members is None else [type(value) for value in members.values()]


def texts_of(members: Mapping[str, Any]) -> Iterator[str]:
    for name, value in members.items():
        yield name
        yield value if isinstance(value, str) else json.dumps(value)
