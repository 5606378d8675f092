"""`pilotfish size`: what is needed, of rates that are given or that the running agent has."""

import json
import time
from pathlib import Path

import pytest

from tests.collector.cli.pilotfish import SECONDS, Agent, pilotfish


def rows(text: str) -> dict[tuple[str, str], float]:
    return {(row["part"], row["what"]): row["value"] for row in map(json.loads, text.splitlines())}


def test_given_rates_need_no_agent(tmp_path: Path) -> None:
    ended = pilotfish(tmp_path, "size", "--lines", "10000", "--document-bytes", "430")
    assert (ended.code, ended.errors) == (0, "")
    assert "Rates of the command line." in ended.out
    assert "223 GB  on the wire x 24 hours x 3 copies\n" in ended.out


def test_options_change_what_is_needed(tmp_path: Path) -> None:
    words = (
        "--lines 50 --line-bytes 867 --hosts 200 --ratio 10 --outage 2h --topic-retention 1d --topic-copies 2 -o json"
    )
    found = rows(pilotfish(tmp_path, "size", *words.split()).out)
    assert found["All hosts", "documents"] == 50 * 200 * 1000
    assert found["Each agent", "spool"] == 50 * 1000 / 10 * 7200
    assert found["Kafka", "disk"] == 50 * 200 * 1000 / 10 * 86_400 * 2


def test_without_rates_those_of_the_running_agent_count(agent: Agent) -> None:
    deadline = time.monotonic() + SECONDS
    while (ended := agent.ask("size", "--hosts", "1000")).code:  # it knows its rate after some seconds
        assert "--lines" in ended.complaint
        assert time.monotonic() < deadline, ended.complaint
    assert ended.out.startswith("Rates of the running agent, output local.")
    found = rows(agent.ask("size", "-o", "json", "--hosts", "1000").out)
    assert found["All hosts", "lines"] > 0
    assert 100 < found["All hosts", "documents"] / found["All hosts", "lines"] < 400


def test_without_rates_and_agent_the_remedy_is_to_give_them(tmp_path: Path) -> None:
    ended = pilotfish(tmp_path, "size", "--state-dir", str(tmp_path))
    assert ended.code == 1
    assert ended.complaint.startswith(f"no agent answers (tried {tmp_path}): give the rate with --lines, or start one")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--lines 0", "0 is out of range: write more than 0, and 1,000,000,000 at most"),
        ("--lines nan", "nan is out of range"),
        ("--lines inf", "inf is out of range"),
        ("--lines many", "'many' is not a number"),
        ("--lines 1 --headroom 1", "1 is out of range: write more than 1"),
        ("--lines 1 --ratio 0.5", "0.5 is out of range: write 1 or more"),
        ("--lines 1 --hosts 0", "greater than or equal to 1"),
        ("--lines 1 --outage 0", "write a duration of more than 0"),
        ("--lines 1 --outage soon", "'soon' is not a duration"),
        ("--lines 1 --profile small", "'small' is not one of 'lean', 'search', 'logsdb'"),
        ("--lines 1 --line-bytes 100 --document-bytes 300", "give --line-bytes or --document-bytes, not both"),
    ],
)
def test_what_cannot_be_calculated_is_a_wrong_command_line(tmp_path: Path, words: str, complaint: str) -> None:
    ended = pilotfish(tmp_path, "size", *words.split())
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.complaint
