"""What another agent sent as records → the documents and ids that it had, and documents of what others wrote.

A bundle is NDJSON as `Batch.lines` writes it. It is split by its bytes: nothing in a document is looked at. What an
agent did not write becomes a `log`, as a line of a container does.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from collector.documents.composer import FinishedLine
from collector.documents.document import Pilotfish, is_document, time
from collector.documents.forms import FORMS, form_of
from collector.errors import UNREADABLE
from collector.model import LogStream

_FIRST = b'{"_id":"'
_BEGIN = re.compile(rb'\{"_id":("(?:[^"\\]|\\.){1,512}"),')
_MOST_ID_BYTES = 512  # Elasticsearch takes no longer one


class Sent(NamedTuple):
    """Documents and their ids."""

    ids: Sequence[str]
    documents: list[bytes]


def bundle(value: bytes, form: str) -> Sent | None:
    """The documents of a bundle, which have this form; None if it is none."""
    begin = len(_FIRST)
    lines = value.split(b"\n")
    if lines.pop() or not lines or not all(one.startswith(_FIRST) for one in lines):
        return _odd_bundle(value, form)
    ids: list[str] = []
    documents: list[bytes] = []
    for line in lines:
        end = line.find(b'"', begin)
        ids.append(line[begin:end].decode(errors="replace"))
        documents.append(b"{" + line[end + 2 :])
    if "\\" in "".join(ids) or max(map(len, ids)) > _MOST_ID_BYTES or not all(ids):
        return _odd_bundle(value, form)
    return _read(ids, documents, form)


def one(name: bytes, value: bytes, form: str) -> Sent | None:
    """The document of a record; None if it is none of an agent."""
    if not 0 < len(name) <= _MOST_ID_BYTES or b"\n" in value:
        return None
    return _read([name.decode(errors="replace")], [value], form)


def foreign(stream: LogStream, text: str, stamp: str, name: str) -> Sent:
    """A document of what no agent wrote, with the fields of the stream."""
    line = FinishedLine(text=text, stream="stdout", time=stamp, id=name)
    made = Pilotfish().finished(stream, [line], [stamp])
    return Sent(made.ids, made.documents)


def day_of(document: bytes) -> str:
    """The day of a document in the zone of its time; "" if it has none."""
    return time(document)[:10]


def rest_of(document: bytes) -> bytes:
    """What stands behind the time: equal in documents of one stream, as a rule."""
    return document[document.rfind(b'"@timestamp":"') + 44 :]


def _read(ids: Sequence[str], documents: list[bytes], form: str) -> Sent | None:
    """Documents as an agent keeps them; None if one of them is no document."""
    if form != "pilotfish":
        if form not in FORMS:
            return None
        read = form_of(form).read
        documents = [read(each) for each in documents]
    return Sent(ids, documents) if all(map(is_document, documents)) else None


def _odd_bundle(value: bytes, form: str) -> Sent | None:
    """One with ids that are no plain text to JSON."""
    begins = [_BEGIN.match(line) for line in value.split(b"\n")[:-1]]
    if not begins or not all(begins):
        return None
    try:
        ids = [msgspec.json.decode(begin[1], type=str) for begin in begins if begin]
    except UNREADABLE:
        return None
    return _read(ids, [b"{%b" % begin.string[begin.end() :] for begin in begins if begin], form)
