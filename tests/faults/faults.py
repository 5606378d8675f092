"""What a faulty endpoint does wrong, as its two sides tell each other."""

from typing import Literal

from msgspec import Struct


class Faults(Struct, forbid_unknown_fields=True, kw_only=True):
    """Chances are from 0 to 1 and drawn with the endpoint's seed; all of them 0 is a server without a fault.

    `requests` → chance per request: a status (nothing is kept), `late` (kept, never answered), `reset` (kept, then the
    connection breaks), or a 200 that is `cut`, `not_json` or `short` of items (kept).
    `items` → chance per document: a status; 409 is kept and called a duplicate, as if an earlier request had come.
    `refused` and `refused_json` are shares of the ids that are refused for their content: in any form, or as JSON only.
    `no_gzip` refuses each request that is compressed, as if it were broken JSON.
    `poison` refuses each document that holds this text, `strict` each that Elasticsearch could not read.
    `deadly`: a request with this text ends the node, with all that is on its way; it is away for `away_seconds`.
    `kill_pid` dies right after so many answers from now on.
    """

    mode: Literal["accept", "refuse", "hold"] = "accept"
    requests: dict[str, float] = {}
    items: dict[int, float] = {}
    refused: float = 0.0
    refused_json: float = 0.0
    poison: str = ""
    no_gzip: bool = False
    deadly: str = ""
    away_seconds: float = 0.5
    strict: bool = False
    largest_bytes: int = 0
    latency_seconds: float = 0.0
    kill_pid: int = 0
    kill_after: int = 0
    kill_before_answer: bool = False


class Told(Struct, kw_only=True):
    """What the endpoint has seen so far."""

    documents: int
    refused: int
    duplicates: int
    conflicting: int
    requests: list[int]  # by node
    statuses: dict[int, int]
    late: int
    deaths: int = 0
