"""The operator's section `redact` → a redactor for each stream, with the rules that its settings name."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from collector.errors import ConfigurationError
from collector.files import paths
from collector.redaction.options import OFF, SETS, RedactOptions
from collector.redaction.patterns import most_bytes, of_operator
from collector.redaction.redactor import Limited, Redactor, Rules
from collector.redaction.tags import Tags

_LEAST_KEY_BYTES = 16
OWN_STAGE = 0  # of the operator's patterns; behind them come the sets


class Redaction:
    """Knows the rules. They are compiled once for all streams that have the same."""

    def __init__(self, options: RedactOptions = OFF) -> None:
        """Read the key.

        Raises:
            ConfigurationError: its file cannot be read, or it is too short.
        """
        self.names = options.names
        self._options = options
        self._key = _key(options)
        self._tags = Tags(self._key)
        self._rules: dict[tuple[str, ...], Rules] = {}

    def of(self, names: Sequence[str]) -> "Redact | None":
        """What is taken out of a stream with these sets, rules and patterns; None if there are none."""
        return Redact(self, tuple(names)) if names else None

    def redactor(self, names: Sequence[str]) -> Redactor | None:
        """One for a stream with these sets, rules and patterns; None if there are none."""
        if not names:
            return None
        asked = tuple(names)
        if (rules := self._rules.get(asked)) is None:
            rules = self._rules[asked] = self._made(frozenset(asked))
        return Redactor(rules, self._tags)

    def missing(self, applied: Sequence[str], asked: Sequence[str]) -> "Missing":
        """What is asked for that was not applied."""
        before, all_ = self._stages(applied), self._stages(asked)
        stages = frozenset(stage for name, stage in all_.items() if name not in before)
        return Missing(stages, not before or not stages or min(stages) > max(before.values()))

    def _stages(self, names: Sequence[str]) -> Mapping[str, int]:
        """The rules that these sets, rules and patterns are, each with its stage: lines pass the lower ones first."""
        own = {one.name: OWN_STAGE for one in self._options.patterns if one.name in names}
        of_sets = {
            rule.name: stage
            for stage, (name, rules) in enumerate(SETS.items(), OWN_STAGE + 1)
            for rule in rules
            if name in names or rule.name in names
        }
        return own | of_sets

    def is_as(self, other: "Redaction") -> bool:
        """Whether lines come out of both the same."""
        return (self._options, self._key) == (other._options, other._key)

    def _made(self, names: frozenset[str]) -> Rules:
        own = [
            Limited(one.name, pattern, most_bytes(pattern))
            for one in self._options.patterns
            if one.name in names
            for pattern in [of_operator(one.pattern)]
        ]
        stages = [[rule for rule in rules if {name, rule.name} & names] for name, rules in SETS.items()]
        return Rules(own, stages)


class Missing(NamedTuple):
    """The stages of rules; `is_behind`: they find all that they would have found before the others were applied.

    That is where they come in later stages. Else what another rule has left may be half of a secret.
    """

    stages: frozenset[int]
    is_behind: bool


class Redact(Struct, frozen=True):
    """What is taken out of a stream's lines, by the rules that there were when it was said."""

    redaction: Redaction
    names: tuple[str, ...]

    def __call__(self) -> Redactor:
        """A new redactor, for one transform."""
        found = self.redaction.redactor(self.names)
        assert found is not None  # noqa: S101 - there are names
        return found


def _key(options: RedactOptions) -> bytes:
    if options.hash_key_file is None:
        return b""
    place = f"redact.hash_key_file: {options.hash_key_file}"
    try:
        key = paths.content(options.hash_key_file).strip()
    except OSError as error:
        raise ConfigurationError(f"{place}: cannot be read ({error.strerror})", "check path and permissions") from None
    if len(key) < _LEAST_KEY_BYTES:
        remedy = "make one with `openssl rand -hex 32`"
        raise ConfigurationError(f"{place}: the key has {len(key)} bytes, and at least 16 are needed", remedy)
    return key


NO_REDACTION = Redaction()
