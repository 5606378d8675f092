"""At whatever pace a container crashes, something fires: alerts that make way for each other leave no gap."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.dashboards.promtool import untrue
from tests.dashboards.rules import ALERTS, RECORDING

pytestmark = pytest.mark.engines  # promtool

PACES_SECONDS = sorted([*range(30, 901, 30), 195, 225, 255, 285, 315])
RULES = (ALERTS, RECORDING)
FIRING = 'ALERTS{alertstate="firing", name!=""}'
EACH_SCRAPE = pytest.mark.parametrize("scrape_seconds", [15, 60])


class Hosts:
    """Containers that end at some paces and are restarted each time, for an hour, as a scrape sees them."""

    def __init__(self, paces_seconds: Iterable[int], *, scrape_seconds: int, kind: str = "error") -> None:
        self._scrape_seconds = scrape_seconds
        self._given = dict(one for pace in paces_seconds for one in self._series(pace, kind))

    def _series(self, pace: int, kind: str) -> Iterator[tuple[str, str]]:
        ends = " ".join(str(now // pace) for now in range(0, 3601, self._scrape_seconds))
        name = f'instance="host:9880", name="every {pace}"'
        yield f"docker_container_restarts_total{{{name}}}", ends
        yield f'docker_container_exits_total{{{name}, kind="{kind}"}}', ends
        yield f'docker_container_state{{{name}, state="restarting"}}', f"0x{3600 // self._scrape_seconds}"

    def fault(self, expression: str, expected: Iterable[int], directory: Path, *, value: int = 1) -> str:
        """What is wrong after an hour with an expression that should have this value for these paces alone."""
        samples = [{"labels": f'{{name="every {pace}"}}', "value": value} for pace in expected]
        case = {"expr": expression, "eval_time": "1h", "exp_samples": samples}
        return untrue([case], self._given, directory, interval=f"{self._scrape_seconds}s", rules=RULES)


@EACH_SCRAPE
def test_there_is_no_pace_of_crashes_at_which_nothing_fires(scrape_seconds: int, tmp_path: Path) -> None:
    """In the last half hour: not only on the way there."""
    hosts = Hosts(PACES_SECONDS, scrape_seconds=scrape_seconds)
    assert hosts.fault(f"group by (name) (max_over_time({FIRING}[30m]))", PACES_SECONDS, tmp_path) == ""


@EACH_SCRAPE
def test_what_crashes_more_than_once_in_ten_minutes_is_told_all_the_time(scrape_seconds: int, tmp_path: Path) -> None:
    """From its first crash on, by whichever alert."""
    paces = [pace for pace in PACES_SECONDS if pace < 540]
    hosts = Hosts(paces, scrape_seconds=scrape_seconds)
    minutes = f"count_over_time((group by (name) ({FIRING}))[50m:1m])"
    assert hosts.fault(f"{minutes} >= bool 50", paces, tmp_path) == ""


@EACH_SCRAPE
def test_more_than_three_restarts_in_a_quarter_of_an_hour_are_a_loop_whatever_the_exit_code(
    scrape_seconds: int, tmp_path: Path
) -> None:
    loops = [pace for pace in PACES_SECONDS if 4 * pace <= 900]
    slower = [pace for pace in PACES_SECONDS if pace > 330]
    hosts = Hosts([*loops, *slower], scrape_seconds=scrape_seconds, kind="ok")
    assert hosts.fault(f"group by (name) ({FIRING})", loops, tmp_path) == ""
