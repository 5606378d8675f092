"""Saved objects of Kibana → what they refer to, which fields they name, and what they ask of a search server.

Two forms are read: that of Kibana 8.8 and later (references beside the attributes) and that of 6.x (the ids inside the
attributes), which 7.x and OpenSearch Dashboards bring up to date while they import it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from collector.docker.event import Event
from collector.documents.forms import KEPT
from collector.transform.docker_event import log_of
from shippers.elasticsearch.templates import template_text

DIRECTORY = Path(__file__).parents[2] / "dashboards" / "kibana"
NEW, OLD = "kibana-8.ndjson", "kibana-6.ndjson"
DATA_VIEW = "index-pattern"
NO_VALUE = "(no value)"

_WEB = {"container_id": "c0ffee", "name": "web", "image": "shop/web:1", "time": 1}
_UNHEALTHY = Event(**_WEB, action="health_status", health="unhealthy")  # type: ignore[arg-type]
_END = Event(**_WEB, action="die", exit_code=1)  # type: ignore[arg-type]
EVENT_FIELDS: Mapping[str, object] = {**log_of(_UNHEALTHY, ""), **log_of(_END, "error")}

_EMBEDDED = re.compile(r"JSON$|^visState$")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_QUERIED = re.compile(r"([@\w.]+)\s*(?::|[<>]=?)")
_SIMPLE_KQL = re.compile(r'(?P<field>[@\w.]+):(?:"(?P<phrase>[^"\\]+)"|\((?P<words>\w+(?: OR \w+)*)\))')
_FIELD_KEYS = ("field", "sourceField", "fieldName", "timeFieldName")
_RECORDS = "___records___"  # what Lens counts when it counts documents
_DYNAMIC = {str: "string", bool: "boolean", int: "long", float: "double"}


class Bucket(NamedTuple):
    """One aggregation that divides; `missing`: documents without the field are shown too."""

    kind: str
    field: str
    missing: bool = False


class Question(NamedTuple):
    """What an object asks: documents that meet `query`, divided by `buckets` or shown with `columns`."""

    title: str
    query: str = ""
    buckets: tuple[Bucket, ...] = ()
    columns: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    language: str = "lucene"


class SavedObject(NamedTuple):
    """One line; JSON that stands in its attributes as text is decoded. `references` are (type, id) by name."""

    type: str
    id: str
    attributes: Mapping[str, Any]
    references: Mapping[str, tuple[str, str]]
    versions: Mapping[str, str]


def load(name: str) -> list[SavedObject]:
    """The objects of one file.

    Raises:
        ValueError: a line, or what is embedded in it, is not JSON.
        KeyError: a line lacks what each must have.
    """
    return [parse(line) for line in (DIRECTORY / name).read_text().splitlines()]


def parse(line: str) -> SavedObject:
    """The object of one line; raises as `load`."""
    found = json.loads(line)
    known = ("type", "id", "attributes", "references")
    kind, name, attributes, references = (found.pop(key) for key in known)
    named = {one["name"]: (one["type"], one["id"]) for one in references}
    if len(named) != len(references):
        raise ValueError(f"{name}: two references of one name")
    return SavedObject(kind, name, _decoded(attributes), named, found)


def _decoded(value: Any, key: str = "") -> Any:
    if isinstance(value, str) and _EMBEDDED.search(key):
        return _decoded(json.loads(value))
    if isinstance(value, dict):
        return {name: _decoded(one, name) for name, one in value.items()}
    return [_decoded(one) for one in value] if isinstance(value, list) else value


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in `value`."""
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from _nodes(one)


# ------------------------------------------------------------------ references


def reference_names(one: SavedObject) -> set[str]:
    """The names under which the attributes expect a reference."""
    names = set()
    for node in _nodes(one.attributes):
        panel = f"{node['panelIndex']}:" if "panelIndex" in node else ""
        names |= {panel + value for key, value in node.items() if key.endswith("RefName")}
        if node.get("type") == "optionsListControl":
            names.add(f"controlGroup_{node['explicitInput']['id']}:optionsListDataView")
        for source in (node.get("datasourceStates") or {}).values():
            names |= {f"indexpattern-datasource-layer-{layer}" for layer in source["layers"]}
    return names


def referred(one: SavedObject) -> set[tuple[str, str]]:
    """(type, id) of every object that this one needs, in either form."""
    found = set(one.references.values())
    for node in _nodes(one.attributes):
        found |= {(DATA_VIEW, node[key]) for key in ("index", "indexPattern") if key in node}
        if "gridData" in node and "id" in node:
            found.add((node["type"], node["id"]))
    return found


def panels(one: SavedObject) -> list[dict[str, Any]]:
    """The panels of a dashboard."""
    return [node for node in _nodes(one.attributes) if "gridData" in node]


# ------------------------------------------------------------------ fields


def queried(query: str) -> set[str]:
    """The fields that a query names, be it KQL or Lucene."""
    return set(_QUERIED.findall(_QUOTED.sub('""', query)))


def fields(one: SavedObject) -> set[str]:
    """Every field of documents that an object names."""
    found: set[str] = set()
    for node in _nodes(one.attributes):
        found |= {node[key] for key in _FIELD_KEYS if key in node} - {_RECORDS}
        if "language" in node:
            found |= queried(node["query"])
    for question in questions(one):
        found |= {*question.columns, *question.sort}
    return found


