"""Laws of looking for garbage: what is there when the agent has begun is not looked at again, what comes still is."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from collector.runtime import garbage


class Knot:
    """Refers to itself: only the collector frees it."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_what_lives_is_not_looked_at_again() -> None:
    alive = [Knot() for _ in range(1000)]
    garbage.look_seldom()
    assert len(gc.get_objects()) < len(alive) < gc.get_freeze_count()


def test_what_comes_later_is_found_without_being_asked_for() -> None:
    garbage.look_seldom()
    gone: list[object] = []
    later = weakref.ref(Knot(), gone.append)  # asked, it would hold the knot while the interpreter looks
    kept: list[list[object]] = []
    while not gone and len(kept) < 1_000_000:
        kept.append([])
    assert gone == [later]


def test_what_lives_is_freed_when_nobody_refers_to_it() -> None:
    alive = Knot()
    seen = weakref.ref(alive)
    garbage.look_no_more()
    del alive.own, alive
    assert seen() is None
