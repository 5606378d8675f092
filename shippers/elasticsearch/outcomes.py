"""Answer to `_bulk` → Receipt: what became of each document, and whose the fault is.

Three kinds of refusal, since each needs another remedy: for load (send again), the operator's (that index waits until
somebody acts; dead letters would fill with good documents) and the document's (never taken as it is).
A refusal of a kind unknown here is the document's if another document of its index was taken in the same answer:
what the operator has to mend hits them all. Otherwise it is taken for the operator's, which loses nothing. So is one of
a document that is text already, where its index took nothing lately: text is taken wherever the mapping lets it in.
"""

import re
from enum import Enum, auto
from itertools import islice
from typing import NamedTuple

import msgspec
from msgspec import Struct

from collector.documents.document import is_text
from collector.errors import UNREADABLE, Unavailable
from collector.model import Batch, Receipt, Rejected, Segment

from .bulk import DEFAULT_INDEX, index_name
from .indices import Indices

FILTER = "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"

_MOST_BYTES = 1 << 20
_MOST_ITEM_BYTES = 1 << 10  # besides what a reason repeats of its document
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


_TOO_LONG = "immense term"
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


class _Error(Struct, gc=False):
    type: str = "unknown"
    reason: str | None = None
    caused_by: _Cause | None = None

    @property
    def words(self) -> str:
        """The reason with its cause, on one line and cut."""
        cause = self.caused_by.reason if self.caused_by else None
        return " ".join(f"{self.reason or ''}{f' ({cause})' if cause else ''}".split())[:_WORDS]


class _Whole(Struct):
    error: _Error


class _Outcome(Struct, gc=False):
    status: int
    error: _Error | None = None


class _Item(Struct, gc=False):
    create: _Outcome


class _Bulk(Struct):
    errors: bool
    items: list[_Item]


_decoder = msgspec.json.Decoder(_Bulk)


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


def most_bytes(batch: Batch) -> int:
    """The longest answer to a batch that makes sense: reasons may repeat each document, more than once."""
    return _MOST_BYTES + _MOST_ITEM_BYTES * batch.count + 4 * batch.size


def is_bulk_answer(answer: bytes) -> bool:
    """Whether it tells of documents at all, whichever they are; the page of a proxy does not."""
    if answer.startswith(b'{"errors":') and answer.endswith(b"}]}"):
        return True
    try:
        _decoder.decode(answer)
    except UNREADABLE:
        return False
    return True


def receipt_of(batch: Batch, answer: bytes, pattern: str = DEFAULT_INDEX, indices: Indices | None = None) -> Receipt:
    """What the answer, asked for with `FILTER`, says of each document of the batch.

    `pattern` names their indices, of which `indices` remembers what is seen.

    Raises:
        Unavailable: it is no whole answer to this batch.
    """
    indices = indices or Indices()
    if answer == all_created(batch.count):
        indices.take_note({_index(segment, pattern) for segment in batch.segments})
        return Receipt(delivered=batch.count)
    each = iter(_decoded(answer, batch.count))
    parts: list[_Answered] = []
    for segment in batch.segments:
        outcomes = list(islice(each, segment.count))
        parts.append(_Answered(segment, _index(segment, pattern), outcomes, list(map(verdict_of, outcomes))))
    taking = {part.name for part in parts if part.is_taken}
    indices.take_note(taking)
    found = _Sorted()
    for part in parts:
        found.add(part, is_taking=part.name in taking, took_lately=indices.takes(part.name))
    return found.receipt()


def all_created(count: int) -> bytes:
    """What every server since 6.8 says when all are there: to compare takes a third of a look into it."""
    return b'{"errors":false,"items":[' + b",".join([b'{"create":{"status":201}}'] * count) + b"]}"


def _decoded(answer: bytes, count: int) -> list[_Outcome]:
    remedy = "check that `hosts` names Elasticsearch or OpenSearch, and the proxies in front of it"
    try:
        items = _decoder.decode(answer).items
    except UNREADABLE:
        raise Unavailable(
            f"the response to a bulk request is truncated or not a bulk response ({answer[:60]!r})", remedy
        ) from None
    if len(items) != count:
        raise Unavailable(f"the response to a bulk request of {count} documents covers {len(items)}", remedy)
    return [item.create for item in items]


