"""Which containers have series, and that a scrape joins what was rendered before."""

import math
from pathlib import Path

import pytest
from msgspec.structs import replace

from collector.discovery.registry import Container, Registry
from collector.docker.event import Event
from collector.telemetry.containers import Containers
from collector.telemetry.exposition import expose
from collector.telemetry.poll import Poll

NOW = 1_795_622_975.0
DAY = 86400.0


class Host:
    """A registry with a daemon that answers, and a clock."""

    def __init__(self, *, most: int = 500, has_usage: bool = True, has_events: bool = True) -> None:
        self.now = NOW
        self.registry = Registry()
        self.listing = self.registry.join("docker", has_events=has_events)
        self.listing.answered()
        self.containers = Containers(self.registry, most=most, has_usage=has_usage, now=lambda: self.now)
        self.poll = Poll(self.listing, self.containers.shown, Path("/nowhere"))

    def put(self, name: str, state: str = "running", *, since: float = NOW, container_id: str = "") -> Container:
        ended = None if state == "running" else since
        one = Container(id=container_id or name, name=name, state=state, created=since, started=since, finished=ended)
        self.listing.put(one)
        return one

    @property
    def shown(self) -> list[str]:
        return [one.name for one in self.containers.shown()]

    def value(self, series: str) -> float | None:
        """Of the container `web`."""
        start = f'{series}{{name="web"}} '
        found = [float(line.removeprefix(start)) for line in self.scrape().splitlines() if line.startswith(start)]
        return found[0] if found else None

    def scrape(self) -> str:
        return expose(self.containers.families([self.poll]), "")[0].decode()


def test_those_that_run_are_shown_and_those_that_ended_within_a_day() -> None:
    host = Host()
    host.put("old and up", since=NOW - 400 * DAY)
    host.put("just ended", "exited", since=NOW - DAY + 1)
    host.put("long gone", "exited", since=NOW - DAY - 1)
    host.put("crashing", "restarting", since=NOW - 2 * DAY)
    assert set(host.shown) == {"old and up", "just ended", "crashing"}
    assert host.containers.omitted == 0
    host.now += 120
    assert set(host.shown) == {"old and up", "crashing"}


def test_above_the_limit_running_ones_and_then_the_youngest_are_shown_and_the_others_counted() -> None:
    host = Host(most=2)
    host.put("ended", "exited", since=NOW)
    for number in range(3):
        host.put(f"up-{number}", since=NOW - 100 + number)
    assert host.shown == ["up-2", "up-1"]
    assert host.containers.omitted == 2
    host.listing.drop("up-1")
    assert host.shown == ["up-2", "up-0"]
    assert 'name="ended"' not in host.scrape()


def test_of_two_of_one_name_the_one_that_runs_speaks() -> None:
    host = Host()
    host.put("web", since=NOW - 100, container_id="present")
    host.put("web", "exited", since=NOW, container_id="former")
    assert [one.id for one in host.containers.shown()] == ["present"]


def test_of_two_whose_names_look_alike_one_has_series() -> None:
    host = Host()
    for number in range(2):
        host.put("n" * 200 + str(number), since=NOW - number)
    assert [one.name[-1] for one in host.containers.shown()] == ["0"]


def test_the_last_exit_code_is_told_of_one_that_runs_again() -> None:
    host = Host()
    web = host.put("web")
    assert "docker_container_last_exit_code{" not in host.scrape()
    host.listing.tell(Event(container_id="web", action="die", time=1, exit_code=3))
    assert 'docker_container_last_exit_code{name="web"} 3\n' in host.scrape()
    host.listing.put(replace(web, state="exited", finished=NOW, exit_code=4))
    assert 'docker_container_last_exit_code{name="web"} 4\n' in host.scrape()


@pytest.mark.parametrize("counts", [(2, 5, 0, 1), (1,), (6, 3), (3, 3)])
def test_restarts_are_those_that_the_daemon_counts_whatever_the_agent_saw_before(counts: tuple[int, ...]) -> None:
    """So they are the same before and after a restart of the agent; a count that falls is a reset of the counter."""
    host = Host()
    web = host.put("web")
    for count in counts:
        host.listing.put(replace(web, restarts=count))
        assert f'docker_container_restarts_total{{name="web"}} {count}\n' in host.scrape()


