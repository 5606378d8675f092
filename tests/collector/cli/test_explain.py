"""`pilotfish explain` against a running agent."""

import json

from tests.collector.cli.pilotfish import LINES, Agent


def test_it_shows_settings_with_their_origins_and_the_last_lines(agent: Agent) -> None:
    ended = agent.ask("explain", "web")
    assert (ended.code, ended.errors) == (0, "")
    head, *rest = ended.out.splitlines()
    assert head.startswith("shop-web-1  ")
    assert [line.split() for line in rest[1:3]] == [
        ["source", "stdout", "#", "default"],
        ["target", "shop-web-1", "#", "default"],
    ]
    assert f"    output local: {LINES:,} documents read, 0 bytes not read yet" in rest
    documents = [json.loads(line.removeprefix("    document  ")) for line in rest if "document  " in line]
    assert [document["log"]["n"] for document in documents] == list(range(LINES - 5, LINES))


def test_it_shows_the_same_as_json(agent: Agent) -> None:
    (found,) = json.loads(agent.ask("explain", "shop-*", "-o", "json").out)["containers"]
    assert (found["container"], found["faults"], found["not_followed"]) == ("shop-web-1", [], "")


def test_a_name_that_nobody_has_is_told(agent: Agent) -> None:
    ended = agent.ask("explain", "nobody", "else")
    assert (ended.code, ended.out) == (1, "")
    assert ended.complaint == "no container is called nobody or else: see `docker ps -a` for their names"
