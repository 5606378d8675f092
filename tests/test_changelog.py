"""CHANGELOG.md has released versions alone; what comes next stands in changelog.d, in files that towncrier takes."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.reference import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TYPES = [one["directory"] for one in PROJECT["tool"]["towncrier"]["type"]]
NAME = re.compile(rf"(?:[1-9][0-9]*|\+[a-z0-9]+(?:-[a-z0-9]+)*)\.(?:{'|'.join(TYPES)})\.md")
VERSION = re.compile(r"^## (\d+)\.(\d+)\.(\d+) - (\d{4}-\d\d-\d\d)$", re.MULTILINE)
HEADING = re.compile(r"^## .*$", re.MULTILINE)


def versions(changelog: str) -> list[tuple[int, ...]]:
    return [tuple(map(int, found[:3])) for found in VERSION.findall(changelog)]


def fault_of(fragment: Path) -> str:
    """What is wrong with a file in changelog.d, if anything."""
    if not NAME.fullmatch(fragment.name):
        return f"{fragment.name}: call it <issue or +some-words>.<{' | '.join(TYPES)}>.md"
    text = fragment.read_text("utf-8")
    if not re.fullmatch(r"[^\s#-].*\.\n", text, re.DOTALL):
        return f"{fragment.name}: write sentences, without heading and list, and a newline at the end"
    return ""


def test_every_fragment_has_a_name_and_a_text_that_the_release_can_use() -> None:
    fragments = [path for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]
    assert [fault for fault in map(fault_of, fragments) if fault] == []


@pytest.mark.parametrize("name", ["12.fixed.md", "+list-of-proxies.added.md", "+a.security.md"])
def test_a_good_fragment_is_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("A list of proxies works.\n")
    assert fault_of(tmp_path / name) == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("12.feature.md", "It works.\n"),
        ("12.fixed.rst", "It works.\n"),
        ("12.fixed", "It works.\n"),
        ("proxies.fixed.md", "It works.\n"),
        ("+Proxies.fixed.md", "It works.\n"),
        ("12.fixed.md", ""),
        ("12.fixed.md", "It works"),
        ("12.fixed.md", "- It works.\n"),
        ("12.fixed.md", "## Fixed\n\nIt works.\n"),
    ],
)
def test_a_bad_fragment_is_noticed(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert fault_of(tmp_path / name)


def test_the_changelog_has_released_versions_alone_newest_first() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    found = versions(changelog)
    assert len(found) == len(HEADING.findall(changelog)), "each section is `## X.Y.Z - YYYY-MM-DD`, made by towncrier"
    assert found == sorted(found, reverse=True)
    assert "unreleased" not in changelog.lower()


def test_the_version_is_the_newest_of_the_changelog_everywhere() -> None:
    newest = ".".join(map(str, versions((ROOT / "CHANGELOG.md").read_text("utf-8"))[0]))
    assert PROJECT["project"]["version"] == newest
    assert f"\nARG VERSION={newest}\n" in (ROOT / "Dockerfile").read_text("utf-8")


def test_a_release_puts_the_fragments_above_the_version_before(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    fragments = tmp_path / "changelog.d"
    fragments.mkdir()
    for number, kind in enumerate(TYPES, 1):
        (fragments / f"{number}.{kind}.md").write_text(f"Sentence {number}.\n")
    before = (tmp_path / "CHANGELOG.md").read_text("utf-8")
    build = [sys.executable, "-m", "towncrier", "build", "--yes", "--version", "99.0.0", "--date", "2099-01-02"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    after = (tmp_path / "CHANGELOG.md").read_text("utf-8")
    assert versions(after) == [(99, 0, 0), *versions(before)]
    part = after.partition("## 99.0.0 - 2099-01-02")[2].partition("\n## ")[0]
    assert re.findall(r"### (\w+)", part) == ["Added", "Changed", "Fixed", "Removed", "Security"]
    assert [f"- Sentence {number}. (#{number})" in part for number in range(1, 6)] == [True] * 5
    assert list(fragments.iterdir()) == []