@pytest.mark.parametrize(
    ("last_check", "started", "due"),
    [(NOW - 5, NOW - 100, NOW + 85), (NOW - 500, NOW - 20, NOW + 70), (None, NOW - 20, NOW + 70), (None, None, None)],
)
def test_a_check_is_due_after_the_last_one_or_the_start(
    last_check: float | None, started: float | None, due: float | None
) -> None:
    """The daemon keeps the checks of the run before."""
    host = Host()
    checked = {"health": "healthy", "check_wait_seconds": 90.0, "last_check": last_check, "started": started}
    host.listing.put(replace(host.put("web"), **checked))
    assert host.value("docker_container_health_check_due_timestamp_seconds") == due
    assert host.value("docker_container_health_last_check_timestamp_seconds") == last_check


def test_after_a_pause_a_check_is_due_anew() -> None:
    host = Host()
    web = replace(host.put("web"), health="healthy", check_wait_seconds=90.0, last_check=NOW - 7200, started=NOW - 9000)
    host.listing.put(replace(web, state="paused", health=""))
    assert host.value("docker_container_health_check_due_timestamp_seconds") is None
    host.listing.put(web)
    host.listing.tell(Event(container_id="web", action="unpause", time=int(NOW) * 1_000_000_000))
    assert host.value("docker_container_health_check_due_timestamp_seconds") == NOW + 90


def test_a_start_that_failed_is_told_until_one_succeeds() -> None:
    host = Host()
    web = replace(host.put("web", "created"), start_error="no such file", exit_code=127)
    host.listing.put(web)
    assert host.value("docker_container_start_failed") == 1
    assert host.value("docker_container_last_exit_code") == 127
    host.listing.put(replace(web, state="running", start_error="", exit_code=None))
    assert host.value("docker_container_start_failed") == 0


def test_what_a_container_is_in_a_swarm_is_told() -> None:
    host = Host()
    host.listing.put(replace(host.put("web"), stack="shop", service="shop_web", task="shop_web.1.abc"))
    assert ',stack="shop",service="shop_web",task="shop_web.1.abc",' in host.scrape()


def test_what_nobody_counts_is_not_told_as_0() -> None:
    counted = ("docker_container_exits_total", "health_transitions_total", "container_oom_events_total")
    for has_events in (True, False):
        host = Host(has_events=has_events)
        host.put("web")
        assert [name in host.scrape() for name in counted] == [has_events] * 3
        assert "docker_container_restarts_total" in host.scrape()


def test_what_did_not_change_is_not_rendered_again() -> None:
    host = Host()
    web = host.put("web")
    host.put("shop")
    host.scrape()
    before = dict(host.containers._rendered)
    host.listing.put(replace(web, failing_streak=1, health="unhealthy"))
    host.scrape()
    after = host.containers._rendered
    assert (after["shop"] is before["shop"], after["web"] is before["web"]) == (True, False)
    host.listing.tell(Event(container_id="shop", action="die", time=1, exit_code=1))
    assert 'docker_container_exits_total{name="shop",kind="error"} 1\n' in host.scrape()
    host.poll.log_bytes = {"web": 5}
    assert 'docker_container_log_file_bytes{name="web"} 5\n' in host.scrape()


def test_a_state_and_a_health_are_one_of_all() -> None:
    host = Host()
    host.listing.put(replace(host.put("web"), health="starting"))
    lines = host.scrape().splitlines()
    for series, count, label in (("state", 7, 'state="running"'), ("health_status", 4, 'status="starting"')):
        found = [line for line in lines if line.startswith(f"docker_container_{series}{{")]
        assert len(found) == count
        assert [line for line in found if line.endswith(" 1")] == [f'docker_container_{series}{{name="web",{label}}} 1']


@pytest.mark.parametrize("limit", [30e6, math.inf, None])
def test_a_limit_of_logs_is_told_where_there_are_files(limit: float | None) -> None:
    host = Host()
    host.listing.put(replace(host.put("web"), log_limit_bytes=limit))
    found = [line.split()[-1] for line in host.scrape().splitlines() if "log_limit_bytes{" in line]
    assert found == {30e6: ["30000000"], math.inf: ["+Inf"], None: []}[limit]


def test_cadvisor_s_names_can_be_switched_off() -> None:
    for has_usage in (True, False):
        host = Host(has_usage=has_usage)
        host.put("web")
        assert ("\ncontainer_" in host.scrape()) == has_usage


def test_what_only_a_running_container_has_goes_with_its_end() -> None:
    host = Host()
    web = host.put("web")
    assert "container_start_time_seconds{" in host.scrape()
    host.listing.put(replace(web, state="exited", finished=NOW))
    assert "\ncontainer_" not in host.scrape()
    assert "docker_container_finished_timestamp_seconds{" in host.scrape()
