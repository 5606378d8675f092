"""The form in which documents are kept: docs/specification.md, section 3."""

from collections.abc import Sequence

from collector.documents.form import Form


class _Kept:
    words: Sequence[str] = ("log.*",)
    flat = ""

    def written(self, documents: list[bytes]) -> list[bytes]:
        """The documents themselves."""
        return documents

    def read(self, document: bytes) -> bytes:
        """The document itself."""
        return document

    def field(self, path: str, *, is_trusted: bool) -> str:
        """The field of a trusted member, else that of a member of `log`."""
        return path if is_trusted else f"log.{path}"


FORM: Form = _Kept()
