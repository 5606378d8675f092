"""The pages say what the code does: tables, commands, files and series that they name are there."""

import re
import shlex
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from collector.app.plugins import installed_types
from collector.cli.root import app
from collector.config.loading import load
from collector.search import pipes
from collector.telemetry import catalogue
from shippers.store.matching import compiled
from tests.commands import commands
from tests.reference import ROOT, pages, render

DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
SCRIPT = re.compile(r"\bscript/\w+")
PATH = re.compile(r"(?<![\w./<>-])(?:collector|shippers|tests|dashboards|deploy|docs|script)/[\w./-]*\w/?(?![\w*…<{])")
COMMANDS = dict(commands())
GROUPS = "|".join(
    words.split(" ", 1)[1] for words, command in COMMANDS.items() if " " in words and hasattr(command, "commands")
)
COMMAND = re.compile(rf"\bpilotfish (?!pilotfish\b|[a-z+]+://)((?:(?:{GROUPS}) )?[a-z-]+)")
PROOF = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
FOREIGN = {"scrape_configs", "rule_files", "inhibit_rules", "services", "apiVersion"}  # in YAML that is not ours
SERIES = re.compile(r"\b(?:pilotfish|docker)_[a-z_]+\b(?!\()")
IN_A_SWARM = {"pilotfish_agent", "pilotfish_state", "pilotfish_es_password"}  # service, volume, secret
SUFFIXES = ("_bucket", "_sum", "_count")
NO_SERIES = {
    *("docker_container", "docker_app", "docker_service", "docker_task", "docker_attrs", "docker_host"),
    *("docker_container_id", "docker_image", "docker_label_", "docker_env_", "docker_time", "pilotfish_fields_labels"),
} | {path.stem for path in (ROOT / "collector").rglob("*.py")}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks_of(page: Path, language: str) -> list[str]:
    return [dedent(block) for _, kind, block in BLOCK.findall(page.read_text("utf-8")) if kind == language]


def code_of(page: Path) -> list[str]:
    return [block or span for block, span in CODE.findall(page.read_text("utf-8"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_tables_are_up_to_date(page: Path) -> None:
    text = page.read_text("utf-8")
    assert render(text) == text, "run script/docs"


def test_keys_series_and_commands_each_have_their_page() -> None:
    own = {"configuration", "metrics", "commands", "containers", "migration", "sizing", "index"}  # the last: of outputs
    assert {page.stem for page in pages()} == own


@every_page
def test_links_and_scripts_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    missing = [target for target in LINK.findall(text) if not (page.parent / target).exists()]
    missing += [script for script in SCRIPT.findall(text) if not (ROOT / script).exists()]
    assert not missing


@every_page
def test_tests_that_are_named_as_proof_exist(page: Path) -> None:
    named = PROOF.findall(page.read_text("utf-8"))
    missing = [f"{path}::{test}" for path, test in named if f"def {test}" not in (ROOT / path).read_text()]
    assert not missing


@every_page
def test_a_page_of_the_site_links_to_pages_of_the_site_only(page: Path) -> None:
    within = DOCS if page.is_relative_to(DOCS) else ROOT
    assert [
        link
        for link in LINK.findall(page.read_text("utf-8"))
        if not (page.parent / link).resolve().is_relative_to(within)
    ] == []


@every_page
def test_paths_of_the_repository_exist(page: Path) -> None:
    named = {path for code in code_of(page) for path in PATH.findall(code)}
    assert [path for path in named if not (ROOT / path).exists()] == []


@every_page
def test_commands_exist(page: Path) -> None:
    named = {f"pilotfish {words}" for code in code_of(page) for words in COMMAND.findall(code)}
    assert named <= COMMANDS.keys()


@every_page
def test_commands_to_type_have_such_options(page: Path) -> None:
    for block in blocks_of(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            if found := COMMAND.search(line.partition("#")[0]):
                command = COMMANDS[f"pilotfish {found[1]}"]
                assert options(line[found.start() :]) <= known_options(command), line


def options(line: str) -> set[str]:
    words = shlex.split(line.partition(" |")[0], comments=True)
    return {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}


def known_options(command: Any) -> set[str]:
    return {"-h", "--help"} | {option for parameter in command.params for option in parameter.opts}


def test_searches_that_are_shown_can_be_asked() -> None:
    table = (DOCS / "commands.md").read_text("utf-8").partition("## Query language")[2].partition("\n## ")[0]
    queries = [
        query
        for row in table.splitlines()
        if row.startswith("| `")
        for query in re.findall(r"`([^`]+)`", row.split(" | ")[0])
    ]
    assert len(queries) > 8
    for query in queries:
        compiled(pipes.parsed(query.replace("\\|", "|"))[0])


@every_page
def test_series_exist(page: Path) -> None:
    known = {one.name for one in catalogue.ALL} | NO_SERIES | IN_A_SWARM
    known |= {f"{one.name}{suffix}" for one in catalogue.ALL if one.kind == "histogram" for suffix in SUFFIXES}
    named = {name for code in code_of(page) for name in SERIES.findall(code)}
    assert named <= known


@every_page
def test_configurations_shown_are_valid(page: Path, tmp_path: Path) -> None:
    for block in blocks_of(page, "yaml"):
        if FOREIGN & yaml.safe_load(block).keys():
            continue
        path = tmp_path / "pilotfish.yml"
        path.write_text(block)
        assert load(path, installed_types(), {}).warnings == []


def test_examples_in_the_help_are_of_commands_that_exist() -> None:
    told = CliRunner().invoke(app, ["--help"]).output
    named = {f"pilotfish {words}" for words in COMMAND.findall(told)}
    assert "pilotfish search" in named
    assert named <= COMMANDS.keys()
