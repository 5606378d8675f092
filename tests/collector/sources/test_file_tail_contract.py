"""The laws of all sources, for the files of a json-file log."""

import os
from functools import partial
from pathlib import Path

from collector.model import LogStream, Start
from collector.sources.desk import Desk
from collector.sources.file_tail import FileTail
from tests.collector.docker_lines import ContainerLog, log_stream, raw
from tests.contract.sources import SourceContract, Writer


class JsonFile(Writer):
    def __init__(self, directory: Path) -> None:
        self._log = ContainerLog(directory)
        self._log.write()

    def write(self, *lines: bytes) -> None:
        self._log.write(*lines)

    def line(self, number: int) -> bytes:
        return raw(f"line {number}\n", time=f"2026-11-23T02:13:00.{number:09}Z")

    def rotate(self) -> None:
        self._log.rotate()

    def cut(self) -> None:
        os.truncate(self._log.live, 0)


class TestFileTail(SourceContract):
    def writer(self, directory: Path) -> JsonFile:
        return JsonFile(directory)

    def stream(self, directory: Path) -> LogStream:
        return log_stream(ContainerLog(directory).live)

    def source(self, stream: LogStream, start: Start, desk: Desk) -> FileTail:
        reached = partial(desk.reached, stream.key)
        return FileTail(stream, desk.watcher, start=start, counts=desk.counts, rounds=desk.rounds, reached=reached)
