"""`mappings/<form>.json` → index templates: one body in three envelopes, and the names and patterns they have.

How `log` is mapped, and why (`docs/decisions/0013-templates-and-lifecycle.md`): a document that a mapping refuses is
sent once more as text, so nothing is lost; but text is worth less than fields, so as little as possible is refused.
- Text is `text` with a `.keyword`, `log.message` and `log.msg` are text alone, `log.level` is a lower-cased keyword;
  what looks like a date is text, a boolean is a keyword: then the next value of another kind fits as well. Numbers that
  do not fit are left unsearchable (`ignore_malformed`).
- What the text form of a document needs has its type and its place before any document: else the first `message` of a
  day, an object perhaps, or one line of 1,990 keys, would leave none for it, and what is refused became dead letters.
- `subobjects: false`, where the server flattens objects under it: `log.error` may be a word here and an object there,
  and no depth is too deep.
- 2,000 fields, and `ignore_dynamic_beyond_limit`: a field too many is kept and not searchable. The fields that every
  search needs are properties, or one document with 3,000 members as the first of the day would leave no room for them.
Not `flattened`: all would be keywords, without full text and ranges, and neither 6 nor OpenSearch has it.

`run` installs the plain template: a legacy one of order -1 wherever the server takes one. A composable one of the
lowest priority would put every legacy template of the operator out of force, and forbid any later composable one
without a priority whose pattern meets ours; a legacy one gives way to both, never touches data streams, and 6 to 9 and
OpenSearch have it. But from 8 on Elasticsearch refuses a new legacy one that meets any composable one, such as its own
`logs-*-*`: for the patterns that do, and for no others, the plain template is composable there. Legacy templates are
merged, and daily indices of others meet the patterns too: a property is merged into another's of that name, and breaks
it (`host` is an object in Beats, `log` text to others). So it holds dynamic templates; properties are `@timestamp` and
those that are ours alone, which a first document may lack or crowd out, each as a bare type, giving way to whatever
another template says of it. `log` is made with its properties when the first document brings it: a dynamic template
says so, and is void where somebody has mapped `log`. So is each object of another form of documents.

`setup` installs a composable template where there are any, since the operator asks for it and `setup.others` looks whom
it would put out of force. Elsewhere it installs a legacy one of order 10, with the same restraint, beside the plain
one: setup's may be for some targets only.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from string import ascii_lowercase, digits
from typing import Any
from zlib import crc32

import msgspec

from collector.documents.forms import KEPT, form_of

from .bulk import DEFAULT_INDEX, index_name
from .cluster import Server
from .marks import Mark, marked
from .profiles import USUAL, Profile, applied

_ANY_DAY = "2026-01-01"
VERSION = 6  # of what the mappings and the envelopes say; raised with each change of them
META = Mark(("_meta",))  # of what is composed
ORDER = 10  # of the legacy template of `setup`
PLAIN_ORDER = -1
PLAIN_PRIORITY = 0  # the lowest there is
_LEAST_PRIORITY = 120  # over 100, which Elastic's own `logs-*-*` has
_MOST_PRIORITY = 199  # below 200, which Elastic Agent's have
_MERGEABLE = (  # properties that fit whatever another template says of them; objects are made when a document has one
    "@timestamp",
    "delivery_error",
    "docker_app",
    "docker_attrs",
    "docker_container",
    "docker_service",
    "docker_task",
    "k8s_pod",
    "k8s_pod_namespace",
    "k8s_container_name",
)

ANOTHER_FORM = "set document: ecs or document: pilotfish"

_YEAR = re.compile(r"%[YG]")
_REST = re.compile(r"(?:%[mdjV]|\{target\})")
_FOREIGN = re.compile(r"[^a-z0-9._*-]")


def template_name(index: str) -> str:
    """The name of `setup`'s template for indices named by `index`."""
    return "pilotfish" if index == DEFAULT_INDEX else f"pilotfish-{crc32(index.encode()):08x}"


def plain_name(index: str) -> str:
    """The name of the plain template beside `setup`'s of the same kind, which may be for some targets only."""
    return f"{template_name(index)}-plain"


def plain_legacy_name(index: str, server: Server | None) -> str:
    """The name of the plain template where it is a legacy one; `setup`'s is one too where there are no others."""
    return template_name(index) if server is None or server.composes else plain_name(index)


def form_name(form: str, profile: Profile = USUAL) -> str:
    """What the names of components for documents in this form begin with."""
    words = ["pilotfish", *([] if form == KEPT else [form]), *([] if profile == USUAL else [profile])]
    return "-".join(words)


def unserved(form: str, server: Server | None) -> str:
    """Why the server can have no template for documents in this form, or ""."""
    if server is None or server.has_flattened or not form_of(form).flat:
        return ""
    return f"{server} has no type `flattened`, which `document: {form}` needs"


def plain(patterns: list[str], server: Server | None, form: str) -> dict[str, Any]:
    """The plain template for these patterns, as `server` (None: taken for a recent one) needs it."""
    return legacy(patterns, server, form, order=PLAIN_ORDER)


