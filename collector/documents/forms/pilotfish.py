"""The form in which documents are kept: docs/specification.md, section 3."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from collector.documents.document import is_document
from collector.documents.form import Form
from collector.errors import UNREADABLE

_FIRST = ("log", "stream", "@timestamp")
_members = msgspec.json.Decoder(dict[str, Raw]).decode


class _Kept:
    words: Sequence[str] = ("log.*",)
    flat = ""

    def written(self, documents: list[bytes]) -> list[bytes]:
        """The documents themselves."""
        return documents

    def read(self, document: bytes) -> bytes:
        """The document itself; of one that a server has made anew of its fields, the members in our order."""
        if is_document(document):
            return document
        try:
            members = _members(document)
        except UNREADABLE:
            return document
        if any(name not in members for name in _FIRST):
            return document
        first = {name: members.pop(name) for name in _FIRST}
        return msgspec.json.encode(first | members)

    def field(self, path: str, *, is_trusted: bool) -> str:
        """The field of a trusted member, else that of a member of `log`."""
        return path if is_trusted else f"log.{path}"


FORM: Form = _Kept()
