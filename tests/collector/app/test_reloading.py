"""Laws of a reload: all of it or nothing, whatever the configuration is, and what cannot change is named."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from collector.app.plugins import installed_types
from collector.app.reloading import FOLLOWED, Reloading
from collector.config.loading import Configuration, load
from collector.errors import ConfigurationError
from collector.telemetry.reloads import Reloads
from tests.collector.waiting import until


def configuration(directory: Path, text: str = "") -> Configuration:
    path = directory / "pilotfish.yml"
    path.write_text(text)
    return load(path, installed_types(), {"HOME": str(directory)})


async def reloaded(now: Configuration, load_again: Callable[[], Configuration]) -> tuple[list[Configuration], Reloads]:
    """What is taken over in a reload."""
    taken: list[Configuration] = []
    reloads = Reloads()
    reloading = Reloading(now, load_again, taken.append, reloads)
    running = asyncio.ensure_future(reloading.run())
    reloading.ask()
    reloading.ask()
    await until(lambda: reloads.count)
    running.cancel()
    return taken, reloads


async def test_only_what_can_change_is_taken_over(tmp_path: Path) -> None:
    before = configuration(tmp_path)
    text = "containers: [{target: shop}]\nlog: {level: error, format: json}\nworkers: 2\nlabels: {allow: [tags]}\n"
    found = configuration(tmp_path, f"{text}inputs: {{docker: {{events: false}}}}\noutputs: {{a: {{type: 'null'}}}}\n")
    with structlog.testing.capture_logs() as told:
        (taken,), _ = await reloaded(before, lambda: found)
    assert (taken.containers, taken.labels, taken.log.level) == (found.containers, found.labels, "error")
    assert (taken.inputs, taken.outputs, taken.workers, taken.log.format) == (
        before.inputs,
        before.outputs,
        1,
        before.log.format,
    )
    (warning,) = [one for one in told if one["log_level"] == "warning"]
    assert warning["settings"] == ["inputs.docker", "log.format", "outputs.a", "outputs.local", "workers"]


async def test_a_reload_of_what_is_in_effect_warns_of_nothing(tmp_path: Path) -> None:
    before = configuration(tmp_path, "containers: [{target: shop}]\nredact: {sets: [secrets]}\n")
    with structlog.testing.capture_logs() as told:
        _, reloads = await reloaded(before, lambda: configuration(tmp_path, (tmp_path / "pilotfish.yml").read_text()))
    assert [(one["log_level"], one["changed"]) for one in told] == [("info", [])]
    assert reloads.is_good


@pytest.mark.parametrize("error", [ConfigurationError("line 3: no", "mend it"), ValueError("of a package"), OSError(5)])
async def test_whatever_goes_wrong_is_told_in_one_line_and_changes_nothing(tmp_path: Path, error: Exception) -> None:
    def broken() -> Configuration:
        raise error

    with structlog.testing.capture_logs() as told:
        taken, reloads = await reloaded(configuration(tmp_path), broken)
    assert taken == []
    assert not reloads.is_good
    (line,) = told
    assert line["log_level"] == "error"
    assert "stays in effect" in line["event"]
    assert line["error"]


async def test_a_rule_of_redaction_that_an_output_has_stays_until_a_restart(tmp_path: Path) -> None:
    text = (
        "outputs: {{a: {{type: 'null', redact: [{0}]}}}}\nredact: {{patterns: [{{name: {0}, pattern: 'm[0-9]+'}}]}}\n"
    )
    before = configuration(tmp_path, text.format("member"))
    found = configuration(tmp_path, text.format("customer"))
    with structlog.testing.capture_logs() as told:
        taken, reloads = await reloaded(before, lambda: found)
    assert (taken, reloads.is_good) == ([], False)
    assert "outputs.a.redact" in told[0]["error"]


async def test_rules_whose_tests_fail_change_nothing(tmp_path: Path) -> None:
    before = configuration(tmp_path)
    found = configuration(tmp_path, "containers: [{target: shop}]\ntests: [{target: elsewhere}]\n")
    taken, reloads = await reloaded(before, lambda: found)
    assert taken == []
    assert not reloads.is_good


def test_the_page_names_what_can_change() -> None:
    page = (Path(__file__).parents[3] / "docs/configuration.md").read_text()
    part = page.partition("## Reload")[2].partition("\n## ")[0]
    assert all(f"`{key}`" in part for key in FOLLOWED)
