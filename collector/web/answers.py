"""What version 1 answers: the shapes, as JSON has them; times are ISO 8601 in UTC. OpenAPI is made of them."""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType, json

from collector.ports import Value
from collector.web.rights import Role

Document = dict[str, Any]


class Failure(Struct, frozen=True):
    """Why a request is not answered, and what to do."""

    error: str
    remedy: str


class TableAnswer(Struct, frozen=True, kw_only=True):
    """What a pipe makes of documents: a cell of each row for each column."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | int | float | None]]


class SearchAnswer(Struct, frozen=True, kw_only=True):
    """Documents that match: `total` of all; `cut`: 8 MiB ended it. `cursor` is for `after`, `start` for `before`.

    A query that ends with a pipe has the `table` in their place.
    """

    total: int
    cut: bool = False
    documents: Sequence[Document] = ()
    cursor: str = ""
    start: str = ""
    table: TableAnswer | UnsetType = UNSET


class Slice(Struct, frozen=True, kw_only=True):
    """How many documents there are from `start` until the next one begins, and by value; "" has all other values."""

    start: str
    count: int
    by: dict[str, int]


class HistogramAnswer(Struct, frozen=True, kw_only=True):
    """Documents by time: slices of equal length, whose counts add up to `total`."""

    total: int
    interval_seconds: float | None
    buckets: Sequence[Slice]


class FacetsAnswer(Struct, frozen=True):
    """The values that most documents have, by the name of the member."""

    total: int
    facets: dict[str, Sequence[Value]]


class Pattern(Struct, frozen=True, kw_only=True):
    """Messages that differ in numbers, ids and addresses alone; `id` is the newest of these documents."""

    pattern: str
    count: int
    level: str
    first: str
    last: str
    id: str


class PatternsAnswer(Struct, frozen=True, kw_only=True):
    """Patterns of the newest `looked_at` documents of `total`, the most frequent first."""

    looked_at: int
    total: int
    patterns: Sequence[Pattern]


class ContextAnswer(Struct, frozen=True):
    """Documents around one, oldest first; it is the one at index `at`."""

    documents: Sequence[Document]
    at: int


class SizeAnswer(Struct, frozen=True):
    """What an export has: its bytes are estimated from the newest documents."""

    documents: int
    bytes: int


class ContainerRow(Struct, frozen=True, kw_only=True):
    """One container; null is what nobody knows. `cpu_percent` is of one processor. `lines` since the agent started."""

    name: str
    id: str
    image: str
    targets: Sequence[str]
    target: str | None
    project: str
    service: str
    state: str
    health: str | None
    failing_streak: int | None
    exit_code: int | None
    oom_killed: bool | None
    restarts: int
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    cpu_percent: float | None
    memory_bytes: int | None
    memory_limit_bytes: int | None
    log_bytes: int | None
    backlog_bytes: int | None
    lines: int | None
    errors: int | None
    not_followed: str


class ContainersAnswer(Struct, frozen=True):
    """The containers that may be seen, by name."""

    containers: Sequence[ContainerRow]


class OutputRow(Struct, frozen=True, kw_only=True):
    """The books of one output; `lost` counts what was dropped, by reason."""

    name: str
    type: str
    state: str
    error: str
    promise: dict[str, Any]
    read: int
    acknowledged: int
    duplicates: int
    dead_letters: int
    fallback: int
    filtered: int
    lost: int
    in_flight: int
    spooled: int
    spool_bytes: int
    spool_capacity_bytes: int
    recovered_from_spool: int
    replayed: int
    backlog_bytes: int
    documents_per_second: float
    last_acknowledged: str | None
    lag_seconds: float | None
    complete_until: str | None


class OutputsAnswer(Struct, frozen=True):
    """All outputs, by name."""

    outputs: Sequence[OutputRow]


class WhoAmI(Struct, frozen=True, kw_only=True):
    """What the token of this request lets do: `filter` "" for all lines, `expires` null for never."""

    role: Role
    filter: str
    expires: str | None


def with_documents(answer: dict[str, object], documents: Sequence[bytes]) -> bytes:
    """An answer with these documents, which are JSON already."""
    return json.encode({**answer, "documents": list(map(Raw, documents))}) + b"\n"
