"""What the operator writes: the section `redact` of the configuration, and the names in it."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from collector.redaction import pii, secrets
from collector.redaction.patterns import of_operator
from collector.redaction.redactor import WITHHELD
from collector.redaction.tags import NAME
from collector.text.bounds import shown
from collector.values import FilePath

SETS = {"secrets": secrets.RULES, "pii": pii.RULES}
_KNOWN = frozenset({*SETS, WITHHELD, *(rule.name for rules in SETS.values() for rule in rules)})
_OPTIONS = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)
_MOST_PATTERNS = 16


class OwnPattern(BaseModel):
    """A pattern of the operator."""

    model_config = _OPTIONS

    name: Annotated[str, StringConstraints(pattern=f"^{NAME}$")] = Field(description="name of the rule, in tags too")
    pattern: str = Field(description="regular expression of RE2; its group `secret`, or all of it, is redacted")

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if self.name in _KNOWN:
            raise ValueError(f"the name {self.name} is that of a built-in rule or set; use another")
        of_operator(self.pattern)
        return self


class RedactOptions(BaseModel):
    """What is removed from lines before they are stored or shown."""

    model_config = _OPTIONS

    sets: tuple[str, ...] = Field((), description="sets or rules for all containers: secrets, pii, or names of rules")
    patterns: tuple[OwnPattern, ...] = Field((), max_length=_MOST_PATTERNS, description="own rules, for all containers")
    hash_key_file: FilePath | None = Field(
        None,
        description="file with a key of at least 16 bytes; with it, equal secrets get equal digits in their tags",
    )

    @model_validator(mode="after")
    def _are_known(self) -> Self:
        names = [one.name for one in self.patterns]
        if double := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"patterns: two of them have the name {double}; each needs its own")
        self.check(self.sets)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """What holds for a container of which no rule says anything else."""
        return (*self.sets, *(one.name for one in self.patterns))

    def check(self, names: Sequence[str]) -> None:
        """Raise ValueError for a name that is none of a set, a rule or a pattern."""
        known = {*_KNOWN, *(one.name for one in self.patterns)} - {WITHHELD}
        if unknown := next((name for name in names if name not in known), None):
            raise ValueError(f"{shown(unknown)} is unknown; use {', '.join(sorted(known))}")


OFF = RedactOptions()
