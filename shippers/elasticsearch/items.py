"""An item of the answer to `_bulk` → what became of its document, whose the fault is, and what helps.

Three kinds of refusal, since each needs another remedy: for load (send again), the operator's (that index waits until
somebody acts; dead letters would fill with good documents) and the document's (never taken as it is).
"""

import re
from enum import Enum, auto

import msgspec
from msgspec import Struct

from collector.errors import UNREADABLE

_WORDS = 500  # characters of a server's reason that are kept
_CONFLICT = "version_conflict_engine_exception"

_CONTENT = frozenset(
    {
        "array_index_out_of_bounds_exception",
        "date_time_parse_exception",
        "document_parsing_exception",
        "fail_processor_exception",
        "ingest_processor_exception",
        "input_coercion_exception",
        "json_parse_exception",
        "mapper_parsing_exception",
        "max_bytes_length_exceeded_exception",
        "not_x_content_exception",
        "number_format_exception",
        "parse_exception",
        "parsing_exception",
        "script_exception",
        "strict_dynamic_mapping_exception",
        "x_content_parse_exception",
    }
)

# `illegal_argument_exception` stands for both sides; these are its words about a document.
_CONTENT_WORDS = ("limit of", "whitespace", "immense term", "empty string", "mapper [", "merge", "object mapping")

# Of status 500 though they pass by themselves: another node of the cluster is away or slow.
_TRANSIENT = frozenset(
    {
        "connect_transport_exception",
        "node_closed_exception",
        "node_disconnected_exception",
        "node_not_connected_exception",
        "receive_timeout_transport_exception",
        "timeout_exception",
    }
)

# Of status 503 though they pass only when somebody acts: an index without a primary, a master that does not keep up.
# As load they would take a worker each until none is left for the other targets.
_ONE_INDEX = frozenset({"process_cluster_event_timeout_exception", "unavailable_shards_exception"})

# Why an index could not be made, in the type of a bad document's error: some template is wrong.
_TEMPLATE_WORDS = "failed to parse mapping"

# What the operator can do, by the type of error; `{}` is the index.
_REMEDIES = {
    "cluster_block_exception": "free disk space or lift the block on the index {}",
    "index_closed_exception": "open the index {} (POST /{}/_open)",
    "index_not_found_exception": "create the index {}, or allow it in action.auto_create_index",
    "process_cluster_event_timeout_exception": "reduce the load of the master node (GET _cluster/pending_tasks)",
    "security_exception": "grant create_doc, create_index and auto_configure on the index {}",
    "unavailable_shards_exception": (
        "allocate the primary shard of the index {} (GET _cluster/allocation/explain shows what prevents it)"
    ),
    "validation_exception": "raise cluster.max_shards_per_node or remove old indices",
}
_PIPELINE_WORDS = "pipeline with id ["
_MAKE_PIPELINE = "create the ingest pipeline, or correct `parameters` or the default_pipeline of the index {}"
_FIX = "fix the template or the settings of the index {}; the documents are then sent again automatically"
_FIELD = re.compile(r"(?:field|mapping for|introduction of) \[([^\]]+)\]")


class Verdict(Enum):
    """What one item's answer means."""

    DELIVERED = auto()
    DUPLICATE = auto()
    AGAIN = auto()
    WAIT = auto()
    REJECT = auto()
    DOUBTFUL = auto()


# Without cycles: thousands of them in an answer would only make the garbage collector look at all else once more.
class _Cause(Struct, gc=False):
    reason: str | None = None


class Error(Struct, gc=False):
    """Why a document is not there."""

    type: str = "unknown"
    reason: str | None = None
    caused_by: _Cause | None = None

    @property
    def words(self) -> str:
        """The reason with its cause, on one line and cut."""
        cause = self.caused_by.reason if self.caused_by else None
        return " ".join(f"{self.reason or ''}{f' ({cause})' if cause else ''}".split())[:_WORDS]


class Outcome(Struct, gc=False):
    """What an item says of its document: a status of HTTP, and an error unless it is there."""

    status: int
    error: Error | None = None


class _Whole(Struct):
    error: Error


def content_fault(body: bytes) -> str | None:
    """The type of error, if a refusal of the whole request is the fault of a document in it; else None.

    Elasticsearch 8.18 and 9.0 answer so to unreadable JSON where an index has a default pipeline
    (elastic/elasticsearch#138445).
    """
    try:
        kind = msgspec.json.decode(body, type=_Whole).error.type
    except UNREADABLE:
        return None
    return kind if kind in _CONTENT else None


def verdict_of(outcome: Outcome) -> Verdict:
    """What an item's status and error mean, by themselves."""
    error = outcome.error or Error()
    match outcome.status:
        case 200 | 201:  # both a success and an error leave it unknown; sent again, it is created or a duplicate
            return Verdict.AGAIN if outcome.error else Verdict.DELIVERED
        case status if status < 400 or status == 408:
            return Verdict.AGAIN
        case 409:
            return Verdict.DUPLICATE if error.type == _CONFLICT else Verdict.AGAIN
        case 401 | 403 | 404:
            return Verdict.WAIT
        case 429:
            return Verdict.WAIT if error.type == "cluster_block_exception" else Verdict.AGAIN
        case 500:  # no load: a failed ingest processor for one (elastic/elasticsearch#48803), again and again
            if error.type in _TRANSIENT:
                return Verdict.AGAIN
            return Verdict.REJECT if error.type in _CONTENT else Verdict.WAIT
        case status if status > 500:
            return Verdict.WAIT if error.type in _ONE_INDEX else Verdict.AGAIN
    return _verdict_of_error(error)


def _verdict_of_error(error: Error) -> Verdict:
    words = error.words.lower()
    if error.type in _REMEDIES or words.startswith(_TEMPLATE_WORDS):
        return Verdict.WAIT
    if error.type in _CONTENT:
        return Verdict.REJECT
    about_content = error.type == "illegal_argument_exception" and any(each in words for each in _CONTENT_WORDS)
    return Verdict.REJECT if about_content else Verdict.DOUBTFUL


def mended(outcome: Outcome, name: str) -> str:
    """What is to be mended where an index takes nothing."""
    error = outcome.error or Error()
    named = _FIELD.search(error.words)
    field = f"its field {named[1]}" if named else "its fields"
    return (
        f"the index {name} rejects every document, also as plain text: {error.type} ({outcome.status}): "
        f"{error.words}: correct the mapping of {field}, or the ingest pipeline, in the index or in its "
        "template"
    )


def remedied(outcome: Outcome, index: str) -> str:
    """Why documents of this index wait, and what helps."""
    error = outcome.error or Error()
    remedy = _REMEDIES.get(error.type, _MAKE_PIPELINE if _PIPELINE_WORDS in error.words else _FIX)
    return f"index {index}: {error.type} ({outcome.status}): {error.words}: {remedy.replace('{}', index)}"
