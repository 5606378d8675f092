"""Logs that are files: those of Docker's json-file driver, and plain ones in volumes and folders."""

from functools import partial

from collector import formats
from collector.intake.composing import composer_of
from collector.model import LogStream, Start
from collector.ports import Source, Transform
from collector.sources.desk import Desk
from collector.sources.file_tail import FileTail
from collector.sources.plain_tail import PlainTail
from collector.transform.docker_json import DockerJson
from collector.transform.multiline_json import MultilineJson
from collector.transform.plain_lines import PlainEvents, PlainLines
from collector.transform.stamps import Stamps


class JsonFiles:
    """Reads them: those of a stream with a `root` are plain. The rest is `intake.input.Reads`.

    `with_attrs`: documents carry what log-opts add to a line.
    """

    def __init__(
        self,
        stamps: Stamps,
        *,
        with_attrs: bool = False,
        cutoff: str = "",
        logs_option: str = "",
    ) -> None:
        self.cutoff = cutoff
        self.logs_option = logs_option
        self._stamps = stamps
        self._with_attrs = with_attrs

    def source(self, stream: LogStream, start: Start, desk: Desk) -> Source:
        """How the files are read."""
        reached = partial(desk.reached, stream.key)
        kind = PlainTail if stream.root else FileTail
        return kind(stream, desk.watcher, start=start, counts=desk.counts, rounds=desk.rounds, reached=reached)

    def transform(self, stream: LogStream, start: Start) -> Transform:
        """How their lines become documents."""
        composer = composer_of(stream, self._stamps, start.carried, with_attrs=self._with_attrs)
        reading = stream.reading
        is_slow = bool(reading.format) and formats.kind_of(reading.format).is_slow
        if reading.multiline is not None:
            events = PlainEvents if stream.root else MultilineJson
            return events(self._stamps, reading.multiline, start, composer=composer, is_slow=is_slow)
        lines = PlainLines if stream.root else DockerJson
        return lines(self._stamps, start, composer=composer, is_slow=is_slow)
