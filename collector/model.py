"""The nouns that flow: LogStream, Position, Chunk, Segment, Batch, Receipt.

The unit of work is a chunk of whole lines, bytes in and bytes out; no line crosses a module boundary alone.
All of them are values: a change is a new value, so they may be shared between pipelines and tasks.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from collector.reading import AS_WRITTEN, Reading

Item = TypeVar("Item")

_HEADS = 32  # files with one first line are pieces of one line, time included: they follow closely on each other


def line_count(data: bytes) -> int:
    """Newlines in `data`: 0.03 µs a line, a third of `bytes.count`, which looks at each byte by itself."""
    return len(data) - len(data.replace(b"\n", b""))


def within(most_bytes: int, items: Iterable[Item], size: Callable[[Item], int]) -> list[Item]:
    """The first of `items` that have no more bytes together, one at least; no later one is asked for."""
    found: list[Item] = []
    left = most_bytes
    for item in items:
        left -= size(item)
        if found and left < 0:
            break
        found.append(item)
    return found


class FileId(NamedTuple):
    """Which file: it survives rename, copy and compression.

    `head` is the hash of the whole first line (newline included) in hex; `ordinal` numbers the files of one
    container that begin with equal lines, oldest first.
    """

    container_id: str
    head: str
    ordinal: int


class Cursor(NamedTuple):
    """A place in a stream that is no file: `text` is its source's own and opaque to all others.

    Of one stream a later place has a higher `order`.
    """

    order: int
    text: str = ""


class Position(NamedTuple):
    """Where reading resumes: `offset` is the byte after the last whole line, `line` the raw lines before it.

    `inode` is the file's (0: not known): it tells apart files with equal first lines. A source that reads no file goes
    by the `cursor` alone; where a chunk of it is divided, its parts have the one of the chunk's start.
    """

    file: FileId
    offset: int
    line: int
    inode: int = 0
    cursor: Cursor | None = None

    @property
    def order(self) -> int:
        """Of two positions in one file, or one stream without files, the later one has the higher."""
        return self.offset if self.cursor is None else self.cursor.order


def keep_ordinal(ordinals: dict[str, int], head: str, ordinal: int) -> None:
    """Note the last ordinal given to files that begin with this line; of many such lines the newest are kept."""
    ordinals.pop(head, None)
    ordinals[head] = ordinal
    while len(ordinals) > _HEADS:
        del ordinals[next(iter(ordinals))]


class Resume(Struct, frozen=True):
    """A position, and what tells its file apart from others with an equal first line.

    `fingerprint` is that of the line before the position ("": not known), `ordinals` are the last
    ones given, by head, up to that file. `is_unsettled` says that all before it was left out for its age.
    """

    position: Position
    ordinals: dict[str, int] = {}
    fingerprint: str = ""
    is_unsettled: bool = False


class Dated(NamedTuple):
    """The time that the first lines of a file have where none of their own can be read."""

    file: FileId
    time: str


class Ended(NamedTuple):
    """An event of several lines that is whole, by the raw line that it begins with and the number of its lines."""

    file: FileId
    line: int
    lines: int


class Written(NamedTuple):
    """The time of lines that have none of their own: those of a file that begin before the byte `until`.

    Of several that a line begins before, the first holds.
    """

    file: FileId
    until: int
    time: str


class Decided(NamedTuple):
    """What no file tells of a stream, and the clock decided: it is kept, so that each read comes to the same."""

    dated: Dated | None = None
    ended: tuple[Ended, ...] = ()
    written: tuple[Written, ...] = ()


class Start(Struct, frozen=True):
    """What is kept of a stream: where reading begins, None for its beginning, and what was before that.

    `cutoff` (`YYYY-MM-DDTHH:MM:SS`) leaves out older lines until one was settled. `last_time` is Docker's time of the
    last good line before the position. `decided` is what was decided behind it, by `Transform.undecided`; `carried` is
    what a transform has to know of the lines before.
    """

    resume: Resume | None = None
    cutoff: str = ""
    last_time: str = ""
    decided: Decided = Decided()
    carried: str = ""


BEGINNING = Start()


class StreamKey(NamedTuple):
    """Names one stream for good: the container and the label entry that asked for it ("" for the default target).

    Of a file that is no container's log: its path on the host, and the target, so that whoever else asks for the same
    has the same stream.
    """

    container_id: str
    entry: str


class LogStream(Struct, frozen=True, kw_only=True, gc=False):
    """One thing to follow: a container's log for one target.

    `fields` are the trusted members that each of its documents has behind `@timestamp`, in their order: `host`,
    `@target`, `docker_container` and what is known of it besides; they are never changed. `running` is the container's
    state when discovery last looked: a line without its newline ends only when the container has stopped. `has_run`
    says that it was ever started: before that it has no log. `files_kept` is how many files its log may have if it was
    made since the agent started, else 0: of an older one nobody knows what was removed before. `source` says where its
    lines are, `reading` how they are read, `input` which input does that; `outputs` names those that get them, () for
    all. `labels` are those that somebody chooses containers by (`Policy.kept`); no document has them. `root` is "" for
    a json-file log, else plain lines are at `path` beneath it, without a link. `is_relayed`: by other agents before.
    """

    container_id: str
    container: str
    entry: str
    target: str
    path: str
    running: bool
    fields: Mapping[str, str]
    has_run: bool = True
    files_kept: int = 0
    source: str = "stdout"
    reading: Reading = AS_WRITTEN
    input: str = ""
    outputs: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    root: str = ""
    is_relayed: bool = False

    @property
    def key(self) -> StreamKey:
        """The stream's name for good."""
        return StreamKey(self.container_id, self.entry)

    def __hash__(self) -> int:
        return hash(self.key)  # a mapping has none


