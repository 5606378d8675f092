"""Documents → patterns: messages that differ in numbers, ids and addresses alone are one.

Each mask takes time in proportion to the text alone, of which the beginning is looked at: lines are hostile.
"""

import re
from collections.abc import Sequence

import orjson

from collector.documents.document import LEVELS, said
from collector.errors import UNREADABLE
from collector.web.answers import Pattern

_MOST_CHARACTERS = 500  # of a message
_MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<uuid>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"), "<ip>"),
    (re.compile(r"\b0x[0-9a-fA-F]{1,64}\b|\b(?=[a-f]{0,64}[0-9])[0-9a-f]{12,64}\b"), "<hex>"),
    (re.compile(r"\d+(?:\.\d+)?"), "<n>"),
)


def of(documents: Sequence[bytes]) -> list[Pattern]:
    """The patterns of documents that stand newest first, the most frequent first; `level` is that of the newest."""
    found: dict[str, Pattern] = {}
    for document in documents:
        try:
            members = orjson.loads(document)
        except UNREADABLE:
            continue
        log = members.get("log")
        mask = masked(said(orjson.dumps(log).decode()))
        time = str(members.get("@timestamp", ""))
        before = found.get(mask)
        found[mask] = Pattern(
            pattern=mask,
            count=1 if before is None else before.count + 1,
            level=_level(log, members) if before is None else before.level,
            first=time,
            last=time if before is None else before.last,
            id=str(members.get("_id", "")) if before is None else before.id,
        )
    return sorted(found.values(), key=lambda each: -each.count)


def masked(message: str) -> str:
    """The message with what differs from one to the next taken out."""
    text = message[:_MOST_CHARACTERS]
    for mask, name in _MASKS:
        text = mask.sub(name, text)
    return text


def _level(log: object, members: dict[str, object]) -> str:
    for where in (log, members):
        if isinstance(where, dict):
            for name in LEVELS:
                if isinstance(value := where.get(name), str):
                    return value[:40]
    return ""
