"""Documents that were kept on disk → a segment of them, as if they had just been read.

It has the fields that its documents carry. It moves no position, so it has none, and nobody follows its stream.
"""

from collector.documents.document import fields
from collector.documents.segments import segment_of
from collector.model import FileId, LogStream, Position, Segment, Ticket


def segment(*, container_id: str, container: str, entry: str, target: str, day: str, ids: list[str],
            documents: list[bytes]) -> Segment:  # fmt: skip
    """`documents` of one stream and one day."""
    stream = LogStream(
        container_id=container_id,
        container=container,
        entry=entry,
        target=target,
        path="",
        running=False,
        fields=fields(documents[0]) if documents else {},
    )
    return segment_of(stream, day, documents, ids, Ticket(Position(FileId(container_id, "", 0), 0, 0)))
