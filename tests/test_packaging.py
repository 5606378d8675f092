"""What is published of the project: the wheel and what it says of itself."""

import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from collector.web.routes import PAGE_FILES
from tests.reference import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once."""
    target = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (found,) = target.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(opened.read(name).decode())


def test_type_checkers_take_the_types_of_the_installed_packages(wheel: Path, metadata: Message) -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    assert [f"{package}/py.typed" in names for package in packages] == [True] * len(packages)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == packages
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])


def test_the_page_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        found = {name for name in opened.namelist() if name.startswith("collector/web/page/")}
    assert found == {f"collector/web/page/{name}" for name in PAGE_FILES.values()}


def test_a_type_checker_finds_them_where_they_are_installed(wheel: Path, tmp_path: Path) -> None:
    """mypy says "missing library stubs or py.typed marker" of a package without the file."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(site)
    (tmp_path / "plugin.py").write_text("from collector.model import line_count\n\nreveal_type(line_count(b''))\n")
    check = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        str(tmp_path / "cache"),
        "--follow-imports",
        "silent",
    ]
    check += ["--python-executable", str(environment / "bin" / "python"), "plugin.py"]
    done = subprocess.run(check, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert 'Revealed type is "int"' in done.stdout.replace("builtins.", ""), done.stdout


def test_the_wheel_says_where_the_project_is(metadata: Message) -> None:
    urls = dict(line.split(", ", 1) for line in metadata.get_all("Project-URL", []))
    assert {"Homepage", "Documentation", "Repository", "Issues", "Changelog"} <= urls.keys()
    assert [url for url in urls.values() if not url.startswith(urls["Repository"])] == []
    assert metadata["Author"]
    assert metadata["License-Expression"] == "Apache-2.0"


def test_classifiers_name_no_python_that_the_project_does_not_take() -> None:
    named = [one.rpartition(" :: ")[2] for one in PROJECT["classifiers"] if one.startswith("Programming Language ::")]
    versions = [tuple(map(int, one.split("."))) for one in named if one.count(".") == 1]
    assert min(versions) == (3, 11)
    assert PROJECT["requires-python"] == ">=3.11"


def test_the_address_of_the_repository_is_the_same_everywhere() -> None:
    repository = PROJECT["urls"]["Repository"]
    assert f'org.opencontainers.image.source="{repository}"' in (ROOT / "Dockerfile").read_text("utf-8")
