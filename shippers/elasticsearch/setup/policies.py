"""The lifecycle policies that are there → whom ours would outrank, who follows an older one or none, what goes on.

A policy of ISM is chosen for an index as a template is: by its patterns and the highest priority. The index then keeps
a copy of it, and another version has to be given to each by name. ILM reads its policy anew at each look.
Forms: docs.opensearch.org, "ISM API"; elastic.co/docs, "Get lifecycle policies".
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from collector.errors import UNREADABLE, ShippingError
from collector.ports import SetupStep

from ..cluster import Server
from ..connection import Connection
from .lifecycle import policy_path
from .objects import Requested
from .others import Met, indices_met, is_met, is_ours, joined, shown, told

_MOST = 10_000  # policies or indices in one answer: the window that a search has
_POLICIES = (
    f"/_plugins/_ism/policies?size={_MOST}"
    "&filter_path=policies._id,policies.policy.ism_template.index_patterns,policies.policy.ism_template.priority"
)
_FOLLOWERS = f"/_plugins/_ism/explain?size={_MOST}&filter_path=*.policy_id,*.policy_seq_no"
_PATH_BYTES = 3000  # of the 4096 that a server takes for a request's first line


async def policies_met(connection: Connection, patterns: list[str], *, priority: int) -> Met:
    """Others' policies of ISM that are for indices of `patterns`, which ours of this priority is for as well.

    Raises:
        ShippingError: the server does not tell.
    """
    met = Met([], [])
    for each in (await told(connection, _POLICIES, missing={})).get("policies") or []:
        name, templates = str(each.get("_id")), (each.get("policy") or {}).get("ism_template") or []
        for template in [templates] if isinstance(templates, dict) else templates:
            theirs = int(template.get("priority") or 0)
            if not is_ours(name) and is_met(template, patterns):
                (met.prior if theirs > priority else met.ousted).append(f"policy {name} (priority {theirs})")
    return met


async def followers(connection: Connection, policy: str, *, sequence: int | None) -> list[str]:
    """Indices under the policy of ISM of this name; with a `sequence` those that follow another version of it.

    Raises:
        ShippingError: the server does not tell.
    """
    found = await told(connection, _FOLLOWERS, missing={})
    under = {name: each for name, each in found.items() if isinstance(each, dict) and each.get("policy_id") == policy}
    return sorted(
        name
        for name, each in under.items()
        if sequence is None or each.get("policy_seq_no", sequence) not in (sequence, None)
    )


def changes(indices: list[str]) -> Iterator[str]:
    """The paths of the requests by which these indices get another policy or version of it."""
    names: list[str] = []
    for index in indices:
        if names and sum(map(len, names)) + len(names) + len(index) > _PATH_BYTES:
            yield _change(names)
            names = []
        names.append(quote(index))
    if names:
        yield _change(names)


async def change(connection: Connection, path: str, policy: str) -> list[str]:
    """Send one of `changes`; the indices that did not take it, with the reason.

    Raises:
        ShippingError: the server refuses it.
    """
    answer = await connection.request("POST", path, msgspec.json.encode({"policy_id": policy}))
    try:
        body = msgspec.json.decode(answer.body, type=dict[str, Any])
    except UNREADABLE:
        raise connection.refusal(answer) from None
    if answer.status != 200:
        raise connection.refusal(answer)
    return [f"{each.get('index_name')}: {each.get('reason')}" for each in body.get("failed_indices") or []]


async def without_policy(connection: Connection, wishes: Requested, server: Server) -> SetupStep | None:
    """What is to be told of our indices that are there already and have no policy: ours is for those made from now on.

    They are not given it: what is older than the retention would be deleted at once.
    """
    subject, ism = "indices without a policy", server.opensearch
    try:
        ours, _ = await indices_met(connection, wishes)
        governed = await _governed(connection, wishes, ism=ism)
    except ShippingError as error:
        return SetupStep(subject, outcome="skipped", text=error.cause, remedy=error.remedy)
    names = [name for name in ours if name not in governed]
    if not names:
        return None
    if ism:
        request = f'POST /_plugins/_ism/add/INDEX {{"policy_id": "{wishes.name}"}}'
    else:
        request = f'PUT /INDEX/_settings {{"index.lifecycle.name": "{wishes.name}"}}'
    warning = " (this deletes those that are old enough at once)" if wishes.retention else ""
    return SetupStep(
        subject,
        outcome="kept",
        text=f"{len(names)} created before it: {shown(names)}",
        remedy=f"to give it to them: {request}{warning}",
    )


async def left_behind(connection: Connection, wishes: Requested, server: Server) -> SetupStep | None:
    """What is to be told of our policy of an earlier setup, which goes on deleting though none is asked for now.

    Raises:
        ShippingError: no answer came.
    """
    name, ism = wishes.name, server.opensearch
    path = policy_path(name, server)
    answer = await connection.request("GET", path)
    try:
        body = msgspec.json.decode(answer.body)
        age = _ism_age(body["policy"]) if ism else body[name]["policy"]["phases"]["delete"]["min_age"]
    except (*UNREADABLE, LookupError, TypeError, AttributeError):
        return None  # none is there, it deletes nothing, or the server has no such thing
    text = f"it goes on deleting indices of an age of {age}"
    ending = f"DELETE {path}, then POST /_plugins/_ism/remove/INDEX" if ism else "POST /INDEX/_ilm/remove"
    return SetupStep(
        subject=f"lifecycle policy {name}",
        outcome="kept",
        text=text if ism else f"{text} that have it; new ones do not get it",
        remedy=f"to stop this: {ending} for indices that have it; --retention sets another",
    )


async def _governed(connection: Connection, wishes: Requested, *, ism: bool) -> set[str]:
    """Names of the indices that have a policy, whosever it is."""
    if ism:
        found = await told(connection, _FOLLOWERS, missing={})
        return {name for name, each in found.items() if isinstance(each, dict) and each.get("policy_id")}
    target = f"/{joined(wishes.patterns)}/_settings/index.lifecycle.name?ignore_unavailable=true&flat_settings=true"
    return set(await told(connection, target, missing={}))


def _ism_age(policy: dict[str, Any]) -> str:
    """The age at which an index goes on to the state that deletes it."""
    deleting = {state["name"] for state in policy["states"] if any("delete" in each for each in state["actions"])}
    conditions = [
        each["conditions"]
        for state in policy["states"]
        for each in state["transitions"]
        if each["state_name"] in deleting
    ]
    return str(next(iter(conditions[0].values())))


def _change(names: list[str]) -> str:
    return f"/_plugins/_ism/change_policy/{','.join(names)}"
