"""The package's dashboards/ → files that a server is given, or that an operator gets as copies.

A wheel carries the folder as `collector/boards/dashboards` (pyproject.toml, force-include); a checkout, installed or
not, has it beside `collector`.
"""

import json
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from collector.errors import PilotfishError
from collector.files.writing import write

Json = dict[str, Any]
_RULES_TESTS = Path("prometheus", "tests")


def root() -> Traversable:
    """The folder dashboards/.

    Raises:
        PilotfishError: it is not there.
    """
    package = resources.files("collector")
    for place in (package / "boards" / "dashboards", package.joinpath("..", "dashboards")):
        if place.is_dir():
            return place
    raise PilotfishError("this installation lacks the dashboards", "install Pilotfish from its wheel or checkout")


def saved_objects(name: str) -> list[Json]:
    """The objects of one file in dashboards/kibana, in its order."""
    return [json.loads(line) for line in (root() / "kibana" / name).read_text("utf-8").splitlines()]


def boards() -> list[Json]:
    """The boards for Grafana, by their file names."""
    files = sorted((root() / "grafana").iterdir(), key=lambda file: file.name)
    return [json.loads(file.read_text("utf-8")) for file in files if file.name.endswith(".json")]


def export(directory: Path) -> Iterator[Path]:
    """Write dashboards/ below `directory`, over what is there; gives the path of each file.

    The tests of the rules are left out: they are of no use to who runs the rules.

    Raises:
        PilotfishError: a file cannot be written.
    """
    for place, content in _files(root(), Path()):
        if place.is_relative_to(_RULES_TESTS):
            continue
        path = directory / place
        write(path, content)
        yield path


def _files(folder: Traversable, place: Path) -> Iterator[tuple[Path, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _files(entry, place / entry.name)
        else:
            yield place / entry.name, entry.read_bytes()
