"""An answer of ClickHouse → whether the batch is stored, is refused for what is in it, or the error that a user reads.

A server may begin an answer with status 200 and tell the error behind it, so the words count and not the status alone.
Its words about a line repeat the line, so no more of them is told than the exception and the column.
"""

import re

from collector.errors import Refused, ShippingError, Unauthorized, Unavailable
from collector.net.http_client import HttpClient
from collector.net.http_node import Answer

_CODE = re.compile(r"\bCode: (\d{1,5})[.,]")
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]{4,60})\)")
_HEADER = "x-clickhouse-exception-code"
_MARK = "x-clickhouse-"
_KEY = re.compile(r"while read(?:ing)? the value of key ([a-z]{2,20})\)")
_TYPES = "compare the types of its columns with those in the documentation"

# What a line may be refused for, by the names in ErrorCodes.cpp.
_CONTENT = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        25, 26, 27,  # CANNOT_PARSE_ESCAPE_SEQUENCE, …_QUOTED_STRING, …_INPUT_ASSERTION_FAILED
        33,  # CANNOT_READ_ALL_DATA
        38, 41, 72, 376, 440, 441, 675, 676,  # CANNOT_PARSE_DATE, …_DATETIME, …_NUMBER, …_UUID, …_IPV4, …_IPV6
        53, 69, 70,  # TYPE_MISMATCH, ARGUMENT_OUT_OF_BOUND, CANNOT_CONVERT_TYPE
        117, 128, 130, 131, 190, 321,  # INCORRECT_DATA, TOO_LARGE_ARRAY_SIZE, …, VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349, 407, 469, 691,  # NULL in a column without it, DECIMAL_OVERFLOW, VIOLATED_CONSTRAINT, no element of an enum
    }
)  # fmt: skip
_WHO = {
    164: "the user or its profile is read-only: allow it to write",
    291: "grant the user access to the database",
    452: "the profile of the user forbids a setting of the request: allow it, or correct `settings`",
    497: "grant the user INSERT on the table",
}
_LOGIN = frozenset({192, 193, 194, 195, 516})
_COLUMNS = "add the columns to the table, or name those that it has in `columns`"
_WAITS = {
    16: _COLUMNS,
    47: _COLUMNS,
    60: "create the table, or correct database and table",
    81: "create the database, or correct database",
    115: "set tokens: false for a server before 22.2, or correct `settings`",
    202: "the agent retries; raise max_concurrent_queries of the server, or lower concurrency",
    225: "bring its Keeper or ZooKeeper back",
    241: "raise the memory limit of the user or server, or lower batch_bytes",
    242: "the table is read-only: bring its Keeper or ZooKeeper back",
    243: "free disk space on the server",
    252: "the table has too many parts: raise batch_bytes and linger_seconds, and partition it by month or day only",
    285: "bring its replicas back",
    319: "the agent sends the batch again; its token prevents a second copy",
    999: "bring its Keeper or ZooKeeper back",
}


def is_stored(answer: Answer) -> bool:
    """Whether it is the acknowledgement of an INSERT: nothing else is said, by such a server."""
    is_kin = any(name.lower().startswith(_MARK) for name in answer.headers)
    return answer.status == 200 and is_kin and not answer.body.strip() and not code_of(answer)


def code_of(answer: Answer) -> int:
    """The code of its exception, 0 if it tells none."""
    told = answer.headers.get(_HEADER, "")
    if told.isdecimal():
        return int(told)
    found = _CODE.search(answer.body[:8192].decode(errors="replace"))
    return int(found[1]) if found else 0


def is_about_content(answer: Answer) -> bool:
    """Whether a document in the batch may be what is refused."""
    return code_of(answer) in _CONTENT


def name_of(answer: Answer) -> str:
    """The exception by its number, and by its name if that is told."""
    names = _NAME.findall(answer.body[:8192].decode(errors="replace"))
    return f"exception {code_of(answer)}{f' {names[-1]}' if names else ''}"


def error_of(answer: Answer, client: HttpClient, table: str) -> ShippingError:
    """The error of an answer that is no acknowledgement."""
    code = code_of(answer)
    name = client.peer.name
    cause = f"{name} refuses rows for {table} ({name_of(answer)})"
    if code in _CONTENT:
        return Refused(
            f"{name} refuses a row for {table} ({name_of(answer)}{_column(answer)})", _TYPES, type=f"exception {code}"
        )
    if code in _LOGIN:
        return Unauthorized(f"{name} rejects {client.peer.who} ({name_of(answer)})", client.peer.credentials)
    if code in _WHO:
        return Unauthorized(cause, _WHO[code])
    if code in _WAITS:
        return Unavailable(cause, _WAITS[code], retry_after=answer.retry_after)
    if code:
        return Unavailable(cause, "the agent retries; see the log of the server", retry_after=answer.retry_after)
    if answer.status == 200:
        return client.stranger("answers in other words")
    return client.refusal(answer)


def _column(answer: Answer) -> str:
    found = _KEY.search(answer.body[:8192].decode(errors="replace"))
    return f" at the column {found[1]}" if found else ""
