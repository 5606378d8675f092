"""`pilotfish search` and `tail` against a running agent."""

import json
import os
import pty
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from collector.cli.agent import MOST_TEXT
from collector.web import arguments
from tests.collector.cli.pilotfish import COMMAND, LINES, SECONDS, Agent, environment, pilotfish

pytestmark = pytest.mark.slow  # a process each, and a server beside it


def test_search_writes_the_newest_documents_oldest_first(agent: Agent) -> None:
    ended = agent.ask("search", "level:error", "-n", "3")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        f"2026-11-23T04:{n // 60:02}:{n % 60:02}.123456789Z shop-web-1 ERROR order {n} n={n}"
        for n in range(LINES - 30, LINES, 10)
    ]
    assert ended.complaint == f"3 of {LINES // 10} documents; -n shows more"


def test_search_gives_the_documents_themselves_as_json(agent: Agent) -> None:
    found = [
        json.loads(line) for line in agent.ask("search", "level:error", "-o", "json", "-n", "1000").out.splitlines()
    ]
    assert [one["log"]["n"] for one in found] == list(range(0, LINES, 10))
    assert {"_id", "@timestamp", "@target", "docker_container", "host", "stream"} <= set(found[0])


def test_since_until_and_target_narrow_a_search(agent: Agent) -> None:
    times = ["--since", "2026-11-23T04:01:00Z", "--until", "2026-11-23T04:02:00Z"]
    assert len(agent.ask("search", *times, "-n", "1000").out.splitlines()) == 60
    ended = agent.ask("search", "--target", "nobody")
    assert (ended.code, ended.complaint) == (1, "nothing found")


def test_options_narrow_a_search_and_a_pipe_stays_at_its_end(agent: Agent) -> None:
    def count(*arguments: str) -> str:
        return agent.ask("search", *arguments).out

    assert count("-i", "order 990", "--level", "warn", "-o", "json").count("\n") == 1
    assert count("--level", "error", "-e", "order 990", "-n", "1000").count("\n") == LINES // 10 - 1
    assert count("--stream", "stderr") == count("--container", "nosuch") == ""
    assert count("order OR nosuch | count by level", "--level", "error") == "level  count\nerror    100\n"
    assert json.loads(count("--container", "shop-*", "| percentiles n", "-o", "json"))["p50"] == 499
    assert count("order", "AND", "n:5", "--template", "{container}/{level}: {message} {log.n}{nosuch}") == (
        "shop-web-1/info: order 5 5\n"
    )
    assert json.loads(count("order", "AND", "n:5", "-o", "raw")) == {"level": "info", "message": "order 5", "n": 5}
    assert count("n:5", "-i", "order", "--kql") == 'log.n: "5" and "order"\n'


def test_a_histogram_has_a_bar_for_each_slice_of_time(agent: Agent) -> None:
    found = agent.ask("histogram", "order", "--until", "2026-11-23T04:10:00Z", "--buckets", "10")
    assert (found.code, found.errors) == (0, "")
    first, *_, last = found.out.splitlines()
    assert first.startswith("2026-11-23T04:00:00.000Z 60 ")
    assert (first.count("█"), first.count("▓"), len(first.split()[-1])) == (45, 5, 50)
    assert last == "█ info  ▓ error"
    rows = agent.ask("histogram", "order", "--by", "", "-o", "json").out.splitlines()
    assert sum(json.loads(row)["count"] for row in rows) == LINES
    assert agent.ask("histogram", "nosuch").code == 1


def test_a_query_that_is_no_query_is_one_line(agent: Agent) -> None:
    for query in ("level:(", "order | sort"):
        ended = agent.ask("search", query)
        assert (ended.code, ended.out) == (2, "")
        assert ended.complaint


def test_the_agent_is_found_by_configuration_and_by_environment(agent: Agent) -> None:
    search = ["search", "order", "-n", "1"]
    assert pilotfish(agent.home, *search, "-c", str(agent.config)).out
    assert pilotfish(agent.home, *search, PILOTFISH_CONFIG=str(agent.config)).out
    assert pilotfish(agent.home, *search, PILOTFISH_STATE_DIR=str(agent.state_dir)).out


def test_a_running_demo_is_found_without_being_told(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "pilotfish-demo").symlink_to(agent.state_dir)
    assert pilotfish(tmp_path, "search", "order", "-n", "1").out


@pytest.mark.parametrize("command", ["search", "tail"])
def test_without_an_agent_the_remedy_names_what_was_tried(tmp_path: Path, command: str) -> None:
    ended = pilotfish(tmp_path, command, "x")
    assert (ended.code, ended.out) == (2 if command == "search" else 1, "")
    assert f"{tmp_path}/pilotfish-demo" in ended.complaint
    assert ended.complaint.endswith("start one with `pilotfish run` or `pilotfish demo`, or name its --state-dir")


def test_an_agent_that_was_killed_is_told_with_its_address(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "http_address").write_text("127.0.0.1:1\n")
    (tmp_path / "http_token").write_text("t" * 40)
    ended = pilotfish(tmp_path, "search", "x", "--state-dir", str(tmp_path))
    assert f"{tmp_path}: 127.0.0.1:1: Connection refused" in ended.complaint


