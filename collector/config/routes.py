"""Route URIs of logspout's, or its files of routes → `Wanted` routes; nothing is opened here.

A list is divided at its commas, and `$NAME` is expanded behind that: a comma of a value is `%2C`. What is wrong with a
URI is told without the URI, which may hold a secret.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from collector.errors import UNREADABLE, ConfigurationError
from collector.files import paths
from collector.ports import Route

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_MULTILINE = "multiline"
_RAW = {"tcp", "udp", "tls"}  # `tcp://` is `raw+tcp://`
_FILTER = "filter."
_FILTERS = ("id", "name", "labels", "sources")
_USUAL = "write it as syslog+tls://logs.example:6514"


class Filters(NamedTuple):
    """Which lines a route gets: of containers whose id begins with `id`, and so on; empty ones let all through.

    `labels` are those that a container needs, all of them, with patterns for their values.
    """

    id: str = ""
    name: str = ""
    labels: Mapping[str, str] = {}
    sources: tuple[str, ...] = ()


class Wanted(NamedTuple):
    """A route as somebody said it: `said_in` is the variable or file, `number` counts from 1 there."""

    route: Route
    filters: Filters
    is_multiline: bool
    said_in: str
    number: int = 1

    @property
    def place(self) -> str:
        """Where it stands, for errors."""
        return f"{self.said_in}: route {self.number}"

    @property
    def name(self) -> str:
        """The name of an output for it: of its adapter and its address, so that it stays when others come or go."""
        port = f"_{self.route.port}" if self.route.port else ""
        words = re.sub(r"[^a-z0-9]+", "_", f"{self.route.adapter}_{self.route.host}{port}".lower()).strip("_")
        return words[:90] if words[:1].isalpha() else f"route_{words}"[:90]


def parse(text: str, said_in: str, variables: Mapping[str, str]) -> list[Wanted]:
    """The routes of a list.

    Raises:
        ConfigurationError: one of them is none.
    """
    parts = [part for part in (one.strip() for one in text.split(",")) if part]
    return [_of_uri(part, Place(said_in, number), variables) for number, part in enumerate(parts, 1)]


def of_directory(directory: Path, variables: Mapping[str, str]) -> list[Wanted]:
    """The routes that logspout keeps in a directory, one JSON object in each `<id>.json`.

    Raises:
        ConfigurationError: a file cannot be read, or is none of a route.
    """
    try:
        files = sorted(directory.glob("*.json"))
        texts = [(path, paths.content(path)) for path in files]
    except OSError as error:
        raise ConfigurationError(f"ROUTESPATH: {directory} cannot be read ({error.strerror})", "check it") from None
    return [of_json(text, Place(str(path), 1), variables) for path, text in texts]


class Place(NamedTuple):
    """Where a route stands."""

    said_in: str
    number: int

    def wrong(self, cause: str, remedy: str = _USUAL) -> ConfigurationError:
        """An error about the route there."""
        return ConfigurationError(f"{self.said_in}: route {self.number} {cause}", remedy)


def of_json(text: bytes, place: Place, variables: Mapping[str, str]) -> Wanted:
    """A route as JSON: `adapter`, `address`, `filter_id`, `filter_name`, `filter_labels`, `filter_sources`, `options`.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        said = json.loads(text)
    except UNREADABLE:
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("adapter"), str) or not said["adapter"]:
        raise place.wrong("is not a JSON object with `adapter` and `address`", 'write {"adapter": "syslog+tls", …}')
    options = {} if said.get("options") is None else said["options"]
    if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
        raise place.wrong("has `options` that are not texts by name", "correct them")
    filters = Filters(
        _text(said, "filter_id", place),
        _text(said, "filter_name", place),
        _labels(_texts(said, "filter_labels", place), place),
        _texts(said, "filter_sources", place),
    )
    return _wanted(said["adapter"], _text(said, "address", place), options, filters, place, variables)


def _text(said: Mapping[str, Any], name: str, place: Place) -> str:
    if isinstance(value := said.get(name) or "", str):
        return value
    raise place.wrong(f"has `{name}`, which is not a text", "correct it")


def _texts(said: Mapping[str, Any], name: str, place: Place) -> tuple[str, ...]:
    values = said.get(name) or []
    if isinstance(values, list) and all(isinstance(value, str) for value in values):
        return tuple(values)
    raise place.wrong(f"has `{name}`, which is not a list of texts", "correct it")


def _labels(texts: Iterable[str], place: Place) -> dict[str, str]:
    """What `key:glob` say; with nothing behind the colon any value fits."""
    found: dict[str, str] = {}
    for text in texts:
        name, colon, glob = text.partition(":")
        if not name or not colon:
            raise place.wrong(f"has the label {text!r} without a value", f"write {name or 'name'}:* for any value")
        if name in found:
            raise place.wrong(f"has the label {name!r} twice", "write one pattern for its value")
        found[name] = glob or "*"
    return found


def _of_uri(text: str, place: Place, variables: Mapping[str, str]) -> Wanted:
    adapter, colon, rest = _expanded(text, variables).partition("://")
    if not colon:
        raise place.wrong("is not a URI")
    address, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    found = {name: options.pop(f"{_FILTER}{name}", "") for name in _FILTERS}
    if strange := sorted(name for name in options if name.startswith(_FILTER)):
        raise place.wrong(
            f"has {strange[0]}, which is no filter", f"use {', '.join(_FILTER + one for one in _FILTERS)}"
        )
    labels = _labels(_listed(found["labels"]), place)
    filters = Filters(found["id"], found["name"], labels, tuple(_listed(found["sources"])))
    return _wanted(adapter, address, options, filters, place, variables)


def _listed(text: str) -> Iterator[str]:
    yield from (part for part in (one.strip() for one in text.split(",")) if part)


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """The text with the values of variables; one that is not set is empty."""
    return _VARIABLE.sub(lambda match: variables.get(match[1] or match[2], ""), text)


def _wanted(
    words: str,
    address: str,
    options: Mapping[str, str],
    filters: Filters,
    place: Place,
    variables: Mapping[str, str],
) -> Wanted:
    first, *more = words.lower().split("+")
    is_multiline = first == _MULTILINE and bool(more)
    if is_multiline:
        first, *more = more
    if first in _RAW and not more:
        first, more = "raw", [first]
    if len(more) > 1 or not first:
        raise place.wrong("has more than an adapter and a transport")
    if "@" in address:
        raise place.wrong("contains credentials", "configure an output with username and password_file in its place")
    try:
        parts = urlsplit(f"//{address}")
        host, port = unquote(parts.hostname or ""), parts.port or 0
    except ValueError:
        raise place.wrong("has an address that is not host:port") from None
    if not host:
        raise place.wrong("has no host; a variable in it may not be set")
    if wrong := [one for one in filters.sources if one not in ("stdout", "stderr")]:
        raise place.wrong(f"has the source {wrong[0]!r}", "use stdout, stderr, or both")
    route = Route(first, more[0] if more else "", host, port, parts.path, options, variables)
    return Wanted(route, filters, is_multiline, place.said_in, place.number)
