"""The nodes' own words → which server this is, and what it can do."""

import re
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from collector.errors import UNREADABLE
from collector.net.http_node import Answer

from .connection import Connection

_TYPED_UNTIL = (7, 0)
_COMPOSES_FROM = (7, 8)
_STREAMS_FROM = (7, 9)
_POLICY_META_FROM = (7, 14)
_SHARD_SIZE_FROM = (7, 13)  # `max_primary_shard_size`
# `ignore_dynamic_beyond_limit`: a field too many is left unsearchable, not refused. From 8.11 on objects under
# `subobjects: false` are flattened, with its last faults mended in 8.13 (elastic/elasticsearch#97972, #105373).
_LENIENT_FROM = (8, 14)
_FLATTENED_FROM = (7, 3)
_FLAT_OBJECT_FROM = (2, 7)  # OpenSearch's word for it
_PASSES_THROUGH_FROM = (8, 17)  # the first release that tells of it in its documentation
_LOGSDB_FROM = (8, 17)
_UNKNOWN = "another program"
_VICTORIA = b"unsupported path requested"  # its words for a path that it does not know
_GREPTIME = "/v1/elasticsearch"  # the path of its bulk requests
_Shape = TypeVar("_Shape", bound=Struct)


class Server(NamedTuple):
    """Which server answers: `version` as it names it, `opensearch` since it counts from 1 again.

    `product` names one that is neither, and takes their bulk requests: templates, mapping types and versions, by which
    the others differ, mean nothing to it.
    """

    version: str
    opensearch: bool
    product: str = ""

    def __str__(self) -> str:
        if self.product:
            return (
                f"{self.product} (it accepts bulk requests like Elasticsearch {self.version}, has no templates, "
                "and may store a line twice that is sent again)"
            )
        return f"{'OpenSearch' if self.opensearch else 'Elasticsearch'} {self.version}"

    @property
    def generation(self) -> tuple[int, int]:
        """Major and minor version; (0, 0) when it is not told."""
        numbers = re.match(r"(\d+)\.(\d+)", self.version)
        return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)

    @property
    def typed(self) -> bool:
        """Whether action lines need a mapping type."""
        return not (self.opensearch or self.product) and self.generation < _TYPED_UNTIL

    @property
    def composes(self) -> bool:
        """Whether it has composable templates; from then on they put the legacy ones out of force."""
        return self.opensearch or self.generation >= _COMPOSES_FROM

    @property
    def streams(self) -> bool:
        """Whether it has data streams."""
        return self.opensearch or self.generation >= _STREAMS_FROM

    @property
    def knows_shard_size(self) -> bool:
        """Whether an index rolls over for the size of one shard, not of all together."""
        return self.opensearch or self.generation >= _SHARD_SIZE_FROM

    @property
    def has_policy_meta(self) -> bool:
        """Whether a policy of ILM has room for a mark."""
        return self.generation >= _POLICY_META_FROM

    @property
    def is_lenient(self) -> bool:
        """Whether a field too many is ignored, and objects may be flattened."""
        return not self.opensearch and self.generation >= _LENIENT_FROM

    @property
    def has_flattened(self) -> bool:
        """Whether an object may be one field, whose members are texts."""
        return self.generation >= (_FLAT_OBJECT_FROM if self.opensearch else _FLATTENED_FROM)

    @property
    def passes_through(self) -> bool:
        """Whether the members of an object may be found as if they stood at the root."""
        return not self.opensearch and self.generation >= _PASSES_THROUGH_FROM

    @property
    def has_logsdb(self) -> bool:
        """Whether an index may be in the mode for logs."""
        return not self.opensearch and self.generation >= _LOGSDB_FROM


class _Version(Struct):
    number: str
    distribution: str = "elasticsearch"
    lucene_version: str = ""


class _Root(Struct):
    version: _Version
    name: str | None = None


class _Node(Struct):
    version: str


class _Nodes(Struct):
    nodes: dict[str, _Node]


async def identify(connection: Connection) -> Server | None:
    """Ask which server it is; None when it may not or does not tell.

    Raises:
        Unauthorized: it refuses the credentials.
        Unavailable: it cannot be reached, is overloaded or starting, or is another program.
    """
    first = _needed(connection, await connection.request("GET", "/"))
    root = _decoded(first, _Root)
    if root:
        product = await _product(connection, root)
        return Server(root.version.number, root.version.distribution == "opensearch", product)
    answer = _needed(connection, await connection.request("GET", "/_nodes/_local?filter_path=nodes.*.version"))
    listed = _decoded(answer, _Nodes)
    versions = [node.version for node in listed.nodes.values()] if listed else []
    if not versions:
        if not (is_kin(first) or is_kin(answer) or await _has_bulk(connection)):
            raise connection.stranger(first)
        return None
    server = Server(versions[0], opensearch=False)
    return server._replace(opensearch=server.generation[0] < 5)


async def _product(connection: Connection, root: _Root) -> str:
    """The name of a server that is neither Elasticsearch nor OpenSearch though it answers so; "" for these.

    Quickwit says it; ZincSearch and OpenObserve have no Lucene; VictoriaLogs and GreptimeDB tell a version and no more,
    as a proxy may, so that they are known by their having no templates.
    """
    distribution, lucene = root.version.distribution, root.version.lucene_version
    if distribution not in ("elasticsearch", "opensearch"):
        return _shown(distribution)
    if lucene[:1].isdecimal():
        return ""
    if lucene:
        return "ZincSearch" if root.name == "zinc" else _UNKNOWN
    answer = _needed(connection, await connection.request("GET", "/_template?filter_path=*.order"))
    if is_kin(answer):
        return ""
    if _VICTORIA in answer.body:
        return "VictoriaLogs"
    return "GreptimeDB" if _GREPTIME in connection.name else _UNKNOWN


def _shown(distribution: str) -> str:
    """A name that a server gives itself, on one line."""
    return re.sub(r"[^\w .-]", "", distribution)[:40].strip().capitalize() or _UNKNOWN


async def _has_bulk(connection: Connection) -> bool:
    """Whether the server is seen where documents go: a proxy may let nothing else through. A GET changes nothing."""
    return is_kin(_needed(connection, await connection.request("GET", "/_bulk")))


def is_kin(answer: Answer) -> bool:
    """Whether such a server may have said it: an object in JSON, and where something fails, of `error` and `status`.

    Kibana tells of `error` and `statusCode`; a cloud's own check of rights says 403 in other words.
    """
    try:
        told = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
    except UNREADABLE:
        return False
    return answer.status in (200, 403, 405) or {"error", "status"} <= told.keys()


def _needed(connection: Connection, answer: Answer) -> Answer:
    if answer.status in (401, 407, 429, 502, 503, 504):
        raise connection.refusal(answer)
    return answer


def _decoded(answer: Answer, shape: type[_Shape]) -> _Shape | None:
    """The answer as `shape`; None when it is a refusal or tells something else."""
    if answer.status != 200:
        return None
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except UNREADABLE:
        return None
