"""A retention → the policy that deletes what is older: ILM's on Elasticsearch, ISM's on OpenSearch.

An index of one day is aged from its making, its last line comes at the end of its day: so it is deleted one span of the
pattern after the retention, and every line stays at least as long as was asked. Daily indices never roll over.
Not `parse_origination_date`, which would age an index by the date in its name: the late lines of an old day would make
an index that is deleted at once, and sent again they would make it again; and an index whose name it cannot read
is not made at all.
A data stream rolls over by size and age; its age counts from there. Each rollover begins a new backing index, and with
it new ids: it is done as seldom as the retention allows, for a tenth of it.
Forms: elastic.co/docs, "Index lifecycle actions"; docs.opensearch.org, "ISM policies".
"""

import re
from datetime import timedelta
from typing import Any

from ..cluster import Server

_SPANS = (("%d", 1), ("%j", 1), ("%V", 7), ("%m", 31), ("%", 366))  # days of what an index of this pattern holds
_ROLLOVER_SHARE = 10  # a data stream begins a new index after this part of the retention
_LONGEST_ROLLOVER = timedelta(days=30)
_SHARD_BYTES = "50gb"
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def policy_path(name: str, server: Server) -> str:
    """Where the server keeps the policy of this name."""
    return f"/_plugins/_ism/policies/{name}" if server.opensearch else f"/_ilm/policy/{name}"


def ilm(index: str, retention: timedelta | None, server: Server) -> dict[str, Any]:
    """The body of `PUT /_ilm/policy/...`; without a retention, of a data stream that only rolls over."""
    phases: dict[str, Any] = {}
    if "%" not in index:
        size = "max_primary_shard_size" if server.knows_shard_size else "max_size"
        rollover = {"max_age": _text(_rollover_age(retention)), size: _SHARD_BYTES}
        phases["hot"] = {"min_age": "0ms", "actions": {"rollover": rollover}}
    if retention:
        phases["delete"] = {"min_age": _text(retention + span_of(index)), "actions": {"delete": {}}}
    return {"policy": {"phases": phases}}


def ism(index: str, retention: timedelta | None, *, patterns: list[str], priority: int) -> dict[str, Any]:
    """The body of `PUT /_plugins/_ism/policies/...`; it names the indices that it is for itself."""
    rolls = "%" not in index
    actions = [{"rollover": {"min_index_age": _text(_rollover_age(retention)), "min_primary_shard_size": _SHARD_BYTES}}]
    states: list[dict[str, Any]] = [{"name": "kept", "actions": actions if rolls else [], "transitions": []}]
    if retention:
        age = {"min_rollover_age" if rolls else "min_index_age": _text(retention + span_of(index))}
        states[0]["transitions"] = [{"state_name": "deleted", "conditions": age}]
        states.append({"name": "deleted", "actions": [{"delete": {}}], "transitions": []})
    policy = {
        "description": f"Pilotfish: {'kept ' + _text(retention) if retention else 'rolled over, kept for ever'}",
        "default_state": "kept",
        "states": states,
        "ism_template": [{"index_patterns": patterns, "priority": priority}],
    }
    return {"policy": policy}


def span_of(index: str) -> timedelta:
    """How much time the lines of one index are from; none for a data stream, which is aged from its end."""
    return timedelta(days=next((days for sign, days in _SPANS if sign in index), 0))


def is_named_once(index: str) -> bool:
    """Whether a name is never taken again: else a month's or a year's lines come into an index that is old already.

    `%G` is the year of the week, so with `%m` or `%d` its last days may be named as those of a year before.
    """
    codes = set(re.findall(r"%[YmdjVG]", index))
    if {"%Y", "%m", "%d"} <= codes or {"%Y", "%j"} <= codes:
        return True
    if codes & {"%d", "%j"}:
        return False
    return {"%Y", "%m"} <= codes or {"%G", "%V"} <= codes or codes in ({"%Y"}, {"%G"}, {"%Y", "%G"})


def _rollover_age(retention: timedelta | None) -> timedelta:
    if retention is None:
        return _LONGEST_ROLLOVER
    days = retention // _ROLLOVER_SHARE // timedelta(days=1)
    return min(timedelta(days=max(days, 1)), _LONGEST_ROLLOVER)


def _text(span: timedelta) -> str:
    """`30d`, `36h`: the longest unit that has it whole."""
    seconds = int(span.total_seconds())
    return next(f"{seconds // length}{unit}" for unit, length in _UNITS if seconds % length == 0)
