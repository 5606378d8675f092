"""Builds Segments and Batches as the transform gives them: documents in the published format, ids `<file>-<line>`."""

import hashlib
import json
from collections.abc import Iterable, Sequence

from collector.model import Batch, FileId, LogStream, Position, Segment, Ticket

DAY = "2026-11-23"


def log_stream(target: str = "shop", *, container_id: str = "c0ffee") -> LogStream:
    """A running container's stream whose documents go to `target`."""
    return LogStream(
        container_id=container_id,
        container=f"{container_id}-1",
        entry="",
        target=target,
        path=f"/logs/{container_id}/{container_id}-json.log",
        running=True,
        fields={"host": "moby", "@target": target, "docker_container": f"{container_id}-1"},
    )


def document(
    log: object, stream: LogStream, *, time: str = f"{DAY}T02:13:00.768123456Z", output: str = "stdout"
) -> bytes:
    """One document; `log` is encoded unless it is bytes, which stand in the document as they are."""
    inner = log.decode() if isinstance(log, bytes) else json.dumps(log, ensure_ascii=False)
    fields = json.dumps(dict(stream.fields), ensure_ascii=False, separators=(",", ":"))[1:]
    return f'{{"log":{inner},"stream":"{output}","@timestamp":"{time}",{fields}'.encode()


def messages(count: int, stream: LogStream, *, day: str = DAY, first: int = 0) -> list[bytes]:
    """Plain documents `line <n>` of one day, a microsecond and a nanosecond apart, beginning with line `first`."""
    return [
        document({"message": f"line {n}"}, stream, time=f"{day}T02:13:{n // 999_000 % 60:02}.{n % 999_000 * 1001:09}Z")
        for n in range(first, first + count)
    ]


def segment(
    documents: Sequence[bytes], stream: LogStream, *, day: str = DAY, first: int = 0, file: str = ""
) -> Segment:
    """`documents` as the lines from `first` on of the stream's `file` (name another for another set of ids)."""
    head = hashlib.blake2b(f"{stream.container_id}/{stream.target}/{file}".encode(), digest_size=12).hexdigest()
    size = sum(map(len, documents))
    return Segment(
        stream=stream,
        day=day,
        documents=list(documents),
        ids=[f"{head}-{first + n}" for n in range(len(documents))],
        size=size,
        ticket=Ticket(Position(FileId(stream.container_id, head, 0), size, first + len(documents))),
    )


def plain_segment(count: int, target: str = "shop", *, day: str = DAY, first: int = 0, file: str = "") -> Segment:
    """`count` plain documents for `target`."""
    stream = log_stream(target)
    return segment(messages(count, stream, day=day, first=first), stream, day=day, first=first, file=file)


def batch(*segments: Segment) -> Batch:
    """The segments as one batch."""
    return Batch(segments)


def by_id(batches: Iterable[Batch]) -> dict[str, bytes]:
    """Every document of `batches` under its `_id`."""
    return {
        name: body
        for each in batches
        for part in each.segments
        for name, body in zip(part.ids, part.documents, strict=True)
    }
