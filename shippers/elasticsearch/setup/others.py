"""The templates and indices that are there → whose would be hurt by ours.

A composable template puts every legacy one, and each composable one of a lower priority, out of force for the indices
that both meet; a legacy one overrides what those of a lower order say, such as another limit of fields; and an index of
another program that meets our patterns would get our mapping, by which its documents may be refused. None of it is done
behind the operator's back.
"""

from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from collector.documents.forms import form_of
from collector.errors import UNREADABLE
from collector.net.http_node import Answer

from ..connection import Connection
from .objects import Requested

_PLAIN = str.maketrans({"[": "[[]", "?": "[?]"})  # in the pattern of an index they mean themselves
_SHOWN = 5  # names that a message repeats
_BUILT_IN_ORDER = 2_147_483_647  # of the servers' own legacy templates, such as that of `ilm-history-2*`
# By their names: they bear no `_meta.managed`. OpenSearch's plugin observability makes `ss4o_…` at its first start,
# Elasticsearch `profiling-…` where that is switched on.
_BUILT_IN_NAMES = ("ss4o_", "profiling-")
LEGACY = "/_template?filter_path=*.index_patterns,*.order"  # whole, a hundred of Beats' would be too long an answer
COMPOSABLE = "/_index_template?filter_path=" + ",".join(
    f"index_templates.{member}"
    for member in (
        "name",
        "index_template.index_patterns",
        "index_template.priority",
        "index_template._meta.managed",
    )
)


class Template(NamedTuple):
    """One that meets some of our patterns: `rank` is its order or priority."""

    name: str
    rank: int
    patterns: tuple[str, ...] = ()
    is_built_in: bool = False


class Met(NamedTuple):
    """What meets our patterns: `ousted` would be outranked, `prior` stays in force where both meet."""

    ousted: list[str]
    prior: list[str]


def meet(one: str, other: str) -> bool:
    """Whether some name fits both patterns; `*` stands for any text.

    Where both have a star, only their beginnings and ends can keep them apart: a star takes all that the other has
    in between.
    """
    if "*" not in one or "*" not in other:
        return covers(one, other) or covers(other, one)
    beginnings = sorted((one.partition("*")[0], other.partition("*")[0]), key=len)
    ends = sorted((one.rpartition("*")[2], other.rpartition("*")[2]), key=len)
    return beginnings[1].startswith(beginnings[0]) and ends[1].endswith(ends[0])


async def templates_met(connection: Connection, patterns: list[str], *, name: str, priority: int) -> Met:
    """Others' templates that meet `patterns` of our composable template of this name and priority.

    Raises:
        ShippingError: the server does not tell.
    """
    met = Met([f"legacy template {each.name}" for each in legacy_of(await told(connection, LEGACY), patterns)], [])
    for each in composable_of(await told(connection, COMPOSABLE), patterns):
        if each.rank > priority and each.name != name:
            met.prior.append(f"{each.name} (priority {each.rank})")
        elif not is_ours(each.name) and not each.is_built_in:  # those are meant to be outranked
            met.ousted.append(f"template {each.name} (priority {each.rank})")
    return met


async def legacy_met(connection: Connection, patterns: list[str], *, order: int) -> Met:
    """Others' templates that meet `patterns` of our legacy template of this order, where there are no others.

    Raises:
        ShippingError: the server does not tell.
    """
    met = Met([], [])
    for each in legacy_of(await told(connection, LEGACY), patterns):
        (met.prior if each.rank > order else met.ousted).append(f"template {each.name} (order {each.rank})")
    return met


async def indices_met(connection: Connection, requested: Requested) -> tuple[list[str], list[str]]:
    """Indices that meet the patterns: those with documents of ours, which all have a target, and the others.

    Raises:
        ShippingError: the server does not tell.
    """
    field = form_of(requested.form).field("@target", is_trusted=True)
    target = f"/{joined(requested.patterns)}/_mapping/field/{field}?ignore_unavailable=true"
    found = await told(connection, target, missing={})
    ours = {name for name, fields in found.items() if fields.get("mappings")}
    return sorted(ours), sorted(found.keys() - ours)


def joined(patterns: list[str]) -> str:
    """Patterns as the part of a path that names indices."""
    return quote(",".join(patterns), safe="*,")


def shown(names: list[str]) -> str:
    """Some names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


async def told(connection: Connection, target: str, *, missing: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the server tells of `target`; `missing` if there is nothing of the kind.

    Raises:
        ShippingError: it does not tell.
    """
    answer: Answer = await connection.request("GET", target)
    if answer.status == 404 and missing is not None:
        return missing
    if answer.status != 200:
        raise connection.refusal(answer)
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except UNREADABLE:
        raise connection.refusal(answer) from None


def legacy_of(found: dict[str, Any], patterns: list[str]) -> list[Template]:
    """Of the answer to `LEGACY` those that meet `patterns`, without ours and the server's own."""
    return [
        Template(name, int(body.get("order") or 0))
        for name, body in found.items()
        if isinstance(body, dict)
        and not (is_ours(name) or name.startswith(".") or int(body.get("order") or 0) >= _BUILT_IN_ORDER)
        and is_met(body, patterns)
    ]


def composable_of(found: dict[str, Any], patterns: list[str]) -> list[Template]:
    """Of the answer to `COMPOSABLE` those that meet `patterns`, ours as well."""
    listed = [(str(each["name"]), each["index_template"]) for each in found.get("index_templates") or []]
    return [_template(name, body) for name, body in listed if is_met(body, patterns)]


def _template(name: str, body: dict[str, Any]) -> Template:
    patterns = tuple(body.get("index_patterns") or ())
    return Template(name, int(body.get("priority") or 0), patterns, _is_built_in(name, body))


def _is_built_in(name: str, body: dict[str, Any]) -> bool:
    return bool((body.get("_meta") or {}).get("managed")) or name.startswith(_BUILT_IN_NAMES)


def is_ours(name: str) -> bool:
    """Whether an object of this name is of one of our outputs."""
    return name == "pilotfish" or name.startswith("pilotfish-")


def covers(one: str, other: str) -> bool:
    """Whether each name that fits `other` fits `one`; `*` stands for any text."""
    return fnmatchcase(other, one.translate(_PLAIN))


def is_met(body: dict[str, Any], patterns: list[str]) -> bool:
    """Whether what this template or policy is for meets one of `patterns`."""
    theirs = body.get("index_patterns") or []
    return any(meet(one, other) for one in patterns for other in ([theirs] if isinstance(theirs, str) else theirs))
