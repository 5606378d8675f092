"""What the operator allows and wants, and what a container asks for → its `Settings`."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import chain
from typing import Literal, NamedTuple

from collector.container_settings import dialects
from collector.container_settings.dialects import OPTIONS, PILOTFISH, log_pilot
from collector.container_settings.hints import HINTS
from collector.container_settings.judged import Judged
from collector.container_settings.keys import globs_of, is_chosen
from collector.container_settings.options import LabelOptions, Rule
from collector.container_settings.statement import SOURCE, Entry, Fault, Settings, Statement, settings
from collector.text.bounds import shown, slim

MOST_ENTRIES = 16  # of one container: each is an index of a day of its own, and every line once more
_CLAIMED = ("logs-", "metrics-", "traces-", "synthetics-", "profiling-", "ilm-history-", "slm-history-", "apm-")
Select = Literal["all", "labelled"]


class Asking(NamedTuple):
    """A container and all that may ask for something; `default` is its target if nothing names one."""

    name: str
    image: str
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    default: str


class Policy:
    """Judges what containers ask for, one statement at a time: a bad one is a fault, and the next best counts."""

    def __init__(self, options: LabelOptions | None = None, rules: Sequence[Rule] = ()) -> None:
        self._options = options or LabelOptions()
        self._rules = rules
        self._dialects = (PILOTFISH, *map(log_pilot, self._options.prefixes))
        self._hints = [HINTS[name] for name in self._options.hints]

    def asked(self, labels: Mapping[str, str], variables: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Those labels and variables (`A=b`) that anybody here asks for, without the bulk of their values."""
        environment = dict(line.partition("=")[::2] for line in variables)
        starts = [one.begins(".") for one in self._dialects] + [one.begins for one in self._hints]
        mine = slim({name: labels[name] for name in labels if name.startswith((*starts, *dialects.LABEL_STARTS))})
        starts = [one.begins("_") for one in self._dialects]
        ours = {name: environment[name] for name in environment if name.startswith((*starts, *dialects.VARIABLES))}
        ours = slim(ours)
        said = [one for one in self._said(mine, ours) if isinstance(one, Statement)]
        said += chain.from_iterable(rule.statements(0) for rule in self._rules)
        fields = [glob for one in said if one.key == "fields.labels" for glob in globs_of(one.value)]
        matched = [name for rule in self._rules for name in rule.labels]
        mine |= slim({name: labels[name] for name in labels if name in matched or is_chosen(name, fields)})
        fields = [glob for one in said if one.key == "fields.env" for glob in globs_of(one.value)]
        ours |= slim({name: environment[name] for name in environment if is_chosen(name, fields)})
        return mine, ours

    def settings(self, asking: Asking, *, select: Select) -> Settings:
        """What a container gets; without an entry of its own the default target, unless only labelled ones are taken.

        Two entries with one target are one stream: the first by name stands for both. Of more than `MOST_ENTRIES` the
        first by name are followed. Names are kept with positions, so one that is too long is none.
        """
        faults: dict[Fault, None] = {}
        said: list[Statement] = []
        for one in self._all(asking):
            if isinstance(one, Fault):
                faults[one] = None
            elif (reason := self._refusal(one)) is not None:
                faults[Fault(one.entry, one.key, one.origin, reason)] = None
            else:
                said.append(one)
        judged = Judged(said, self._target_refusal, faults)
        if (by := judged.excluded_by("")) is not None:
            return settings(faults=list(faults), excluded_by=by)
        named = judged.names()
        names = [name for name in named if judged.excluded_by(name) is None]
        if not named and (select == "all" or any(one.key != "exclude" for one in said)):
            names = [""]
        entries: dict[str, Entry] = {}
        more = []
        for name in names:
            if len(entries) < MOST_ENTRIES or judged.target(name, name) in entries:
                entry = judged.entry(name, asking.default if name == "" else name)
                entries.setdefault(entry.target, entry)
            else:
                more.append(name)
        if more:
            reason = (
                f"{len(more)} of its streams are not followed, from {shown(more[0])} on: a container has {MOST_ENTRIES}"
            )
            faults[Fault(more[0], SOURCE, judged.source_of(more[0]), reason)] = None
        return settings(entries.values(), list(faults))

    def _all(self, asking: Asking) -> Iterator[Statement | Fault]:
        yield from self._said(asking.labels, asking.environment)
        for number, rule in enumerate(self._rules):
            if rule.matches(asking.name, asking.image, asking.labels):
                yield from rule.statements(number)

    def _said(self, labels: Mapping[str, str], environment: Mapping[str, str]) -> Iterator[Statement | Fault]:
        for dialect in self._dialects:
            yield from dialect.read(environment, "environment")
            yield from dialect.read(labels, "label")
        yield from dialects.extras(labels, environment)
        for hints in self._hints:
            if mine := {name: value for name, value in labels.items() if name.startswith(hints.begins)}:
                yield from hints.read(mine)

    def _refusal(self, said: Statement) -> str | None:
        """Why the container may not say it."""
        if said.origin.kind == "rule" or said.key == SOURCE:
            return None
        setting = "format" if said.key.startswith(OPTIONS) else said.key
        if any(fnmatchcase(setting, glob) for glob in self._options.allow):
            return None
        return f"containers may not set {said.key} here: the operator's labels.allow does not name it"

    def _target_refusal(self, target: str) -> str | None:
        """Why a container may not name that target."""
        globs = self._options.targets
        if not any(fnmatchcase(target, glob) for glob in globs):
            return f"the target {shown(target)} is not among the operator's labels.targets"
        lower = target.lower()
        if lower.startswith((".", *_CLAIMED)) and not any(
            glob[:1] not in "*?[" and fnmatchcase(target, glob) for glob in globs
        ):
            return (
                f"the target {shown(target)} is reserved: Elasticsearch has indices of its own that begin so; "
                "use another, or have the operator name it in labels.targets"
            )
        return None
