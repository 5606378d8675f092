"""Each rule finds what its corpus says, all of it and nothing else: `+` lines with secrets in «», `-` lines without."""

import json
import re
from pathlib import Path

import pytest

from collector.redaction.options import SETS, RedactOptions
from collector.redaction.redaction import Redaction

CORPORA = Path(__file__).parents[2] / "corpora" / "redaction"
RULES = sorted(rule.name for rules in SETS.values() for rule in rules)
LEAST = 15
MARKED = re.compile('(")?«(.*?)»')
REDACTION = Redaction(RedactOptions(sets=tuple(SETS)))


def lines(rule: str, sign: str) -> list[str]:
    found = (CORPORA / f"{rule}.txt").read_text("utf-8").splitlines()
    assert all(line[:1] in ("+", "-") for line in found)
    return [line[1:] for line in found if line[0] == sign]


def unmarked(line: str) -> str:
    return line.replace("«", "").replace("»", "")


def expected(line: str, rule: str) -> str:
    """With the tag in place of each secret; in JSON a value that was no string is one now."""
    tag = f"[redacted:{rule}]"
    made = MARKED.sub(lambda found: (found[1] or "") + tag, line)
    with_quotes = MARKED.sub(lambda found: f'"{tag}' if found[1] else f'"{tag}"', line)
    return same(with_quotes if line.startswith("{") and not is_json(made) else made)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def same(text: str) -> str:
    """JSON without what it may be written in several ways."""
    return json.dumps(json.loads(text)) if text.startswith("{") else text


def test_each_rule_has_a_corpus_and_each_corpus_a_rule() -> None:
    assert sorted(path.stem for path in CORPORA.glob("*.txt")) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_every_secret_of_its_corpus_is_found_by_its_rule_alone(rule: str) -> None:
    positive = lines(rule, "+")
    assert len(positive) >= LEAST
    redactor = REDACTION.redactor((rule,))
    assert redactor is not None
    missed = {}
    for line in positive:
        made = redactor.text(unmarked(line))
        assert made is not None
        if same(made) != expected(line, rule):
            missed[line] = made
    assert missed == {}


@pytest.mark.parametrize("rule", RULES)
def test_nothing_else_is_taken_for_one(rule: str) -> None:
    negative = lines(rule, "-")
    assert len(negative) >= LEAST
    redactor = REDACTION.redactor((rule,))
    assert redactor is not None
    false = {line: made for line in negative if (made := redactor.text(line)) != line}
    assert false == {}


@pytest.mark.parametrize("rule", RULES)
def test_no_secret_of_any_corpus_passes_where_all_rules_look(rule: str) -> None:
    """Rules do not get in each other's way."""
    redactor = REDACTION.redactor(tuple(SETS))
    assert redactor is not None
    for line in lines(rule, "+"):
        made = redactor.text(unmarked(line))
        assert made is not None
        secrets = [secret for _, secret in MARKED.findall(line) if len(secret) > 3]
        assert [secret for secret in secrets if secret in made] == []
        assert redactor.text(made) == made
