"""One stream's lines → the same lines without secrets, and how many of each rule there were.

What becomes of a line depends on the line, the rules and the key alone. Most have nothing that a rule needs at least
(one pass of RE2, which looks for all of them at once): they cost less than a microsecond. Of the others so much is
looked at and no more: a line beyond that is withheld, for what was not looked at is never passed on.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate, count
from typing import NamedTuple

from collector.redaction import json_lines
from collector.redaction.assignments import is_secret
from collector.redaction.json_lines import json_of
from collector.redaction.patterns import Needles, Pattern, Span
from collector.redaction.rule import Find, Rule
from collector.redaction.tags import BEGINS, TAG, Tags
from collector.text import bounds

MOST_BYTES = 1 << 18  # of a line in which something looks like a secret
MOST_MATCHES = 2000  # of rules in it, secrets or not
_MATCH = 128  # what one costs, and what costs less: a string or number of JSON, one with escapes, and in it each
_PLAIN, _ESCAPES, _OWN_SEARCH = 3, 8, 2  # pattern of an operator; such a pattern also costs what it may have passed by
_PASSED_BYTES = 512
MOST_LEVELS = 4  # of JSON within strings of JSON
HIDDEN = "withheld"  # a field of which nobody can say what of it is secret
WITHHELD = "withheld"  # counted beside the rules
PASSWORD = "password"  # noqa: S105 - the name of the rule that goes by names
_SCHEME = re.compile(rb"(?i:bearer|basic|token|apikey)[ \t]+(?=\S)")
_OWN = -1  # in place of the number of a rule
_READ = {r"\u003c": "<", r"\u003e": ">", r"\u0026": "&"}
_AS_DOCKER_WRITES = re.compile(r"\\u00(?:3c|3e|26)")
_ESCAPED = r"\\u00[0-7]"  # a letter, digit or sign that JSON need not escape


class _Over(Exception):
    """A line has more than is looked at."""


class Limited(NamedTuple):
    """What an operator's pattern finds; in a longer text it is not looked for."""

    name: str
    pattern: Pattern
    most_bytes: int


class Rules:
    """Those of some streams: first the operator's, then the sets, of which a later one sees what the former left."""

    def __init__(self, own: Sequence[Limited], stages: Sequence[Sequence[Rule]]) -> None:
        self.own = own
        rules = [rule for stage in stages for rule in stage]
        numbers = count()
        self.stages = [[(next(numbers), rule.name, rule.find) for rule in stage] for stage in stages if stage]
        self.goes_by_names = any(rule.name == PASSWORD for rule in rules)
        self._needles = Needles([*(rule.needle for rule in rules), _ESCAPED]) if rules else None
        self.which = self._which if own or self._needles is None else self._needles.which

    def suspects(self, texts: Sequence[str]) -> Collection[int]:
        """Those texts in which something may be found; one pass over all of them costs half as much as one each."""
        if self.own or self._needles is None:
            return {number for number, text in enumerate(texts) if self.which(encoded(text))}
        data = encoded("\n".join(texts))
        found = set[int]()
        ends: list[int] | None = None
        at = 0
        while (hit := self._needles.first(data, at)) is not None:
            if ends is None:
                ends = list(accumulate(len(encoded(text)) + 1 for text in texts))
            first, last = (bisect_right(ends, place) for place in (hit[0][0], hit[0][1] - 1))
            found.update(range(first, last + 1))  # a match may begin with the newline before its line
            at = ends[last] - 1
        return found

    def _which(self, data: bytes) -> Sequence[int]:
        found = self._needles.which(data) if self._needles is not None else ()
        is_own = b"\\" in data or any(
            len(data) > one.most_bytes or one.pattern.find(data) is not None for one in self.own
        )
        return [*found, _OWN] if is_own else found


