"""Which lines are one: what labels, variables and rules ask for, each statement judged by itself."""

import pytest
from pydantic import ValidationError

from collector.container_settings.options import Rule
from collector.container_settings.policy import Policy
from collector.reading import Multiline
from tests.collector.container_settings.test_policy import Labels, only, reasons, settled


@pytest.mark.parametrize(
    ("labels", "environment", "found"),
    [
        ({}, {}, None),
        ({"pilotfish.multiline": "auto"}, {}, Multiline()),
        ({"pilotfish.multiline": "off"}, {}, None),
        ({"pilotfish.multiline.start": r"^\d"}, {}, Multiline(start=r"^\d")),
        ({"pilotfish.multiline.continue": r"^\s"}, {}, Multiline(more=r"^\s")),
        ({"pilotfish.multiline.continue": "^ "}, {}, Multiline(more="^ ")),
        ({"pilotfish.multiline.end": ";$"}, {}, Multiline(end=";$")),
        ({"pilotfish.web": "stdout", "pilotfish.web.multiline": "auto"}, {}, Multiline()),
        ({"pilotfish.web": "stdout", "pilotfish.multiline": "auto"}, {}, Multiline()),
        (
            {"pilotfish.multiline": "auto", "pilotfish.multiline.max_lines": "20", "pilotfish.multiline.gap": "500ms"},
            {},
            Multiline(max_lines=20, gap=0.5),
        ),
        ({}, {"pilotfish_multiline": "AUTO", "pilotfish_multiline_max_lines": "7"}, Multiline(max_lines=7)),
        ({"pilotfish.multiline": "auto"}, {"pilotfish_multiline": "off"}, None),
        ({"pilotfish.multiline.start": "^a"}, {"pilotfish_multiline_start": "^b"}, Multiline(start="^b")),
        ({}, {"LOGSPOUT_MULTILINE": "true"}, Multiline()),
        ({"pilotfish.multiline": "auto"}, {"LOGSPOUT_MULTILINE": "False"}, None),
        ({"pilotfish.multiline": "auto"}, {"LOGSPOUT_MULTILINE": "anything"}, Multiline()),
    ],
)
def test_a_container_says_which_of_its_lines_are_one(
    labels: Labels, environment: Labels, found: Multiline | None
) -> None:
    assert only(settled(labels, environment)).reading.multiline == found


@pytest.mark.parametrize(
    ("labels", "found", "reason"),
    [
        ({"pilotfish.multiline": "maybe"}, None, "use auto or off"),
        ({"pilotfish.multiline.start": ""}, None, "has no value"),
        ({"pilotfish.multiline.start": "("}, None, "cannot be used"),
        ({"pilotfish.multiline.start": "a" * 513}, None, "512 are allowed"),
        ({"pilotfish.multiline": "auto", "pilotfish.multiline.max_lines": "1"}, Multiline(), "from 2 to 5,000"),
        ({"pilotfish.multiline": "auto", "pilotfish.multiline.max_lines": "5001"}, Multiline(), "from 2 to 5,000"),
        ({"pilotfish.multiline": "auto", "pilotfish.multiline.max_lines": "\uff19"}, Multiline(), "from 2 to 5,000"),
        ({"pilotfish.multiline": "auto", "pilotfish.multiline.gap": "2m"}, Multiline(), "from 1ms to 1m"),
        ({"pilotfish.multiline": "auto", "pilotfish.multiline.gap": "0s"}, Multiline(), "from 1ms to 1m"),
        ({"pilotfish.multiline": "auto", "pilotfish.multiline.gap": "-1s"}, Multiline(), "from 1ms to 1m"),
        ({"pilotfish.multiline.gap": "2s"}, None, "no effect without multiline"),
        ({"pilotfish.multiline": "auto", "pilotfish.multiline.end": "x"}, Multiline(), "no effect with multiline=auto"),
        ({"pilotfish.multiline": "off", "pilotfish.multiline.gap": "2s"}, None, "no effect with multiline=off"),
        ({"pilotfish.multiline.start": "(", "pilotfish.multiline.end": "x"}, Multiline(end="x"), "cannot be used"),
    ],
)
def test_what_cannot_be_used_is_a_fault_and_the_rest_counts(
    labels: Labels, found: Multiline | None, reason: str
) -> None:
    settings = settled(labels)
    (entry,) = settings.entries
    assert entry.reading.multiline == found
    (told,) = reasons(settings)
    assert reason in told


@pytest.mark.parametrize(
    ("rule", "labels", "found"),
    [
        ({"multiline": "auto"}, {}, Multiline()),
        ({"multiline": False}, {}, None),
        ({"multiline": {"start": "^a", "max_lines": 9, "gap": "2s"}}, {}, Multiline(start="^a", max_lines=9, gap=2.0)),
        ({"multiline": {"continue": "^a", "end": "b"}}, {}, Multiline(more="^a", end="b")),
        ({"multiline": {"mode": "auto", "gap": "1m"}}, {}, Multiline(gap=60.0)),
        ({"multiline": "auto"}, {"pilotfish.multiline.start": "^b"}, Multiline(start="^b")),
        ({"multiline": "auto"}, {"pilotfish.multiline": "off"}, None),
        ({"multiline": {"start": "^a"}}, {"pilotfish.multiline": "off"}, None),
    ],
)
def test_a_rule_says_it_for_containers_that_say_nothing_else(
    rule: dict[str, object], labels: Labels, found: Multiline | None
) -> None:
    policy = Policy(rules=[Rule.model_validate(rule)])
    (entry,) = settled(labels, policy=policy).entries
    assert entry.reading.multiline == found


@pytest.mark.parametrize(
    "rule",
    [
        {"multiline": "maybe"},
        {"multiline": {"start": "("}},
        {"multiline": {"max_lines": 1}},
        {"multiline": {"gap": "2m"}},
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(rule)


def test_each_value_has_its_origin() -> None:
    entry = only(settled({"pilotfish.multiline": "auto"}, {"pilotfish_multiline_gap": "2s"}))
    assert str(entry.origins["multiline"]) == "label pilotfish.multiline"
    assert str(entry.origins["multiline.gap"]) == "environment variable pilotfish_multiline_gap"
