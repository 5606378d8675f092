"""Laws of the input `files`: those of all inputs, on plain files of this machine."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import ValidationError

from collector.inputs.files import Files, Settings
from collector.pipeline.deciding import Deciding
from collector.pipeline.pipeline import Pipeline
from tests.contract.inputs import InputContract, Kept, until


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks follow each other at once."""
    monkeypatch.setattr(Files, "look_seconds", 0.05)
    monkeypatch.setattr(Pipeline, "save_seconds", 0.05)
    monkeypatch.setattr(Deciding, "look_seconds", 0.05)


class TestFiles(InputContract):
    asked: Mapping[str, Any] = {}

    def settings(self, directory: Path) -> Settings:
        return Settings.model_validate({"paths": [f"{directory}/*.log"], **self.asked})

    def write(self, directory: Path, name: str, *messages: str) -> None:
        with (directory / f"{name}.log").open("a") as file:
            file.writelines(f"{message}\n" for message in messages)

    def remove(self, directory: Path, name: str) -> None:
        (directory / f"{name}.log").unlink()

    def hide(self, directory: Path) -> None:
        directory.rename(directory.with_name("hidden"))

    def show(self, directory: Path) -> None:
        directory.with_name("hidden").rename(directory)

    async def test_settings_hold_for_all_files_and_each_tells_its_own(self, tmp_path: Path) -> None:
        (tmp_path / "place").mkdir()
        self.asked = {"target": "shop", "tags": {"team": "a"}, "format": "logfmt", "multiline": "off"}
        for name in ("web", "till"):
            self.write(tmp_path / "place", name, "level=info user=ann", "no logfmt at all: {")
        async with self.running(tmp_path) as (agent, kept):
            await until(lambda: len(kept.documents) == 4)
            assert {key.entry for key in agent.registry.streams} == {"shop"}
        found = documents(kept)
        assert {one["file"] for one in found} == {f"{tmp_path}/place/{name}.log" for name in ("web", "till")}
        assert {(one["@target"], one["team"], one["stream"]) for one in found} == {("shop", "a", "stdout")}
        assert sum(one["log"] == {"level": "info", "user": "ann"} for one in found) == 2

    async def test_lines_are_left_out_as_of_containers(self, tmp_path: Path) -> None:
        (tmp_path / "place").mkdir()
        self.asked = {"format": "logfmt", "level": "info", "lines": {"exclude": "health"}, "limit": "2/day"}
        self.write(tmp_path / "place", "web", "level=debug a=1", "level=info b=health", *["level=info n=1"] * 4)
        async with self.running(tmp_path) as (agent, kept):
            await until(lambda: len(kept.documents) == 2)
            await until(lambda: agent.pipelines[0].ledger.filtered.total() == 4)
        assert agent.pipelines[0].ledger.filtered == {"level": 1, "exclude": 1, "limit": 2}

    async def test_a_file_that_comes_again_goes_on_where_it_was(self, tmp_path: Path) -> None:
        (tmp_path / "place").mkdir()
        async with self.running(tmp_path) as (agent, kept):
            for number in range(3):
                self.write(tmp_path / "place", "web", "the same first line", f"line {number}")
                await until(lambda number=number: len(kept.documents) == 2 * (number + 1))  # type: ignore[misc]
                self.remove(tmp_path / "place", "web")
                await until(lambda: agent.registry.streams == {})
        assert set(kept.copies.values()) == {1}

    async def test_what_is_no_regular_file_is_told_once(self, tmp_path: Path) -> None:
        (tmp_path / "place").mkdir()
        (tmp_path / "secret").write_text("secret\n")
        (tmp_path / "place" / "link.log").symlink_to(tmp_path / "secret")
        self.write(tmp_path / "place", "web", "here")
        with structlog.testing.capture_logs() as told:
            async with self.running(tmp_path) as (_, kept):
                await until(lambda: kept.messages("web") == ["here"])
        assert {one["docker_container"] for one in documents(kept)} == {"web"}
        assert [one["reason"] for one in told if one["event"] == "some files not followed"] == [
            "1 are links, pipes or devices, or have odd names"
        ]


def documents(kept: Kept) -> list[Mapping[str, Any]]:
    return [json.loads(one) for one in kept.documents.values()]


@pytest.mark.parametrize("path", ["stdout", "app.log", "/var/log/", "/var/../etc/passwd", "/var/**/x.log", "", "/a\0b"])
def test_a_path_that_names_no_files_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="path"):
        Settings(paths=(path,))