class Redactor:
    """Redacts the texts of one stream."""

    def __init__(self, rules: Rules, tags: Tags) -> None:
        self._rules = rules
        self._which = rules.which  # the numbers of the rules that may find something in a text
        self.suspects = rules.suspects
        self._tags = tags
        self._counts = Counter[str]()
        self._line = Counter[str]()
        self._search = len(rules.own) * _OWN_SEARCH
        self._spent = 0

    def text(self, text: str) -> str | None:
        """The text of a line without its secrets: itself if it has none; None if it is withheld."""
        data = text.encode("utf-8", "surrogatepass")
        if not (which := self._which(data)):
            return text
        try:
            made = self._looked_at(text, data, which)
        except _Over:
            self._counts[WITHHELD] += 1
            return None
        self._counts += self._line
        return text if made == data else made.decode(errors="replace")

    def broken(self, text: str) -> str | None:
        """As `text`, of an envelope that is broken: Docker writes `<`, `>` and `&` in it so that no rule knows them.

        If that hides a secret, they are written as they are.
        """
        read = _AS_DOCKER_WRITES.sub(lambda found: _READ[found[0]], text)
        return self.text(text) if read == text or (seen := self.text(read)) == read else seen

    def member(self, name: str, value: str) -> str:
        """The value of a field; of one that was cut nobody can say whether it ends amid a secret."""
        data = value.encode(errors="replace")
        if bounds.is_cut_off(value):
            return HIDDEN
        if TAG.fullmatch(data) is not None:
            return value
        if self._rules.goes_by_names and value and is_secret(name.encode(errors="replace")):
            return self._tags.tag(PASSWORD, data).decode()
        made = self.text(value)
        return HIDDEN if made is None else made

    def counted(self) -> dict[str, int]:
        """How many were replaced since it was asked last, by rule, and how many lines were withheld."""
        found, self._counts = dict(self._counts), Counter()
        return found

    def _looked_at(self, text: str, data: bytes, which: Sequence[int]) -> bytes:
        self._spent = 0
        self._line = Counter()
        if len(data) > MOST_BYTES or any(len(data) > one.most_bytes for one in self._rules.own):
            raise _Over
        return self._any(text, data, which, MOST_LEVELS)

    def _any(self, text: str, data: bytes, which: Sequence[int], levels: int) -> bytes:
        found = json_of(text) if levels else None
        if found is None:
            return self._plain(data, which)

        def escaped(inner: bytes) -> bytes:
            self._take(0, _ESCAPES + self._search)
            which = self._which(inner)
            return self._any(inner.decode(errors="surrogatepass"), inner, which, levels - 1) if which else inner

        whole = encoded(found)
        made = json_lines.redacted(whole, json_lines.Looks(self._short, escaped, self._is_secret, self._named))
        return data if made == whole else made

    def _is_secret(self, name: bytes) -> bool:
        return self._rules.goes_by_names and is_secret(name)

    def _short(self, data: bytes) -> bytes:
        self._take(0, _PLAIN + self._search)
        which = self._which(data)
        return self._plain(data, which) if which else data

    def _named(self, value: bytes) -> bytes:
        if TAG.fullmatch(value) is not None:
            return value
        self._take(1)
        self._line[PASSWORD] += 1
        scheme = _SCHEME.match(value)  # `Bearer …` of a header has the tag of the token
        return self._tags.tag(PASSWORD, value[scheme.end() :] if scheme is not None else value)

    def _plain(self, data: bytes, which: Sequence[int]) -> bytes:
        """Tags that stand there already are left as they are, so that redacting twice is redacting once."""
        if BEGINS not in data:
            return self._stage(data, 0, which)
        made, at = [], 0
        for found in TAG.finditer(data):
            made += [self._piece(data[at : found.start()], 0), found[0]]
            at = found.end()
        return b"".join([*made, self._piece(data[at:], 0)])

    def _piece(self, data: bytes, number: int) -> bytes:
        which = self._which(data)
        return self._stage(data, number, which) if which else data

    def _stage(self, data: bytes, number: int, which: Sequence[int]) -> bytes:
        """The text after this stage and those behind it.

        What is left between finds is looked at by every stage but the operator's own again, since a tag ends a word:
        a second look at the text would do the same.
        """
        stages = self._rules.stages
        while number <= len(stages):
            found = self._own(data) if number == 0 else self._found(data, stages[number - 1], which)
            if found:
                break
            number += 1
        else:
            return data
        made, at = [], 0
        for start, end, rule in _joined(found):
            self._line[rule] += 1
            made += [self._piece(data[at:start], 1), self._tags.tag(rule, data[start:end])]
            at = end
        return b"".join([*made, self._piece(data[at:], 1)])

    def _found(
        self, data: bytes, stage: Sequence[tuple[int, str, Find]], which: Sequence[int]
    ) -> list[tuple[int, int, str]]:
        found = []
        for number, name, find in stage:
            if number in which:
                for span in find(data):
                    self._take(1)
                    if span is not None:
                        found.append((*span, name))
        return found

    def _own(self, data: bytes) -> list[tuple[int, int, str]]:
        return [(*span, one.name) for one in self._rules.own for span in self._spans(one.pattern, data)]

    def _spans(self, pattern: Pattern, data: bytes) -> Iterator[Span]:
        at = 0
        while at < len(data) and (found := pattern.find(data, at)) is not None:
            self._take(1, (len(data) - at) // _PASSED_BYTES)  # a short match may need a look at all
            start, end = next((span for span in found[1:] if span[0] >= 0), found[0])
            if start < end:
                yield start, end
            at = max(found[0][1], at + 1)

    def _take(self, matches: int, more: int = 0) -> None:
        self._spent += matches * _MATCH + more
        if self._spent > MOST_MATCHES * _MATCH:
            raise _Over


def encoded(text: str) -> bytes:
    """In UTF-8, also what is no text."""
    return text.encode("utf-8", "surrogatepass")


def _joined(found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Spans in their order; of those that overlap one with the name of the rule that comes first."""
    ranked = sorted(enumerate(found), key=lambda one: (one[1][0], one[0]))
    joined: list[tuple[int, int, str, int]] = []
    for rank, (start, end, name) in ranked:
        if joined and start < joined[-1][1]:
            first, last, other, best = joined[-1]
            joined[-1] = (first, max(last, end), name if rank < best else other, min(rank, best))
        else:
            joined.append((start, end, name, rank))
    return [(start, end, name) for start, end, name, _ in joined]
