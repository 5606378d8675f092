"""What an operator may write, and what is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from collector.errors import ConfigurationError
from collector.redaction.options import RedactOptions
from collector.redaction.redaction import Redaction


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ({"sets": ["secret"]}, "secret is unknown; use"),
        ({"sets": ["withheld"]}, "withheld is unknown"),
        ({"patterns": [{"name": "jwt", "pattern": "x"}]}, "the name jwt is that of a built-in rule"),
        ({"patterns": [{"name": "pii", "pattern": "x"}]}, "the name pii is that of a built-in rule"),
        ({"patterns": [{"name": "withheld", "pattern": "x"}]}, "the name withheld is that of a built-in rule"),
        ({"patterns": [{"name": "A b", "pattern": "x"}]}, "pattern"),
        ({"patterns": [{"name": "a", "pattern": "("}]}, "its syntax is that of RE2"),
        ({"patterns": [{"name": "a", "pattern": "(?=x)"}]}, "its syntax is that of RE2"),
        ({"patterns": [{"name": "a", "pattern": " "}]}, "pattern is empty"),
        ({"patterns": [{"name": "a", "pattern": "x*"}]}, "matches an empty text"),
        ({"patterns": [{"name": "a", "pattern": "x" * 513}]}, "512 are allowed"),
        ({"patterns": [{"name": "a", "pattern": "(?:x{1,99}){1,9}"}]}, "are allowed"),
        ({"patterns": [{"name": "a", "pattern": "(?P<other>x)"}]}, "name none, or one that is called secret"),
        ({"patterns": [{"name": "a", "pattern": "x"}, {"name": "a", "pattern": "y"}]}, "two of them have the name a"),
        ({"patterns": [{"name": f"a{n}", "pattern": "x"} for n in range(17)]}, "at most 16"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(written: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError) as error:
        RedactOptions.model_validate(written)
    assert reason in str(error.value)


def test_sets_rules_and_patterns_are_named_alike() -> None:
    options = RedactOptions.model_validate(
        {"sets": ["secrets", "card"], "patterns": [{"name": "mine", "pattern": "m{3}"}]}
    )
    assert options.names == ("secrets", "card", "mine")
    one = Redaction(options).redactor(options.names)
    assert one is not None
    assert one.text("4111111111111111 bob@example.com mmm") == "[redacted:card] bob@example.com [redacted:mine]"


def test_by_default_nothing_is_redacted() -> None:
    assert Redaction().redactor(Redaction().names) is None


def test_a_key_is_read_from_its_file_and_a_short_or_missing_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    with pytest.raises(ConfigurationError, match=r"hash_key_file: .*cannot be read"):
        Redaction(RedactOptions(hash_key_file=file))
    file.write_text("short\n")
    with pytest.raises(ConfigurationError, match="has 5 bytes, and at least 16 are needed"):
        Redaction(RedactOptions(hash_key_file=file))
    file.write_text("0123456789abcdef\n")
    options = RedactOptions(sets=("secrets",), hash_key_file=file)
    found = [Redaction(options).redactor(("secrets",)) for _ in range(2)]
    assert [one.text("password=x") for one in found if one] == ["password=[redacted:password:68f4d9c0]"] * 2