class Chunk(Struct, frozen=True, kw_only=True, gc=False):
    """Whole raw lines of one file: `data` ends with a newline, `start` is where it begins and `end` where it ends.

    Of its first line some may be left out: of a run of NUL bytes all but one, and what is beyond the bound of a line.
    `ended` says that the container has stopped and nothing follows for now: a line that still lacks its newline
    gets none. Such a chunk may be without data. `fingerprint` is that of the last line before `end`. `changed` tells
    when the file was last written, in nanoseconds since 1970: asked only where lines have no time, for it costs a call.
    `size` tells how many bytes the file has by then.
    """

    stream: LogStream
    data: bytes
    start: Position
    end: Position
    ended: bool = False
    fingerprint: str = ""
    changed: Callable[[], int] = lambda: 0
    size: Callable[[], int] = lambda: 0

    @property
    def is_complete(self) -> bool:
        """Whether its first line is as it stands in the file."""
        return self.end.offset - self.start.offset == len(self.data)


class Ticket(Struct, eq=False, gc=False):
    """Goes with a segment and with all of its parts: where the stream is once they, and all before them, are settled.

    `end` is the position, `last_time` Docker's time of the last good line before it, `fingerprint` that of the last
    line before it ("": not known), `documents` how many the segment has. It holds none of them: what waits for another
    segment must not keep them alive. `carried` is what its transform has to know there of the lines before.
    """

    end: Position
    last_time: str = ""
    fingerprint: str = ""
    documents: int = 0
    is_settled: bool = False
    carried: str = ""


class Segment(Struct, frozen=True, kw_only=True, gc=False):
    """Documents of one stream and one day, in the order of their lines.

    `documents` are UTF-8 JSON objects without a newline inside or behind; `ids` their `_id`s, one each; `day` is
    `YYYY-MM-DD` in the configured zone; `size` the bytes of the documents.
    """

    stream: LogStream
    day: str
    documents: list[bytes]
    ids: Sequence[str]
    size: int
    ticket: Ticket

    @property
    def count(self) -> int:
        """Number of documents."""
        return len(self.documents)

    def part(self, indexes: Sequence[int]) -> "Segment":
        """Only the documents at `indexes`; the ticket stays, since the stream is done only with all of them."""
        if len(indexes) == self.count:
            return self
        documents, ids = [self.documents[index] for index in indexes], [self.ids[index] for index in indexes]
        return replace(self, documents=documents, ids=ids, size=sum(map(len, documents)))


class Batch(Struct, frozen=True, dict=True):
    """Segments shipped and acknowledged together."""

    segments: tuple[Segment, ...] = ()

    @cached_property
    def count(self) -> int:
        """Number of documents."""
        return sum([len(segment.documents) for segment in self.segments])

    @property
    def size(self) -> int:
        """Bytes of the documents."""
        return sum(segment.size for segment in self.segments)

    def lines(self, written: Callable[[list[bytes]], list[bytes]] = list) -> bytes:
        """One document a line, its `_id` as the first member: where ids cannot stand beside the documents.

        `written` gives documents in the form that the destination wants: `Form.written`.
        """
        return b"".join(
            b'{"_id":%b,%b\n' % (msgspec.json.encode(name), body[1:])
            for segment in self.segments
            for name, body in zip(segment.ids, written(segment.documents), strict=True)
        )


class Rejected(Struct, frozen=True):
    """One document that the destination will never take as it is: the fault is in its content.

    `segment.documents[index]` is the document; `type` the destination's name for the error, `reason` its words.
    `is_final` says that it is not to be sent as plain text either.
    """

    segment: Segment
    index: int
    type: str
    reason: str
    is_final: bool = False


class Receipt(Struct, frozen=True, kw_only=True):
    """What became of each document of a batch: `delivered + duplicate + len(rejected) + retry.count == batch.count`.

    `retry` holds what is to be sent again. `waits` names the targets among them that only the operator can help
    (closed index, shard limit, a block), with the reason; the others were refused for load. Of those in `unsure` it is
    only presumed, since nothing was taken yet: what comes next may show that it was the document's fault.
    """

    delivered: int = 0
    duplicate: int = 0
    rejected: tuple[Rejected, ...] = ()
    retry: Batch = Batch()
    waits: dict[str, str] = {}
    unsure: frozenset[str] = frozenset()


class Counts(Struct):
    """What is counted of lines that are read in a format, redacted or filtered.

    `misfits`: lines that did not fit their format. `redactions`: how often each rule of redaction found something.
    `filtered`: how many documents each rule left out on purpose. `refused_times`: lines whose own time is not used.
    `format`: which one the first lines decided for, "" if they did not.
    """

    misfits: int = 0
    redactions: Counter[str] = field(default_factory=Counter)
    filtered: Counter[str] = field(default_factory=Counter)
    refused_times: int = 0
    format: str = ""

    def add(self, more: "Counts") -> None:
        """Count those, too."""
        self.misfits += more.misfits
        self.redactions.update(more.redactions)
        self.filtered.update(more.filtered)
        self.refused_times += more.refused_times
        self.format = more.format or self.format
