"""The nodes' own words → which server this is, and the index template that its indices get.

The template is a legacy one of order -1 everywhere. A composable one of the lowest priority would put every legacy
template of the operator out of force, and forbid any later composable one without a priority whose pattern meets ours;
a legacy one gives way to both, never touches data streams, and all of 6 to 9 and OpenSearch have it.
Legacy templates are merged, and daily indices of others meet the patterns too. So it holds only dynamic templates for
our own fields: a property would be merged into another's of that name (`host` is an object in Beats) and break it.
"""

import re
from functools import cache
from importlib.resources import files
from string import ascii_lowercase, digits
from typing import Any, NamedTuple, TypeVar
from zlib import crc32

import msgspec
from msgspec import Struct

from .bulk import DEFAULT_INDEX
from .connection import Connection, words_of
from .node import Answer

_TYPED_UNTIL = (7, 0)
_IGNORES_FIELDS_FROM = (8, 14)  # `ignore_dynamic_beyond_limit`: a field too many is left unsearchable, not refused
_Shape = TypeVar("_Shape", bound=Struct)

_YEAR = re.compile(r"%[YG]")
_REST = re.compile(r"(?:%[mdjV]|\{target\})")


class Server(NamedTuple):
    """Which server answers: `version` as it names it, `opensearch` since it counts from 1 again."""

    version: str
    opensearch: bool

    def __str__(self) -> str:
        return f"{'OpenSearch' if self.opensearch else 'Elasticsearch'} {self.version}"

    @property
    def generation(self) -> tuple[int, int]:
        """Major and minor version; (0, 0) when it is not told."""
        numbers = re.match(r"(\d+)\.(\d+)", self.version)
        return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)

    @property
    def typed(self) -> bool:
        """Whether action lines need a mapping type."""
        return not self.opensearch and self.generation < _TYPED_UNTIL


class _Version(Struct):
    number: str
    distribution: str = "elasticsearch"


class _Root(Struct):
    version: _Version


class _Node(Struct):
    version: str


class _Nodes(Struct):
    nodes: dict[str, _Node]


async def identify(connection: Connection) -> Server | None:
    """Ask which server it is; None when it may not or does not tell.

    Raises:
        Unauthorized: it refuses the credentials.
        Unavailable: it cannot be reached, or is overloaded or starting.
    """
    answer = _needed(connection, await connection.request("GET", "/"))
    root = _decoded(answer, _Root)
    if root:
        return Server(root.version.number, root.version.distribution == "opensearch")
    answer = _needed(connection, await connection.request("GET", "/_nodes/_local?filter_path=nodes.*.version"))
    listed = _decoded(answer, _Nodes)
    versions = [node.version for node in listed.nodes.values()] if listed else []
    if not versions:
        return None
    server = Server(versions[0], opensearch=False)
    return server._replace(opensearch=server.generation[0] < 5)


async def install_template(connection: Connection, index: str, server: Server | None) -> str:
    """Create the template for indices named by `index` unless it is there already; what hindered it, or "".

    Raises:
        Unavailable: no answer came, or a refusal that passes; an index made before the template keeps its mapping.
    """
    if "%" not in index:  # one index or alias for all days is the operator's own, with its mapping
        return ""
    name = "pilotfish" if index == DEFAULT_INDEX else f"pilotfish-{crc32(index.encode()):08x}"
    body = msgspec.json.encode(template(index, server))
    answer = await connection.request("PUT", f"/_template/{name}?create=true", body)
    if answer.status == 200 or (answer.status == 400 and b"already exists" in answer.body):
        return ""
    if answer.status == 429 or answer.status >= 500:
        raise connection.refusal(answer)
    return f"{answer.status}: {words_of(answer)}"


def template(index: str, server: Server | None) -> dict[str, Any]:
    """The template's body for indices named by `index`, as `server` (None: taken for a recent one) needs it."""
    body: dict[str, Any] = msgspec.json.decode(template_text())
    body["index_patterns"] = patterns_of(index)
    if server and not server.opensearch and server.generation >= _IGNORES_FIELDS_FROM:
        body["settings"]["index.mapping.total_fields.ignore_dynamic_beyond_limit"] = True
    if server and server.typed:
        body["mappings"] = {"_doc": body["mappings"]}
    return body


def patterns_of(index: str) -> list[str]:
    """The template's patterns for indices named by `index`; none of them meets a hidden or system index (`.name`)."""
    pattern = re.sub(r"\*+", "*", _REST.sub("*", _YEAR.sub("20*", index)))
    return [first + pattern for first in ascii_lowercase + digits] if pattern.startswith("*") else [pattern]


@cache
def template_text() -> bytes:
    """The template as it is shipped. Read when an output is opened: later there may be no descriptor left for it."""
    return files(__package__).joinpath("template.json").read_bytes()


def _needed(connection: Connection, answer: Answer) -> Answer:
    if answer.status in (401, 429, 502, 503, 504):
        raise connection.refusal(answer)
    return answer


def _decoded(answer: Answer, shape: type[_Shape]) -> _Shape | None:
    """The answer as `shape`; None when it is a refusal or tells something else."""
    if answer.status != 200:
        return None
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
