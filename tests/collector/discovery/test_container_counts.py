"""How a container ended is told apart: well, told to, for want of memory, or by itself in error."""

import pytest

from collector.discovery.container_counts import ContainerCounts, exit_kind
from collector.docker.event import Event

SECOND = 1_000_000_000


def test_each_start_of_one_with_a_check_makes_its_health_starting() -> None:
    """The daemon tells no event of that."""
    counts = ContainerCounts()
    for action, health in (("start", ""), ("health_status", "healthy"), ("start", ""), ("health_status", "starting")):
        counts.tell(Event(container_id="a", action=action, time=1, health=health), has_check=True)
    counts.tell(Event(container_id="a", action="start", time=1), has_check=True, is_counted=False)
    assert counts.transitions == {"starting": 2, "healthy": 1, "unhealthy": 0}


def test_a_start_without_a_check_makes_no_health() -> None:
    counts = ContainerCounts()
    counts.tell(Event(container_id="a", action="start", time=1))
    assert counts.transitions == {"starting": 0, "healthy": 0, "unhealthy": 0}


def event(action: str, *, at: int = 100, code: int | None = None, health: str = "") -> Event:
    return Event(container_id="c0ffee", action=action, time=at * SECOND, exit_code=code, health=health)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((0, "ok"), (1, "error"), (2, "error"), (126, "error"), (127, "error"), (255, "error")),
        *((129, "signal"), (130, "signal"), (131, "signal"), (137, "signal"), (143, "signal")),
        *((134, "error"), (139, "error")),  # ABRT, SEGV: nobody told it to
    ],
)
def test_an_exit_code_tells_whether_it_was_told_to_end(code: int, kind: str) -> None:
    assert exit_kind(code, is_oom=False) == kind
    assert exit_kind(code, is_oom=True) == ("ok" if code == 0 else "oom")


def test_an_end_soon_after_the_kernel_found_no_memory_is_because_of_that() -> None:
    counts = ContainerCounts()
    assert counts.tell(event("oom", at=100)) == ""
    assert counts.tell(event("die", at=101, code=137)) == "oom"
    assert counts.tell(event("die", at=500, code=137)) == "signal"
    assert counts.exits == {"ok": 0, "error": 0, "signal": 1, "oom": 1}
    assert counts.ooms == 1


def test_the_daemons_word_is_taken_where_its_event_was_missed() -> None:
    assert ContainerCounts().tell(event("die", code=137), oom_killed=True) == "oom"
    assert (
        ContainerCounts().tell(event("die", code=143), oom_killed=True) == "signal"
    )  # a child was killed, long ago perhaps
    assert ContainerCounts().tell(event("die", code=1), oom_killed=True) == "error"


def test_memory_that_ran_out_long_ago_is_not_why_one_was_stopped() -> None:
    counts = ContainerCounts()
    counts.tell(event("oom", at=100))
    assert counts.tell(event("die", at=700, code=137), oom_killed=True) == "signal"


def test_what_an_earlier_run_counted_is_taken_over_and_not_counted() -> None:
    counts = ContainerCounts()
    counts.tell(event("oom", at=100), is_counted=False)
    assert counts.tell(event("die", at=101, code=137), is_counted=False) == "oom"
    counts.tell(event("health_status", health="unhealthy"), is_counted=False)
    assert (counts.ooms, sum(counts.exits.values()), sum(counts.transitions.values())) == (0, 0, 0)
    assert counts.exit_code == 137


def test_changes_of_health_are_counted_by_what_it_became() -> None:
    counts = ContainerCounts()
    for health in ("unhealthy", "healthy", "unhealthy", "nonsense"):
        counts.tell(event("health_status", health=health))
    assert counts.transitions == {"starting": 0, "healthy": 1, "unhealthy": 2}


def test_each_change_makes_a_new_version() -> None:
    counts = ContainerCounts()
    before = counts.version
    counts.tell(event("die", code=1))
    counts.tell(event("health_status", health="healthy"))
    assert counts.version == before + 2
