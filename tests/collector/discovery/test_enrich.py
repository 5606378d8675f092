"""A description becomes a container with its streams; their trusted members are encoded so that nothing leaks in."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.container_settings.policy import Select
from collector.discovery.enrich import Described, Enricher
from collector.discovery.registry import Container, Listing, Registry
from collector.model import StreamKey
from collector.text.bounds import MOST_BYTES

ID = "0123456789abcdef" * 4


WEB = Container(id=ID, name="web-1", state="running")


def described(labels: Mapping[str, str] | None = None, **changes: Any) -> Described:
    return Described(
        container=replace(WEB, **changes), labels=labels or {}, environment=[], path=f"/logs/{ID}/{ID}-json.log"
    )


def enricher(known: dict[StreamKey, str] | None = None, *, select: Select = "all", own_id: str = "") -> Enricher:
    return Enricher("moby", select, own_id, (known or {}).get)


def test_a_stream_is_what_the_description_says() -> None:
    container = enricher().container(described())
    (stream,) = container.streams
    assert (container.name, container.state, container.problem) == ("web-1", "running", "")
    assert (stream.container_id, stream.container, stream.entry, stream.target) == (ID, "web-1", "", "web-1")
    assert (stream.path, stream.running) == (f"/logs/{ID}/{ID}-json.log", True)
    assert list(stream.fields.items()) == [("host", "moby"), ("@target", "web-1"), ("docker_container", "web-1")]


def test_a_stream_carries_the_format_that_its_container_names() -> None:
    labels = {"aliyun.logs.web": "stdout", "aliyun.logs.web.format": "none", "aliyun.logs.till": "stdout"}
    till, web = enricher().container(described(labels)).streams
    assert [(one.source, one.reading.format) for one in (till, web)] == [("stdout", ""), ("stdout", "none")]


@given(st.text(), st.text().map("t{}".format), st.text())
def test_trusted_members_are_one_line_of_json_whatever_a_container_is_called(name: str, target: str, app: str) -> None:
    labels = {"aliyun.logs.x": "stdout", "aliyun.logs.x.target": target, "com.docker.compose.project": app}
    (stream,) = enricher().container(described(name=name, labels=labels)).streams
    expected = {"host": "moby", "@target": target.strip(), "docker_container": name}
    assert stream.fields == expected | ({"docker_app": app} if app else {})


def test_a_target_that_is_the_name_follows_a_rename_and_one_that_is_asked_for_stays() -> None:
    known = {StreamKey(ID, ""): "first", StreamKey(ID, "web"): "asked"}
    (stream,) = enricher(known).container(described(name="renamed")).streams
    assert (stream.target, stream.fields["@target"], stream.fields["docker_container"]) == ("renamed",) * 3
    for labels in ({"aliyun.logs.web": "stdout"}, {"aliyun.logs.web": "stdout", "aliyun.logs.web.target": "other"}):
        (stream,) = enricher(known).container(described(name="renamed", labels=labels)).streams
        assert (stream.target, stream.fields["docker_container"]) == ("asked", "renamed")


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_paused_container_may_go_on_with_its_line(state: str) -> None:
    assert enricher().container(described(state=state)).streams[0].running


@pytest.mark.parametrize("state", ["created", "exited", "dead", "restarting", "removing"])
def test_a_container_that_does_not_run_has_ended_its_line(state: str) -> None:
    assert not enricher().container(described(state=state)).streams[0].running


def test_the_agents_own_container_and_excluded_ones_are_shown_but_not_followed() -> None:
    for container in (
        enricher(own_id=ID).container(described()),
        enricher().container(described(labels={"pilotfish.exclude": "true"})),
        enricher(select="labelled").container(described()),
    ):
        assert (container.name, container.streams, container.problem) == ("web-1", (), "")


def test_another_log_driver_is_a_problem_only_where_a_log_is_wanted() -> None:
    container = enricher().container(described(driver="journald"))
    assert container.streams == ()
    assert "journald" in container.problem
    assert enricher(select="labelled").container(described(driver="journald")).problem == ""


def test_a_label_in_vain_is_a_problem_beside_the_streams_that_are_followed() -> None:
    labels = {"aliyun.logs.web": "stdout", "aliyun.logs.file": "var/log/x"}
    container = enricher().container(described(labels=labels))
    assert [stream.target for stream in container.streams] == ["web"]
    assert "aliyun.logs.file" in container.problem


LONG = "A" * 204_800


@pytest.mark.parametrize("label", [
    *("com.docker.compose.project", "com.docker.compose.service", "com.docker.stack.namespace"),
    *("com.docker.swarm.service.name", "com.docker.swarm.task.name", "io.kubernetes.pod.name"),
    *("io.kubernetes.pod.namespace", "io.kubernetes.container.name", "aliyun.logs.x.target"),
])  # fmt: skip
def test_no_label_makes_a_document_large_and_what_is_cut_is_told_once(
    label: str, capsys: pytest.CaptureFixture[str]
) -> None:
    making = enricher()
    container = making.container(described(labels={"aliyun.logs.x": "stdout", label: LONG}))
    (stream,) = container.streams
    assert sum(map(len, stream.fields.values())) < 3 * MOST_BYTES
    assert len(stream.target) <= MOST_BYTES
    assert any(value.endswith("…") for value in stream.fields.values())
    assert len(container.compose_project + container.compose_service) <= 2 * MOST_BYTES
    for _ in range(3):
        making.container(described(labels={"aliyun.logs.x": "stdout", label: LONG}))
    assert capsys.readouterr().out.count("long names truncated") == 1


def test_no_name_makes_a_document_large() -> None:
    container = enricher().container(described(name=LONG, image=LONG))
    (stream,) = container.streams
    assert max(len(container.name.encode()), len(container.image.encode())) <= MOST_BYTES
    assert sum(map(len, stream.fields.values())) < 3 * MOST_BYTES
    assert stream.container == container.name
    assert sum(map(len, enricher().fields(LONG, LONG, {"com.docker.compose.project": LONG}).values())) < 4 * MOST_BYTES


def test_a_target_of_an_earlier_run_stays_though_documents_carry_no_more_than_its_beginning() -> None:
    labels = {"aliyun.logs.web": "stdout"}
    (stream,) = enricher({StreamKey(ID, "web"): LONG}).container(described(labels)).streams
    assert stream.target == LONG
    assert sum(map(len, stream.fields.values())) < 3 * MOST_BYTES


def host(most: int) -> tuple[Listing, Enricher]:
    registry = Registry(max_targets=most)
    return registry.join(), Enricher("moby", "all", "", lambda key: None, registry.has_room)


def of(number: int, *targets: str) -> Described:
    """A container of its own that names these targets."""
    found = described({f"aliyun.logs.{target}": "stdout" for target in targets}, name=f"web-{number}")
    return found._replace(container=replace(found.container, id=f"{number:064}"))


def test_a_target_too_many_for_the_host_gets_no_index_and_its_lines_go_to_the_default() -> None:
    listing, maker = host(2)
    for number, asked in enumerate((["a"], ["b", "a"], ["c"], ["d", "e"], [])):
        listing.put(maker.container(of(number, *asked)))
    told = [([stream.target for stream in one.streams], one.problem) for one in listing.containers.values()]
    assert [targets for targets, _ in told] == [["a"], ["a", "b"], ["web-2"], ["web-3"], ["web-4"]]
    fix = "raise max_targets, or use fewer targets"
    assert [problem for _, problem in told] == [
        "",
        "",
        f"max_targets is reached: 1 of its targets (c) are not used, their lines go to web-2; {fix}",
        f"max_targets is reached: 2 of its targets (d) are not used, their lines go to web-3; {fix}",
        "",
    ]


def test_a_target_that_another_container_has_needs_no_room_and_one_that_is_gone_gives_it_back() -> None:
    listing, maker = host(1)
    listing.put(maker.container(of(1, "a")))
    listing.put(maker.container(of(2, "a")))
    assert listing.registry.targets == {"a": 2}
    listing.put(maker.container(of(1, "a")))  # looked at again
    listing.drop(f"{1:064}")
    assert listing.registry.targets == {"a": 1}
    listing.drop(f"{2:064}")
    assert (listing.registry.targets, listing.registry.has_room("b")) == ({}, True)


def test_one_container_takes_no_more_targets_than_there_is_room_for() -> None:
    listing, maker = host(3)
    listing.put(maker.container(of(1, *"abcdefgh")))
    assert [stream.target for stream in listing.containers[f"{1:064}"].streams] == ["a", "b", "c", "web-1"]


def test_a_target_from_before_stays_whatever_the_room() -> None:
    listing = Registry(max_targets=1).join()
    known = {StreamKey(f"{n:064}", name): name for n, name in enumerate("abc")}
    maker = Enricher("moby", "all", "", known.get, listing.registry.has_room)
    for number, name in enumerate("abc"):
        listing.put(maker.container(of(number, name)))
    assert set(listing.registry.targets) == {"a", "b", "c"}


def test_a_default_target_takes_no_room() -> None:
    listing, maker = host(1)
    for number in range(5):
        listing.put(maker.container(of(number)))
    assert (listing.registry.targets, listing.registry.has_room("a")) == ({}, True)
