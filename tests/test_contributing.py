"""What meets a contributor: forms that the repository host takes, and hooks that run what script/lint runs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.reference import ROOT

GITHUB = ROOT / ".github"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
FIELDS = {"input", "textarea", "dropdown", "checkboxes"}
TOOL = re.compile(r"^(?:\.venv/bin|script)/([\w-]+)(?: (check|format))?", re.MULTILINE)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def test_there_is_a_form_for_a_bug_a_feature_and_a_question() -> None:
    assert [path.stem for path in FORMS] == ["bug", "feature", "question"]
    config = read(GITHUB / "ISSUE_TEMPLATE" / "config.yml")
    assert config["blank_issues_enabled"] is False
    assert any("SECURITY.md" in link["about"] for link in config["contact_links"])


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_a_form_is_of_the_form_that_the_host_takes(form: Path) -> None:
    """GitHub's syntax for issue forms: another form shows an error, or an empty page."""
    found = read(form)
    assert found.keys() <= {"name", "description", "title", "labels", "body"}
    assert found["name"]
    assert found["description"]
    fields = [part for part in found["body"] if part["type"] != "markdown"]
    assert {part["type"] for part in fields} <= FIELDS
    assert all(part["attributes"]["label"] for part in fields)
    names = [part["id"] for part in fields]
    assert len(names) == len(set(names))
    assert any(part.get("validations", {}).get("required") for part in fields)


def test_the_template_of_pull_requests_asks_for_what_contributing_asks_for() -> None:
    template = (GITHUB / "pull_request_template.md").read_text("utf-8")
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for named in ("script/test --unit", "changelog.d/", "script/docs", "docs/decisions/"):
        assert named in template
        assert named in contributing


def test_hooks_run_the_tools_of_script_lint_and_download_none() -> None:
    """Any other kind of hook is fetched from somewhere, in a version of its own."""
    hooks = [hook for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    assert [repo["repo"] for repo in read(ROOT / ".pre-commit-config.yaml")["repos"]] == ["local"]
    assert {hook["language"] for hook in hooks} == {"system"}
    lint = (ROOT / "script" / "lint").read_text("utf-8")
    assert {found for hook in hooks for found in TOOL.findall(hook["entry"])} == set(TOOL.findall(lint))


def test_dependencies_are_looked_after_where_they_are_declared() -> None:
    (update,) = read(GITHUB / "dependabot.yml")["updates"]
    assert (update["package-ecosystem"], update["directory"]) == ("pip", "/")
    assert "[project]" in (ROOT / "pyproject.toml").read_text("utf-8")


def test_who_reports_misconduct_or_a_weakness_finds_the_same_door() -> None:
    assert "(SECURITY.md)" in (ROOT / "CODE_OF_CONDUCT.md").read_text("utf-8")
    assert "private form" in (ROOT / "SECURITY.md").read_text("utf-8")
