"""`docker-compose -f compose-elk.yml up`: what each service does in it, through restarts, to the end."""

import json
from collections import Counter, defaultdict
from typing import Any

import pytest

from tests.compose.compose import PROJECT, timed
from tests.compose.stack import SAMPLES, Line, Stack

pytestmark = pytest.mark.timeout(1200)  # the first test builds and boots all of it

RESTARTED = [
    "elasticsearch",
    "pilotfish",
    "prometheus",
    *SAMPLES,
    "secrets",
    "setup",
]
RULES_AT_LEAST = 20


def runs(documents: list[Line]) -> dict[tuple[str, int], Counter[int]]:
    """Container and run → how often each number of a line is there."""
    found: dict[tuple[str, int], Counter[int]] = defaultdict(Counter)
    for one in documents:
        log = json.loads(one.log)
        if "number" in log:
            found[one.container, log["run"]][log["number"]] += 1
    return found


def test_every_sample_is_in_the_index_of_its_target_and_no_other_service_is_shipped(stack: Stack) -> None:
    def targets() -> set[str]:
        return {index.rpartition("-")[0] for index in stack.indices()}

    expected = {*SAMPLES.values(), "docker-events"}
    stack.wait(lambda: targets() == expected, "each target has an index", tell=targets)
    for service, target in SAMPLES.items():
        for hit in stack.hits(f"{target}-*"):
            document = hit["_source"]
            assert hit["_index"] == f"{target}-{document['@timestamp'][:10].replace('-', '.')}"
            assert document["@target"] == target
            assert document["docker_container"] == f"{PROJECT}_{service}_1"
            assert document["docker_service"] == service
            assert document["docker_app"] == PROJECT


def test_the_original_s_fields_are_in_the_document(stack: Stack) -> None:
    document = next(hit["_source"] for hit in stack.hits("usercenter-go-ol-*") if "Date" in hit["_source"]["log"])
    assert document["log"].keys() >= {"Date", "IP", "Cost", "Params", "Resp", "level", "message"}


def test_the_sidecar_is_as_confined_as_the_file_says(stack: Stack) -> None:
    container = stack.container("pilotfish")
    host = container.attrs["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["CapAdd"] == ["DAC_READ_SEARCH"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    written = {mount["Destination"] for mount in container.attrs["Mounts"] if mount["RW"]}
    assert written == {"/data"}


def test_each_secret_is_made_once_and_readable_by_its_user_only(stack: Stack) -> None:
    shown = stack.compose("exec", "-T", "elasticsearch", "sh", "-c", "stat -c '%n %a %u' /secrets/*")
    found = {name.rpartition("/")[2]: f"{mode} {user}" for name, mode, user in map(str.split, shown.splitlines())}
    assert found == {"elastic_password": "400 1000", "kibana_password": "400 1000", "grafana_password": "400 472"}


def test_the_real_prometheus_scrapes_the_sidecar_and_evaluates_the_rules(stack: Stack) -> None:
    stack.wait(lambda: [value for _, value in stack.query('up{job="pilotfish"}')] == [1], "the sidecar is scraped")

    def rules() -> list[dict[str, Any]]:
        groups = stack.get("prometheus", "/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    stack.wait(lambda: all(rule["health"] == "ok" for rule in rules()), "every rule was evaluated", tell=rules)
    assert len(rules()) >= RULES_AT_LEAST
    assert not [rule["lastError"] for rule in rules() if rule.get("lastError")]


def test_the_health_of_each_container_is_told(stack: Stack, told: list[str]) -> None:
    expected = {"elasticsearch": "healthy", "pilotfish": "healthy", "prometheus": "healthy", "sample": "healthy"}
    expected |= {"sample-rotating": "none", "sample-unhealthy": "unhealthy", "sample-crashing": "none"}

    def states() -> dict[str, str]:
        series = stack.query("docker_container_health_status == 1")
        prefix, suffix = f"{PROJECT}_", "_1"
        known = {labels["name"].removeprefix(prefix).removesuffix(suffix): labels["status"] for labels, _ in series}
        return {name: known.get(name, "none") for name in expected}

    stack.wait(lambda: states() == expected, "Prometheus knows them", tell=states)
    crashes = f'docker_container_restarts_total{{name="{PROJECT}_sample-crashing_1"}} > 0'
    stack.wait(lambda: bool(stack.query(crashes)), "the crash is seen")
    told.append(f"docker_container_health_status: {states()}")


def test_every_line_is_there_once_through_a_restart_of_each_service_in_turn(stack: Stack, told: list[str]) -> None:
    for service in RESTARTED:
        with timed(f"restart of {service}"):
            stack.compose("restart", service)
            stack.settle()
    stack.compose("stop", *SAMPLES)
    with timed("delivery of what was written"):
        for service in SAMPLES:
            written = set(stack.lines(service))
            stack.wait(lambda w=written, s=service: w <= set(stack.documents(s)), f"all lines of {service} are there")  # type: ignore[misc]
    for service in SAMPLES:
        documents = stack.documents(service)
        again = [line for line, count in Counter(documents).items() if count > 1]
        assert again == [], f"{service}: there twice"
        for run, numbers in runs(documents).items():
            assert numbers == Counter(range(1, max(numbers) + 1)), f"{run} lacks or doubles lines"
        if service != "sample-rotating":
            assert set(documents) == set(stack.lines(service)), f"{service}: there are others than were written"
    assert len(runs(stack.documents("sample"))) == 1 + RESTARTED.count("sample")
    gaps = stack.query("max by (output) (max_over_time(pilotfish_rotation_gaps_total[15m]))")
    told.append(f"pilotfish_rotation_gaps_total: { ({labels['output']: value for labels, value in gaps}) }")
    told += [f"{count:7,} documents in {index}" for index, count in sorted(stack.indices().items())]


def test_down_leaves_nothing_behind(stack: Stack) -> None:
    with timed("down -v"):
        stack.compose("--profile", "monitoring", "down", "-v")
    client = stack.daemon.client()
    assert client.containers.list(all=True) == []
    assert client.volumes.list() == []
    assert {network.name for network in client.networks.list()} == {"bridge", "host", "none"}
