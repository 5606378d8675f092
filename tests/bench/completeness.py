"""What the endpoint kept, against what was written → how many lines were lost, doubled or broken.

Every line has a token; a collector need not have ids for it. Where it has, two documents under one action line are
one, as they are for Elasticsearch; and an action line that names two different lines loses one of them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.bench.bodies import Body
from tests.bench.workload import LONG_BYTES, PIECE_BYTES

_TOKEN = re.compile(rb'trace_id\\*": ?\\*"([0-9a-f]{16})|seq=([0-9]+-[0-9]+)')
_TRACE_ID, _SEQUENCE = b"trace_id", b"seq="
_LONG = re.compile(rb"seq=(\S+) .* end=\1[\"\\]")
_ID = b'"_id"'


class Verdict(NamedTuple):
    """In lines: `lost` are nowhere, `doubled` came again, `broken` are documents that are no whole line."""

    lines: int
    lost: int
    doubled: int
    broken: int

    @property
    def complete(self) -> bool:
        """Every line is there once, and nothing else."""
        return not (self.lost or self.doubled or self.broken)

    def __str__(self) -> str:
        if self.complete:
            return "complete"
        counts = {"lost": self.lost, "doubled": self.doubled, "broken": self.broken}
        return "FAILED: " + ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def token_in(text: bytes) -> bytes:
    """The token of the one line in `text`, wherever it stands; b"" if there is none, or more than one."""
    is_json = text.count(_TRACE_ID)
    if is_json + text.count(_SEQUENCE) != 1:
        return b""
    found = _TOKEN.match(text, text.find(_TRACE_ID if is_json else _SEQUENCE))
    return found[1] or found[2] if found else b""


def written(tree: Path) -> set[bytes]:
    """The tokens of the lines in a tree."""
    tokens: set[bytes] = set()
    for path in tree.glob("*/*-json.log"):
        with path.open("rb") as file:
            tokens.update(map(token_in, file))
    return tokens - {b""}  # the later pieces of a long line have none


def verify(expected: set[bytes], kept: Iterable[Body]) -> Verdict:
    """Hold what was kept to what was written."""
    found: Counter[bytes] = Counter()
    seen: dict[bytes, bytes] = {}  # action line with an id → token
    broken = 0
    for body in kept:
        documents = list(_documents(body))
        tokens = [token_in(text) for _, text in documents]
        found.update(_first_of_each(seen, documents, tokens) if _has_ids(body) else tokens)
        broken += sum(not (token and _is_whole(text)) for token, (_, text) in zip(tokens, documents, strict=True))
    del found[b""]
    return Verdict(
        lines=len(expected),
        lost=len(expected - found.keys()),
        doubled=found.total() - len(found),
        broken=broken + len(found.keys() - expected),
    )


def _documents(body: Body) -> Iterator[tuple[bytes, bytes]]:
    """Action line (b"" where there is none) and document."""
    lines = body.text.removesuffix(b"\n").split(b"\n")
    if body.has_actions:
        return zip(lines[0::2], lines[1::2], strict=True)
    return ((b"", line) for line in lines)


def _has_ids(body: Body) -> bool:
    return body.has_actions and _ID in body.text[: body.text.find(b"\n")]


def _first_of_each(
    seen: dict[bytes, bytes], documents: list[tuple[bytes, bytes]], tokens: list[bytes]
) -> Iterator[bytes]:
    """The tokens that Elasticsearch would have after it: the first document under an id."""
    for (action, _), token in zip(documents, tokens, strict=True):
        if action not in seen:
            seen[action] = token
            yield token


def _is_whole(text: bytes) -> bool:
    """Whether a document that is larger than any short line's holds all of a long line."""
    return len(text) < PIECE_BYTES or (len(text) >= LONG_BYTES and _LONG.search(text) is not None)
