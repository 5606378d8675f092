"""One object of the event stream becomes an event, or nothing: what it holds may be others' words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.docker.event import Event, event_of

DIE = {
    "status": "die",
    "id": "c0ffee",
    "Type": "container",
    "Action": "die",
    "Actor": {
        "ID": "c0ffee",
        "Attributes": {
            "exitCode": "3",
            "image": "shop:3",
            "name": "web",
            "a.label": "x",
            "com.docker.compose.service": "web",
        },
    },
    "time": 1795622975,
    "timeNano": 1795622975123456789,
}


def test_an_end_tells_its_exit_code() -> None:
    assert event_of(DIE) == Event(
        container_id="c0ffee",
        action="die",
        time=1795622975123456789,
        name="web",
        image="shop:3",
        exit_code=3,
        has_code=True,
        labels={"com.docker.compose.service": "web"},
    )


def test_a_health_status_tells_the_health() -> None:
    event = event_of(DIE | {"Action": "health_status: unhealthy"})
    assert event is not None
    assert (event.action, event.health) == ("health_status", "unhealthy")


def test_a_daemon_without_nanoseconds_is_understood() -> None:
    event = event_of({key: value for key, value in DIE.items() if key != "timeNano"})
    assert event is not None
    assert event.time == 1795622975_000_000_000


@pytest.mark.parametrize("told", [{}, {"Action": "die"}, {"Actor": {"ID": "c0ffee"}}])
def test_what_tells_of_no_container_is_no_event(told: dict[str, object]) -> None:
    assert event_of(told) is None


@given(st.text() | st.integers().map(str) | st.just("9" * 5000), st.text())
def test_labels_cannot_break_it(code: str, name: str) -> None:
    event = event_of(DIE | {"Actor": {"ID": "c0ffee", "Attributes": {"exitCode": code, "name": name}}})
    assert event is not None
    assert event.name == (name or "c0ffee")
