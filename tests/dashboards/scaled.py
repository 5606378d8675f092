"""Rules → the same rules at another pace: every time and every size in them divided, for a run of minutes.

In expressions a time is written in brackets, behind `offset` or as `5 * 60`, a size as `100e6`; all else is neither.
"""

import re
from typing import Any

import yaml

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)([smhd])")
_RANGE = re.compile(r"\[(\d+[smhd])\]")
_OFFSET = re.compile(r"\boffset (\d+[smhd])")
_TIME = re.compile(r"\b(\d+) \* (60|3600)\b")
_SIZE = re.compile(r"\b\d+e\d+\b")


def scaled(rules: str, factor: float, *, least_range_seconds: float = 0.0) -> str:
    """A rules file divided by `factor`; a range that would be shorter than the least one gets that."""
    read: dict[str, Any] = yaml.safe_load(rules)
    for group in read["groups"]:
        for rule in group["rules"]:
            rule["expr"] = _expression(rule["expr"], factor, least_range_seconds)
            if "for" in rule:
                rule["for"] = _milliseconds(_seconds(rule["for"]) / factor)
    return yaml.safe_dump(read, allow_unicode=True)


def _expression(text: str, factor: float, least: float) -> str:
    text = _RANGE.sub(lambda found: f"[{_milliseconds(max(_seconds(found[1]) / factor, least))}]", text)
    text = _OFFSET.sub(lambda found: f"offset {_milliseconds(_seconds(found[1]) / factor)}", text)
    text = _TIME.sub(lambda found: repr(int(found[1]) * int(found[2]) / factor), text)
    return _SIZE.sub(lambda found: repr(float(found[0]) / factor), text)


def _seconds(duration: str) -> int:
    """`5m` → 300."""
    found = _DURATION.fullmatch(duration)
    assert found is not None, f"{duration} is no duration of one unit"
    return int(found[1]) * _UNITS[found[2]]


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