class _Answered(NamedTuple):
    """What was answered to the documents of one segment."""

    segment: Segment
    name: str  # of their index
    outcomes: list[_Outcome]
    verdicts: list[Verdict]

    @property
    def is_taken(self) -> bool:
        """Whether any of them is there."""
        return any(verdict in (Verdict.DELIVERED, Verdict.DUPLICATE) for verdict in self.verdicts)


class _Sorted:
    """What becomes of each document, a segment at a time."""

    def __init__(self) -> None:
        self._count = dict.fromkeys(Verdict, 0)
        self._rejected: list[Rejected] = []
        self._retry: list[Segment] = []
        self._waits: dict[str, str] = {}
        self._unsure: set[str] = set()

    def add(self, part: _Answered, *, is_taking: bool, took_lately: bool) -> None:
        """`is_taking`: of the same answer, the index took a document; `took_lately`: of this answer, or one before."""
        again: list[int] = []
        for index, verdict in enumerate(part.verdicts):
            final = verdict
            if verdict is Verdict.DOUBTFUL:
                final = Verdict.REJECT if is_taking else Verdict.WAIT
            if final is Verdict.REJECT:
                final = self._reject(part, index, took_lately=took_lately)
            elif final is Verdict.WAIT:
                self._wait(part, _remedied(part.outcomes[index], part.name))
            self._count[final] += 1
            if final in (Verdict.AGAIN, Verdict.WAIT):
                again.append(index)
        if again:
            self._retry.append(part.segment.part(again))

    def _reject(self, part: _Answered, index: int, *, took_lately: bool) -> Verdict:
        outcome = part.outcomes[index]
        if not took_lately and _is_last_form(part.segment, index, outcome):
            self._wait(part, _mended(outcome, part.name))
            self._unsure.add(part.segment.stream.target)
            return Verdict.WAIT
        error = outcome.error or _Error()
        self._rejected.append(Rejected(part.segment, index, error.type, error.words))
        return Verdict.REJECT

    def _wait(self, part: _Answered, why: str) -> None:
        self._waits.setdefault(part.segment.stream.target, why)

    def receipt(self) -> Receipt:
        """All of it."""
        return Receipt(
            delivered=self._count[Verdict.DELIVERED],
            duplicate=self._count[Verdict.DUPLICATE],
            rejected=tuple(self._rejected),
            retry=Batch(tuple(self._retry)),
            waits=self._waits,
            unsure=frozenset(self._unsure),
        )


def verdict_of(outcome: _Outcome) -> Verdict:
    """What an item's status and error mean, by themselves."""
    error = outcome.error or _Error()
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


def _verdict_of_error(error: _Error) -> Verdict:
    words = error.words.lower()
    if error.type in _REMEDIES or words.startswith(_TEMPLATE_WORDS):
        return Verdict.WAIT
    if error.type in _CONTENT:
        return Verdict.REJECT
    about_content = error.type == "illegal_argument_exception" and any(each in words for each in _CONTENT_WORDS)
    return Verdict.REJECT if about_content else Verdict.DOUBTFUL


def _index(segment: Segment, pattern: str) -> str:
    return index_name(pattern, segment.stream.target, segment.day)


def _is_last_form(segment: Segment, index: int, outcome: _Outcome) -> bool:
    """Whether no form of the document is left that the index might take; one word may be too long for any index."""
    return is_text(segment.documents[index]) and _TOO_LONG not in (outcome.error or _Error()).words


def _mended(outcome: _Outcome, name: str) -> str:
    """What is to be mended where an index takes nothing."""
    error = outcome.error or _Error()
    named = _FIELD.search(error.words)
    field = f"its field {named[1]}" if named else "its fields"
    return (
        f"the index {name} rejects every document, also as plain text: {error.type} ({outcome.status}): "
        f"{error.words}: correct the mapping of {field}, or the ingest pipeline, in the index or in its "
        "template"
    )


def _remedied(outcome: _Outcome, index: str) -> str:
    """Why documents of this index wait, and what helps."""
    error = outcome.error or _Error()
    remedy = _REMEDIES.get(error.type, _MAKE_PIPELINE if _PIPELINE_WORDS in error.words else _FIX)
    return f"index {index}: {error.type} ({outcome.status}): {error.words}: {remedy.replace('{}', index)}"
