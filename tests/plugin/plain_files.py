"""An input of another package, as its author writes it: the files `<name>.log` of a directory, each with its target."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from collector.intake.input import InputContext, InputSettings, PeriodicInput
from collector.model import LogStream, Start
from collector.sources.desk import Desk
from collector.values import FilePath
from tests.plugin.plain_file import PlainFile
from tests.plugin.stamped_lines import StampedLines


class Settings(InputSettings):
    """Log files in one directory."""

    type: Literal["plain_files"] = "plain_files"
    path: FilePath = Field(description="directory that contains <name>.log")

    def open(self, context: InputContext) -> "PlainFiles":
        return PlainFiles(context, self.path)


class PlainFiles(PeriodicInput):
    """Each file is a stream with the name of the file."""

    def __init__(self, context: InputContext, path: FilePath) -> None:
        super().__init__(context)
        self._path = path

    def streams(self) -> Iterator[LogStream]:
        for file in [one for one in self._path.iterdir() if one.suffix == ".log"]:
            yield self.context.stream(str(file), file.stem, str(file))

    def source(self, stream: LogStream, start: Start, desk: Desk) -> PlainFile:
        return PlainFile(stream, start)

    def transform(self, stream: LogStream, start: Start) -> StampedLines:
        return StampedLines(self.context.stamps, start, composer=self.context.composer(stream))
