"""A Grafana board in classic JSON → its panels, and what they ask of Prometheus with the variables filled in."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "dashboards/grafana"
BOARDS = tuple(sorted(FOLDER.glob("*.json")))

Json = dict[str, Any]

VARIABLES: Mapping[str, str] = {
    "__rate_interval": "1m",
    "__interval": "15s",
    "__range": "3h",
    "instance": "127.0.0.1:9880",
    "name": ".+",
}


class Target(NamedTuple):
    """One query of one panel; `instant` says that it asks for the end of the time shown and not for all of it."""

    board: str
    panel: str
    expression: str
    legend: str
    unit: str
    kind: str
    instant: bool


def load(path: Path) -> Json:
    """A board as it stands in its file."""
    board: Json = json.loads(path.read_text())
    return board


def panels(board: Json) -> list[Json]:
    """All panels, rows and what is folded into them included."""
    return [inner for panel in board["panels"] for inner in (panel, *panel.get("panels", []))]


def filled(text: str, variables: Mapping[str, str]) -> str:
    """A query with Grafana's variables replaced; the longest first, as `$__interval` begins like others."""
    for name in sorted(variables, key=len, reverse=True):
        text = text.replace(f"${{{name}}}", variables[name]).replace(f"${name}", variables[name])
    return text


def targets(path: Path, variables: Mapping[str, str] = VARIABLES) -> list[Target]:
    """Every query of a board in the order of its panels; `variables` may replace some of those known here."""
    board = load(path)
    known = {**VARIABLES, **variables}
    return [
        Target(
            board=board["title"],
            panel=panel["title"],
            expression=filled(target["expr"], known),
            legend=target["legendFormat"],
            unit=panel["fieldConfig"]["defaults"]["unit"],
            kind=panel["type"],
            instant=target["instant"],
        )
        for panel in panels(board)
        for target in panel.get("targets", [])
    ]
