"""One batch → one INSERT → one Receipt."""

import asyncio
import re
from collections.abc import Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from collector.errors import UNREADABLE
from collector.model import Batch, Receipt, Segment
from collector.net.http_client import HttpClient
from collector.net.http_node import Answer, Question, is_of_cluster

from .faults import error_of, is_about_content, is_stored
from .rows import Rows, token_of

_HAS_WINDOW = re.compile(r"non_replicated_deduplication_window\s*=\s*[1-9]")


class Table(NamedTuple):
    """Where rows go: names that need no quotes, the columns, and the parameters of each INSERT."""

    database: str
    name: str
    columns: tuple[str, ...]
    parameters: Mapping[str, str]
    has_tokens: bool

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"


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

    async def ship(self, batch: Batch) -> Receipt:
        """Have the rows in the table. Rows that are there count as delivered: the server does not tell them apart.

        Raises:
            Unavailable: nothing is known of them.
            Unauthorized: the server refuses the user, or lacks a privilege.
            Refused: none of them is stored, for a row among them or for the size of all.
        """
        if not batch.count:
            return Receipt()
        answer = await self._insert(batch)
        if not is_stored(answer):
            raise error_of(answer, self._client, str(self._table))
        return Receipt(delivered=batch.count)

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

    async def _insert(self, batch: Batch) -> Answer:
        body = await asyncio.to_thread(self._rows.body, batch)
        token = {"insert_deduplication_token": token_of(batch)} if self._table.has_tokens else {}
        query = f"INSERT INTO {self._table} ({', '.join(self._table.columns)}) FORMAT JSONEachRow"
        parameters = urlencode({**self._table.parameters, **token, "query": query})
        question = Question("POST", f"/?{parameters}", body, self._headers, is_good=_is_of_table)
        return await self._client.ask(question, is_measured=True)

    async def _select(self, query: str) -> list[_Told]:
        answer = await self._client.ask(Question("POST", "/", f"{query} FORMAT JSONEachRow".encode(), {}))
        if answer.status != 200:
            raise error_of(answer, self._client, str(self._table))
        try:
            return [msgspec.json.decode(line, type=_Told) for line in answer.body.splitlines()]
        except UNREADABLE:
            raise error_of(answer, self._client, str(self._table)) from None


def _is_of_table(answer: Answer) -> bool:
    """Whether every replica would give it: a row that is refused is refused by all."""
    return is_of_cluster(answer) or is_about_content(answer)


def _tells_copies(told: _Told) -> bool:
    is_replicated = told.engine.startswith(("Replicated", "Shared"))
    return is_replicated or bool(_HAS_WINDOW.search(told.engine_full))
