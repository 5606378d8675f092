"""An event becomes one document of one line, the same one whenever it is told."""

import json
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.discovery.enrich import Enricher
from collector.docker.event import Event
from collector.transform.docker_event import STREAM, TARGET, segment_of
from collector.transform.stamps import Stamps

FIELDS = Enricher("moby", "all", "", lambda key: None).fields
DIE = Event(
    container_id="c0ffee",
    action="die",
    time=1_795_622_975_123_456_789,
    name="web",
    image="shop:3",
    exit_code=3,
    labels={"com.docker.compose.service": "shop"},
)


def document(event: Event, kind: str = "", stamps: Stamps | None = None) -> dict[str, object]:
    segment = segment_of(event, kind, stamps=stamps or Stamps(), fields=FIELDS)
    assert (segment.count, segment.size, segment.stream.key) == (1, len(segment.documents[0]), STREAM.key)
    assert segment.ticket.end.order == event.time
    found: dict[str, object] = json.loads(segment.documents[0])
    return found


def test_an_end_says_how_and_of_whom() -> None:
    assert document(DIE, "error") == {
        "log": {
            "event": "die",
            "container": "web",
            "container_id": "c0ffee",
            "image": "shop:3",
            "exit_code": 3,
            "kind": "error",
            "level": "error",
            "message": "web ended with exit code 3",
        },
        "stream": "events",
        "@timestamp": "2026-11-25T16:09:35.123456789Z",
        "host": "moby",
        "@target": TARGET,
        "docker_container": "web",
        "docker_service": "shop",
    }


@pytest.mark.parametrize(
    ("action", "health", "kind", "level", "message"),
    [
        ("die", "", "ok", "info", "web ended with exit code 3"),
        ("die", "", "signal", "info", "web ended with exit code 3, as requested"),
        ("die", "", "oom", "error", "web ended with exit code 3, out of memory"),
        ("oom", "", "", "error", "web: out of memory, the kernel killed one of its processes"),
        ("restart", "", "", "info", "web was restarted"),
        ("health_status", "healthy", "", "info", "web is healthy"),
        ("health_status", "unhealthy", "", "warning", "web is unhealthy"),
    ],
)
def test_each_event_has_its_words_and_its_level(action: str, health: str, kind: str, level: str, message: str) -> None:
    event = Event(container_id="c0ffee", action=action, time=1, name="web", health=health, exit_code=3)
    log = document(event, kind)["log"]
    assert isinstance(log, dict)
    assert (log["level"], log["message"]) == (level, message)


def test_an_end_without_a_code_is_told_without_one() -> None:
    """A container's label `exitCode` takes the place of the daemon's word."""
    log = document(Event(container_id="c0ffee", action="die", time=1, name="web"), "")["log"]
    assert isinstance(log, dict)
    assert log["message"] == "web ended"
    assert "exit_code" not in log


def test_its_day_and_time_are_those_of_the_zone() -> None:
    segment = segment_of(DIE, "", stamps=Stamps(ZoneInfo("Asia/Shanghai")), fields=FIELDS)
    assert segment.day == "2026-11-26"
    assert b'"@timestamp":"2026-11-26T00:09:35.123456789+08:00"' in segment.documents[0]


def test_one_event_is_one_document_and_another_is_another() -> None:
    def ids(event: Event) -> list[str]:
        return list(segment_of(event, "", stamps=Stamps(), fields=FIELDS).ids)

    later = Event(container_id="c0ffee", action="die", time=DIE.time + 1, exit_code=3)
    assert ids(DIE) == ids(DIE)
    assert len({*ids(DIE), *ids(later)}) == 2


labels = st.dictionaries(st.sampled_from(["com.docker.compose.service", "io.kubernetes.pod.name"]), st.text())


@given(st.text(), st.text(), labels)
def test_it_is_one_line_of_json_whatever_a_container_is_called(
    name: str, image: str, labels: Mapping[str, str]
) -> None:
    event = Event(container_id="c0ffee", action="restart", time=1, name=name, image=image, labels=labels)
    segment = segment_of(event, "", stamps=Stamps(), fields=FIELDS)
    assert b"\n" not in segment.documents[0]
    assert json.loads(segment.documents[0])["docker_container"] == name
