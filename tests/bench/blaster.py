"""Prepared bodies → the endpoint, as fast as it takes them: how many lines a second it could carry at all."""

import http.client
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from isal import igzip

from tests.bench import endpoint, reference
from tests.bench.board import Slot

_BODY_BYTES = 2 << 20
_CONNECTIONS = 3
_SECONDS = 1.5


class Limits(NamedTuple):
    """Lines a second that the endpoint takes, from bodies with and without gzip."""

    gzip: float
    plain: float


def limits(tree: Path, seconds: float = _SECONDS) -> Limits:
    """Send some bodies made of the tree's lines over and over."""
    body = _body(tree)
    return Limits(_rate(igzip.compress(body, 1), {"content-encoding": "gzip"}, seconds), _rate(body, {}, seconds))


def _body(tree: Path) -> bytes:
    with min(tree.glob("*/*-json.log")).open("rb") as file:
        lines = file.readlines(_BODY_BYTES)
    return (
        b"\n".join([text for number, line in enumerate(lines) for text in reference.document(line, f"x-{number}")])
        + b"\n"
    )


def _rate(body: bytes, headers: dict[str, str], seconds: float) -> float:
    with endpoint.started() as sink, ThreadPoolExecutor(_CONNECTIONS) as threads:
        begun = time.monotonic()
        until = begun + seconds
        list(threads.map(lambda _: _send(sink.port, body, headers, until), range(_CONNECTIONS)))
        return sink.board[Slot.DOCUMENTS] / (time.monotonic() - begun)


def _send(port: int, body: bytes, headers: dict[str, str], until: float) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while time.monotonic() < until:
        connection.request("POST", "/_bulk", body, headers)
        connection.getresponse().read()
    connection.close()


def warning(limits: Limits, fastest: float) -> Sequence[str]:
    """What to say where the endpoint is not twice as fast as the fastest collector."""
    if min(limits) >= 2 * fastest:
        return ()
    return (f"WARNING: the endpoint takes {min(limits):,.0f} lines/s, under twice the {fastest:,.0f} of a collector",)
