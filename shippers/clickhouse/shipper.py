"""One batch → one INSERT → one Receipt."""

import asyncio
import re
from collections.abc import Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from collector.errors import UNREADABLE, Unavailable
from collector.model import Batch, Receipt, Rejected, Segment
from collector.net.http_client import HttpClient
from collector.net.http_node import Answer, Question, is_of_cluster

from .faults import error_of, is_about_content, is_stored, name_of, words_of
from .rows import Part, Rows

_FEW = 8  # documents of a batch that are refused before any is taken: then it is the table's fault
_LATELY_SECONDS = 600.0  # within which a table that took a row is trusted
_HAS_WINDOW = re.compile(r"non_replicated_deduplication_window\s*=\s*[1-9]")
_TOO_LARGE = "too_large"


class Table(NamedTuple):
    """Where rows go: names that need no quotes, the columns, and the parameters of each INSERT."""

    database: str
    name: str
    columns: tuple[str, ...]
    parameters: Mapping[str, str]
    has_tokens: bool

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"


class _Found(Struct):
    """What became of a batch so far."""

    stored: int = 0
    rejected: list[Rejected] = []


class _Told(Struct):
    version: str = ""
    engine: str = ""
    engine_full: str = ""
    id: str = ""


class ClickHouseShipper:
    """`collector.ports.Shipper` on a table."""

    def __init__(self, client: HttpClient, table: Table, *, compress: bool) -> None:
        self._client = client
        self._table = table
        self._rows = Rows(table.columns, compress=compress)
        self._headers = {"content-encoding": "gzip"} if compress else {}
        self._took_at = -_LATELY_SECONDS  # the loop's time

    async def ship(self, batch: Batch) -> Receipt:
        """Have the rows in the table. Rows that are there count as delivered: the server does not tell them apart.

        A batch that is refused for a row or for its size goes in halves, each with a token of its own: they are the
        same each time, so that the whole may be sent again after a crash.

        Raises:
            Unavailable: nothing is known of some of them, or the table refuses every row.
            Unauthorized: the server refuses the user, or lacks a privilege.
        """
        part = Part(tuple(segment for segment in batch.segments if segment.documents))
        if not part.segments:
            return Receipt()
        found = _Found()
        await self._store(part, found)
        now = asyncio.get_running_loop().time()
        if found.stored:
            self._took_at = now
        elif found.rejected and now - self._took_at > _LATELY_SECONDS:
            raise self._refuses_all(found)
        return Receipt(delivered=found.stored, rejected=tuple(found.rejected))

    async def probe(self) -> str:
        """Which server is there, and whether its table tells a batch that comes twice.

        Raises:
            Unavailable: it cannot be reached.
            Unauthorized: it refuses the user.
        """
        (told,) = await self._select("SELECT version() AS version") or [_Told()]
        where = f"ClickHouse {told.version} at {self._client.peer.name}, table {self._table}"
        query = (  # names of letters, digits and _
            f"SELECT engine, engine_full FROM system.tables WHERE database = '{self._table.database}' "  # noqa: S608
            f"AND name = '{self._table.name}'"
        )
        found = await self._select(query)
        if not found:
            return f"{where} (it is missing, or the user may not see it)"
        if self._table.has_tokens and not _tells_copies(found[0]):
            return f"{where} ({found[0].engine} without non_replicated_deduplication_window: a batch may come twice)"
        return where

    async def read_back(self, segment: Segment) -> Collection[str]:
        """The ids of the segment's documents that are in the table.

        Raises:
            Unavailable: the server cannot be asked.
            Unauthorized: the user may not read.
        """
        names = ", ".join("'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'" for name in segment.ids)
        found = await self._select(f"SELECT id FROM {self._table} WHERE id IN ({names})")  # noqa: S608 - quoted above
        return {each.id for each in found}.intersection(segment.ids)

    async def aclose(self) -> None:
        """Close the connections; may be called twice, and without `ship`."""
        await self._client.aclose()

    async def _store(self, part: Part, found: "_Found") -> None:
        """Insert it, in halves where a row of it is refused, and note what became of its documents."""
        answer = await self._insert(part)
        if is_stored(answer):
            found.stored += part.documents
            return
        is_too_large = answer.status == 413
        if not is_too_large and not is_about_content(answer):
            raise self._failure(answer)
        if part.documents > 1:
            for half in part.halves():
                await self._store(half, found)
            return
        kind = _TOO_LARGE if is_too_large else name_of(answer)
        found.rejected.append(Rejected(part.segments[0], 0, kind, words_of(answer), is_final=True))
        if not found.stored and len(found.rejected) >= _FEW:
            raise self._refuses_all(found)

    def _refuses_all(self, found: "_Found") -> Unavailable:
        """It is the table's fault, or may be: nothing of the batch was taken, and nothing else lately."""
        kind, count = found.rejected[-1].type, len(found.rejected)
        return Unavailable(
            f"the table {self._table} refuses every row ({kind}; {count} tried)",
            "compare the types of its columns with those in the documentation; the agent retries",
        )

    async def _insert(self, part: Part) -> Answer:
        body = await asyncio.to_thread(self._rows.body, part)
        token = {"insert_deduplication_token": part.token} if self._table.has_tokens else {}
        query = f"INSERT INTO {self._table} ({', '.join(self._table.columns)}) FORMAT JSONEachRow"
        parameters = urlencode({**self._table.parameters, **token, "query": query})
        question = Question("POST", f"/?{parameters}", body, self._headers, is_good=_is_of_table)
        return await self._client.ask(question)

    async def _select(self, query: str) -> list[_Told]:
        answer = await self._client.ask(Question("POST", "/", f"{query} FORMAT JSONEachRow".encode(), {}))
        if answer.status != 200:
            raise self._failure(answer)
        try:
            return [msgspec.json.decode(line, type=_Told) for line in answer.body.splitlines()]
        except UNREADABLE:
            raise self._failure(answer) from None

    def _failure(self, answer: Answer) -> Unavailable:
        return error_of(answer, self._client, str(self._table))


def _is_of_table(answer: Answer) -> bool:
    """Whether every replica would give it: a row that is refused is refused by all."""
    return is_of_cluster(answer) or is_about_content(answer)


def _tells_copies(told: _Told) -> bool:
    is_replicated = told.engine.startswith(("Replicated", "Shared"))
    return is_replicated or bool(_HAS_WINDOW.search(told.engine_full))
