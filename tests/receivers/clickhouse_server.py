"""`python -m tests.receivers.clickhouse_server PORT DIRECTORY`: the part of ClickHouse over HTTP that an output needs.

By its documentation (HTTP interface, INSERT with `insert_deduplication_token`, `non_replicated_deduplication_window`),
since no server that has tokens can be had for tests: Debian's is of 2018. One table, `default.logs`, as the output's
page creates it, so that a row is refused whose time is none. An insert is a line of a file, written
before it is answered, and read when the server starts again.
"""

import base64
import re
import sys
from collections import deque
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

WINDOW = 1000  # tokens: as in the table of the output's page
VERSION = "24.8.1.1"
TYPES = {
    "id": str, "timestamp": str, "target": str, "container": str, "host": str, "stream": str, "level": str,
    "message": str, "log": str, "fields": dict,
}  # fmt: skip
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
USER, PASSWORD = "writer", "writers-password"
_ALLOWED = {"", "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
_ENGINE = f"MergeTree ORDER BY timestamp SETTINGS non_replicated_deduplication_window = {WINDOW}"


class Refusal(Exception):
    """An exception of the server, by its number and words."""

    def __init__(self, code: int, name: str, words: str, status: int = 500) -> None:
        super().__init__(words)
        text = f"Code: {code}. DB::Exception: {words}. ({name}) (version {VERSION})\n"
        self.answer = web.Response(status=status, text=text, headers={**_OWN, "X-ClickHouse-Exception-Code": str(code)})


_OWN = {"X-ClickHouse-Server-Display-Name": "tests"}


class Table:
    """The inserts, and the tokens of the last of them."""

    def __init__(self, path: Path) -> None:
        self._tokens: deque[str] = deque(maxlen=WINDOW)
        self.ids: set[str] = set()
        whole = 0
        if path.exists():
            for line in path.read_bytes().splitlines(keepends=True):
                if not line.endswith(b"\n"):
                    break  # cut off by a kill, so it was never answered
                self._note(orjson.loads(line))
                whole += len(line)
        self._file = path.open("ab", buffering=0)
        self._file.truncate(whole)

    def insert(self, token: str, rows: list[dict[str, Any]]) -> None:
        """Keep the rows, unless those of an insert with this token are among the last."""
        if token and token in self._tokens:
            return
        kept = {"token": token, "rows": rows}
        self._file.write(orjson.dumps(kept) + b"\n")
        self._note(kept)

    def _note(self, kept: dict[str, Any]) -> None:
        if kept["token"]:
            self._tokens.append(kept["token"])
        self.ids.update(row["id"] for row in kept["rows"])


def parsed(body: bytes, columns: list[str]) -> list[dict[str, Any]]:
    """The rows of a body, each with a value of the right type in each column that it names."""
    if unknown := [column for column in columns if column not in TYPES]:
        raise Refusal(16, "NO_SUCH_COLUMN_IN_TABLE", f"No such column {unknown[0]} in table default.logs")
    rows = []
    for number, line in enumerate(body.splitlines(), 1):
        try:
            row = orjson.loads(line)
        except ValueError:
            raise Refusal(27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", f"Cannot parse (at row {number})", 400) from None
        for name, value in row.items():
            if name not in columns:
                raise Refusal(117, "INCORRECT_DATA", f"Unknown field {name} (at row {number})", 400)
            if not isinstance(value, TYPES[name]):
                words = f"Cannot parse input: before: {value!r}: (at row {number})"
                raise Refusal(27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", words, 400)
        if not _TIME.fullmatch(row.get("timestamp", "1970-01-01T00:00:00Z")):
            raise Refusal(41, "CANNOT_PARSE_DATETIME", f"Cannot parse DateTime: (at row {number})", 400)
        rows.append(row)
    return rows


class Server:
    """What it answers."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        body = await request.read()
        try:
            return self._answer(request, body)
        except Refusal as refusal:
            return refusal.answer

    def _answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        if request.headers.get("authorization", "") not in _ALLOWED:
            words = f"{USER}: Authentication failed: password is incorrect"
            raise Refusal(516, "AUTHENTICATION_FAILED", words, 403)
        query = request.query.get("query", "")
        if query.startswith("INSERT INTO "):
            return self._insert(query, request.query, body)
        return self._select(body.decode())

    def _insert(self, query: str, parameters: Any, body: bytes) -> web.Response:
        into, _, rest = query.removeprefix("INSERT INTO ").partition(" (")
        names, _, ending = rest.partition(") ")
        if into != "default.logs":
            raise Refusal(60, "UNKNOWN_TABLE", f"Table {into} does not exist", 404)
        if ending != "FORMAT JSONEachRow":
            raise Refusal(62, "SYNTAX_ERROR", "Syntax error", 400)
        if parameters.get("async_insert") != "0" or parameters.get("wait_end_of_query") != "1":
            raise Refusal(36, "BAD_ARGUMENTS", "the answer would be no acknowledgement", 400)
        self._table.insert(parameters.get("insert_deduplication_token", ""), parsed(body, names.split(", ")))
        return web.Response(text="", headers=_OWN)

    def _select(self, query: str) -> web.Response:
        rows: list[dict[str, str]]
        if "version()" in query:
            rows = [{"version": VERSION}]
        elif "system.tables" in query:
            rows = [{"engine": "MergeTree", "engine_full": _ENGINE}] if "name = 'logs'" in query else []
        else:
            names = query.partition("IN (")[2].partition(")")[0].replace("'", "").split(", ")
            rows = [{"id": name} for name in names if name in self._table.ids]
        return web.Response(body=b"".join(orjson.dumps(row) + b"\n" for row in rows), headers=_OWN)


def main() -> None:
    """Serve until it is killed."""
    port, directory = int(sys.argv[1]), Path(sys.argv[2])
    server = Server(Table(directory / "inserts.ndjson"))
    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/", server.answer)
    web.run_app(application, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main()
