"""script/prose finds misspelt words and house words on every page that an operator reads, and lets none off.

So it is with what the program itself says: what it logs, raises, prints and describes.
"""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.app.plugins import installed_types
from collector.config.show import schema
from collector.telemetry import catalogue
from tests.reference import ROOT

SCRIPT = (ROOT / "script" / "prose").read_text("utf-8")
WITHOUT_SUBJECT = re.compile(
    r"(?:and|its?|they|their|them|that|this|those|we|our|when|where|how|whom?|what|so)\b", re.IGNORECASE
)
HOUSE_WORDS = dict(line.split("->") for line in (ROOT / "script/house-words.txt").read_text("utf-8").splitlines())


def descriptions(node: Any) -> Iterator[str]:
    """Every description below a node of the schema, but those of whole sections."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "description" and isinstance(value, str) and "properties" not in node:
            yield value
        yield from descriptions(value)


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


def test_what_prometheus_shows_of_a_series_is_understood_without_its_neighbours() -> None:
    """Prometheus and Grafana show one HELP text by itself: it names its subject, and is no other series' text."""
    texts = [series.help for series in catalogue.ALL]
    assert [text for text in texts if WITHOUT_SUBJECT.match(text)] == []
    assert [text for text, times in Counter(texts).items() if times > 1] == []


def test_the_meaning_of_a_key_is_understood_without_its_neighbours() -> None:
    """`config schema` shows it in an editor, an error shows it on one line."""
    texts = list(descriptions(schema(installed_types())))
    assert len(texts) > 40
    assert [text for text in texts if WITHOUT_SUBJECT.match(text)] == []


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


# ------------------------------------------------------------------ what the program says


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(path for folder in ("collector", "shippers") for path in (ROOT / folder).rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of each literal of several words that is not documentation."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            words = node.value.split()
            if len(words) > 1:
                yield node.lineno, " ".join(words)


def events(tree: ast.Module) -> Iterator[tuple[int, ast.expr]]:
    """Line and first argument of each call that logs."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log" | "_log"), attr="debug" | "info" | "warning" | "error"),
                args=[event, *_],
            ):
                yield node.lineno, event


def fault_of(event: ast.expr) -> str:
    """What keeps an alert from matching the event of a line of the log, or people from reading it at a glance."""
    match event:
        case ast.IfExp(body=body, orelse=other):
            return fault_of(body) or fault_of(other)
        case ast.Constant(value=str(text)):
            if text.startswith(("a ", "an ", "the ")) or text.endswith("."):
                return "an article in front, or a full stop behind"
            return "longer than 80 characters" if len(text) > 80 else ""
    return "not a constant: values belong into fields"


def test_the_program_says_nothing_in_house_words(tmp_path: Path) -> None:
    """Of log lines, errors, findings, progress, help and descriptions: each literal of several words."""
    found = [f"{module}:{line} {text}" for module, tree in modules() for line, text in texts(tree)]
    assert len(found) > 500
    (tmp_path / "texts").write_text("".join(f"{one}\n" for one in found))
    result = prose(tmp_path / "texts")
    numbers = re.findall(rf"{tmp_path}/texts:(\d+):", result.stdout)
    assert ([found[int(number) - 1] for number in numbers], result.returncode) == ([], 0)


@pytest.mark.parametrize(
    "code",
    [
        'log.error("it is told", path=path)',
        'raise StateError(f"{path}: mended", "run it anew")',
        'HELP = ("Bytes that " "nobody told of")',
        'yield Finding("ok", name, f"{count} logs are told")',
    ],
)
def test_a_text_of_the_program_is_seen_wherever_it_stands(code: str, tmp_path: Path) -> None:
    (tmp_path / "texts").write_text("".join(f"{text}\n" for _, text in texts(ast.parse(code))))
    assert prose(tmp_path / "texts").returncode != 0


def test_documentation_and_names_are_no_texts_of_the_program() -> None:
    assert list(texts(ast.parse('"""What is told."""\ndef tell(told: str) -> str:\n    """Tell it anew."""'))) == []


def test_an_event_of_the_log_is_a_short_constant() -> None:
    """Alerts match it and count by it, so values are fields beside it."""
    through = "collector/web/connection_limit.py"  # hands the event of its caller on, at most every few seconds
    found = {module: [(line, fault_of(event)) for line, event in events(tree)] for module, tree in modules()}
    assert sum(map(len, found.values())) > 50
    wrong = {module: [one for one in each if one[1]] for module, each in found.items() if module != through}
    assert {module: each for module, each in wrong.items() if each} == {}


@pytest.mark.parametrize(
    ("call", "is_right"),
    [
        ('log.info("output recovered", output=name)', True),
        ('log.info("followed" if streams else "not followed")', True),
        ('log.error(f"the log tree {root} cannot be watched")', False),
        ("log.warning(cause)", False),
        ('log.info("followed" if streams else f"{name} is not followed")', False),
        ('log.warning("an output takes nothing", output=name)', False),
        (f'_log.debug("{"long " * 20}")', False),
    ],
)
def test_an_event_with_a_value_or_an_article_in_it_is_found(call: str, is_right: bool) -> None:
    [(_, event)] = events(ast.parse(call))
    assert (not fault_of(event)) is is_right