# ------------------------------------------------------------------ questions


def questions(one: SavedObject) -> list[Question]:
    """What an object asks of the server; none for a data view.

    Raises:
        ValueError: it is of a kind that is not known here.
    """
    title = one.attributes["title"]
    if one.type == "search":
        sort = [name for name, _ in _pairs(one.attributes["sort"])]
        query = one.attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]["query"]
        return [Question(title, columns=tuple(one.attributes["columns"]), sort=tuple(sort), **query)]
    if one.type == "lens":
        state = one.attributes["state"]
        layers = state["datasourceStates"]["formBased"]["layers"].values()
        return [Question(title, buckets=tuple(_lens_buckets(layer)), **state["query"]) for layer in layers]
    if one.type == "visualization":
        query = one.attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]["query"]
        divided = tuple(_classic_buckets(one.attributes["visState"]["aggs"]))
        return [Question(title, buckets=divided, **query)] if divided else _controls(one)
    if one.type in (DATA_VIEW, "dashboard"):
        return _controls(one)
    raise ValueError(f"{one.id}: nobody knows what a {one.type} asks")


def _pairs(sort: list[Any]) -> list[list[str]]:
    """`[[field, direction], …]`, also of the older `[field, direction]`."""
    return [sort] if sort and isinstance(sort[0], str) else sort


def _lens_buckets(layer: Mapping[str, Any]) -> Iterator[Bucket]:
    for name in layer["columnOrder"]:
        column = layer["columns"][name]
        if column["isBucketed"]:
            missing = column["params"].get("missingBucket", False)
            yield Bucket(column["operationType"], column["sourceField"], missing)


def _classic_buckets(aggs: Iterable[Mapping[str, Any]]) -> Iterator[Bucket]:
    for agg in aggs:
        if agg["schema"] != "metric":
            yield Bucket(agg["type"], agg["params"]["field"], agg["params"].get("missingBucket", False))


def _controls(one: SavedObject) -> list[Question]:
    named = [node["fieldName"] for node in _nodes(one.attributes) if "fieldName" in node]
    return [Question(f"control {name}", "", (Bucket("terms", name),)) for name in named]


def body(question: Question, *, interval: str = "fixed_interval") -> dict[str, Any]:
    """The search request that stands for `question`; `interval` is how the server calls that of a histogram."""
    asked: dict[str, Any] = {"size": 0 if question.buckets else 100}
    if question.query:
        asked["query"] = {"kuery": _kql, "lucene": _lucene}[question.language](question.query)
    if question.sort:
        asked["sort"] = [{name: "desc"} for name in question.sort]
    inner = asked
    for bucket in question.buckets:
        options: dict[str, object] = {interval: "1h", "min_doc_count": 1} if bucket.kind == "date_histogram" else {}
        options |= {"missing": NO_VALUE} if bucket.missing else {}
        inner["aggs"] = {"divided": {bucket.kind: {"field": bucket.field, **options}}}
        inner = inner["aggs"]["divided"]
    return asked


def _lucene(query: str) -> dict[str, Any]:
    return {"query_string": {"query": query}}


def _kql(query: str) -> dict[str, Any]:
    """As Kibana translates `field:"phrase"` and `field:(one OR other)`, unlike Lucene's words: a `match` may fail."""
    simple = _SIMPLE_KQL.fullmatch(query)
    if simple is None:
        raise ValueError(f"this KQL is not understood here: {query}")
    if simple["phrase"]:
        return {"bool": {"should": [{"match_phrase": {simple["field"]: simple["phrase"]}}]}}
    return {"bool": {"should": [{"match": {simple["field"]: word}} for word in simple["words"].split(" OR ")]}}


# ------------------------------------------------------------------ mapping


def mapping(documents: Iterable[object]) -> dict[str, str]:
    """The type of each field and sub-field of `documents`, as our index template maps it."""
    named = json.loads(template_text(KEPT))["mappings"]["dynamic_templates"]
    templates = [template for one in named for template in one.values()]
    types: dict[str, str] = {}
    for path, value in (leaf for document in documents for leaf in leaves(document)):
        plain: dict[str, Any] = {"type": _plain(path, value)}
        chosen = next((one["mapping"] for one in templates if _meets(one, path, value)), plain)
        types[path] = chosen["type"]
        types |= {f"{path}.{name}": inner["type"] for name, inner in chosen.get("fields", {}).items()}
    return types


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Each field of a document by its dotted name."""
    if not isinstance(value, dict):
        yield path, value
        return
    for name, inner in value.items():
        yield from leaves(inner, f"{path}.{name}" if path else name)


def _meets(template: Mapping[str, Any], path: str, value: object) -> bool:
    if template["match_mapping_type"] not in ("*", _DYNAMIC[type(value)]):
        return False
    if template.get("match_pattern") == "regex":
        return re.fullmatch(template["path_match"], path) is not None
    return fnmatchcase(path, template["path_match"])


def _plain(path: str, value: object) -> str:
    """Without a template: only a time is told from other text."""
    return "date" if path == "@timestamp" else _DYNAMIC[type(value)].replace("string", "text")
