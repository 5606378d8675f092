"""What the operator allows and wants, and what a container asks for → its `Settings`."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import chain
from typing import Literal

from collector.container_settings import dialects
from collector.container_settings.dialects import OPTIONS, PILOTFISH, is_named_by, log_pilot
from collector.container_settings.hints import HINTS
from collector.container_settings.judged import Judged
from collector.container_settings.keys import FILES, MOST_VALUE_BYTES, OPERATORS, globs_of, is_chosen
from collector.container_settings.options import LabelOptions, Rule
from collector.container_settings.statement import SOURCE, STDOUT, Asking, Entry, Fault, Origin, Settings, Statement
from collector.text.bounds import shown, slim

MOST_ENTRIES = 16  # of one container: each is an index of a day of its own, and every line once more
_CLAIMED = ("logs-", "metrics-", "traces-", "synthetics-", "profiling-", "ilm-history-", "slm-history-", "apm-")
_MOST_LABELS = 256  # of a container that are kept to choose by; Kubernetes and compose set some ten to thirty
_CUT_OFF = "._-+"  # what an index name may not begin with: without it the name may be another's
Select = Literal["all", "labelled"]


class Policy:
    """Judges what containers ask for, one statement at a time: a bad one is a fault, and the next best counts."""

    def __init__(
        self,
        options: LabelOptions | None = None,
        rules: Sequence[Rule] = (),
        *,
        redact: Sequence[str] = (),
        outputs: Collection[str] = (),
        chosen_by: Collection[str] | None = (),
    ) -> None:
        """`redact` holds where no rule says anything else; `outputs` are those that there are, () if nobody knows.

        `chosen_by` names the labels by which somebody chooses containers; None: it may be any.
        """
        self._chosen_by = chosen_by
        self._redact = tuple(redact)
        self._outputs = outputs
        self._options = options or LabelOptions()
        self._rules = rules
        self._dialects = (PILOTFISH, *map(log_pilot, self._options.prefixes))
        self._hints = [HINTS[name] for name in self._options.dialects]

    def asked(self, labels: Mapping[str, str], variables: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Those labels and variables (`A=b`) that anybody here asks for, without the bulk of their values.

        Of one that says something a byte more is kept than it may have, so that it is told.
        """
        environment = dict(line.partition("=")[::2] for line in variables)
        starts = [one.begins(".") for one in self._dialects] + [one.begins for one in self._hints]
        mine = {name: labels[name] for name in labels if name.startswith((*starts, *dialects.LABEL_STARTS))}
        starts = [one.begins("_") for one in self._dialects]
        ours = {name: environment[name] for name in environment if name.startswith((*starts, *dialects.VARIABLES))}
        mine, ours = slim(mine, MOST_VALUE_BYTES + 1), slim(ours, MOST_VALUE_BYTES + 1)
        said = [one for one in self._said(mine, ours) if isinstance(one, Statement)]
        said += chain.from_iterable(rule.statements(0) for rule in self._rules)
        matched = {name for rule in self._rules for name in rule.labels}
        mine |= slim({name: labels[name] for name in labels.keys() & matched} | _chosen(labels, said, "fields.labels"))
        ours |= slim(_chosen(environment, said, "fields.env"))
        return mine, ours

    def kept(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Those labels by which somebody chooses containers, without the bulk of their values."""
        names = labels.keys() if self._chosen_by is None else labels.keys() & self._chosen_by
        return slim({name: labels[name] for name in sorted(names)[:_MOST_LABELS]})

    def settings(
        self, asking: Asking, *, select: Select, target_of: Callable[[str], str | None] = lambda name: None
    ) -> Settings:
        """What a container gets, with all faults; without an entry of its own the default target.

        That is unless only labelled ones are taken, and nothing names it. Two entries with one target and
        one place are one stream: the first by name stands for both. Of more than `MOST_ENTRIES` the first by name are
        followed. Names are kept with positions, so one that is too long is none. `target_of` gives the target that an
        entry has already.
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
        judged = Judged(said, self._named_refusal, target_of, faults)
        if (by := judged.excluded_by("")) is not None:
            return Settings(faults=tuple(faults), fault_count=len(faults), excluded_by=by)
        named, is_naming = judged.names()
        names = [name for name in named if judged.excluded_by(name) is None]
        if not is_naming and (select == "all" or self._is_named(asking, said)):
            names = [""]
        entries: dict[tuple[str, str], Entry] = {}
        more = []
        for name in names:
            target, target_origin = judged.target(name, asking.default)
            key = target, judged.source(name)
            if len(entries) == MOST_ENTRIES and key not in entries:
                more.append(name)
            elif key not in entries:
                entries[key] = judged.entry(name, target, target_origin, asking)
        if more:
            what = f"{len(more)} of its streams are not followed, from {shown(more[0])} on"
            reason = f"{what}: a container has {MOST_ENTRIES}"
            faults[Fault(more[0], SOURCE, judged.source_of(more[0]), reason)] = None
        return Settings(entries=tuple(entries.values()), faults=tuple(faults), fault_count=len(faults))

    def default_of(self, name: str, service: str, said_by: Origin) -> tuple[str, list[Fault]]:
        """The target of a container that names none: its service, else its name, which nobody in it chooses."""
        if service and (reason := _reserved(service, self._options.targets)):
            return name, [Fault("", "target", said_by, f"{reason}; its lines go to {shown(name)}")]
        return service or name, []

    def _is_named(self, asking: Asking, said: Sequence[Statement]) -> bool:
        """Whether a label, a variable or a rule names the container, though none of its streams."""
        rules = (rule for rule in self._rules if not rule.is_for_all and rule.names)
        if any(rule.matches(asking.name, asking.image, asking.labels) for rule in rules):
            return True
        return any(one.origin.kind != "rule" and is_named_by(one) for one in said)

    def _all(self, asking: Asking) -> Iterator[Statement | Fault]:
        yield from self._said(asking.labels, asking.environment)
        for number, rule in enumerate(self._rules):
            if rule.matches(asking.name, asking.image, asking.labels):
                yield from rule.statements(number)
        if self._redact:
            yield Statement("", "redact", self._redact, Origin("rule", "redact"))

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
        if said.origin.kind == "rule":
            return None
        if said.key == SOURCE:
            is_file = str(said.value).strip() != STDOUT
            return _not_allowed(FILES) if is_file and not self._may_set(FILES) else None
        if said.key in OPERATORS:
            return f"containers may not set {said.key}: it is for the operator's rules in the section `containers`"
        setting = "format" if said.key.startswith(OPTIONS) else said.key
        if not self._may_set(setting):
            return _not_allowed(setting)
        return self._unknown_output(said.value) if said.key == "outputs" and self._outputs else None

    def _unknown_output(self, value: object) -> str | None:
        """What is wrong with the names of outputs: then the lines go to all, since none may get lost."""
        unknown = [name for name in globs_of(value) if name not in self._outputs]
        if not unknown:
            return None
        return f"there is no output {shown(unknown[0])}: use {', '.join(self._outputs)}; its lines go to every output"

    def _may_set(self, setting: str) -> bool:
        return any(fnmatchcase(setting, glob) for glob in self._options.allow)

    def _named_refusal(self, target: str) -> str | None:
        """Why a container may not name that target, by a setting or by the name of a stream."""
        globs = self._options.targets
        if not self._may_set("target"):
            return _not_allowed("target")
        if not any(fnmatchcase(target, glob) for glob in globs):
            return f"the target {shown(target)} is not among the operator's labels.targets"
        return _reserved(target, globs) or None


def _reserved(target: str, globs: Sequence[str]) -> str:
    """Why an index of that target would be another's; "" if it would not, or the operator writes it out."""
    is_claimed = target.startswith(".") or target.lower().lstrip(_CUT_OFF).startswith(_CLAIMED)
    if not is_claimed or any(glob[:1] not in "*?[" and fnmatchcase(target, glob) for glob in globs):
        return ""
    return (
        f"the target {shown(target)} is reserved: Elasticsearch has indices of its own that begin so; "
        "use another, or have the operator name it in labels.targets"
    )


def _not_allowed(setting: str) -> str:
    return f"containers may not set {setting} here: the operator's labels.allow does not name it"


def _chosen(values: Mapping[str, str], said: Sequence[Statement], key: str) -> dict[str, str]:
    """Those that become fields."""
    globs = tuple(dict.fromkeys(glob for one in said if one.key == key for glob in globs_of(one.value)))
    return {name: values[name] for name in values if is_chosen(name, globs, key)} if globs else {}
