"""Variables of logspout's that are about the agent, not a destination → keys of ours, where its routes count."""

import re
from collections.abc import Mapping
from typing import Any

from collector.config.environment import Types, chosen_types, type_of
from collector.config.translating import Taken
from collector.errors import ConfigurationError

_PATTERN = "MULTILINE_PATTERN"
_MATCH = "MULTILINE_MATCH"
_FLUSH = "MULTILINE_FLUSH_AFTER"
_SEPARATOR = "MULTILINE_SEPARATOR"
_ENABLED = "MULTILINE_ENABLE_DEFAULT"
# What a line that matches is, in the words of `containers.multiline`.
_MATCHES = {"first": "start", "last": "end", "nonfirst": "continue"}
_NEWLINES = ("\n", "\\n")


def take(values: dict[str, Any], environ: Mapping[str, str], types: Types, taken: Taken) -> None:
    """Fill in what they stand for, beside what is written; `taken` gets what became of each."""
    if taken.program != "logspout":
        return
    _backlog(values, environ, types, taken)
    if environ.get("DEBUG") and "level" not in (log := values.get("log") or {}) and isinstance(log, dict):
        values["log"] = {**log, "level": "debug"}
        _note(taken, ("log", "level"), "DEBUG", "sets log.level to debug")
    _multiline(values, environ, taken)
    _members(values, taken)


def _note(taken: Taken, path: tuple[str, ...], variable: str, what: str) -> None:
    taken.names[path] = variable
    taken.used.add(variable)
    taken.told.append(f"{variable}: this word of logspout's {what}")


def _backlog(values: dict[str, Any], environ: Mapping[str, str], types: Types, taken: Taken) -> None:
    """Whether lines from before the first start count: they do unless it is said otherwise, as in its README."""
    variable = next((name for name, none in (("BACKLOG", "false"), ("TAIL", "0")) if environ.get(name) == none), "")
    for name in ("BACKLOG", "TAIL"):
        if environ.get(name) in ("true", "all"):
            taken.used.add(name)
            taken.told.append(f"{name}: this word of logspout's is the default here: all lines that Docker still has")
    inputs = values.get("inputs")
    if not variable or not isinstance(inputs, dict):
        return
    chosen = chosen_types(values)
    for name, options in inputs.items():
        try:
            settings = types.inputs.get(type_of("inputs", name, chosen))
        except ConfigurationError:  # validation tells it
            continue
        if settings is None or "backlog" not in settings.model_fields or "backlog" in (options or {}):
            continue
        inputs[name] = {**(options or {}), "backlog": "new"}
        _note(taken, ("inputs", name, "backlog"), variable, f"sets inputs.{name}.backlog to new")


def _members(values: dict[str, Any], taken: Taken) -> None:
    """A rule for all containers, behind all others, by which documents tell what a template asks for."""
    rules = values.get("containers", [])
    if not taken.members or not isinstance(rules, list):
        return
    values["containers"] = [*rules, {"fields": taken.members}]
    asked = "; ".join(f"{key}: {', '.join(names)}" for key, names in taken.members.items())
    taken.told.append(f"the rule containers.{len(rules)} adds to documents what a template asks for ({asked})")


def _multiline(values: dict[str, Any], environ: Mapping[str, str], taken: Taken) -> None:
    """A rule for all containers, behind those of the operator, where a route is one of `multiline+`."""
    rules = values.get("containers", [])
    if not taken.multiline or not isinstance(rules, list):
        return
    if environ.get(_ENABLED, "true").lower() in ("false", "0", "f"):
        taken.used.add(_ENABLED)
        taken.told.append(f"{_ENABLED}: this word of logspout's leaves lines as they are, but for containers that ask")
        return
    match = environ.get(_MATCH) or "nonfirst"
    if match not in _MATCHES:
        taken.used.add(_MATCH)
        taken.warnings.append(
            f"{_MATCH}: {match!r} cannot be had here, so no lines are joined: write a rule in "
            "`containers` with `multiline: {start: …}`, which names the first line of an event"
        )
        return
    events = {_MATCHES[match]: environ.get(_PATTERN) or r"^\s"}
    flush = environ.get(_FLUSH, "")
    if re.fullmatch(r"[1-9]\d{0,4}", flush):
        events["gap"] = f"{flush}ms"
    values["containers"] = [*rules, {"multiline": events}]
    said = [name for name in (_PATTERN, _MATCH, _ENABLED) if environ.get(name)]
    said += [_FLUSH] if "gap" in events else []
    place = f"containers.{len(rules)}"
    taken.told.append(
        f"{taken.multiline}: multiline+ of a route: the rule {place} joins lines of all containers, for every output"
    )
    for name in said:
        _note(taken, ("containers",), name, f"is in the rule {place}")
    if not said and not rules:
        taken.names["containers",] = taken.multiline
    if environ.get(_SEPARATOR) in _NEWLINES:
        taken.used.add(_SEPARATOR)
