"""The ways in which a container says what it asks for → statements.

`pilotfish.<key>` is for the whole container and `pilotfish.<name>.<key>` for one stream of it; log-pilot's
`<prefix>.logs.<name>` and `<prefix>.logs.<name>.<key>` know streams only (LP: `pilot/pilot.go`, README). A variable
has `_` for `.`, so that a name may hold `_` itself: known keys are taken from the right.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from collector.container_settings.keys import KEYS
from collector.container_settings.statement import SOURCE, Fault, Kind, Origin, Statement

OPTIONS = "format."  # what stands behind it is left to the format
_FIELDS = "com.aliyun.access."  # each label of log-pilot's that begins so is a field
_LOGSPOUT = "LOGSPOUT"
_LOGSPOUT_LINES = "LOGSPOUT_MULTILINE"


class Dialect(NamedTuple):
    """`start` has the words with which its labels begin; `is_whole` if a key may stand without a name."""

    start: tuple[str, ...]
    is_whole: bool

    def begins(self, separator: str) -> str:
        """How its labels begin, or its variables."""
        return separator.join((*self.start, ""))

    def read(self, said: Mapping[str, str], kind: Kind) -> Iterator[Statement | Fault]:
        """What labels or variables say in it."""
        separator = "." if kind == "label" else "_"
        begins = self.begins(separator)
        for name in sorted(one for one in said if one.startswith(begins)):
            origin = Origin(kind, name)
            entry, key = self._split(name[len(begins) :], separator)
            key = key if self.is_whole else _RENAMED.get(key, key)
            if entry.strip() or (self.is_whole and key != SOURCE):
                if key == "tags" and not self.is_whole and (target := _target_in(said[name])):
                    yield Statement(entry, "target", target, origin)  # before the label of the target
                yield Statement(entry, key, said[name], origin)
            else:
                yield Fault("", SOURCE, origin, "it names no stream")

    def _split(self, text: str, separator: str) -> tuple[str, str]:
        """`web.target` → (`web`, `target`); `web` → (`web`, `source`); `target` → ("", `target`) where that may be."""
        known = sorted((key for key in KEYS if self.is_whole or key in _LOG_PILOT), key=len, reverse=True)
        keys = {key.replace(".", separator): key for key in known}  # `fields.level` before `level`
        if self.is_whole and text in keys:
            return "", keys[text]
        for written, key in keys.items():
            if text.endswith(separator + written):
                return text[: -len(separator + written)], key
        whole = separator + text if self.is_whole else text
        for option in ("format",) if self.is_whole else ("format", "target", "tags"):
            if (mark := f"{separator}{option}{separator}") in whole:
                name, _, rest = whole.rpartition(mark)
                return name.removeprefix(separator), f"{option}.{rest}"
        return text, SOURCE


def _target_in(tags: str) -> str:
    """The target that is in log-pilot's tags."""
    named = dict(tag.partition("=")[::2] for tag in tags.split(","))
    return (named.get("index") or named.get("topic") or "").strip()


_LOG_PILOT = frozenset({"target", "tags", "format"})
_RENAMED = {"format.time_key": "time.key", "format.time_format": "time.format"}  # fluentd's options of a format
PILOTFISH = Dialect(("pilotfish",), is_whole=True)


def log_pilot(prefix: str) -> Dialect:
    """Log-pilot's, with another prefix than `aliyun` by choice."""
    return Dialect((prefix, "logs"), is_whole=False)


def extras(labels: Mapping[str, str], environment: Mapping[str, str]) -> Iterator[Statement]:
    """Logspout's variables, and log-pilot's labels that are fields."""
    if environment.get(_LOGSPOUT) == "ignore":
        yield Statement("", "exclude", True, Origin("environment", _LOGSPOUT))
    if (mode := environment.get(_LOGSPOUT_LINES, "").lower()) in ("true", "false"):
        yield Statement("", "multiline", mode == "true", Origin("environment", _LOGSPOUT_LINES))
    for name in sorted(one for one in labels if one.startswith(_FIELDS)):
        yield Statement("", "tags", {name[len(_FIELDS) :]: labels[name]}, Origin("label", name))


def is_named_by(said: Statement) -> bool:
    """Whether it names the whole container as one to follow; log-pilot's fields and logspout's variables do not."""
    return said.entry == "" and said.key != "exclude" and not said.origin.name.startswith((_FIELDS, _LOGSPOUT))


LABEL_STARTS = (_FIELDS,)
VARIABLES = (_LOGSPOUT,)