def plain_composable(patterns: list[str], server: Server | None, form: str) -> dict[str, Any]:
    """The plain template for these patterns as a composable one; it gives way to any other of those.

    The body is that of the legacy one: others' indices may get it, and are not to be refused a document for it.
    """
    template = _mergeable(server, form)
    whole = {"index_patterns": patterns, "priority": PLAIN_PRIORITY, "template": template, "version": VERSION}
    return marked(whole, META, VERSION)


def legacy(
    patterns: list[str],
    server: Server | None,
    form: str,
    *,
    order: int = ORDER,
    settings: dict[str, Any] | None = None,
    profile: Profile | None = None,
) -> dict[str, Any]:
    """A legacy template; it bears its mark among the mappings, since it has no other place for one."""
    body = _mergeable(server, form)
    if profile is not None:
        applied(body, profile, _container(form))
    body["settings"] |= settings or {}
    whole = {"index_patterns": patterns, "order": order, "version": VERSION, **body}
    if server and server.typed:
        whole["mappings"] = {"_doc": whole["mappings"]}
    return marked(whole, legacy_mark(server), VERSION)


def legacy_mark(server: Server | None) -> Mark:
    """Where a legacy template bears its mark."""
    return Mark(("mappings", *(("_doc",) if server and server.typed else ()), "_meta", "pilotfish"))


def component(server: Server | None, form: str, profile: Profile) -> dict[str, Any]:
    """The settings and mappings of a composable template, as a component template."""
    body = applied(_body(server, form), profile, _container(form))
    return marked({"template": body, "version": VERSION}, META, VERSION)


def _container(form: str) -> str:
    return form_of(form).field("docker_container", is_trusted=True)


def composable(
    patterns: list[str], components: list[str], *, settings: dict[str, Any], data_stream: bool
) -> dict[str, Any]:
    """A composable template of these components; the more its patterns say, the more it has precedence."""
    body: dict[str, Any] = {"index_patterns": patterns, "priority": priority_of(patterns), "composed_of": components}
    body |= {"template": {"settings": settings} if settings else {}, "version": VERSION}
    if data_stream:
        body["data_stream"] = {}
    return marked(body, META, VERSION)


def priority_of(patterns: list[str]) -> int:
    """The precedence of a composable template: the more a pattern says, the more; then the one with a word first.

    The server takes none that meets another of the same priority. Two that have as many characters in the same form,
    such as `{target}-ab-%Y` and `{target}-xy-%Y`, cannot both be.
    """
    said = (2 * len(pattern.replace("*", "")) + ("*" not in pattern[:2]) for pattern in patterns)
    return min(_LEAST_PRIORITY + min(said), _MOST_PRIORITY)


def patterns_of(index: str) -> list[str]:
    """The template's patterns for indices named by `index`; none of them meets a hidden or system index (`.name`)."""
    pattern = indices_of(index)
    return [first + pattern for first in ascii_lowercase + digits] if pattern.startswith("*") else [pattern]


def indices_of(index: str, target: str | None = None) -> str:
    """The expression for all indices named by `index`, or for those of a target."""
    if target is not None:
        index = index.replace("{target}", index_name("{target}", target, _ANY_DAY))
    return re.sub(r"\*+", "*", _REST.sub("*", _YEAR.sub("20*", index)))


def patterns_of_targets(index: str, targets: tuple[str, ...]) -> list[str]:
    """The patterns for the indices of these targets, which may hold `*`; those of all when none is named."""
    if not targets:
        return patterns_of(index)
    names = [_FOREIGN.sub("_", target.lower()).lstrip("._-+") or "unnamed" for target in targets]
    return [pattern for name in dict.fromkeys(names) for pattern in patterns_of(index.replace("{target}", name))]


@cache
def template_text(form: str) -> bytes:
    """The body as it is shipped. Read when an output is opened: later there may be no descriptor left for it."""
    return files(__package__).joinpath("mappings", f"{form}.json").read_bytes()


def _body(server: Server | None, form: str) -> dict[str, Any]:
    """Settings and mappings, without what `server` does not know."""
    body: dict[str, Any] = msgspec.json.decode(template_text(form))
    is_lenient = bool(server and server.is_lenient)
    if is_lenient:
        body["settings"]["index.mapping.total_fields.ignore_dynamic_beyond_limit"] = True
    for each in _objects(body["mappings"]):
        if each.get("type") == "passthrough" and not (server and server.passes_through):
            each |= {"type": "object", "subobjects": False}
            del each["priority"]
        if each.get("type") == "flattened" and server and server.opensearch:
            each["type"] = "flat_object"
            del each["ignore_above"]
        if not is_lenient:
            each.pop("subobjects", None)
        if server and server.typed:
            each.pop("normalizer", None)
    return body


def _mergeable(server: Server | None, form: str) -> dict[str, Any]:
    """Settings and mappings that fit beside those of others; no value of a bare keyword of ours is over 512 bytes."""
    body = _body(server, form)
    mappings = body["mappings"]
    properties = mappings["properties"]
    made = [
        {f"pilotfish_{name}": {"path_match": name, "match_mapping_type": "object", "mapping": each}}
        for name, each in properties.items()
        if "properties" in each
    ]
    mappings["dynamic_templates"] = made + mappings["dynamic_templates"]
    mappings["properties"] = {name: {"type": properties[name]["type"]} for name in _MERGEABLE if name in properties}
    return body


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in `value`, itself among them."""
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _objects(each)
