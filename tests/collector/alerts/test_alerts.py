"""What rules raise, and what of it is told when: once at first, once per cool-down, never above a cap."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector.alerts.alerts import Rules
from collector.alerts.book import FILE, Book
from collector.alerts.options import AlertOptions
from collector.alerts.trying import query_of, tried
from collector.search.language import nanoseconds
from tests.contract.segments import document, log_stream

SECOND = 1_000_000_000
START = nanoseconds("2026-11-23T02:00:00Z")
SHOP, TILL = log_stream("shop"), log_stream("till", container_id="till")


def at(second: int) -> str:
    return f"2026-11-23T{2 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.0Z"


def options(max_per_hour: int = 30, **rule: Any) -> AlertOptions:
    rules = {"errors": {"query": "level:error", "to": ["ops"], **rule}}
    to = {"ops": {"type": "webhook", "url": "http://127.0.0.1:1/", "max_per_hour": max_per_hour}}
    return AlertOptions.model_validate({"rules": rules, "to": to})


class Site:
    """Rules with a book; times are seconds since the first."""

    def __init__(self, given: AlertOptions, directory: Path | None = None) -> None:
        self.book = Book(given, directory)
        self.rules = Rules(given, self.book)

    def say(self, second: int, message: str = "order 1 failed", level: str = "error", stream: Any = SHOP) -> None:
        now = START + second * SECOND
        self.rules.tick(now)
        self.rules.look(document({"message": message, "level": level}, stream, time=at(second)), now)

    def tick(self, second: int) -> None:
        self.rules.tick(START + second * SECOND)

    def told(self) -> list[tuple[str, int]]:
        return [(one.reason, one.count) for one in self.book.taken()]


def test_a_threshold_within_the_window_raises() -> None:
    site = Site(options(threshold=3, window_seconds=10))
    for second in (0, 5, 11):
        site.say(second)
    assert site.told() == []
    site.say(12)
    assert site.told() == [("raised", 3)]


def test_lines_count_by_their_own_time_in_whatever_order_they_come() -> None:
    site = Site(options(threshold=3, window_seconds=10))
    for second in (12, 5, 11):
        site.say(second)
    assert site.told() == [("raised", 3)]


def test_a_pattern_is_told_at_once_and_then_once_per_cool_down() -> None:
    site = Site(options(cool_down_seconds=60))
    for number in range(50):
        site.say(number, f"order {number} failed")
    assert site.told() == [("raised", 1)]
    site.tick(61)
    assert site.told() == [("more", 49)]
    site.tick(300)
    assert site.told() == []
    site.say(301)
    assert site.told() == [("raised", 1)]


def test_another_pattern_does_not_wait_for_the_cool_down_of_one() -> None:
    site = Site(options())
    site.say(0, "order 1 failed")
    site.say(1, "disk full")
    assert site.told() == [("raised", 1), ("raised", 1)]


@pytest.mark.parametrize(("by", "count"), [("container", 2), ("none", 1)])
def test_a_rule_may_count_by_container_or_all_together(by: str, count: int) -> None:
    site = Site(options(by=by))
    for second, (message, stream) in enumerate([("a", SHOP), ("b", SHOP), ("c", TILL)]):
        site.say(second, message, stream=stream)
    assert len(site.told()) == count


def test_a_condition_has_to_last_and_may_be_ended() -> None:
    site = Site(options(for_seconds=60, window_seconds=600, ends="level:info", by="container"))
    site.say(0)
    site.tick(59)
    assert site.told() == []
    site.say(59, "well again", level="info")
    site.tick(200)
    assert site.told() == []
    site.say(300)
    site.tick(361)
    assert site.told() == [("raised", 1)]


def test_one_rule_never_sends_more_than_the_cap_and_tells_the_rest_once() -> None:
    site = Site(options(max_per_hour=5))
    for number in range(63_000 // 100):
        site.say(number, "".join(chr(97 + int(digit)) for digit in str(number)))
    assert site.told() == [("raised", 1)] * 5
    site.tick(3601 + 5)
    told = site.told()
    assert told[0] == ("held", 625)
    assert len(told) <= 5


def test_what_was_told_is_known_behind_a_restart(tmp_path: Path) -> None:
    given = options()
    site = Site(given, tmp_path)
    site.say(0)
    site.book.write(site.book.encoded())
    (waiting,) = site.book.state.pending
    again = Site(given, tmp_path)
    assert again.book.state.pending == [waiting]
    again.say(1)
    assert again.told() == [("raised", 1)]
    again.tick(3700)
    assert again.told() == [("more", 1)]


def test_a_book_that_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff")
    assert Book(options(), tmp_path).state.pending == []
    assert (tmp_path / f"{FILE}.unreadable").exists()


def test_the_past_tells_what_would_have_been_sent() -> None:
    given = options(threshold=2, cool_down_seconds=60)
    documents = [document({"message": "x", "level": "error"}, SHOP, time=at(second)) for second in (0, 1, 2, 500, 501)]
    found = tried(given, "errors", documents, START + 10_000 * SECOND)
    told = [(one.reason, one.count, (one.made - START) // SECOND) for one in found]
    assert told == [("raised", 2, 1), ("more", 1, 500), ("more", 2, 10_000)]
    assert query_of(given.rules["errors"]) == "level:error"


@pytest.mark.parametrize("break_it", [lambda d: d[:20], lambda d: b"[]", lambda d: b'{"log":' + b"[" * 5000])
def test_a_document_that_cannot_be_read_raises_nothing(break_it: Callable[[bytes], bytes]) -> None:
    site = Site(options())
    site.rules.look(break_it(document({"level": "error"}, SHOP)), START)
    assert site.told() == []
