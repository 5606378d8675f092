"""What an output made of lines → what those who look on may see of it: nothing that any output takes out.

Outputs take different things out of the same lines, and the live view has a line from whichever read it first. So it
takes out of a document what the others would take out of the line. Where the document says no more what the line said,
nobody can tell what that is, and what the line said is withheld: a secret may stand half before a tag and half behind
it, and a pattern of the operator may go over several members that a format made.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import orjson
from msgspec.structs import replace

from collector.documents.document import HEAD, is_document, split, text_alone
from collector.documents.json_text import message
from collector.errors import UNREADABLE
from collector.model import LogStream, Segment
from collector.pipeline.wanted import also_redacted
from collector.ports import ShipperSettings
from collector.redaction.fields import redacted_members
from collector.redaction.redaction import OWN_STAGE, Redact, Redaction
from collector.redaction.redactor import Redactor
from collector.redaction.tags import BEGINS

WITHHELD = "withheld: an output takes more out of this line than can be found in what was made of it"
_AS_WRITTEN = ("", "none")  # formats that leave a line whole
_ATTRS = b'"docker_attrs":['
_Hide = Callable[[bytes], bytes]


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
        applied, all_ = (redact.redaction.stages(names) for names in (own.reading.redact, shown.reading.redact))
        missing = {name: stage for name, stage in all_.items() if name not in applied}
        if not missing:
            return segment
        is_apart = OWN_STAGE in missing.values() and own.reading.format not in _AS_WRITTEN
        is_behind = not applied or min(missing.values()) > max(applied.values())
        hide = partial(_hidden, redactor=redact(), is_apart=is_apart, is_behind=is_behind)
        documents = segment.documents
        if is_apart or any(_ATTRS in document for document in documents[:1]):
            documents = list(map(hide, documents))
        else:
            if shown.fields is not own.fields:
                documents = _with_other_fields(documents, own.fields, shown.fields, hide)
            documents = _suspects_hidden(documents, redact(), hide, is_behind=is_behind)
        return replace(segment, stream=shown, documents=documents, size=sum(map(len, documents)))


def _with_other_fields(
    documents: list[bytes], own: Mapping[str, str], other: Mapping[str, str], hide: _Hide
) -> list[bytes]:
    """With the fields, which stand at the end of each, without what is taken out of them."""
    before, now = (orjson.dumps(dict(fields))[1:] for fields in (own, other))
    size = len(before)
    return [each[:-size] + now if each.endswith(before) else hide(each) for each in documents]


def _suspects_hidden(documents: list[bytes], redactor: Redactor, hide: _Hide, *, is_behind: bool) -> list[bytes]:
    """The same as of each document, in one look at all of them: most have nothing."""
    suspects = redactor.suspects([document.decode(errors="replace") for document in documents])
    return [
        hide(document) if number in suspects or (not is_behind and BEGINS in document) else document
        for number, document in enumerate(documents)
    ]


def _hidden(document: bytes, *, redactor: Redactor, is_apart: bool, is_behind: bool) -> bytes:
    """A document without what the redactor finds.

    `is_apart`: what belongs together may be in several members. `is_behind`: what was taken out of it before leaves
    all the rest that is to be found as it was.
    """
    if not is_document(document):
        seen = redactor.text(document.decode(errors="replace"))
        return message(WITHHELD).encode() if seen is None else seen.encode()
    log, rest = split(document)
    is_told = not is_apart and (is_behind or BEGINS not in log)
    made = _log(log, redactor) if is_told else None
    return b"%b%b%b}" % (HEAD, message(WITHHELD).encode() if made is None else made, _members(rest, redactor))


def _log(log: bytes, redactor: Redactor) -> bytes | None:
    """As it would be if it had been redacted before it was composed; None if it is withheld."""
    if (text := text_alone(log)) is not None:
        seen = redactor.broken(text)
        return log if seen == text else None if seen is None else message(seen).encode()
    whole = redactor.text(log.decode(errors="replace"))
    return None if whole is None else whole.encode()


def _members(rest: bytes, redactor: Redactor) -> bytes:
    """What stands behind `log`, from the comma on."""
    try:
        members = orjson.loads(b"{%b}" % rest[1:])
    except UNREADABLE:
        return b""
    made = redacted_members(members, redactor)
    return rest if made == members else b",%b" % orjson.dumps(made)[1:-1]
