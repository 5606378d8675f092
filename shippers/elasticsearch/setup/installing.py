"""Each object that is to be there → a request, or none, and what became of it."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec

from collector.documents.forms import KEPT
from collector.errors import UNREADABLE, ShippingError, Unavailable, UsageError
from collector.net.http_node import Answer
from collector.net.waiting import Tell, until_ready
from collector.ports import Setup, SetupStep

from ..cluster import Server, identify
from ..connection import Connection, is_taken
from ..profiles import Profile
from .lifecycle import policy_path
from .objects import Lifecycle, Requested, Wanted, requested, wanted
from .others import indices_met, shown
from .policies import change, changes, followers, left_behind, without_policy
from .verdicts import judge

_LOOKS = 3  # at one object, each after somebody was quicker
_WORDS = 500  # characters of a server's own words
_GRANT = "grant the user manage_index_templates and manage_ilm (Elasticsearch) or the rights to ISM (OpenSearch)"


class _There(NamedTuple):
    """What is there: `body` None if nothing is; `query` keeps a request from replacing what came meanwhile."""

    body: dict[str, Any] | None
    query: str = ""
    sequence: int | None = None  # which version of a policy of ISM it is


async def install(
    connection: Connection, index: str, form: str, profile: Profile, setup: Setup, tell: Tell
) -> AsyncIterator[SetupStep]:
    """Give what became of each object, or of the server; `tell` is given what is waited for.

    Raises:
        UsageError: `setup` asks for what cannot be.
    """
    wishes = requested(index, form, setup, profile)
    try:
        server = await until_ready(lambda: _met(connection), tell, seconds=setup.wait_seconds)
        kind = await _lifecycle_of(connection, server, wishes) if wishes.has_policy else "none"
        objects = wanted(wishes, server, kind)
        await _refuse_to_hurt(connection, wishes, server, setup)
        left = None if wishes.has_policy else await left_behind(connection, wishes, server)
    except (ShippingError, UsageError) as error:
        yield SetupStep(connection.name, outcome="failed", text=error.cause, remedy=error.remedy)
        return
    if left:
        yield left
    if wishes.has_policy and kind == "none":
        yield _without_lifecycle(wishes, server)
    for each in objects:
        try:
            yield await _settled(connection, each, setup)
        except ShippingError as error:
            yield SetupStep(each.subject, outcome="failed", text=error.cause, remedy=_remedy(error))
    if wishes.has_policy and kind != "none" and (step := await without_policy(connection, wishes, server)):
        yield step
    if form != KEPT:
        yield _without_dashboard(form)


async def _met(connection: Connection) -> Server:
    """Which server it is, once it can be changed.

    Raises:
        ShippingError: it is not there, or does not say what it is.
    """
    server = await identify(connection)
    if server is None:
        raise Unavailable(f"{connection.name} does not report its version", "grant the user the privilege monitor")
    if server.product:
        raise UsageError(f"it is {server.product}, which has no templates", "there is nothing to set up")
    answer = await connection.request("GET", "/_cluster/health?timeout=1s&filter_path=status")
    if answer.status not in (200, 403):
        raise connection.refusal(answer)
    return server


async def _lifecycle_of(connection: Connection, server: Server, wishes: Requested) -> Lifecycle:
    """Which kind of lifecycle the server has: a small distribution has none, and says so in one of several ways."""
    ism = server.opensearch
    answer = await connection.request("GET", policy_path(wishes.name, server))
    # 7.17 without ILM takes the path for a document's: the index, not the resource, is not found
    is_there = answer.status == 200 or (answer.status == 404 and (ism or b"resource_not_found" in answer.body))
    if is_there:
        return "ism" if ism else "ilm"
    if answer.status in (400, 404, 405):
        return "none"
    raise connection.refusal(answer)


def _without_dashboard(form: str) -> SetupStep:
    return SetupStep(
        "dashboard for Kibana",
        outcome="skipped",
        text=f"that of `pilotfish setup kibana` shows no documents of the form {form}",
        remedy="make one of your own, with the fields in docs/document.md",
    )


def _without_lifecycle(wishes: Requested, server: Server) -> SetupStep:
    span = f"older than {wishes.retention.days}d" if wishes.retention else "you need no more"
    return SetupStep(
        subject=f"lifecycle policy {wishes.name}",
        outcome="skipped",
        text=f"{server} has neither ILM nor ISM",
        remedy=f"delete indices {wishes.index} {span} yourself, from a timer",
    )


async def _refuse_to_hurt(connection: Connection, wishes: Requested, server: Server, setup: Setup) -> None:
    """See that no index of another program would get our mapping. A legacy template holds nothing that could hurt.

    Raises:
        UsageError: one would.
        ShippingError: the server does not tell.
    """
    if not wishes.is_shared or not server.composes or setup.overwrite:
        return
    _, foreign = await indices_met(connection, wishes)
    if foreign:
        raise UsageError(
            f"index: {wishes.index} also matches indices that are not Pilotfish's ({shown(foreign)})",
            "name the targets (--target 'shop-*'); --target '*' or --overwrite includes them all",
        )


async def _settled(connection: Connection, wanted: Wanted, setup: Setup, *, looks: int = _LOOKS) -> SetupStep:
    """Look at one object and do what is to be done; `looks` are left if somebody is quicker in between.

    Raises:
        ShippingError: the server cannot be reached, or forbids it.
    """
    there = await _there(connection, wanted)
    verdict = await judge(connection, wanted, there.body, overwrite=setup.overwrite)
    step = SetupStep(wanted.subject, outcome=verdict.outcome, text=verdict.text, remedy=verdict.remedy)
    if verdict.is_change:
        target, body = wanted.path + there.query, msgspec.json.encode(wanted.body)
        if not setup.dry_run:
            answer = await connection.request("PUT", target, body)
            if looks > 1 and _is_overtaken(answer):
                return await _settled(connection, wanted, setup, looks=looks - 1)
            if answer.status not in (200, 201):
                raise _refused(connection, answer)
        step = msgspec.structs.replace(step, request=f"PUT {target}", body=body)
    if wanted.rank == "ism_template" and verdict.outcome in ("unchanged", "updated"):
        sequence = there.sequence if verdict.outcome == "unchanged" else None
        return await _followed(connection, wanted, step=step, sequence=sequence, dry_run=setup.dry_run)
    return step


def _is_overtaken(answer: Answer) -> bool:
    """Whether it is refused since another setup, or an agent, made or changed the object after we looked."""
    return answer.status == 409 or is_taken(answer)


async def _followed(
    connection: Connection, wanted: Wanted, *, step: SetupStep, sequence: int | None, dry_run: bool
) -> SetupStep:
    """See that the indices under the policy get its present version; the step that tells of the policy and of them.

    Raises:
        ShippingError: the server does not tell which they are, or refuses it.
    """
    indices = await followers(connection, wanted.name, sequence=sequence)
    if not indices:
        return step
    paths = list(changes(indices))
    failed = [] if dry_run else [each for path in paths for each in await change(connection, path, wanted.name)]
    if failed:
        remedy = "run setup again later; until then they are deleted as the older one says"
        return msgspec.structs.replace(
            step, outcome="failed", text=f"indices that keep an older version: {shown(failed)}", remedy=remedy
        )
    text = "; ".join(part for part in (step.text, f"indices that get this version: {len(indices)}") if part)
    request, body = step.request or f"POST {paths[0]}", step.body or msgspec.json.encode({"policy_id": wanted.name})
    return msgspec.structs.replace(step, outcome="updated", text=text, request=request, body=body)


async def _there(connection: Connection, wanted: Wanted) -> _There:
    """The object as it was put, if it is there.

    Raises:
        ShippingError: the server does not tell.
    """
    answer = await connection.request("GET", wanted.path)
    if answer.status == 404:
        return _There(None, "?create=true" if "_template/" in wanted.path else "")  # a lifecycle's interface has none
    if answer.status != 200:
        raise _refused(connection, answer)
    try:
        told = msgspec.json.decode(answer.body)
        query = f"?if_seq_no={told['_seq_no']}&if_primary_term={told['_primary_term']}" if "_seq_no" in told else ""
        return _There(wanted.opened(told), query, told.get("_seq_no"))
    except (*UNREADABLE, LookupError, TypeError):
        raise connection.refusal(answer) from None


def _refused(connection: Connection, answer: Answer) -> ShippingError:
    """The error of a refusal, with the innermost of the server's reasons."""
    if answer.status in (401, 403, 429) or answer.status >= 500:
        return connection.refusal(answer)
    return Unavailable(f"{connection.name} rejected it ({answer.status}: {_reasons(answer)})")


def _reasons(answer: Answer) -> str:
    """The outermost and the innermost reason: what stands between repeats them."""
    try:
        error = msgspec.json.decode(answer.body)["error"]
    except (*UNREADABLE, LookupError, TypeError):
        return answer.body[:_WORDS].decode(errors="replace") or "no reason given"
    reasons = []
    while isinstance(error, dict):
        reasons.append(str(error.get("reason") or error.get("type")))
        error = error.get("caused_by")
    told = dict.fromkeys([reasons[0], reasons[-1]]) if reasons else {str(error): None}
    return _shortened(" ".join(": ".join(told).split()))


def _shortened(words: str) -> str:
    """Cut in the middle: a server names all patterns of a template before it says what is wrong with them."""
    return words if len(words) <= _WORDS else f"{words[: _WORDS // 2]} … {words[-_WORDS // 2 :]}"


def _remedy(error: ShippingError) -> str:
    return _GRANT if error.remedy == "grant the privilege" else error.remedy
