"""Logs of Docker's json-file driver: the files of a container."""

from functools import partial

from collector import formats
from collector.intake.composing import composer_of
from collector.model import LogStream, Start
from collector.ports import Source, Transform
from collector.sources.desk import Desk
from collector.sources.file_tail import FileTail
from collector.transform.docker_json import DockerJson
from collector.transform.multiline_json import MultilineJson
from collector.transform.stamps import Stamps


class JsonFiles:
    """Reads them. `with_attrs`: documents carry what log-opts add to a line. The rest is `intake.input.Reads`."""

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
        return FileTail(stream, desk.watcher, start=start, counts=desk.counts, rounds=desk.rounds, reached=reached)

    def transform(self, stream: LogStream, start: Start) -> Transform:
        """How their lines become documents."""
        composer = composer_of(stream, self._stamps, start.carried, with_attrs=self._with_attrs)
        reading = stream.reading
        is_slow = bool(reading.format) and formats.kind_of(reading.format).is_slow
        if reading.multiline is not None:
            return MultilineJson(self._stamps, reading.multiline, start, composer=composer, is_slow=is_slow)
        return DockerJson(self._stamps, start, composer=composer, is_slow=is_slow)
