"""The operator's section `redact` → a redactor for each stream, with the rules that its settings name."""

from collections.abc import Sequence

from collector.errors import ConfigurationError
from collector.files import paths
from collector.redaction.options import OFF, SETS, RedactOptions
from collector.redaction.patterns import most_bytes, of_operator
from collector.redaction.redactor import Limited, Redactor, Rules
from collector.redaction.tags import Tags

_LEAST_KEY_BYTES = 16


class Redaction:
    """Makes redactors. Rules are compiled once for all streams that have the same."""

    def __init__(self, options: RedactOptions = OFF) -> None:
        """Read the key.

        Raises:
            ConfigurationError: its file cannot be read, or it is too short.
        """
        self.names = options.names
        self._options = options
        self._tags = Tags(_key(options))
        self._rules: dict[tuple[str, ...], Rules] = {}

    def redactor(self, names: Sequence[str]) -> Redactor | None:
        """One for a stream with these sets, rules and patterns; None if there are none."""
        if not names:
            return None
        asked = tuple(names)
        if (rules := self._rules.get(asked)) is None:
            rules = self._rules[asked] = self._made(frozenset(asked))
        return Redactor(rules, self._tags)

    def _made(self, names: frozenset[str]) -> Rules:
        own = [
            Limited(one.name, pattern, most_bytes(pattern))
            for one in self._options.patterns
            if one.name in names
            for pattern in [of_operator(one.pattern)]
        ]
        stages = [[rule for rule in rules if {name, rule.name} & names] for name, rules in SETS.items()]
        return Rules(own, stages)


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
