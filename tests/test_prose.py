"""script/prose finds misspelt words and house words on every page that an operator reads, and lets none off."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reference import ROOT

SCRIPT = (ROOT / "script" / "prose").read_text("utf-8")
HOUSE_WORDS = dict(line.split("->") for line in (ROOT / "script/house-words.txt").read_text("utf-8").splitlines())


def prose(*files: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["script/prose", *files], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("word", ["told", "Tells", "is mended", "anew"])
def test_a_house_word_is_found_with_one_that_says_it_at_once(tmp_path: Path, word: str) -> None:
    (tmp_path / "page.md").write_text(f"The agent {word} at the start.\n")
    found = prose(tmp_path / "page.md")
    assert found.returncode != 0
    assert word.split()[-1] in found.stdout
    assert HOUSE_WORDS[word.split()[-1].lower()].split(",")[0] in found.stdout.lower()


def test_plain_english_passes(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("The agent reports the reason. `is_told` and test_what_is_told are names.\n")
    assert prose(tmp_path / "page.md").returncode == 0


def test_a_misspelt_word_is_found_in_a_page_and_in_code(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("The agent recieves lines.\n")  # codespell:ignore
    (tmp_path / "module.py").write_text('"""It recieves lines."""\n')  # codespell:ignore
    check = [sys.executable, "-m", "codespell_lib", "--toml", str(ROOT / "pyproject.toml"), str(tmp_path)]
    found = subprocess.run(check, capture_output=True, text=True, check=False)
    assert [name in found.stdout for name in ("page.md", "module.py")] == [True, True]


PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "dashboards/grafana/*.json", "dashboards/prometheus/*.yml")
    for path in ROOT.glob(pattern)
)


def test_no_page_of_an_operator_has_a_house_word() -> None:
    found = prose(*PAGES)
    assert (found.returncode, found.stdout) == (0, "")


def test_every_page_is_held_to_it() -> None:
    """A new page of docs/ or dashboards/ is found by itself, and none is left out."""
    assert "find ./*.md changelog.d docs dashboards deploy .github" in SCRIPT
    assert "house_words $read" in SCRIPT
    left_out = re.findall(r"-not -path '([^']*)'", SCRIPT)
    assert left_out == ["docs/decisions/*", "dashboards/prometheus/tests/*"]


def test_no_page_has_the_marks_of_a_conflict() -> None:
    """They are plain text to every other check: a page with them would be published."""
    marked = re.compile(r"^(?:<{7} |>{7} |={7}$)", re.MULTILINE)
    pages = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("dashboards/**/*.*"),
        *ROOT.glob("deploy/**/*.*"),
    ]
    assert [str(page) for page in pages if page.suffix != ".png" and marked.search(page.read_text("utf-8"))] == []
