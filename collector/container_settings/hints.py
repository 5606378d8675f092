"""Labels that other collectors read → statements, by the operator's choice; what has no equal here is a fault.

Elastic's hints (`co.elastic.logs/…`: Filebeat, "hints based autodiscover"), Dozzle's names (`dev.dozzle.…`) and
Datadog's annotation (`com.datadoghq.ad.logs`: Agent, "Docker log collection").
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from collector.container_settings.statement import Fault, Origin, Statement
from collector.errors import UNREADABLE

Found = Iterator[Statement | Fault]
_ELASTIC_LINES = {
    ("after", "true"): "multiline.start",
    ("after", "false"): "multiline.continue",
    ("before", "true"): "multiline.end",
}


_ELASTIC_CHOICE = {"include_lines": "lines.include", "exclude_lines": "lines.exclude"}
_QUOTED = re.compile(r"""'([^']+)'|"([^"]+)\"""")


class Hints(NamedTuple):
    """How one collector's labels begin, and what they say."""

    begins: str
    read: Callable[[Mapping[str, str]], Found]


def _elastic(labels: Mapping[str, str]) -> Found:
    hints = {name.partition("/")[2]: (value, Origin("label", name)) for name, value in labels.items()}
    multiline = {name: hints.pop(name) for name in sorted(hints) if name.startswith("multiline.")}
    for name, (value, origin) in sorted(hints.items()):
        if name == "enabled":
            yield Statement("", "exclude", value.strip().lower() == "false", origin)
        elif name.startswith("json."):
            yield Statement("", "format", "json", origin)
        elif name in _ELASTIC_CHOICE:
            yield Statement("", _ELASTIC_CHOICE[name], _any_of(value), origin)
        else:
            yield _no_equal(origin)
    if "multiline.pattern" in multiline:
        yield from _elastic_lines(multiline)


def _any_of(patterns: str) -> str:
    """One pattern for those of a list as YAML has it, `['^ERR', '^WARN']`, or for one."""
    found = [first or second for first, second in _QUOTED.findall(patterns)] if patterns.strip()[:1] == "[" else []
    return "|".join(f"(?:{one})" for one in found) if found else patterns.strip().strip("'\"")


def _elastic_lines(said: Mapping[str, tuple[str, Origin]]) -> Found:
    """Lines that match (or, negated, do not) belong to the line before (`after`), or to that behind them (`before`)."""
    pattern, origin = said["multiline.pattern"]
    match, _ = said.get("multiline.match", ("after", origin))
    negate, _ = said.get("multiline.negate", ("false", origin))
    key = _ELASTIC_LINES.get((match.strip(), negate.strip().lower()))
    if key is None:
        yield _no_equal(origin)
        return
    yield Statement("", key, pattern, origin)
    for name, more in (("flush_pattern", "multiline.end"), ("max_lines", "multiline.max_lines")):
        if (one := said.get(f"multiline.{name}")) is not None:
            yield Statement("", more, *one)


def _dozzle(labels: Mapping[str, str]) -> Found:
    for name in sorted(labels):
        what = name.removeprefix("dev.dozzle.")
        origin = Origin("label", name)
        if what in ("name", "group"):
            yield Statement("", "tags", {f"dozzle_{what}": labels[name]}, origin)
        else:
            yield _no_equal(origin)


def _datadog(labels: Mapping[str, str]) -> Found:
    for name, text in labels.items():
        origin = Origin("label", name)
        try:
            (said,) = orjson.loads(text)
            yield from _datadogs(dict(said), origin)
        except (*UNREADABLE, TypeError):
            yield Fault("", "tags", origin, "use a JSON list with one object, as Datadog does")


def _datadogs(said: Mapping[str, Any], origin: Origin) -> Found:
    fields = {name: said[name] for name in ("source", "service") if isinstance(said.get(name), str)}
    tags = said.get("tags")
    pairs = [one.partition(":") for one in tags if isinstance(one, str)] if isinstance(tags, list) else []
    tagged = {name: value for name, _, value in pairs}  # first, so that a fault tells their places
    yield Statement("", "tags", tagged | {name: fields[name] for name in fields if name not in tagged}, origin)
    rules = said.get("log_processing_rules")
    for number, rule in enumerate(rules if isinstance(rules, list) else [], 1):
        kind = str(rule.get("type")) if isinstance(rule, dict) else ""
        if (key := _DATADOGS.get(kind)) is not None:
            yield Statement("", key, str(rule.get("pattern")), origin)
        else:
            has = ", ".join(_DATADOGS)
            yield Fault("", "tags", origin, f"rule {number} of log_processing_rules has no equal here: use {has}")


_DATADOGS = {
    "multi_line": "multiline.start",
    "include_at_match": "lines.include",
    "exclude_at_match": "lines.exclude",
}


def _no_equal(origin: Origin) -> Fault:
    return Fault("", "tags", origin, "it has no equal here")


HINTS: Mapping[str, Hints] = {
    "elastic": Hints("co.elastic.logs/", _elastic),
    "dozzle": Hints("dev.dozzle.", _dozzle),
    "datadog": Hints("com.datadoghq.ad.logs", _datadog),
}
