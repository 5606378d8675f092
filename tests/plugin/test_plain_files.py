"""Laws of an input of another package, as the tutorial has it: those of all inputs, and it can be configured."""

from pathlib import Path

import pytest

from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.intake.input import InputContext
from tests.contract.inputs import InputContract
from tests.plugin.installed import install
from tests.plugin.plain_files import PlainFiles, Settings

HERE = Path(__file__).parent


class Quick(Settings):
    """Looks at its directory more often, so that no test waits."""

    def open(self, context: InputContext) -> PlainFiles:
        opened = super().open(context)
        opened.look_seconds = 0.05
        return opened


class TestPlainFiles(InputContract):
    def settings(self, directory: Path) -> Settings:
        return Quick(path=directory)

    def write(self, directory: Path, name: str, *messages: str) -> None:
        with (directory / f"{name}.log").open("a") as file:
            file.writelines(f"2026-11-23T02:13:00Z INFO {message}\n" for message in messages)

    def remove(self, directory: Path, name: str) -> None:
        (directory / f"{name}.log").unlink()

    def hide(self, directory: Path) -> None:
        directory.rename(directory.with_name("hidden"))

    def show(self, directory: Path) -> None:
        directory.with_name("hidden").rename(directory)


def test_its_package_makes_it_a_type_of_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    install(site, "plain-files", inputs={"plain_files": "tests.plugin.plain_files:Settings"}, modules={})
    file = tmp_path / "pilotfish.yml"
    file.write_text(f"inputs: {{docker: , plain_files: {{path: {tmp_path}}}}}")
    found = load(file, installed_types(), {"PILOTFISH_INPUTS__MORE__TYPE": "plain_files"} | {
        "PILOTFISH_INPUTS__MORE__PATH": "/more",
    }).inputs  # fmt: skip
    assert {name: type(one).__module__ for name, one in found.items()} == {
        "docker": "collector.inputs.docker",
        "plain_files": "tests.plugin.plain_files",
        "more": "tests.plugin.plain_files",
    }


def test_the_page_shows_the_input_that_is_tested() -> None:
    page = (HERE.parents[1] / "docs" / "tutorials" / "write-an-input.md").read_text()
    assert (HERE / "plain_files.py").read_text() in page
    assert "class TestPlainFiles(InputContract):" in page
