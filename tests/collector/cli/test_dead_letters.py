"""`pilotfish dead-letters` with a running agent and without one."""

import json
import time
from pathlib import Path

import pytest

from collector.dead_letters import DeadLetters
from collector.documents.refused import as_text
from collector.model import Rejected
from tests.collector.cli.pilotfish import SECONDS, Agent, Ended, pilotfish
from tests.contract.segments import document, log_stream, segment

pytestmark = pytest.mark.slow  # a process each, and a server beside it

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202e\nfake: line"


def letters(state_dir: Path, output: str, *logs: object, target: str = "mended", reason: str = "odd_exception") -> None:
    """Letters as delivery leaves them."""
    stream = log_stream(target)
    whole = segment([document(log, stream) for log in logs], stream, file=f"{time.time_ns()}")
    texts = [as_text(Rejected(whole, index, reason, "")) for index in range(whole.count)]
    DeadLetters(state_dir / "dead_letters" / output).append([Rejected(one, 0, reason, HOSTILE) for one in texts])


def lines_of(ended: Ended) -> list[str]:
    return ended.errors.splitlines()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state directory without an agent, and a configuration with an output to a file."""
    (tmp_path / "p.yml").write_text(
        f"state_dir: {tmp_path}/state\noutputs: {{file: {{type: ndjson_file, path: {tmp_path}/out.ndjson}}}}\n"
    )
    (tmp_path / "state").mkdir()
    return tmp_path


def test_letters_are_shown_with_their_reason_and_nothing_in_them_is_obeyed(home: Path) -> None:
    letters(home / "state", "file", {"n": 1}, {"message": HOSTILE})
    ended = pilotfish(home, "dead-letters", "list", "-c", "p.yml")
    assert ended.code == 0
    assert "\x1b" not in ended.out
    assert "\u202e" not in ended.out
    first, _, third, fourth = ended.out.splitlines()
    assert " file mended odd_exception: \\x1b]0;owned\\x07" in first
    assert first.split()[1:] == third.split()[1:]
    assert "\\nfake: line" in fourth
    assert lines_of(ended) == [
        f"pilotfish: no agent answers: reading {home}/state/dead_letters",
        "pilotfish: 2 of 2 dead letters",
    ]


def test_letters_are_the_lines_themselves_as_json(home: Path) -> None:
    letters(home / "state", "file", *({"n": n} for n in range(30)))
    letters(home / "state", "other", {"n": 99}, target="till")
    ended = pilotfish(home, "dead-letters", "list", "-c", "p.yml", "-o", "json", "-n", "3", "--output", "file")
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert [one["document"]["log"]["message"] for one in found] == ['{"n": 27}', '{"n": 28}', '{"n": 29}']
    assert {one["output"] for one in found} == {"file"}
    assert lines_of(ended)[-1] == "pilotfish: 3 of 30 dead letters; -n shows more"
    ended = pilotfish(home, "dead-letters", "list", "-c", "p.yml", "--target", "till")
    assert lines_of(ended)[-1] == "pilotfish: 1 of 1 dead letter"
    assert "no dead letters" in pilotfish(home, "dead-letters", "list", "-c", "p.yml", "--reason", "none").errors


def test_without_an_agent_the_outputs_of_the_configuration_take_them(home: Path) -> None:
    letters(home / "state", "file", *({"n": n} for n in range(3)))
    letters(home / "state", "other", {"n": 99})
    with (home / "state" / "dead_letters" / "file" / "00000001.ndjson").open("ab") as file:
        file.write(b'{"half')
    dry = pilotfish(home, "dead-letters", "replay", "-c", "p.yml", "--dry-run", "--output", "file")
    assert (dry.code, dry.out) == (0, "file mended odd_exception: 3\n")
    assert lines_of(dry)[-1] == "pilotfish: 3 of 3 dead letters would be sent; damaged lines, left as they are: 1"
    ended = pilotfish(home, "dead-letters", "replay", "-c", "p.yml")
    assert (ended.code, ended.out) == (
        0,
        "file: 3 dead letters sent, 3 delivered, 0 refused again; damaged lines, left as they are: 1\n",
    )
    assert lines_of(ended)[0].startswith(
        "pilotfish: dead letters of other are not replayed: this output is not configured"
    )
    assert lines_of(ended)[1] == f"pilotfish: no agent answers: replaying {home}/state/dead_letters"
    written = [json.loads(line) for line in (home / "out.ndjson").read_text().splitlines()]
    assert [one["log"] for one in written] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert all(one["_id"] and "delivery_error" not in one for one in written)
    assert (home / "state" / "dead_letters" / "file" / "00000001.ndjson").read_bytes() == b'{"half'


def test_a_replay_with_a_number_takes_the_oldest_and_tells_its_progress_as_json(home: Path) -> None:
    letters(home / "state", "file", *({"n": n} for n in range(3)))
    ended = pilotfish(home, "dead-letters", "replay", "-c", "p.yml", "-n", "1", "-o", "json")
    told = [json.loads(line) for line in ended.out.splitlines()]
    assert (told[-1]["output"], told[-1]["sent"], told[-1]["delivered"]) == ("file", 1, 1)
    assert '{"n": 0}' in (home / "out.ndjson").read_text()


@pytest.mark.parametrize("command", ["list", "replay"])
@pytest.mark.parametrize("name", ["none", "p.yml"])
def test_a_state_directory_that_is_none_is_a_wrong_command_line_and_is_not_made(
    home: Path, command: str, name: str
) -> None:
    ended = pilotfish(home, "dead-letters", command, "-c", "p.yml", "--state-dir", name)
    assert (ended.code, ended.out) == (2, "")
    assert ended.complaint == f"--state-dir: {name} is not a directory: use the agent's state_dir"
    assert not (home / "none").exists()


def test_without_letters_a_replay_says_so(home: Path) -> None:
    ended = pilotfish(home, "dead-letters", "replay", "-c", "p.yml")
    assert (ended.code, ended.out, lines_of(ended)[-1]) == (0, "", "pilotfish: no dead letters")


def test_an_output_that_is_not_configured_is_a_wrong_command_line(home: Path) -> None:
    ended = pilotfish(home, "dead-letters", "replay", "-c", "p.yml", "--output", "elastic")
    assert (ended.code, ended.complaint) == (
        2,
        "no output 'elastic' is configured: pass the configuration file of this output with -c",
    )
    ended = pilotfish(home, "dead-letters", "list", "-c", "p.yml", "--output", "elastic")
    assert (ended.code, lines_of(ended)[-1]) == (
        1,
        "pilotfish: no dead letters of an output 'elastic': outputs with dead letters: none",
    )


# ---------------------------------------------------------------------- with the running agent


def test_the_running_agent_lists_and_replays(agent: Agent) -> None:
    letters(agent.state_dir, "local", {"message": "was refused", "n": 5}, target="mended")
    listed = agent.ask("dead-letters", "list", "--target", "mended")
    assert listed.code == 0
    assert "was refused" in listed.out
    assert lines_of(listed) == ["pilotfish: asking the running agent", "pilotfish: 1 of 1 dead letter"]
    dry = agent.ask("dead-letters", "replay", "--dry-run")
    assert dry.out == "local mended odd_exception: 1\n"
    ended = agent.ask("dead-letters", "replay", "--output", "local")
    assert (ended.code, ended.out) == (0, "local: 1 dead letter sent, 1 delivered, 0 refused again\n")
    assert lines_of(ended)[0] == "pilotfish: replaying in the running agent"
    deadline = time.monotonic() + SECONDS
    while not (found := agent.ask("search", "--target", "mended", "-o", "json").out):
        assert time.monotonic() < deadline
    assert json.loads(found)["log"] == {"message": "was refused", "n": 5}
    assert list((agent.state_dir / "dead_letters" / "local").iterdir()) == []


def test_the_running_agents_refusal_is_one_line(agent: Agent) -> None:
    ended = agent.ask("dead-letters", "replay", "--output", "nope")
    assert (ended.code, ended.complaint) == (1, "no output is named 'nope': use one of: local")


def test_an_agent_that_does_not_answer_keeps_its_state_to_itself(agent: Agent, tmp_path: Path) -> None:
    config = tmp_path / "off.yml"
    config.write_text(agent.config.read_text())
    address = agent.state_dir / "http_address"
    kept = address.read_bytes()
    address.unlink()
    try:
        ended = agent.ask("dead-letters", "replay", "-c", str(config))
    finally:
        address.write_bytes(kept)
    assert ended.code == 1
    assert "is in use by another agent" in ended.errors
    assert "check its http.listen, or stop it and replay" in ended.errors
