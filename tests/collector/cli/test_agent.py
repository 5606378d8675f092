"""Laws of where the commands look for the agent: where its whole configuration says that it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from collector.app.plugins import installed_types
from collector.cli import agent
from collector.config.loading import load
from collector.state import places

FILES: list[dict[str, Any]] = [
    {},
    {"http": None},
    {"http": {}},
    {"http": False},
    {"http": "off"},
    {"http": {"listen": None}},
    {"http": {"listen": False}},
    {"http": {"listen": "OFF"}},
    {"http": {"listen": "[::1]:9000"}},
    {"http": {"listen": " Localhost:9000"}},
    {"state_dir": "/tmp/of-the-file", "http": {"listen": ":9002"}},
]
VARIABLES: list[dict[str, str]] = [
    {},
    {"PILOTFISH_HTTP__LISTEN": ""},
    {"PILOTFISH_HTTP__LISTEN": "off"},
    {"PILOTFISH_HTTP__LISTEN": ":9001"},
    {"PILOTFISH_STATE_DIR": ""},
    {"PILOTFISH_STATE_DIR": "/tmp/of-the-environment"},
]


@pytest.mark.parametrize("variables", VARIABLES, ids=str)
@pytest.mark.parametrize("values", FILES, ids=str)
def test_the_agent_is_looked_for_where_its_configuration_says(
    values: dict[str, Any], variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pilotfish.yml"
    path.write_text(json.dumps(values))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = agent.settings(path)
    whole = load(path, installed_types(), {"HOME": str(tmp_path), **variables})
    assert found.listen == whole.http.address
    if found.state_dir is not None:
        assert found.state_dir == whole.state_dir
    else:
        assert whole.state_dir == places.state_dir({"HOME": str(tmp_path)})
