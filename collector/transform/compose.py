"""Lines and what is known of them → documents: `{"log": {…}, "stream": …, "@timestamp": …, <constants>}`.

The trusted members stand behind `log`, whole and last, so that the application cannot reach them.
"""

from collections.abc import Sequence

from msgspec import Struct

from collector.documents.json_text import log_of, validate
from collector.errors import UNREADABLE
from collector.transform.envelope import Line


class Document(Struct, gc=False):
    """A finished line on its way: `log` is the JSON text of the member `log`; `is_cut` says that more belongs to it."""

    log: str
    stream: str
    time: str
    id: str
    attrs: bytes = b""
    is_cut: bool = False


def plain_documents(constants: str, lines: Sequence[Line], stamps: list[str]) -> list[bytes] | None:
    """One document per line; None if a line is only a piece.

    Each is encoded by itself: a join of all would widen the whole text on its first character beyond ASCII.
    """
    tail = f'",{constants}}}'
    documents: list[bytes] = []
    append = documents.append
    for line, stamp in zip(lines, stamps, strict=True):
        log, newline, more = line.log.partition("\n")
        if log[-1:] == "}" and log[0] == "{" and newline and not more:
            try:
                validate(log)
            except UNREADABLE:
                log = log_of(log)
        elif line.log.endswith("\n"):
            log = log_of(text_of(line.log))
        else:
            return None
        append(f'{{"log":{log},"stream":"{line.stream}","@timestamp":"{stamp}{tail}'.encode())
    return documents


def text_of(log: str) -> str:
    """A line as the application wrote it, without what ended it."""
    return log[:-1].removesuffix("\r") if log.endswith("\n") else log


def document_of(line: Document, stamp: str, constants: str) -> bytes:
    """The document of a finished line."""
    more = '"truncated":true,' if line.is_cut else ""
    return f'{{"log":{line.log},"stream":"{line.stream}","@timestamp":"{stamp}",{more}{constants}}}'.encode()
