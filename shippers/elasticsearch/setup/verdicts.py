"""An object that is to be there, beside what is there → what is to be done about it, and why.

An object is ours to replace while the hash in its mark is that of what it says; then a newer body, or another
retention, takes its place. Without a mark, or changed since, it is somebody's, and is kept.
"""

from typing import Any, NamedTuple

from collector.ports import Outcome

from ..connection import Connection
from ..marks import fingerprint, split
from ..templates import VERSION
from .objects import Wanted
from .others import Met, covers, legacy_met, shown, templates_met
from .policies import policies_met

_OVERWRITE = "--overwrite replaces it"


class Verdict(NamedTuple):
    """What is to be done with an object."""

    outcome: Outcome
    text: str = ""
    remedy: str = ""

    @property
    def is_change(self) -> bool:
        """Whether the object is to be sent."""
        return self.outcome in ("created", "updated")


async def judge(connection: Connection, wanted: Wanted, body: dict[str, Any] | None, *, overwrite: bool) -> Verdict:
    """What is to be done about an object, of which `body` is there.

    Raises:
        ShippingError: the server does not tell what others have.
    """
    verdict = _alone(wanted, body, overwrite=overwrite)
    if not (verdict.is_change and wanted.rank):
        return verdict
    return await _beside_others(connection, wanted, body or {}, verdict=verdict, overwrite=overwrite)


def _alone(wanted: Wanted, body: dict[str, Any] | None, *, overwrite: bool) -> Verdict:
    """The verdict without a look at others."""
    if body is None:
        return Verdict("created")
    if wanted.mark is None:
        return Verdict("unchanged", "yours: never changed by setup")
    ours = split(wanted.body, wanted.mark)[1]
    there, theirs = split(body, wanted.mark)
    if fingerprint(theirs) == fingerprint(ours):
        return Verdict("unchanged")
    if overwrite:
        return Verdict("updated", "overwritten")
    if there is None:
        return Verdict("kept", "it has no mark of Pilotfish, so somebody else may have made it", _OVERWRITE)
    if there.hash != fingerprint(theirs):
        return Verdict("kept", "changed by somebody else", _OVERWRITE)
    if there.version > VERSION:
        return Verdict("kept", f"of a newer Pilotfish (version {there.version})", f"upgrade; {_OVERWRITE}")
    return Verdict("updated", f"from version {there.version}" if there.version < VERSION else "other options")


async def _beside_others(
    connection: Connection, wanted: Wanted, body: dict[str, Any], *, verdict: Verdict, overwrite: bool
) -> Verdict:
    """The verdict on a template or policy with patterns, which may meet those of others.

    Raises:
        ShippingError: the server does not tell.
    """
    met = await _others_met(connection, wanted, body)
    if met.ousted and not overwrite:
        harm, rank = ("override", "an order") if wanted.rank == "order" else ("disable", "a priority")
        return Verdict(
            "failed",
            f"it would {harm} {shown(met.ousted)} where both match",
            f"narrow it (--target), or give the other one {rank} over {wanted.scope(wanted.body)[1]}; "
            "--overwrite replaces them",
        )
    told = [verdict.text] if verdict.text else []
    told += [f"in place of {shown(met.ousted)}"] if met.ousted else []
    told += [f"{shown(met.prior)} has priority where both match"] if met.prior else []
    lost = _lost(wanted, body)
    told += [f"no longer for {shown(lost)}"] if lost else []
    return verdict._replace(text="; ".join(told), remedy="name all targets in one command" if lost else "")


def _lost(wanted: Wanted, body: dict[str, Any]) -> list[str]:
    """The patterns of `body`, which is there, that the template or policy in its place is not for."""
    (before, _), (now, _) = wanted.scope(body), wanted.scope(wanted.body)
    return [each for each in before if not any(covers(one, each) for one in now)]


async def _others_met(connection: Connection, wanted: Wanted, body: dict[str, Any]) -> Met:
    """What the template meets beyond what `body`, which is there, meets in the same rank already.

    Raises:
        ShippingError: the server does not tell.
    """
    (there, before), (all_patterns, precedence) = wanted.scope(body), wanted.scope(wanted.body)
    patterns = [each for each in all_patterns if each not in there or before < precedence]
    if not patterns:
        return Met([], [])
    if wanted.rank == "order":
        return await legacy_met(connection, patterns, order=precedence)
    if wanted.rank == "ism_template":
        return await policies_met(connection, patterns, priority=precedence)
    return await templates_met(connection, patterns, name=wanted.name, priority=precedence)
