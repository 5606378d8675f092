"""What the daemon says of a container is taken over as it is; what it does not say is unknown."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.discovery.inspected import described, log_limit, on_disk, seconds

ID = "c0ffee" * 10 + "beef"
FOUND: dict[str, Any] = {
    "Id": ID,
    "Name": "/web-1",
    "Image": "sha256:bf22",
    "Created": "2026-11-25T16:09:20.5Z",
    "RestartCount": 4,
    "State": {
        "Status": "exited",
        "OOMKilled": True,
        "ExitCode": 137,
        "StartedAt": "2026-11-25T16:09:21.000000001Z",
        "FinishedAt": "2026-11-25T18:09:22+02:00",
    },
    "Config": {"Image": "shop:3", "Labels": {"aliyun.logs.a": "b", "a": "b"}, "Env": ["aliyun_logs_c=d", "C=d"]},
    "HostConfig": {
        "Memory": 67108864,
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
    },
}
AT = 1795622960.0


def test_a_container_is_what_the_daemon_says() -> None:
    found = described(FOUND, Path("/logs"), is_new=True)
    one = found.container
    assert (one.id, one.name, one.image, one.image_id) == (ID, "web-1", "shop:3", "sha256:bf22")
    assert (one.state, one.health, one.failing_streak, one.restarts) == ("exited", "", 0, 4)
    assert (one.exit_code, one.oom_killed, one.memory_limit_bytes) == (137, True, 67108864)
    assert (one.created, one.started, one.finished) == (AT + 0.5, AT + 1, AT + 2)
    assert (one.log_limit_bytes, found.files_kept) == (30e6, 3)
    assert (found.labels, found.environment) == ({"aliyun.logs.a": "b", "a": "b"}, ["aliyun_logs_c=d", "C=d"])
    assert found.path == f"/logs/{ID}/{ID}-json.log"
    assert described(FOUND, Path("/logs"), is_new=False).files_kept == 0


def test_what_has_not_happened_has_no_time() -> None:
    state = {"Status": "created", "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z"}
    one = described(FOUND | {"State": state}, Path("/logs"), is_new=True).container
    assert (one.started, one.finished, one.exit_code, one.health) == (None, None, None, "")


@pytest.mark.parametrize("status", ["running", "paused", "restarting", "exited"])
def test_a_health_is_only_of_one_that_runs(status: str) -> None:
    """The daemon calls each unhealthy whose checks it has stopped."""
    state = {"Status": status, "Health": {"Status": "unhealthy", "FailingStreak": 7}}
    one = described(FOUND | {"State": state}, Path("/logs"), is_new=True).container
    assert (one.health, one.failing_streak) == (("unhealthy", 7) if status == "running" else ("", 0))


@pytest.mark.parametrize(("status", "code"), [("running", None), ("paused", None), ("restarting", 3), ("exited", 3)])
def test_an_exit_code_is_only_of_one_that_ended(status: str, code: int | None) -> None:
    """The daemon gives 0 for one that runs again."""
    state = {"Status": status, "ExitCode": 0 if code is None else code, "FinishedAt": "2026-11-25T16:09:22Z"}
    assert described(FOUND | {"State": state}, Path("/logs"), is_new=True).container.exit_code == code


@pytest.mark.parametrize("told", [None, True, "7", [7]])
def test_a_number_that_is_not_told_is_unknown_and_takes_nothing_else_with_it(told: object) -> None:
    state = {"Status": "running", "OOMKilled": 0, "Health": {"Status": "unhealthy", "FailingStreak": told}}
    found = FOUND | {"State": state, "HostConfig": {"Memory": told}}
    one = described(found, Path("/logs"), is_new=True).container
    assert (one.state, one.health, one.restarts, one.image) == ("running", "unhealthy", 4, "shop:3")
    assert (one.failing_streak, one.memory_limit_bytes, one.oom_killed) == (None, None, None)


def test_the_last_check_is_told_with_the_time_that_the_next_may_take() -> None:
    health = {"Status": "healthy", "Log": [{"End": "2026-11-25T16:09:25.5Z", "ExitCode": 0}]}
    check = {"Test": ["CMD", "true"], "Interval": 3_600_000_000_000, "Timeout": 1_000_000_000}
    state = {"Status": "running", "StartedAt": "2026-11-25T16:09:21Z", "Health": health}
    one = described(FOUND | {"State": state, "Config": {"Healthcheck": check}}, Path("/logs"), is_new=True).container
    assert (one.last_check, one.check_wait_seconds, one.started) == (AT + 5.5, 7201, AT + 1)


@pytest.mark.parametrize(
    ("status", "finished"), [("created", "0001-01-01T00:00:00Z"), ("exited", "2026-11-25T16:09:22Z")]
)
@pytest.mark.parametrize("code", [126, 127, 128])
def test_a_start_that_failed_has_its_code_and_its_reason(status: str, finished: str, code: int) -> None:
    """Such a container may never have run; no event tells of it."""
    state = {"Status": status, "ExitCode": code, "FinishedAt": finished, "Error": "OCI runtime create failed"}
    one = described(FOUND | {"State": state}, Path("/logs"), is_new=True).container
    assert (one.state, one.exit_code, one.start_error) == (status, code, "OCI runtime create failed")


def test_one_that_runs_is_no_start_that_failed() -> None:
    state = {"Status": "running", "Error": "of the time before", "FinishedAt": "2026-11-25T16:09:22Z"}
    one = described(FOUND | {"State": state}, Path("/logs"), is_new=True).container
    assert (one.exit_code, one.start_error) == (None, "")


def test_a_bare_answer_is_enough() -> None:
    one = described({"Id": ID}, Path("/logs"), is_new=True).container
    assert (one.memory_limit_bytes, one.oom_killed, one.exit_code) == (None, None, None)
    assert (one.name, one.driver, one.log_limit_bytes) == (ID[:12], "json-file", math.inf)


def test_a_container_is_the_same_by_the_daemons_answer_and_by_its_files() -> None:
    """In the files the state has no word, and what the operator gave to the host stands by itself."""
    state = {name: value for name, value in FOUND["State"].items() if name != "Status"} | {"Running": False}
    config = {name: value for name, value in FOUND.items() if name not in ("Id", "HostConfig")} | {"ID": ID}
    found = on_disk(ID, Path("/logs"), config | {"State": state}, FOUND["HostConfig"])
    assert found == described(FOUND, Path("/logs"), is_new=False)


def test_files_that_say_nothing_are_a_container_that_may_run() -> None:
    found = on_disk(ID, Path("/logs"), {}, {})
    assert (found.container.name, found.container.state, found.path) == (
        ID[:12],
        "running",
        f"/logs/{ID}/{ID}-json.log",
    )


def test_a_file_does_not_say_by_when_a_check_is_due() -> None:
    """A pause makes it late, and only an event tells that one has ended."""
    health = {"Status": "healthy", "Log": [{"End": "2026-11-25T16:09:25.5Z", "ExitCode": 0}]}
    check = {"Test": ["CMD", "true"]}
    config = {"State": {"Running": True, "Health": health}, "Config": {"Healthcheck": check}}
    one = on_disk(ID, Path("/logs"), config, {}).container
    assert (one.health, one.last_check, one.check_wait_seconds) == ("healthy", None, None)


@pytest.mark.parametrize("member", ["Config", "HostConfig", "State", "Name", "Created", "Image", "RestartCount"])
@pytest.mark.parametrize("told", [None, 7, "7", [7], {"Labels": [7], "Env": 7, "LogConfig": 7, "Health": 7}])
def test_a_member_of_another_form_takes_no_log_with_it(member: str, told: object) -> None:
    """Engines beside Docker's answer the same questions, and a file may be anybody's."""
    found = described(FOUND | {member: told}, Path("/logs"), is_new=True)
    assert (found.container.id, found.path) == (ID, f"/logs/{ID}/{ID}-json.log")


@pytest.mark.parametrize(
    ("driver", "options", "limit"),
    [
        ("json-file", {}, math.inf),
        ("json-file", {"max-file": "5"}, math.inf),
        ("json-file", {"max-size": "1g"}, 1e9),
        ("json-file", {"max-size": "512k", "max-file": "2"}, 1_024_000),
        ("json-file", {"max-size": "-1"}, math.inf),
        ("json-file", {"max-file": "0"}, math.inf),
        ("json-file", {"max-size": "1.5MB", "max-file": "9" * 5000}, 1.5e6),
        ("local", {}, 5 * (20 << 20)),
        ("local", {"max-size": "1m", "max-file": "1"}, 1e6),
        ("journald", {"max-size": "1m"}, None),
    ],
)
def test_a_log_may_be_as_large_as_its_options_say(driver: str, options: dict[str, str], limit: float | None) -> None:
    assert log_limit(driver, options) == limit


@given(st.text(), st.text())
def test_no_option_breaks_it(size: str, files: str) -> None:
    limit = log_limit("json-file", {"max-size": size, "max-file": files})
    assert limit is not None
    assert limit >= 0


@given(st.text() | st.sampled_from(["²", "9" * 5000, "0", "٣"]))
def test_no_number_of_files_breaks_it(files: str) -> None:
    found = FOUND | {"HostConfig": {"LogConfig": {"Config": {"max-size": "1m", "max-file": files}}}}
    assert described(found, Path("/logs"), is_new=True).files_kept >= 0


@given(st.text() | st.none() | st.integers())
def test_what_is_no_time_is_none(time: object) -> None:
    assert seconds(time) is None or isinstance(seconds(time), float)