def test_the_state_of_another_agent_is_told(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "http_address").write_bytes((agent.state_dir / "http_address").read_bytes())
    (tmp_path / "http_token").write_text("t" * 40)
    ended = pilotfish(tmp_path, "search", "x", "--state-dir", str(tmp_path))
    assert (
        ended.complaint
        == f"{tmp_path} does not belong to the agent that answers: set --state-dir to the state directory of that agent"
    )


def test_a_reader_that_leaves_early_ends_a_search_quietly(agent: Agent) -> None:
    command = [*COMMAND, "search", "-o", "json", "-n", "10000", "--state-dir", str(agent.state_dir)]
    process = subprocess.Popen(command, env=environment(agent.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b'{"_id"')
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 141


def test_words_of_several_arguments_are_one_query(agent: Agent) -> None:
    words = ["search", "-n", "1000", "--state-dir", str(agent.state_dir), "--", "order", "-level:error"]
    assert agent.ask("search", "order", "level:error", "-n", "1000").out.count("\n") == LINES // 10
    assert pilotfish(agent.home, *words).out.count("\n") == LINES - LINES // 10


def test_a_query_in_any_letters_is_found_whatever_the_locale_says(agent: Agent) -> None:
    environ = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    agent.write("张伟 logged in")
    deadline = time.monotonic() + SECONDS
    while not agent.ask("search", "张伟").out:
        assert time.monotonic() < deadline
    ended = pilotfish(agent.home, "search", "张伟", "--state-dir", str(agent.state_dir), **environ)
    assert "张伟 logged in" in ended.out
    assert ended.errors == ""


def test_a_search_whose_output_is_taken_by_nobody_is_one_line(agent: Agent) -> None:
    search = shlex.join([*COMMAND, "search", "order", "-n", "3", "--state-dir", str(agent.state_dir)])
    for redirection in (">/dev/full", ">&-"):
        done = subprocess.run(
            ["sh", "-c", f"{search} {redirection}"],
            env=environment(agent.home),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr.startswith(b"pilotfish: stdout cannot be written (")
        assert done.stderr.count(b"\n") == 1


def test_a_query_that_is_too_long_is_told_by_the_command(agent: Agent) -> None:
    assert MOST_TEXT == arguments.MOST_TEXT
    ended = agent.ask("search", "x" * (MOST_TEXT + 1))
    assert ended.complaint == f"the query has {MOST_TEXT + 1} characters: shorten it to {MOST_TEXT} at most"
    assert "too long" in agent.ask("search", "张" * MOST_TEXT).complaint


def test_tail_tells_once_that_no_container_matches(agent: Agent) -> None:
    command = [*COMMAND, "tail", "nosuch", "--state-dir", str(agent.state_dir)]
    with subprocess.Popen(command, env=environment(agent.home), stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        told = process.stderr.readline().decode()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert told == "pilotfish: no container matches 'nosuch' yet; following: shop-web-1\n"
    assert (process.returncode, rest) == (130, b"")


def on_a_terminal(agent: Agent, **environ: str) -> bytes:
    """What a search writes when stdout is a terminal."""
    ours, theirs = pty.openpty()
    command = [*COMMAND, "search", "level:error", "-n", "1", "--state-dir", str(agent.state_dir)]
    with subprocess.Popen(command, env=environment(agent.home, **environ), stdout=theirs, stderr=subprocess.DEVNULL):
        os.close(theirs)
        with os.fdopen(ours, "rb") as terminal:
            return terminal.readline()


def test_colours_are_for_terminals_that_want_them(agent: Agent) -> None:
    assert b"\x1b[31mERROR" in on_a_terminal(agent, TERM="xterm")
    assert b"\x1b" not in on_a_terminal(agent, TERM="xterm", NO_COLOR="1")
    assert b"\x1b" not in on_a_terminal(agent, TERM="dumb")


def test_tail_shows_what_is_written_from_now_on_until_ctrl_c(agent: Agent) -> None:
    command = [*COMMAND, "tail", "web", "-i", "tailed", "-o", "json", "--state-dir", str(agent.state_dir)]
    process = subprocess.Popen(command, env=environment(agent.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    line = None
    while not line:  # it is not told when the tail has begun, so the container goes on talking
        assert process.poll() is None
        agent.write("something else", "this is tailed")
        line = process.stdout.readline()
    assert json.loads(line)["log"] == {"message": "this is tailed"}
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)  # what it still has to write has to be taken
    assert (process.returncode, errors) == (130, b"")


def test_check_tells_what_works_and_what_does_not(agent: Agent) -> None:
    ended = pilotfish(agent.home, "check", "-c", str(agent.config))
    assert (ended.code, ended.errors) == (0, "")
    assert f"ok    state directory {agent.state_dir}: in use by the running agent" in ended.out
    ended = pilotfish(agent.home, "check", PILOTFISH_INPUTS__DIRECTORY__PATH="/none", PILOTFISH_STATE_DIR="/proc/none")
    assert ended.code == 1
    assert "fail  directory /none: is not a directory\n      fix: set inputs.directory.path\n" in ended.out
    assert "\x1b" not in ended.out
