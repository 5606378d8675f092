"""Answer to `_bulk` → Receipt: what became of each document of a batch.

A refusal of a kind unknown to `items` is the document's if another document of its index was taken in the same answer:
what the operator has to mend hits them all. Otherwise it is taken for the operator's, which loses nothing. So is one of
a document that is text already, where its index took nothing lately: text is taken wherever the mapping lets it in.
"""

from itertools import islice
from typing import NamedTuple

import msgspec
from msgspec import Struct

from collector.documents.document import is_text
from collector.errors import UNREADABLE, Unavailable
from collector.model import Batch, Receipt, Rejected, Segment

from .bulk import DEFAULT_INDEX, index_name
from .indices import Indices
from .items import Error, Outcome, Verdict, mended, remedied, verdict_of

FILTER = "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"

_MOST_BYTES = 1 << 20
_MOST_ITEM_BYTES = 1 << 10  # besides what a reason repeats of its document
_TOO_LONG = "immense term"


class _Item(Struct, gc=False):  # as in `items`
    create: Outcome


class _Bulk(Struct):
    errors: bool
    items: list[_Item]


_decoder = msgspec.json.Decoder(_Bulk)


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


def _decoded(answer: bytes, count: int) -> list[Outcome]:
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
    outcomes: list[Outcome]
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
                self._wait(part, remedied(part.outcomes[index], part.name))
            self._count[final] += 1
            if final in (Verdict.AGAIN, Verdict.WAIT):
                again.append(index)
        if again:
            self._retry.append(part.segment.part(again))

    def _reject(self, part: _Answered, index: int, *, took_lately: bool) -> Verdict:
        outcome = part.outcomes[index]
        if not took_lately and _is_last_form(part.segment, index, outcome):
            self._wait(part, mended(outcome, part.name))
            self._unsure.add(part.segment.stream.target)
            return Verdict.WAIT
        error = outcome.error or Error()
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


def _index(segment: Segment, pattern: str) -> str:
    return index_name(pattern, segment.stream.target, segment.day)


def _is_last_form(segment: Segment, index: int, outcome: Outcome) -> bool:
    """Whether no form of the document is left that the index might take; one word may be too long for any index."""
    return is_text(segment.documents[index]) and _TOO_LONG not in (outcome.error or Error()).words
