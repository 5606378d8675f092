"""What labels and environment ask for: log-pilot's two forms, and the default target."""

import pytest

from collector.docker.labels import (
    MOST_ENTRIES,
    Entry,
    default_target,
    is_excluded,
    parse_environment,
    service,
    trusted_fields,
    wanted,
)
from collector.text.bounds import MOST_BYTES


def entries(
    labels: dict[str, str], environment: dict[str, str] | None = None, *, select: str = "all"
) -> list[tuple[str, str]]:
    return [(entry.name, entry.target) for entry in wanted(labels, environment or {}, "default", select=select).entries]


def test_a_container_without_a_label_has_the_default_target_if_all_are_selected() -> None:
    assert entries({}) == [("", "default")]
    assert entries({}, select="labelled") == []
    assert entries({"aliyun.logs.web": "stdout"}, select="labelled") == [("web", "web")]


def test_a_label_names_the_target() -> None:
    assert entries({"aliyun.logs.web": "stdout"}) == [("web", "web")]
    assert entries({"aliyun.logs.web": "stdout", "aliyun.logs.web.target": "shop"}) == [("web", "shop")]
    assert entries({"aliyun.logs.web": "stdout", "aliyun.logs.web.target": " "}) == [("web", "web")]


def test_several_labels_are_several_streams() -> None:
    assert entries({"aliyun.logs.b": "stdout", "aliyun.logs.a": "stdout"}) == [("a", "a"), ("b", "b")]


def test_two_entries_with_one_target_are_one_stream() -> None:
    labels = {"aliyun.logs.b": "stdout", "aliyun.logs.a": "stdout", "aliyun.logs.b.target": "a"}
    assert entries(labels) == [("a", "a")]


@pytest.mark.parametrize("option", ["tags", "format", "format.pattern", "format.time.key"])
def test_options_are_no_entries(option: str) -> None:
    assert entries({"aliyun.logs.web": "stdout", f"aliyun.logs.web.{option}": "x"}) == [("web", "web")]


def test_an_option_alone_asks_for_nothing() -> None:
    assert entries({"aliyun.logs.web.target": "shop"}) == [("", "default")]


LABELS = {"aliyun.logs.a_b": "stdout", "aliyun.logs.a_b.target": "shop", "aliyun.logs.other": "stdout"}


@pytest.mark.parametrize(
    ("labels", "environment"),
    [
        ({"format": "regexp", "format.pattern": "a.b", "tags": "x=1"}, {}),
        ({}, {"format": "regexp", "format_pattern": "a.b", "tags": "x=1"}),
        ({"format": "nginx", "tags": "x=1"}, {"format": "regexp", "format_pattern": "a.b"}),
    ],
)
def test_an_entry_keeps_what_else_is_said_of_it(labels: dict[str, str], environment: dict[str, str]) -> None:
    labels = LABELS | {f"aliyun.logs.a_b.{option}": value for option, value in labels.items()}
    environment = {f"aliyun_logs_a_b_{option}": value for option, value in environment.items()}
    mine, other = wanted(labels, environment, "default", select="all").entries
    assert mine == Entry("a_b", "shop", "stdout", {"format": "regexp", "format.pattern": "a.b", "tags": "x=1"})
    assert other == Entry("other", "other", "stdout", {})


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"aliyun_logs_web": "stdout"}, [("web", "web")]),
        ({"aliyun_logs_my_web": "stdout"}, [("my_web", "my_web")]),
        ({"aliyun_logs_my_web": "stdout", "aliyun_logs_my_web_target": "shop"}, [("my_web", "shop")]),
        ({"aliyun_logs_target": "stdout"}, [("target", "target")]),
    ],
)
def test_the_environment_says_the_same_with_underscores(
    environment: dict[str, str], found: list[tuple[str, str]]
) -> None:
    assert entries({}, environment) == found


def test_the_environment_wins_over_a_label() -> None:
    labels = {"aliyun.logs.web": "/var/log/x", "aliyun.logs.web.target": "label"}
    environment = {"aliyun_logs_web": "stdout", "aliyun_logs_web_target": "environment"}
    assert entries(labels, environment) == [("web", "environment")]


def test_a_file_inside_a_container_is_a_fault_that_is_told() -> None:
    found = wanted({"aliyun.logs.web": "/var/log/web.log"}, {}, "default", select="all")
    assert found.entries == []
    assert found.faults == ["aliyun.logs.web=/var/log/web.log is not followed: only `stdout` is"]


def test_the_default_target_is_the_service_else_the_name() -> None:
    compose = {"com.docker.compose.service": "web", "com.docker.compose.project": "shop"}
    swarm = {"com.docker.swarm.service.name": "shop_web"}
    assert default_target({}, "shop-web-1") == "shop-web-1"
    assert default_target(compose, "shop-web-1") == "web"
    assert default_target(compose | swarm, "shop-web-1") == "shop_web"
    assert service({}) == ""


def test_trusted_fields_are_those_that_exist() -> None:
    assert trusted_fields({}) == {}
    compose = {"com.docker.compose.service": "web", "com.docker.compose.project": "shop"}
    assert trusted_fields(compose) == {"docker_app": "shop", "docker_service": "web"}
    swarm = {
        "com.docker.stack.namespace": "shop",
        "com.docker.swarm.service.name": "shop_web",
        "com.docker.swarm.task.name": "shop_web.1.k3",
    }
    assert trusted_fields(swarm) == {"docker_app": "shop", "docker_service": "shop_web", "docker_task": "shop_web.1.k3"}
    pod = {"io.kubernetes.pod.name": "p", "io.kubernetes.pod.namespace": "n", "io.kubernetes.container.name": "c"}
    assert trusted_fields(pod) == {"k8s_pod": "p", "k8s_pod_namespace": "n", "k8s_container_name": "c"}


