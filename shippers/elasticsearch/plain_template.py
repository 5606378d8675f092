"""The template that `run` installs at its first connect: since mappings cannot be mended later, never none at all.

Where `setup` was here, its template supersedes this one, and nothing is installed. What an older version of ours put
there, and nobody changed since, gets the present body: no operator knows of it, so nobody else would mend it.
"""

from typing import Any, NamedTuple

import msgspec

from collector.errors import UNREADABLE
from collector.net.http_node import Answer

from .cluster import Server, is_kin
from .connection import Connection, is_taken, words_of
from .marks import Mark, fingerprint, split
from .setup.others import COMPOSABLE, LEGACY, Template, composable_of, covers, is_ours, legacy_of, shown
from .templates import (
    ANOTHER_FORM,
    META,
    PLAIN_ORDER,
    PLAIN_PRIORITY,
    VERSION,
    legacy_mark,
    patterns_of,
    plain,
    plain_composable,
    plain_legacy_name,
    plain_name,
    template_name,
    unserved,
)

_WANTS_COMPOSABLE = b"use composable templates"
_SETUP = "run `pilotfish setup elasticsearch`"


class Hindrance(NamedTuple):
    """Why indices do not get the template, and what helps."""

    reason: str
    remedy: str


async def install_template(connection: Connection, index: str, server: Server | None, form: str) -> Hindrance | None:
    """Create the template for documents of `form` in indices named by `index` unless it is there already.

    Gives what hindered it, if anything.

    Raises:
        Unavailable: no answer came, or a refusal that passes; an index made before the template keeps its mapping.
    """
    if "%" not in index:  # one for all days: an operator's index or alias, or a data stream of `setup`'s
        return None
    if server and await _is_superseded(connection, index, server):
        return None
    if reason := unserved(form, server):
        return Hindrance(reason, ANOTHER_FORM)
    path = f"/_template/{plain_legacy_name(index, server)}"
    answer = await _put(connection, path, plain(patterns_of(index), server, form))
    if answer.status == 400 and _WANTS_COMPOSABLE in answer.body:
        return await _install_in_two(connection, index, server, form)
    if hindrance := _hindrance(answer):
        return hindrance
    return await _renew(connection, index, server, form) if server and is_taken(answer) else None


async def _renew(connection: Connection, index: str, server: Server, form: str) -> Hindrance | None:
    """Put the present body in the place of ours of an older version, or for another form, for the same patterns."""
    name = plain_legacy_name(index, server)
    for body in _objects((await _found(connection, f"/_template/{name}")).get(name)):
        if body.get("order") != PLAIN_ORDER:
            continue
        new = plain(body["index_patterns"], server, form)
        if hindrance := await _replace(connection, f"/_template/{name}", body, new, legacy_mark(server)):
            return hindrance
    if not server.composes:
        return None
    name = plain_name(index)
    for body in _composable(await _found(connection, f"/_index_template/{name}")):
        new = plain_composable(body["index_patterns"], server, form)
        return await _replace(connection, f"/_index_template/{name}", body, new, META)
    return None


async def _replace(
    connection: Connection, path: str, body: dict[str, Any], new: dict[str, Any], mark: Mark
) -> Hindrance | None:
    """Put what is new in the place of ours, unless nothing is, or it is of a newer version, or somebody changed it."""
    borne, rest = split(body, mark)
    is_ours = borne is not None and borne.version <= VERSION and borne.hash == fingerprint(rest)
    if not is_ours or fingerprint(split(new, mark)[1]) == fingerprint(rest):
        return None
    return _hindrance(await _put(connection, path, new, create=False))


async def _install_in_two(connection: Connection, index: str, server: Server | None, form: str) -> Hindrance | None:
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
    missing = {pattern: there for pattern, there in met.items() if not _has_it(pattern, there)}
    taken = {
        pattern: by for pattern, there in missing.items() if (by := _in_the_way(there, legacy_of(legacy, [pattern])))
    }
    lowest = [each for each in missing if each not in taken]
    if lowest:
        answer = await _put(connection, f"/_index_template/{plain_name(index)}", plain_composable(lowest, server, form))
        if hindrance := _hindrance(answer):
            return hindrance
    if rest:
        path = f"/_template/{plain_legacy_name(index, server)}"
        answer = await _put(connection, path, plain(rest, server, form))
        if hindrance := _hindrance(answer):
            return hindrance
    if server and len(missing) < len(met) and (hindrance := await _renew(connection, index, server, form)):
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
    reason = f"not installed for {shown(list(taken))}, which match templates of others ({shown(list(names))})"
    return Hindrance(reason, f"{_SETUP}, which reports what to do, or set template: off")


async def _is_superseded(connection: Connection, index: str, server: Server) -> bool:
    """Whether one template of `setup`'s is for all these indices; it may be for some targets only."""
    name = template_name(index)
    if server.composes:
        members = ",".join(f"index_templates.index_template.{member}" for member in ("index_patterns", "priority"))
        listed = _composable(await _found(connection, f"/_index_template/{name}*?filter_path={members}"))
        bodies = [body for body in listed if body.get("priority", PLAIN_PRIORITY) != PLAIN_PRIORITY]
    else:
        found = await _found(connection, f"/_template/{name}?filter_path=*.index_patterns,*.order")
        bodies = [body for body in _objects(found.get(name)) if body.get("order") != PLAIN_ORDER]
    all_patterns = set(patterns_of(index))
    there = (body.get("index_patterns") for body in bodies)
    return any(isinstance(patterns, list) and all_patterns <= set(map(str, patterns)) for patterns in there)


def _composable(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The composable templates of an answer; none if it tells of them in other words."""
    listed = found.get("index_templates")
    return [body for each in _objects(listed) for body in _objects(each.get("index_template"))]


def _objects(told: Any) -> list[dict[str, Any]]:
    """The object, or those of a list."""
    return [each for each in (told if isinstance(told, list) else [told]) if isinstance(each, dict)]


async def _found(connection: Connection, target: str) -> dict[str, Any]:
    """What the server tells of `target`; nothing if it has none, or tells it in other words."""
    found = await _listed(connection, target)
    return {} if isinstance(found, Hindrance) else found


async def _listed(connection: Connection, target: str) -> dict[str, Any] | Hindrance:
    answer = await connection.request("GET", target)
    _raise_what_passes(connection, answer)
    try:
        found = msgspec.json.decode(answer.body, type=dict[str, Any])
    except UNREADABLE:
        found = None
    return found if answer.status == 200 and found is not None else _refused(answer)


async def _put(connection: Connection, path: str, body: dict[str, Any], *, create: bool = True) -> Answer:
    answer = await connection.request("PUT", f"{path}?create=true" if create else path, msgspec.json.encode(body))
    _raise_what_passes(connection, answer)
    return answer


def _hindrance(answer: Answer) -> Hindrance | None:
    return None if answer.status == 200 or is_taken(answer) else _refused(answer)


def _refused(answer: Answer) -> Hindrance:
    if not is_kin(answer):
        return Hindrance(f"{answer.status}: {words_of(answer)}", "it seems to have no templates: set template: off")
    grant = "grant manage_index_templates, or " if answer.status in (401, 403) else ""
    return Hindrance(
        f"{answer.status}: {words_of(answer)}", f"{grant}{_SETUP} as an administrator and set template: off"
    )


def _raise_what_passes(connection: Connection, answer: Answer) -> None:
    """A refusal that passes by itself."""
    if answer.status == 429 or answer.status >= 500:
        raise connection.refusal(answer)
