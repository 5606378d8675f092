"""The pages say what the code does: tables, commands, files and series that they name are there."""

import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from collector.app import shipper_types
from collector.cli.root import app
from collector.config import load
from collector.telemetry import catalogue
from tests.reference import ROOT, pages, render

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
SCRIPT = re.compile(r"\bscript/\w+")
COMMAND = re.compile(r"pilotfish ((?:config |dead-letters |setup )?[a-z-]+)")
COMMAND = re.compile(r"pilotfish ((?:config |dead-letters )?[a-z-]+)")
PROOF = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
COMMAND = re.compile(r"pilotfish (?!pilotfish\b)((?:config |dead-letters |setup )?[a-z-]+)")
CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
SERIES = re.compile(r"\b(?:pilotfish|docker)_[a-z_]+\b(?!\()")
IN_A_SWARM = {"pilotfish_agent", "pilotfish_state", "pilotfish_es_password"}  # service, volume, secret
SUFFIXES = ("_bucket", "_sum", "_count")
NO_SERIES = {"docker_container", "docker_app", "docker_service", "docker_task"} | {
    path.stem for path in (ROOT / "collector").rglob("*.py")
}


def code_of(page: Path) -> list[str]:
    return [block or span for block, span in CODE.findall(page.read_text("utf-8"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_tables_are_up_to_date(page: Path) -> None:
    text = page.read_text("utf-8")
    assert render(text) == text, "run script/docs"


def test_keys_and_series_each_have_their_page() -> None:
    assert {page.name for page in pages()} == {"configuration.md", "metrics.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_scripts_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    missing = [target for target in LINK.findall(text) if not (page.parent / target).exists()]
    missing += [script for script in SCRIPT.findall(text) if not (ROOT / script).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_are_named_as_proof_exist(page: Path) -> None:
    named = PROOF.findall(page.read_text("utf-8"))
    missing = [f"{path}::{test}" for path, test in named if f"def {test}" not in (ROOT / path).read_text()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    named = {words for code in code_of(page) for words in COMMAND.findall(code)}
    known = {"run", "demo", "check", "search", "tail", "healthcheck", "version"}
    known |= {"config", "config show", "config validate", "config schema"}
    known |= {"dead-letters", "dead-letters list", "dead-letters replay"}
    known |= {"setup", "setup elasticsearch", "setup export"}
    known |= {"setup", "setup kibana", "setup opensearch-dashboards", "setup grafana"}
    known |= {"setup elasticsearch", "setup export"}
    assert named <= known


def test_the_readme_lists_every_command() -> None:
    listed = " ".join(code_of(ROOT / "README.md"))
    context = get_command(app).make_context("pilotfish", ["version"])
    assert [name for name in get_command(app).list_commands(context) if f"pilotfish {name}" not in listed] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_series_exist(page: Path) -> None:
    known = {one.name for one in catalogue.ALL} | NO_SERIES | IN_A_SWARM
    known |= {f"{one.name}{suffix}" for one in catalogue.ALL if one.kind == "histogram" for suffix in SUFFIXES}
    named = {name for code in code_of(page) for name in SERIES.findall(code)}
    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_configurations_shown_are_valid(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    for block in blocks:
        if "scrape_configs" in yaml.safe_load(block):
            continue
        path = tmp_path / "pilotfish.yml"
        path.write_text(block)
        assert load(path, shipper_types(), {}).warnings == []


def test_examples_in_the_help_are_of_commands_that_exist() -> None:
    told = CliRunner().invoke(app, ["--help"]).output
    assert {words.split()[0] for words in COMMAND.findall(told)} <= {"run", "demo", "check", "tail", "search"}
