"""What docs/multiline.md shows is what happens."""

import re
from pathlib import Path

import orjson
import pytest

from collector.app.trial import trial_of

PAGE = Path(__file__).parents[3] / "docs" / "multiline.md"
_EXAMPLE = re.compile(r"```properties\n(.*?)```\n\n```text\n(.*?)```\n.*?```json\n(.*?)```", re.DOTALL)
EXAMPLES = _EXAMPLE.findall(re.sub(r"```properties\n([^`]*)```\n(?!\n```text)", "", PAGE.read_text()))


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize(("settings", "lines", "members"), EXAMPLES)
def test_an_example_becomes_what_the_page_says(settings: str, lines: str, members: str) -> None:
    said = dict(line.removeprefix("pilotfish.").split("=", 1) for line in settings.splitlines())
    found = [orjson.loads(document)["log"] for document in trial_of(said).documents(lines.splitlines())]
    assert found == [orjson.loads(line) for line in members.splitlines()]
