"""docs/redaction.md: its examples, its rules, its configuration and its numbers are those of the program."""

import re
from pathlib import Path

import pytest
import yaml

from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.redaction import redactor
from collector.redaction.options import SETS, RedactOptions
from collector.redaction.patterns import most_bytes, of_operator
from collector.redaction.redaction import Redaction

PAGE = (Path(__file__).parents[3] / "docs" / "redaction.md").read_text("utf-8")
ROWS = re.findall(r"^\| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
EXAMPLES = [(line[1:-1], becomes[1:-1]) for line, becomes in ROWS if "[redacted:" in becomes]


@pytest.mark.parametrize(("line", "becomes"), EXAMPLES)
def test_its_examples_come_out_as_it_says(line: str, becomes: str) -> None:
    redact = Redaction(RedactOptions(sets=tuple(SETS))).redactor(tuple(SETS))
    assert redact is not None
    assert redact.text(line) == becomes


def test_it_has_examples_and_lists_every_rule_with_its_set() -> None:
    assert len(EXAMPLES) > 4
    listed = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE)
    assert listed == [(rule.name, name) for name, rules in SETS.items() for rule in rules]


def test_its_configuration_can_be_used(tmp_path: Path) -> None:
    (written,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    key = tmp_path / "redact.key"
    key.write_text("0" * 64)
    text = written.replace("/etc/pilotfish/redact.key", str(key))
    (tmp_path / "pilotfish.yml").write_text(f"outputs: {{local: {{type: store}}}}\n{text}")
    found = load(tmp_path / "pilotfish.yml", installed_types(), {})
    assert found.redact.names == ("secrets", "order")
    assert [rule.redact for rule in found.containers] == [("secrets", "pii", "order"), ()]
    assert yaml.safe_load(text)["redact"]["sets"] == ["secrets"]
    Redaction(found.redact)


def test_its_limits_are_those_of_the_program() -> None:
    assert f"up to {redactor.MOST_BYTES >> 10} KiB, and up to {redactor.MOST_MATCHES:,} matches" in PAGE
    assert most_bytes(of_operator("order-[0-9]+")) >= redactor.MOST_BYTES
    assert redactor.MOST_LEVELS == 4  # the line, and three levels of strings in it
