"""The template that `run` installs at its first connect: since mappings cannot be mended later, never none at all.

Where `setup` was here, its template supersedes this one, and nothing is installed.
"""

from typing import Any, NamedTuple

import msgspec

from collector.errors import UNREADABLE

from .cluster import Server
from .connection import Connection, is_taken, words_of
from .node import Answer
from .setup.others import COMPOSABLE, LEGACY, Template, composable_of, covers, is_ours, legacy_of, shown
from .templates import PLAIN_PRIORITY, patterns_of, plain, plain_composable, plain_name, template_name

_WANTS_COMPOSABLE = b"use composable templates"
_SETUP = "run `pilotfish setup elasticsearch`"


class Hindrance(NamedTuple):
    """Why indices do not get the template, and what helps."""

    reason: str
    remedy: str


async def install_template(connection: Connection, index: str, server: Server | None) -> Hindrance | None:
    """Create the template for indices named by `index` unless it is there already; what hindered it, if anything.

    Raises:
        Unavailable: no answer came, or a refusal that passes; an index made before the template keeps its mapping.
    """
    if "%" not in index:  # one for all days: an operator's index or alias, or a data stream of `setup`'s
        return None
    if server and server.composes and await _is_superseded(connection, index):
        return None
    answer = await _put(connection, f"/_template/{template_name(index)}", plain(patterns_of(index), server))
    if answer.status == 400 and _WANTS_COMPOSABLE in answer.body:
        return await _install_in_two(connection, index, server)
    return _hindrance(answer)


async def _install_in_two(connection: Connection, index: str, server: Server | None) -> Hindrance | None:
    """Create it as a composable template for the patterns that others of the kind meet, a legacy one for the rest.

    A pattern is left out if a composable one would put somebody's legacy template out of force, or the server would
    refuse it beside another of the lowest priority. The legacy one comes last: once it is there, all is.
    """
    legacy, composable = await _listed(connection, LEGACY), await _listed(connection, COMPOSABLE)
    if isinstance(legacy, Hindrance):
        return legacy
    if isinstance(composable, Hindrance):
        return composable
    patterns = patterns_of(index)
    met = {pattern: there for pattern in patterns if (there := composable_of(composable, [pattern]))}
    rest = [each for each in patterns if each not in met]
    met = {pattern: there for pattern, there in met.items() if not _has_it(pattern, there)}
    taken = {pattern: by for pattern, there in met.items() if (by := _in_the_way(there, legacy_of(legacy, [pattern])))}
    lowest = [each for each in met if each not in taken]
    if lowest:
        answer = await _put(connection, f"/_index_template/{plain_name(index)}", plain_composable(lowest, server))
        if hindrance := _hindrance(answer):
            return hindrance
    if rest:
        answer = await _put(connection, f"/_template/{template_name(index)}", plain(rest, server))
        if hindrance := _hindrance(answer):
            return hindrance
    return _left_out(taken)


def _has_it(pattern: str, composable: list[Template]) -> bool:
    """Whether another agent, or another output, has put the same body there for all these indices."""
    ours = [each for each in composable if is_ours(each.name) and each.rank == PLAIN_PRIORITY]
    return any(covers(one, pattern) for each in ours for one in each.patterns)


def _in_the_way(composable: list[Template], legacy: list[Template]) -> list[str]:
    return [each.name for each in [*legacy, *(one for one in composable if one.rank == PLAIN_PRIORITY)]]


def _left_out(taken: dict[str, list[str]]) -> Hindrance | None:
    if not taken:
        return None
    names = dict.fromkeys(name for by in taken.values() for name in by)
    reason = f"not for {shown(list(taken))}, which meet templates of others ({shown(list(names))})"
    return Hindrance(reason, f"{_SETUP}, which says what helps, or set template: off")


async def _is_superseded(connection: Connection, index: str) -> bool:
    """Whether one template of ours is for all these indices; one of `setup`'s may be for some targets only."""
    target = f"/_index_template/{template_name(index)}*?filter_path=index_templates.index_template.index_patterns"
    found = await _listed(connection, target)
    if isinstance(found, Hindrance):
        return False
    all_patterns = set(patterns_of(index))
    try:
        listed = [each["index_template"]["index_patterns"] for each in found["index_templates"]]
        return any(all_patterns <= set(patterns) for patterns in listed)
    except (LookupError, TypeError):  # none is there, or it is told in other words
        return False


async def _listed(connection: Connection, target: str) -> dict[str, Any] | Hindrance:
    answer = await connection.request("GET", target)
    _raise_what_passes(connection, answer)
    try:
        found = msgspec.json.decode(answer.body, type=dict[str, Any])
    except UNREADABLE:
        found = None
    return found if answer.status == 200 and found is not None else _refused(answer)


async def _put(connection: Connection, path: str, body: dict[str, Any]) -> Answer:
    answer = await connection.request("PUT", f"{path}?create=true", msgspec.json.encode(body))
    _raise_what_passes(connection, answer)
    return answer


def _hindrance(answer: Answer) -> Hindrance | None:
    return None if answer.status == 200 or is_taken(answer) else _refused(answer)


def _refused(answer: Answer) -> Hindrance:
    grant = "grant manage_index_templates, or " if answer.status in (401, 403) else ""
    return Hindrance(
        f"{answer.status}: {words_of(answer)}", f"{grant}{_SETUP} as an administrator and set template: off"
    )


def _raise_what_passes(connection: Connection, answer: Answer) -> None:
    """A refusal that passes by itself."""
    if answer.status == 429 or answer.status >= 500:
        raise connection.refusal(answer)
