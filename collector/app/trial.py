"""Settings and lines → the documents that a container with these settings would have, without an agent."""

import time
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

import orjson

from collector.container_settings.dialects import OPTIONS
from collector.container_settings.keys import KEYS
from collector.discovery.enrich import Described, Enricher
from collector.discovery.registry import Container
from collector.docker import json_file
from collector.errors import UsageError
from collector.intake.input import Reads
from collector.intake.json_files import JsonFiles
from collector.model import BEGINNING, Chunk, FileId, LogStream, Position
from collector.ports import Taken
from collector.text.times import iso
from collector.transform.stamps import Stamps

_ID = "0" * 64


class Trial:
    """A container that has nothing but settings, as its labels `pilotfish.<setting>` would say them."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Take settings by their names.

        Raises:
            UsageError: one of them has no effect.
        """
        for name in settings:
            if name not in KEYS and not name.startswith(OPTIONS):
                near = get_close_matches(name, KEYS, 1)
                raise UsageError(f"{name}: no such setting", f"use {near[0] if near else ', '.join(KEYS)}")
        container = Container(id=_ID, name="sample", state="running", driver=json_file.DRIVER)
        labels = {f"pilotfish.{name}": value for name, value in settings.items()}
        enricher = Enricher("localhost", "all", "", lambda key: None)
        made = enricher.container(Described(container, labels, [], path=""))
        if faults := [fault.reason for fault in made.settings.faults]:
            raise UsageError("; ".join(faults), "see docs/containers.md")
        if not made.streams:
            raise UsageError("the container is excluded: its lines become no documents", "leave exclude out")
        (self.stream,) = made.streams
        self._reads = JsonFiles(Stamps())
        self.misfits = 0

    def documents(self, lines: Sequence[str]) -> Iterator[bytes]:
        """The documents of lines that the container writes now; counts in `misfits` those that do not fit."""
        now = iso(time.time_ns())
        raw = b"".join(
            orjson.dumps({"log": f"{line}\n", "stream": "stdout", "time": now}, option=orjson.OPT_APPEND_NEWLINE)
            for line in lines
        )
        taken = read_once(self.stream, self._reads, raw)
        self.misfits += taken.misfits
        yield from (document for segment in taken.segments for document in segment.documents)


def read_once(stream: LogStream, reads: Reads, raw: bytes) -> Taken:
    """What raw lines become that are all that the stream has: by the transform of those that are delivered."""
    file, count = FileId(stream.container_id, "", 0), raw.count(b"\n")
    chunk = Chunk(stream=stream, data=raw, start=Position(file, 0, 0), end=Position(file, len(raw), count), ended=True)
    return reads.transform(stream, BEGINNING).take(chunk)
