"""Documents → patterns: messages that differ in numbers, ids and quoted words alone are one."""

from collections.abc import Sequence

import orjson

from collector.documents.document import LEVELS, said
from collector.errors import UNREADABLE
from collector.text.masking_lines import mask
from collector.web.answers import Pattern


def of(documents: Sequence[bytes]) -> list[Pattern]:
    """The patterns of documents that stand newest first, the most frequent first; `level` is that of the newest."""
    found: dict[str, Pattern] = {}
    for document in documents:
        try:
            members = orjson.loads(document)
        except UNREADABLE:
            continue
        log = members.get("log")
        pattern = mask(said(orjson.dumps(log).decode()))
        time = str(members.get("@timestamp", ""))
        before = found.get(pattern)
        found[pattern] = Pattern(
            pattern=pattern,
            count=1 if before is None else before.count + 1,
            level=_level(log, members) if before is None else before.level,
            first=time,
            last=time if before is None else before.last,
            id=str(members.get("_id", "")) if before is None else before.id,
        )
    return sorted(found.values(), key=lambda each: -each.count)


def _level(log: object, members: dict[str, object]) -> str:
    for where in (log, members):
        if isinstance(where, dict):
            for name in LEVELS:
                if isinstance(value := where.get(name), str):
                    return value[:40]
    return ""
