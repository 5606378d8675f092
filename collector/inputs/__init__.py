"""Where log lines come from: how the bytes of each stream are read, and how they become documents."""

from typing import Protocol

from collector.model import LogStream, Start
from collector.ports import Source, Transform
from collector.sources.desk import Desk


class Reads(Protocol):
    """Makes what reads a stream."""

    def source(self, stream: LogStream, start: Start, desk: Desk) -> Source:
        """How the stream's bytes are read, from `start` on."""
        ...

    def transform(self, stream: LogStream, start: Start) -> Transform:
        """How they become documents; made anew each time that reading begins or goes back."""
        ...
