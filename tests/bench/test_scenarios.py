"""Each scenario goes through from end to end with a little of everything; its figures mean nothing here."""

import json
import re
from pathlib import Path

import pytest

from tests.bench import page, peers, scenarios
from tests.bench.__main__ import main
from tests.bench.asked import Asked, Outcome
from tests.bench.collectors import REFERENCES, Collector, pilotfish


def little(directory: Path, *collectors: Collector) -> Asked:
    lines = 1_000
    return Asked(directory, ours=collectors, runs=1, lines=lines, containers=2, seconds=0.2, many=5, steps=2)


def names(outcome: Outcome) -> list[str]:
    return [row[0] for row in outcome.rows]


WITH_SERVERS = ("scrape", "outputs", "server")
ALONE = sorted(scenarios.ALL.keys() - {"stacks", *WITH_SERVERS})  # the former is catch-up with other lines


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ALONE, *(pytest.param(name, marks=pytest.mark.engines) for name in WITH_SERVERS)])
def test_a_scenario_measures_pilotfish(name: str, tmp_path: Path) -> None:
    outcome = scenarios.ALL[name](little(tmp_path, pilotfish()))
    assert outcome.complete, outcome.rows
    assert outcome.rows
    assert all(len(row) == len(outcome.head) for row in outcome.rows)
    json.dumps(outcome._asdict())


@pytest.mark.engines
def test_rsyslog_does_the_same_work(tmp_path: Path) -> None:
    (rsyslog,) = [each for each in peers.found({}) if each.name == "rsyslog"]
    outcome = scenarios.ALL["catch-up"](little(tmp_path, rsyslog))
    assert outcome.complete, outcome.rows
    assert names(outcome)[:2] == ["rsyslog", "reference loop"]


@pytest.mark.slow
def test_a_collector_that_loses_everything_fails(tmp_path: Path) -> None:
    idler = Collector("idler", "0", lambda _: ["true"])
    outcome = scenarios.ALL["catch-up"](little(tmp_path, idler))
    assert not outcome.complete
    assert outcome.rows[0][-1] == "FAILED: 1,000 lost"


@pytest.mark.parametrize("path", sorted(Path(peers.__file__).parent.glob("*.[!p]*")), ids=lambda path: path.name)
def test_a_template_names_nothing_unknown(path: Path) -> None:
    marks = set(re.findall("@([A-Z]+)@", path.read_text()))
    assert {"TREE", "PORT"} <= marks <= {"TREE", "STATE", "PORT", "HTTP", "NAMES"}


@pytest.mark.slow
def test_the_command_writes_json_and_tells_by_its_exit_status(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    words = f"catch-up --runs 1 --lines 500 --seconds 0.2 --without-peers --directory {tmp_path} --json {told}"
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 0
    found = json.loads(told.read_text())["catch-up"]
    assert [row[0] for row in found["rows"]] == [
        each.name for each in (pilotfish(), pilotfish(compress=False), *REFERENCES)
    ]
    assert found["figures"][0]["lost"] == 0
    assert found["machine"]["cores"] >= 1


def test_a_table_of_the_page_is_that_of_the_results(tmp_path: Path) -> None:
    asked = little(tmp_path, pilotfish())
    outcome = Outcome(("", "lines/CPU-s"), [("pilotfish (gzip)", "300,000")], ["A remark."], True, [])
    before = "Text.\n\n<!-- bench: long -->\n\nold\n\n<!-- end -->\n\n<!-- bench: idle -->\n<!-- end -->\nMore.\n"
    shown = page.render(before, page.as_json({"long": outcome}, asked))
    assert "| pilotfish (gzip) | 300,000 |\n\nA remark.\n" in shown
    assert "old" not in shown
    assert "<!-- bench: idle -->\n\nNot measured yet.\n\n<!-- end -->\nMore.\n" in shown


def test_the_pages_show_the_latest_results() -> None:
    results = json.loads(page.RESULTS.read_text()) if page.RESULTS.exists() else {}
    shown = [path.read_text("utf-8") for path in page.pages()]
    assert [page.render(each, results) for each in shown] == shown, "script/bench --write"
    assert all(any(f"<!-- bench: {name} -->" in each for each in shown) for name in scenarios.ALL)
