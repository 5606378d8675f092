"""`pilotfish token`: made, listed and revoked while the agent runs."""

import json
import urllib.error
import urllib.request
from pathlib import Path

from tests.collector.cli.pilotfish import Agent, pilotfish


def status(address: str, path: str, token: str) -> int:
    request = urllib.request.Request(f"http://{address}/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own address
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_a_running_agent_takes_a_token_at_once_and_until_it_is_revoked(agent: Agent) -> None:
    made = agent.ask("token", "create", "--name", "phone", "--filter", "container:shop-*", "--expires", "30d")
    token, link = made.out.splitlines()
    address = link.removeprefix("http://").partition("/")[0]
    assert link == f"http://{address}/?token={token}"
    assert status(address, "search", token) == 200
    assert status(address, "export", token) == 403
    assert status(address, "outputs", token) == 403
    (row,) = map(json.loads, agent.ask("token", "list", "-o", "json").out.splitlines())
    assert (row["role"], row["name"], row["filter"]) == ("view", "phone", "container:shop-*")
    assert token.split("_")[1] == row["id"]
    assert agent.ask("token", "list").out.startswith(f"{row['id']}  view      expires 20")
    assert agent.ask("token", "revoke", "phone").code == 0
    assert status(address, "search", token) == 401
    again = agent.ask("token", "revoke", "phone")
    assert (again.code, again.complaint.partition(":")[0]) == (1, "no single token has the id or name 'phone'")


def test_a_filter_of_what_applications_write_is_refused(agent: Agent) -> None:
    ended = agent.ask("token", "create", "--filter", "level:error")
    assert (ended.code, ended.out) == (1, "")
    assert "trusted members" in ended.complaint


def test_without_an_agent_the_remedy_is_told(tmp_path: Path) -> None:
    ended = pilotfish(tmp_path, "token", "create", "--state-dir", str(tmp_path))
    assert (ended.code, ended.out) == (1, "")
    assert ended.complaint.startswith("no state directory")