@pytest.mark.parametrize(
    ("labels", "environment", "excluded"),
    [
        ({}, {}, False),
        ({"pilotfish.exclude": "true"}, {}, True),
        ({"pilotfish.exclude": "TRUE"}, {}, True),
        ({"pilotfish.exclude": "false"}, {}, False),
        ({}, {"LOGSPOUT": "ignore"}, True),
        ({}, {"LOGSPOUT": "anything"}, False),
    ],
)
def test_a_container_may_ask_not_to_be_followed(
    labels: dict[str, str], environment: dict[str, str], excluded: bool
) -> None:
    assert is_excluded(labels, environment) is excluded


def test_an_environment_is_parsed_at_its_first_equals_sign() -> None:
    assert parse_environment(["aliyun_logs_a=b=c", "aliyun_logs_b=", "aliyun_logs_c", "PATH=/bin"]) == {
        "aliyun_logs_a": "b=c",
        "aliyun_logs_b": "",
        "aliyun_logs_c": "",
    }


@pytest.mark.parametrize("count", [MOST_ENTRIES, MOST_ENTRIES + 1, 2000])
def test_a_container_has_so_many_entries_and_the_rest_is_told_in_one_line(count: int) -> None:
    labels = {f"aliyun.logs.t{number:04}": "stdout" for number in range(count)}
    found = wanted(labels, {}, "default", select="all")
    assert [entry.name for entry in found.entries] == sorted(key.rpartition(".")[2] for key in labels)[:MOST_ENTRIES]
    more = count - MOST_ENTRIES
    told = [f"{more} of its entries are not followed, from t0016 on: a container has {MOST_ENTRIES}"]
    assert found.faults == (told if more else [])


def test_entries_that_share_a_target_are_one_of_the_many() -> None:
    labels = {f"aliyun.logs.t{number:02}": "stdout" for number in range(40)}
    labels |= {f"aliyun.logs.t{number:02}.target": f"shop{number % 3}" for number in range(40)}
    found = wanted(labels, {}, "default", select="all")
    assert ([entry.target for entry in found.entries], found.faults) == (["shop0", "shop1", "shop2"], [])


def test_the_environment_has_no_entries_beside_those_of_labels() -> None:
    labels = {f"aliyun.logs.a{number:02}": "stdout" for number in range(10)}
    environment = {f"aliyun_logs_b{number:02}": "stdout" for number in range(10)}
    found = wanted(labels, environment, "default", select="all")
    assert len(found.entries) == MOST_ENTRIES
    assert found.faults == [f"4 of its entries are not followed, from b06 on: a container has {MOST_ENTRIES}"]


@pytest.mark.parametrize("letter", ["b", "é"])
@pytest.mark.parametrize("other", [[], ["web"]])
def test_a_name_that_is_too_long_is_none(letter: str, other: list[str]) -> None:
    """It would be kept with each position, and all of them are in memory."""
    longest, longer = (letter * (size // len(letter.encode())) for size in (MOST_BYTES, MOST_BYTES + 2))
    labels = {f"aliyun.logs.{name}": "stdout" for name in (longer, *other)} | {f"aliyun.logs.{longer}.target": "t"}
    found = wanted(labels, {f"aliyun_logs_{longer}x": "stdout"}, "default", select="all")
    assert [entry.target for entry in found.entries] == (other or ["default"])
    assert found.faults == [
        f"2 of its entries are not followed, {longer[:79]}… first: a name has {MOST_BYTES} bytes at most"
    ]
    assert wanted({f"aliyun.logs.{longest}": "stdout"}, {}, "default", select="all") == ([Entry(longest, longest)], [])


def test_the_faults_of_a_container_are_told_in_a_bounded_text() -> None:
    labels = {f"aliyun.logs.{'x' * 300}{number}": "/var/log/" + "y" * 3000 for number in range(2000)}
    found = wanted(labels, {}, "default", select="all")
    assert (found.entries, found.faults[-1]) == ([], "and 1984 more")
    assert sum(map(len, found.faults)) < 5000


@pytest.mark.parametrize(
    ("labels", "environment"),
    [
        ({"aliyun.logs.": "stdout"}, {}),
        ({"aliyun.logs. ": "stdout"}, {}),
        ({"aliyun.logs..target": "shop"}, {}),
        ({"aliyun.logs..tags": "a=b"}, {}),
        ({}, {"aliyun_logs_": "stdout"}),
        ({}, {"aliyun_logs__target": "shop"}),
    ],
)
def test_an_entry_without_a_name_is_told_and_changes_nothing(
    labels: dict[str, str], environment: dict[str, str]
) -> None:
    found = wanted(labels, environment, "default", select="all")
    assert found.faults == ["aliyun.logs.<name> without a name is not followed"]
    assert found.entries == [Entry("", "default")]
    named = wanted({"aliyun.logs.web": "stdout"} | labels, environment, "default", select="all")
    assert named.entries == [Entry("web", "web")]
