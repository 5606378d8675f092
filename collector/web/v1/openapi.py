"""The table of routes, with what each takes and answers → the OpenAPI 3.1 document of version 1."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.json import schema_components

from collector.web import answers
from collector.web.routes import ROUTES

_REFERENCE = "#/components/schemas/{name}"
_RANGE = ("q", "target", "since", "until")
_ARGUMENTS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "q": ("query; empty: all documents", {"type": "string", "maxLength": 4096}),
    "target": ("target of the documents", {"type": "string"}),
    "since": ("first time: ISO 8601, or a duration before now such as 15m", {"type": "string"}),
    "until": ("time before which the documents are, as since", {"type": "string"}),
    "limit": ("maximum number", {"type": "integer", "minimum": 0, "maximum": 10_000}),
    "sort": ("order by time", {"type": "string", "enum": ["newest", "oldest"], "default": "newest"}),
    "after": ("cursor of an answer: give what follows", {"type": "string"}),
    "before": ("cursor of an answer: give what precedes", {"type": "string"}),
    "buckets": ("maximum number of slices", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 60}),
    "by": ("member whose eight most frequent values are counted apart", {"type": "string"}),
    "facet": ("member whose values are counted", {"type": "array", "items": {"type": "string"}, "maxItems": 10}),
    "values": ("values of each member", {"type": "integer", "minimum": 0, "maximum": 100, "default": 10}),
    "id": ("`_id` of a document", {"type": "string"}),
    "of": ("whose documents", {"type": "string", "enum": ["container", "all"], "default": "container"}),
    "name": ("name of a container, a part of it, or a glob", {"type": "array", "items": {"type": "string"}}),
    "level": ("level, in any case", {"type": "array", "items": {"type": "string"}}),
    "text": ("text that stands in the document", {"type": "string"}),
    "format": ("form of the file", {"type": "string", "enum": ["text", "ndjson", "csv"], "default": "text"}),
    "output": ("name of an output", {"type": "string"}),
    "reason": ("reason of the refusal", {"type": "string"}),
    "order": ("which of them", {"type": "string", "enum": ["oldest"]}),
    "replayable": ("only of outputs that there are", {"type": "string", "enum": ["1"]}),
}
_CONTEXT = {name: (f"documents {name} it", {"type": "integer", "maximum": 1000}) for name in ("before", "after")}


class Described(NamedTuple):
    """A route: what it is for, its arguments, and its answer: a shape, or the type of what is no JSON object."""

    text: str
    arguments: tuple[str, ...]
    answer: type[Struct] | str


DESCRIBED: Mapping[str, Described] = {
    "v1/search": Described(
        "Documents that match", (*_RANGE, "limit", "sort", "after", "before"), answers.SearchAnswer
    ),
    "v1/histogram": Described("Documents by time", (*_RANGE, "buckets", "by"), answers.HistogramAnswer),
    "v1/facets": Described("The values of members", (*_RANGE, "facet", "values"), answers.FacetsAnswer),
    "v1/patterns": Described("Messages without what differs", (*_RANGE, "limit"), answers.PatternsAnswer),
    "v1/context": Described("Documents around one", ("id", "before", "after", "of"), answers.ContextAnswer),
    "v1/tail": Described(
        "Documents as they are read: events `documents` and `skipped`",
        ("name", "target", "level", "text"),
        "text/event-stream",
    ),
    "v1/export": Described("Documents as a file, oldest first", (*_RANGE, "format"), "application/octet-stream"),
    "v1/export_size": Described("How large that file is, about", (*_RANGE, "format"), answers.SizeAnswer),
    "v1/containers": Described("The containers", (), answers.ContainersAnswer),
    "v1/outputs": Described("The books of the outputs", (), answers.OutputsAnswer),
    "v1/explain": Described("What becomes of the lines of containers, and why", ("name",), "application/json"),
    "v1/whoami": Described("What the token of the request lets do", (), answers.WhoAmI),
    "v1/dead_letters": Described(
        "Documents that an output refused", ("output", "reason", "target", "limit", "order", "replayable"),
        "application/x-ndjson",
    ),
    "v1/replay": Described("Send them once more", ("output", "reason", "target", "limit"), "application/x-ndjson"),
    "v1/openapi": Described("This description", (), "application/json"),
}  # fmt: skip


@lru_cache(1)
def document() -> dict[str, Any]:
    """The description; a route without one is an error of the table, which a test finds."""
    shapes = [one.answer for one in DESCRIBED.values() if not isinstance(one.answer, str)]
    _, components = schema_components([*shapes, answers.Failure], ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for name, one in DESCRIBED.items():
        route = ROUTES[name]
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(name, one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pilotfish", "version": version("pilotfish"), "summary": "Logs of containers"},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(name: str, one: Described) -> dict[str, Any]:
    kind, schema = ("application/json", _reference(one.answer)) if not isinstance(one.answer, str) else (one.answer, {})
    failure = {
        "description": "cause and remedy",
        "content": {"application/json": {"schema": _reference(answers.Failure)}},
    }
    return {
        "operationId": name.removeprefix("v1/"),
        "summary": one.text,
        "description": f"Role: {ROUTES[name].role}",
        "parameters": [_parameter(name, each) for each in one.arguments],
        "responses": {"200": {"description": one.text, "content": {kind: {"schema": schema}}}, "default": failure},
    }


def _parameter(route: str, name: str) -> dict[str, Any]:
    text, schema = _CONTEXT[name] if route == "v1/context" and name in _CONTEXT else _ARGUMENTS[name]
    return {"name": name, "in": "query", "description": text, "required": name == "id", "schema": schema}


def _reference(shape: type[Struct]) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(name=shape.__name__)}
