"""`collector.config.logspout`: variables of logspout's about the agent itself, where its routes count."""

from pathlib import Path

import pytest

from collector.config.models import Configuration
from tests.collector.config import test_translating

ROUTE = "wire://a"


def loaded(
    routes: str = ROUTE,
    text: str = "",
    *,
    directory: Path | None = None,
    environ: dict[str, str] | None = None,
    **more: str,
) -> Configuration:
    return test_translating.loaded(routes, text, directory=directory, environ=environ, **more)


def backlog(configuration: Configuration) -> object:
    return configuration.inputs["docker"].model_dump()["backlog"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("BACKLOG", "false", "new"), ("BACKLOG", "true", "all"), ("TAIL", "0", "new"), ("TAIL", "all", "all")],
)
def test_the_backlog_is_as_they_say_and_told(name: str, value: str, expected: str) -> None:
    found = loaded(environ={name: value})
    assert backlog(found) == expected
    assert [line.partition(":")[0] for line in found.told[1:]] == [name]
    assert not [line for line in found.warnings if line.startswith(name)]


def test_a_number_of_lines_is_told_with_what_to_use() -> None:
    found = loaded(TAIL="10")
    assert backlog(found) == "all"
    assert [line for line in found.warnings if line.startswith("TAIL: ")]


def test_what_is_configured_counts_more(tmp_path: Path) -> None:
    text = "inputs: {docker: {backlog: 2h}}\nlog: {level: error}\n"
    found = loaded(text=text, directory=tmp_path, BACKLOG="false", DEBUG="1")
    assert (str(backlog(found)), found.log.level) == (str(backlog(loaded("", text, directory=tmp_path))), "error")


def test_debug_is_the_level_debug_only_where_their_routes_count() -> None:
    assert loaded(DEBUG="x").log.level == "debug"
    assert loaded("", DEBUG="x").log.level == "info"
    assert loaded("", BACKLOG="false").inputs["docker"].model_dump()["backlog"] == "all"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {"continue": r"^\s"}),
        ({"MULTILINE_PATTERN": "^x", "MULTILINE_MATCH": "first"}, {"start": "^x"}),
        ({"MULTILINE_PATTERN": ";$", "MULTILINE_MATCH": "last", "MULTILINE_FLUSH_AFTER": "250"},
         {"end": ";$", "gap": "250ms"}),
    ],
)  # fmt: skip
def test_multiline_is_a_rule_behind_those_of_the_operator(
    variables: dict[str, str], expected: dict[str, str], tmp_path: Path
) -> None:
    found = loaded(
        f"multiline+{ROUTE}", "containers: [{name: db, exclude: true}]", directory=tmp_path, environ=variables
    )
    first, second = found.containers
    assert first.exclude
    assert second.is_for_all
    assert {key: value for key, value in second.multiline.model_dump(by_alias=True).items() if value} == expected
    told = " ".join(found.told)
    assert all(f"{name}: this word" in told for name in variables)


def test_lines_are_not_joined_where_multiline_is_off_or_not_asked_for() -> None:
    assert loaded(MULTILINE_PATTERN="^x").containers == ()
    assert loaded(f"multiline+{ROUTE}", MULTILINE_ENABLE_DEFAULT="false").containers == ()
    found = loaded(f"multiline+{ROUTE}", MULTILINE_MATCH="nonlast")
    assert found.containers == ()
    assert [line for line in found.warnings if line.startswith("MULTILINE_MATCH: 'nonlast' cannot")]
