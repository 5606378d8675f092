"""Tests of rules in the configuration: they run what would be delivered, and say what is not as expected."""

import json
from pathlib import Path
from typing import Any

import pytest

from collector.app.plugins import installed_types
from collector.app.trial import failures, trial_of
from collector.config.loading import load
from collector.errors import UsageError
from tests.collector.cli.pilotfish import pilotfish

RULES = [
    {"name": "web-*", "target": "shop", "tags": {"team": "a"}, "format": "logfmt"},
    {"labels": {"logging": "off"}, "exclude": True},
]


def failed(**test: Any) -> list[str]:
    environ = {"PILOTFISH_CONTAINERS": json.dumps(RULES), "PILOTFISH_TESTS": json.dumps([test])}
    return list(failures(load(None, installed_types(), environ)))


WEB = {"name": "web-1"}


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ({"container": WEB, "target": "shop"}, []),
        ({"container": WEB, "target": "other"}, ["tests.0: the target is shop: other is expected"]),
        ({"container": {"labels": {"logging": "off"}}, "excluded": True}, []),
        (
            {"container": {"labels": {"logging": "off"}}},
            ["tests.0: the container is excluded: the contrary is expected"],
        ),
        ({"container": WEB, "excluded": True}, ["tests.0: the container is not excluded: the contrary is expected"]),
        ({"container": WEB, "lines": ["a=1 b=2"], "documents": [{"log": {"a": "1"}, "team": "a"}]}, []),
        (
            {"container": WEB, "lines": ["a=1"], "documents": [{"log": {"a": "2", "c": "3"}, "team": "b"}]},
            [
                'tests.0: document 0: log.a is "1": "2" is expected',
                "tests.0: document 0: log.c is not there",
                'tests.0: document 0: team is "a": "b" is expected',
            ],
        ),
        (
            {"container": WEB, "lines": ["a=1"], "documents": []},
            ["tests.0: there are 1 documents of 1 lines: 0 are expected"],
        ),
        ({"container": {"name": "x", "environment": {"pilotfish_tags": "host=x"}}, "faults": True}, []),
        (
            {"container": {"name": "x", "labels": {"pilotfish.tags": "host=x"}}},
            [
                "tests.0: label pilotfish.tags: tag 1: its name is that of a field of Pilotfish's own: use another "
                "name: expect it with `faults: true`, or correct it"
            ],
        ),
        ({"container": WEB, "faults": True}, ["tests.0: every setting has an effect: `faults: true` is expected"]),
    ],
)
def test_a_test_says_what_is_not_as_it_expects(test: dict[str, Any], told: list[str]) -> None:
    assert failed(**test) == told


def test_validate_runs_them_and_fails_with_them(tmp_path: Path) -> None:
    config = tmp_path / "pilotfish.yml"
    text = "containers: [{name: web, target: shop}]\ntests: [{container: {name: web}, target: shop}]\n"
    config.write_text(text)
    ended = pilotfish(tmp_path, "config", "validate", "-c", str(config))
    assert (ended.code, ended.out) == (0, f"{config}: valid, 1 test passed\n")
    config.write_text(text.replace("target: shop}]\ntests", "target: other}]\ntests"))
    ended = pilotfish(tmp_path, "config", "validate", "-c", str(config))
    assert (ended.code, ended.out) == (78, "")
    assert ended.complaint == (
        f"{config}: tests.0: the target is other: shop is expected: correct the rule, or the test"
    )


def test_they_see_lines_and_fields_redacted_without_the_key() -> None:
    test = {
        "container": {"name": "db", "labels": {"pilotfish.tags": "note=token=abc"}},
        "lines": ["password=x", '{"apiKey":1,"mail":"a@example.com"}'],
        "documents": [
            {"log": {"message": "password=[redacted:password]"}, "note": "token=[redacted:password]"},
            {"log": {"apiKey": "[redacted:password]", "mail": "a@example.com"}},
        ],
    }
    environ = {
        "PILOTFISH_REDACT": json.dumps({"sets": ["secrets", "pii"], "hash_key_file": "/nowhere/key"}),
        "PILOTFISH_CONTAINERS": json.dumps([{"name": "db", "redact": ["secrets"]}]),
        "PILOTFISH_TESTS": json.dumps([test]),
    }
    assert list(failures(load(None, installed_types(), environ))) == []


def test_a_trial_redacts_what_it_is_asked_to_and_refuses_what_no_rule_is_called() -> None:
    (document,) = trial_of({"redact": "secrets, card"}).documents(["password=x 4111111111111111 a@example.com"])
    log = json.loads(document)["log"]
    assert log == {"message": "password=[redacted:password] [redacted:card] a@example.com"}
    with pytest.raises(UsageError, match="redact: secret is unknown; use "):
        trial_of({"redact": "secret"})
