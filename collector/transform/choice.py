"""Documents that other agents made → those that one output gets, as it may see them: by what each carries.

The options are those of any output. What they leave out is counted by rule: `container`, `container_id` and `target`
by the stream that a document had, `stream` and `level` by the document. As everywhere, these two are for lines; what an
agent tells itself (events, what was left out) is neither of a stream nor below a level.
"""

from collections.abc import Mapping, Sequence

from collector.documents.document import source
from collector.documents.levels import NAMES
from collector.documents.redacted import redacted
from collector.documents.relayed import Sent
from collector.documents.summary import stream_and_level
from collector.model import Counts
from collector.ports.content import is_chosen
from collector.reading import Reading
from collector.redaction import fields

OF_STREAMS = frozenset({"container", "container_id", "target"})  # the rules for all of a stream
_OF_LINES = frozenset({"stdout", "stderr"})


class Choice:
    """One output's, of one partition."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._below = frozenset(NAMES[: NAMES.index(reading.level)] if reading.level else ())
        self._redact = None if reading.redactor is None else reading.redactor()
        self.redacts = self._redact is not None
        self._looks = bool(self._below or reading.of_stream)
        self._counts = Counts()

    def left_out_by(self, container: str, container_id: str, target: str) -> str:
        """The rule by which no document of such a stream is wanted, "" if none; `container_id` is "" if unknown."""
        reading = self._reading
        if not is_chosen(container, reading.containers):
            return "container"
        if reading.container_ids and not container_id.startswith(reading.container_ids):
            return "container_id"
        return "" if is_chosen(target, reading.targets) else "target"

    def leave_out(self, rule: str, count: int) -> None:
        """So many documents are left out by this rule."""
        self._counts.filtered[rule] += count

    def fields(self, whole: Mapping[str, str]) -> Mapping[str, str]:
        """Those of a stream, without what is redacted; the same mapping where that is nothing."""
        return whole if self._redact is None else fields.redacted(whole, self._redact)

    def taken(self, ids: Sequence[str], documents: list[bytes]) -> Sent:
        """Those of a stream's documents that are wanted, without what is redacted."""
        if self._looks:
            kept = [each for each in zip(ids, documents, strict=True) if self._is_wanted(each[1])]
            ids, documents = [name for name, _ in kept], [document for _, document in kept]
        if self._redact is not None:
            documents = redacted(documents, self._redact, keeps=fields.NAMES)
        return Sent(ids, documents)

    def counted(self) -> Counts:
        """What was counted since it was asked last."""
        found, self._counts = self._counts, Counts()
        if self._redact is not None:
            found.redactions.update(self._redact.counted())
        return found

    def _is_wanted(self, document: bytes) -> bool:
        stream, level = stream_and_level(document) if self._below else (source(document), "")
        if stream not in _OF_LINES:
            return True
        if self._reading.of_stream and stream != self._reading.of_stream:
            self._counts.filtered["stream"] += 1
            return False
        if level in self._below:
            self._counts.filtered["level"] += 1
            return False
        return True


def choice_of(reading: Reading) -> Choice | None:
    """What chooses for a stream that is read so; None: all are wanted as they are."""
    asks = (reading.containers, reading.container_ids, reading.targets, reading.of_stream, reading.level)
    if reading.redact and reading.redactor is None:
        raise ValueError("nothing takes the secrets out of the stream")
    return Choice(reading) if any(asks) or reading.redactor is not None else None
