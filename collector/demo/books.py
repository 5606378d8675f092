"""What was written and what is stored, each as a tally per container: equal tallies mean exactly once.

A tally is a count and a sum of hashes, which does not depend on the order: a document that is missing, there twice or
altered changes it. The chance that it does not is 2^-64.
"""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec
import orjson
from msgspec import Struct

from collector.ports import Found, Query, Searchable

_LAST = (1 << 64) - 1


class Tally(Struct):
    """A multiset of lines, each with its stream and time, in constant space."""

    count: int = 0
    sum: int = 0

    def add(self, log: bytes, stream: str, time: str) -> None:
        """Count a line: `log` is the document's member of that name, as JSON."""
        digest = blake2b(log + f"\n{stream}\n{time}".encode(), digest_size=8).digest()
        self.count += 1
        self.sum = (self.sum + int.from_bytes(digest)) & _LAST

    def merge(self, other: "Tally") -> None:
        """Count all that `other` has counted."""
        self.count += other.count
        self.sum = (self.sum + other.sum) & _LAST


class _Stored(Struct, gc=False):
    log: msgspec.Raw
    stream: str
    docker_container: str
    time: str = msgspec.field(name="@timestamp")


def log_member(text: str) -> bytes:
    """The member `log` of a line's document, by the rule that users are told: a JSON object as it is, else a message.

    Only for what the demo itself writes: there a line that begins with a brace is an object.
    """
    return text.encode() if text.startswith("{") else orjson.dumps({"message": text})


async def stored(store: Searchable, *, page_documents: int = 20_000) -> dict[str, Tally]:
    """Read every document of a store, page after page, into a tally per container.

    Raises:
        StateError: the store cannot be read.
    """
    found: dict[str, Tally] = {}
    decode = msgspec.json.Decoder(_Stored).decode
    page = Found(0, [])
    is_over = False
    while not is_over:
        page = await store.search(Query(sort="oldest", limit=page_documents, after=page.cursor))
        for document in page.documents:
            one = decode(document)
            found.setdefault(one.docker_container, Tally()).add(bytes(one.log), one.stream, one.time)
        is_over = not page.cursor
    return found


def differences(wanted: Mapping[str, Tally], found: Mapping[str, Tally]) -> list[str]:
    """Why the tallies are not equal, one reason per container; none when they are."""
    reasons = []
    for name in sorted(wanted.keys() | found.keys()):
        written, there = wanted.get(name, Tally()), found.get(name, Tally())
        if written.count != there.count:
            reasons.append(f"{name}: {written.count} lines written, {there.count} documents stored")
        elif written != there:
            reasons.append(f"{name}: documents differ from the lines written")
    return reasons
