"""PromQL → the series and labels that it names.

Not a parser: promtool is one. Strings, ranges and lists of labels are taken away, and what is left and is neither a
function nor a keyword names a series.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from collector.telemetry import catalogue

_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`')
_RANGE = re.compile(r"\[[^\]]*\]")
_LIST = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"(?<![\w.:])([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?(?!\s*\(|\w)")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_WITHOUT = re.compile(r"\bwithout\s*\(([^)]*)\)")
_MADE = re.compile(r'"(\w+)",\s*"[^"]*\$\d[^"]*"')  # a label that label_replace makes
_KEYWORDS = {
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "inf",
    "nan",
    "group_left",
    "group_right",
    "start",
    "end",
    "atan2",
}
_SUFFIXES = ("_bucket", "_sum", "_count")
_EVERYWHERE = {"job", "instance"}  # that Prometheus itself adds
LABELS: Mapping[str, frozenset[str]] = {
    f"{one.name}{suffix}": frozenset({*one.labels, *_EVERYWHERE, *(["le"] if suffix == "_bucket" else [])})
    for one in catalogue.ALL
    for suffix in (_SUFFIXES if one.kind == "histogram" else ("",))
} | {"up": frozenset(_EVERYWHERE), "ALERTS": frozenset({"alertname", "alertstate", "severity", *_EVERYWHERE})}


class Selector(NamedTuple):
    """One series that an expression names, with the labels by which it chooses."""

    series: str
    labels: frozenset[str]


def selectors(expression: str) -> list[Selector]:
    """The series that an expression names."""
    bare = _LIST.sub(" ", _RANGE.sub(" ", _STRING.sub('""', expression)))
    return [
        Selector(name, frozenset(_MATCHER.findall(matchers)))
        for name, matchers in _SELECTOR.findall(bare)
        if name.lower() not in _KEYWORDS
    ]


def grouped(expression: str) -> set[str]:
    """The labels by which an expression groups or joins."""
    bare = _STRING.sub('""', expression)
    return {label.strip() for found in _LIST.findall(bare) for label in found.split(",") if label.strip()}


def remaining(expression: str, labels: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The labels that an expression can leave of those of its series, by which its name may begin: all but the job."""
    left = frozenset().union(*(labels[one.series] for one in selectors(expression))) | set(_MADE.findall(expression))
    gone = {label.strip() for found in _WITHOUT.findall(expression) for label in found.split(",")}
    return left - gone - {"job", *(["le"] if "histogram_quantile" in expression else [])}


def unknown(expression: str, recorded: Mapping[str, frozenset[str]]) -> list[str]:
    """What an expression names and nobody exports or records; `recorded` are the series of recording rules."""
    known = {**LABELS, **recorded}
    found = selectors(expression)
    faults = [one.series for one in found if one.series not in known]
    named = [known[one.series] for one in found if one.series in known]
    faults += [f"{one.series}{{{label}}}" for one in found for label in one.labels - known.get(one.series, one.labels)]
    return faults + sorted(grouped(expression) - frozenset(_MADE.findall(expression)).union(*named))
