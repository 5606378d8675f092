"""Rules → the same rules for a world that is `factor` times as fast: for a real run of minutes instead of hours.

What is divided is known by how it is written, as the head of dashboards/prometheus/alerts.yml says: `for`, `[5m]`,
`offset 1h`, a time as `5 * 60` or `4 * 3600`, a size as `100e6`. All else stays: names, texts, ratios, rates, and the
delay of a timer, which does not become shorter because we are in a hurry.
"""

import re
from functools import partial

import yaml

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_SCALING = re.compile(
    rf"""
    (?P<string> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*` )
    | \[ \s* (?P<range> {_DURATION} ) \s* (?: (?P<colon> : ) \s* (?P<step> {_DURATION} )? \s* )? \]
    | \b offset \s+ (?P<sign> -? ) \s* (?P<offset> {_DURATION} )
    | (?<! [\w.:] ) (?P<time> \d+ ) \s* \* \s* (?P<unit> 60 | 3600 ) (?! [\w.] )
    | (?<! [\w.:] ) (?P<size> \d+ (?: \.\d+ )? e \d+ ) (?! [\w.] )
    """,
    re.VERBOSE,
)


def scaled(rules: str, factor: float, *, least_range_seconds: float = 4.0) -> str:
    """The text of a rules file with all that takes time, and each size, divided by `factor`.

    A range is never shorter than `least_range_seconds`: four scrapes have to fit into it, or a rate has no value.
    """
    document = yaml.safe_load(rules)
    replace = partial(_divided, factor=factor, least_range_seconds=least_range_seconds)
    for group in document["groups"]:
        for rule in group["rules"]:
            rule["expr"] = _SCALING.sub(replace, rule["expr"])
            if "for" in rule:
                rule["for"] = _milliseconds(_seconds(rule["for"]) / factor)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def _divided(found: re.Match[str], *, factor: float, least_range_seconds: float) -> str:
    if found["range"]:
        length = _milliseconds(max(_seconds(found["range"]) / factor, least_range_seconds))
        step = _milliseconds(_seconds(found["step"]) / factor) if found["step"] else ""
        return f"[{length}{found['colon'] or ''}{step}]"
    if found["offset"]:
        return f"offset {found['sign']}{_milliseconds(_seconds(found['offset']) / factor)}"
    if found["time"]:
        return f"{int(found['time']) * int(found['unit']) / factor:.10g}"
    if found["size"]:
        return f"{float(found['size']) / factor:.10g}"
    return found[0]  # a string


def _seconds(duration: str) -> float:
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(duration))


def _milliseconds(seconds: float) -> str:
    return f"{max(round(seconds * 1000), 1)}ms"
