"""A query's text → whether one document matches it, as a search of an output would find it.

For whoever looks at documents before any output has them. A document is decoded once, whatever number of queries is
asked of it; its words are taken apart when a query asks for words and not before.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

from collector.search import language
from collector.search.language import AllOf, AnyOf, Asked, Everything, Numbers, Times, Whole, Words
from collector.search.leaves import Leaf, leaves, members_of, text_of, words


class _Text(NamedTuple):
    """A text inside `log`. `is_number`: of a number, which a field is compared with by its value."""

    path: str
    text: str
    is_number: bool


class Candidate:
    """A document of which queries are asked."""

    def __init__(self, document: bytes) -> None:
        """Decode it.

        Raises:
            ValueError: it is not a JSON object.
            RecursionError: it is nested too deeply to be read.
        """
        self._members = members_of(document)
        self._words: dict[str, list[str]] = {}

    @cached_property
    def log(self) -> Sequence[tuple[str, Leaf]]:
        """Every string, number and boolean inside `log`, with its path."""
        return list(leaves(self._members.get("log")))

    @cached_property
    def texts(self) -> Sequence[_Text]:
        """The same as text."""
        return [_Text(path, text_of(leaf), type(leaf) in (int, float)) for path, leaf in self.log]

    @cached_property
    def trusted(self) -> Sequence[tuple[str, str]]:
        """The members beside `log`."""
        beside = {name: value for name, value in self._members.items() if name != "log"}
        return [(path, text_of(leaf)) for path, leaf in leaves(beside)]

    @cached_property
    def time(self) -> int | None:
        """`@timestamp` in nanoseconds since 1970; None if it is no time."""
        try:
            return language.nanoseconds(str(self._members.get("@timestamp")))
        except ValueError:
            return None

    def first(self, path: str) -> str | None:
        """The first value of the member that a query calls so, as text; None without one.

        Raises:
            QueryError: no member can have this name.
        """
        name, is_trusted = language.member(path)
        found = self.trusted if is_trusted else ((one.path, one.text) for one in self.texts)
        return next((text for mine, text in found if mine == name), None)

    def words(self, text: str) -> list[str]:
        """The words of one of its texts."""
        if (found := self._words.get(text)) is None:
            found = self._words[text] = words(text)
        return found


Match = Callable[[Candidate], bool]


def matcher(text: str) -> Match:
    """Whether a document matches the query `text`, compiled once.

    Raises:
        QueryError: it is not of the language.
    """
    try:
        return _match(language.parsed(text))
    except RecursionError as error:
        raise language.nested_too_deeply() from error


def _match(asked: Asked) -> Match:
    match asked:
        case Words():
            return _in_line(asked)
        case Whole():
            return _whole(asked)
        case Numbers():
            return _numbers(asked)
        case Times():
            return _times(asked)
        case AnyOf(some):
            any_of = [_match(each) for each in some]
            return lambda one: any(each(one) for each in any_of)
        case AllOf(all_, unwanted):
            wanted, without = [_match(each) for each in all_], [_match(each) for each in unwanted]
            return lambda one: all(each(one) for each in wanted) and not any(each(one) for each in without)
        case Everything():
            return lambda _: True


def _whole(asked: Whole) -> Match:
    name, wanted = asked.name, asked.text
    if asked.is_prefix:
        return lambda one: any(path == name and text.startswith(wanted) for path, text in one.trusted)
    return lambda one: (name, wanted) in one.trusted


def _times(asked: Times) -> Match:
    since, until = asked

    def match(one: Candidate) -> bool:
        time = one.time
        return time is not None and (since is None or time >= since) and (until is None or time < until)

    return match


def _numbers(asked: Numbers) -> Match:
    low, high = asked.low, asked.high

    def fits(number: float) -> bool:
        if low is not None and not (number >= low if asked.has_low else number > low):
            return False
        return high is None or (number <= high if asked.has_high else number < high)

    return lambda one: any(
        path == asked.path and fits(leaf) for path, leaf in one.log if type(leaf) is int or type(leaf) is float
    )


def _in_line(asked: Words) -> Match:
    wanted = words(asked.text)
    if not wanted:
        raise language.no_word(asked.text)
    number = language.number_of(asked.text) if asked.path else None

    def fits(one: Candidate, path: str, text: str, is_number: bool) -> bool:
        if asked.path and path != asked.path:
            return False
        if is_number and asked.path:
            if asked.is_prefix:
                return text.startswith(asked.text)
            return number is not None and language.number_of(text) == number
        if text.isascii() and wanted[0] not in text.lower():
            return False
        return _stand_in(one.words(text), wanted, asked.slop, is_prefix=asked.is_prefix)

    return lambda one: any(fits(one, *each) for each in one.texts)


def _stand_in(found: list[str], wanted: list[str], slop: int, *, is_prefix: bool) -> bool:
    """Whether words stand in a text in this order, with up to `slop` others between them."""

    def is_at(place: int, number: int) -> bool:
        is_part = is_prefix and number == len(wanted) - 1
        return found[place].startswith(wanted[number]) if is_part else found[place] == wanted[number]

    for start in range(len(found) - len(wanted) + 1):
        if not is_at(start, 0):
            continue
        place: int | None = start
        for number in range(1, len(wanted)):
            end = min(len(found), start + len(wanted) + slop)
            place = next((at for at in range((place or 0) + 1, end) if is_at(at, number)), None)
            if place is None:
                break
        if place is not None:
            return True
    return False
