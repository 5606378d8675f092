"""An object that we install → the same with a mark in it, by which a later `setup` knows whether it is still ours.

The mark holds a hash of the object without it. A server gives objects back in its own words: settings nested and
as text, members added that say what holds anyway. So the hash is taken of the plain leaves, in an order, without those.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from hashlib import sha256
from typing import Any, NamedTuple

_HASH_LETTERS = 16
_TEXT = re.compile(r" \(managed_by pilotfish, version (?P<version>\d+), hash (?P<hash>[0-9a-f]+)\)$")

# Members that servers add; None: whatever they say.
_ADDED: dict[str, Any] = {
    "aliases": {},
    "allow_custom_routing": False,  # of a data stream
    "composed_of": [],  # of a composable template
    "copy_alias": False,  # of a rollover, OpenSearch
    "created_date": None,  # Elasticsearch 9
    "created_date_millis": None,
    "delete_searchable_snapshot": True,
    "hidden": False,
    "last_updated_time": None,
    "modified_date": None,
    "modified_date_millis": None,
    "policy_id": None,
    "retry": {"count": 3, "backoff": "exponential", "delay": "1m"},
    "schema_version": None,
    "timestamp_field": {"name": "@timestamp"},
    "user": None,  # of a policy, OpenSearch
}


class Mark(NamedTuple):
    """Where an object bears its mark: the path to it; `in_text`: at the end of the text there."""

    path: tuple[str, ...]
    in_text: bool = False


class Borne(NamedTuple):
    """What a mark says."""

    version: int
    hash: str


def marked(body: dict[str, Any], mark: Mark, version: int) -> dict[str, Any]:
    """`body` with the mark of its present content."""
    told = Borne(version, fingerprint(body))
    place: dict[str, Any] = body
    for key in mark.path[:-1]:
        place = place.setdefault(key, {})
    last = mark.path[-1]
    if mark.in_text:
        place[last] += f" (managed_by pilotfish, version {told.version}, hash {told.hash})"
    else:
        place[last] = {"managed_by": "pilotfish", **told._asdict()}
    return body


def split(body: dict[str, Any], mark: Mark) -> tuple[Borne | None, dict[str, Any]]:
    """What the mark of `body` says, None if it bears none, and the body without it."""
    rest = deepcopy(body)
    places: list[dict[str, Any]] = [rest]
    for key in mark.path[:-1]:
        inner = places[-1].get(key)
        if not isinstance(inner, dict):
            return None, rest
        places.append(inner)
    borne = _borne(places[-1], mark)
    if borne:
        for above, key in zip(reversed(places[:-1]), reversed(mark.path[:-1]), strict=True):
            if not above[key]:  # it was there for the mark alone
                del above[key]
    return borne, rest


def fingerprint(body: object) -> str:
    """A hash of what an object says, however a server puts it."""
    return sha256("\n".join(sorted(_leaves(_bare(body), ""))).encode()).hexdigest()[:_HASH_LETTERS]


def _borne(place: dict[str, Any], mark: Mark) -> Borne | None:
    """Take the mark out of where it stands."""
    last = mark.path[-1]
    if mark.in_text:
        text = str(place.get(last, ""))
        if not (match := _TEXT.search(text)):
            return None
        place[last] = text[: match.start()]
        return Borne(int(match["version"]), match["hash"])
    told = place.get(last)
    if not isinstance(told, dict) or told.get("managed_by") != "pilotfish":
        return None
    del place[last]
    try:
        return Borne(int(told.get("version", 0)), str(told.get("hash")))
    except (TypeError, ValueError):
        return Borne(0, "")


def _bare(value: object) -> object:
    """Without what servers add; mappings are kept whole, since a field may be called like any of it."""
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if not _is_added(key, inner)}
        return {key: inner if key == "mappings" else _bare(inner) for key, inner in kept.items()}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _is_added(key: str, value: object) -> bool:
    return value is None or (key in _ADDED and (_ADDED[key] is None or _ADDED[key] == value))


def _leaves(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}")
    elif isinstance(value, list) and value:
        texts = all(isinstance(inner, str) for inner in value)
        for number, inner in enumerate(sorted(value) if texts else value):
            yield from _leaves(inner, f"{path}.{number}")
    else:
        yield f"{path}={str(value).lower() if isinstance(value, bool) else value}"
