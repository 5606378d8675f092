"""Documents ↔ `log`, and what stands behind it, for who keeps once what many have in common."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import orjson

_HEAD = b'{"log":'
_SEAM = b',"stream":"'
_REST = re.compile(rb',"stream":"(stdout|stderr)","@timestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)Z"(.*\})')


class Framed(NamedTuple):
    """Of several documents: `logs` as they stand there, streams, times without their `Z`, and all behind the time."""

    logs: Sequence[bytes]
    streams: Sequence[bytes]
    times: Sequence[bytes]
    tails: Sequence[bytes]


def framed(documents: Sequence[bytes]) -> Framed | None:
    """Take documents apart, in a few passes over all of them; None if one is not as a composer writes it."""
    seams = [document.rfind(_SEAM) for document in documents]
    matches = list(map(_REST.fullmatch, documents, seams))
    if None in matches or {document[: len(_HEAD)] for document in documents} != {_HEAD}:
        return None
    streams, times, tails = zip(*[match.groups() for match in matches], strict=True)  # type: ignore[union-attr]
    logs = [document[len(_HEAD) : seam] for document, seam in zip(documents, seams, strict=True)]
    return Framed(logs, streams, times, tails)


def joined(name: str, log: bytes, stream: str, time: str, tail: bytes) -> bytes:
    """The document again, with its `_id` first."""
    parts = orjson.dumps(name), log, stream.encode(), time.encode(), tail
    return b'{"_id":%b,"log":%b,"stream":"%b","@timestamp":"%bZ"%b' % parts
