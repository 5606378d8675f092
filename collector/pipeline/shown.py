"""What an output made of lines → what those who look on may see of it: nothing that any output takes out.

Outputs take different things out of the same lines, and the live view has a line from whichever read it first. So it
takes out of a document what the others would take out of the line. Where the document says no more what the line said,
nobody can tell what that is, and what the line said is withheld: a secret may stand half before a tag and half behind
it, and a pattern of the operator may go over several members that a format made.
"""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from collector.documents.document import HEAD, is_document, split
from collector.documents.json_text import message
from collector.documents.redacted import redacted
from collector.model import LogStream, Segment
from collector.pipeline.wanted import also_redacted
from collector.ports import ShipperSettings
from collector.redaction.fields import NAMES, member_of
from collector.redaction.redaction import OWN_STAGE, Redact, Redaction
from collector.redaction.tags import BEGINS

WITHHELD = "withheld: an output takes more out of this line than can be found in what was made of it"
_AS_WRITTEN = ("", "none")  # formats that leave a line whole


class Shown:
    """By what all outputs redact; `redaction` gives the rules that there are now."""

    def __init__(self, redaction: Callable[[], Redaction], outputs: Iterable[ShipperSettings]) -> None:
        self._redaction = redaction
        self._names = tuple(dict.fromkeys(name for one in outputs for name in one.redact))

    def stream(self, stream: LogStream) -> LogStream:
        """The stream as it is read for those who look on."""
        return also_redacted(stream, self._names, self._redaction())

    def segment(self, segment: Segment) -> Segment:
        """The segment without what other outputs take out of its lines; the same if that is nothing."""
        own = segment.stream
        shown = self.stream(own)
        redact = shown.reading.redactor
        if shown is own or not isinstance(redact, Redact):
            return segment
        missing = redact.redaction.missing(own.reading.redact, shown.reading.redact)
        if not missing.stages:
            return segment
        is_whole = OWN_STAGE not in missing.stages or own.reading.format in _AS_WRITTEN
        documents = segment.documents
        if not is_whole or not missing.is_behind:
            documents = [each if is_whole and not _is_tagged(each) else _withheld(each) for each in documents]
        redactor = redact()
        member = member_of(redactor, is_behind=missing.is_behind)
        documents = redacted(documents, redactor, member=member, keeps=NAMES)
        return replace(segment, stream=shown, documents=documents, size=sum(map(len, documents)))


def _is_tagged(document: bytes) -> bool:
    """Whether something was taken out of its line."""
    return BEGINS in document and (not is_document(document) or BEGINS in split(document).log)


def _withheld(document: bytes) -> bytes:
    """The document without what its line says."""
    log = message(WITHHELD).encode()
    return b"%b%b%b}" % (HEAD, log, split(document).rest) if is_document(document) else log
