"""Plain files of the host: each is a stream, with its rotated files."""

from collections.abc import Iterator
from typing import Annotated, Literal

import structlog
from msgspec.structs import replace
from pydantic import AfterValidator, Field

from collector.container_settings.keys import read_source
from collector.container_settings.options import LineSettings
from collector.container_settings.policy import Policy
from collector.container_settings.statement import STDOUT, Asking
from collector.files.matching import MOST_LOOKED_AT, Matches, matching, pattern_of
from collector.intake.containers import Backlog, cutoff_of
from collector.intake.input import InputContext, InputSettings, PeriodicInput
from collector.intake.json_files import JsonFiles
from collector.model import LogStream
from collector.text.bounds import bounded

log = structlog.get_logger(__name__)

MOST_FILES = 1000  # of one input


def _path(value: str) -> str:
    if read_source(value) == STDOUT:
        raise ValueError("should be the absolute path of files, such as /var/log/app/*.log")
    return read_source(value)


class Settings(LineSettings, InputSettings):
    """Plain files of this machine, with their rotated files. No container is needed."""

    type: Literal["files"] = "files"
    paths: tuple[Annotated[str, AfterValidator(_path)], ...] = Field(
        min_length=1, max_length=64, description="paths of the files; *, ? and [...] stand for parts of a name"
    )
    target: str | None = Field(
        None, description="target of the documents; default: the name of the file without its last extension"
    )
    backlog: Backlog = Field(
        "all",
        description="files to read that were never read: all, new (written from now on), or those that were written in "
        "the last 24h, 7d …",
    )

    def open(self, context: InputContext) -> "Files":
        """Make the input; nothing is read yet."""
        return Files(self, context)


class Files(JsonFiles, PeriodicInput):
    """Looks for files, and for new ones every two seconds."""

    def __init__(self, settings: Settings, context: InputContext) -> None:
        PeriodicInput.__init__(self, context)
        JsonFiles.__init__(
            self, context.stamps, cutoff=cutoff_of(settings.backlog), logs_option=f"{context.place}paths"
        )
        self._settings = settings
        self._told: set[str] = set()
        asking = Asking("", "", "", {}, {}, settings.target or "")
        (self._entry,) = Policy(rules=[settings.rule()]).settings(asking, select="all").entries

    def streams(self) -> Iterator[LogStream]:
        """Those of all files that are there.

        Raises:
            OSError: no folder of them can be looked into.
        """
        found: dict[str, None] = {}
        errors = []
        for path in self._settings.paths:
            try:
                matches = matching("/", *pattern_of(path))
            except OSError as error:
                errors.append(error)
                self._tell(path, error.strerror or str(error))
            else:
                found |= dict.fromkeys(matches.paths)
                self._tell(path, _left_out(matches))
        if len(errors) == len(self._settings.paths):
            raise errors[0]
        if len(found) > MOST_FILES:
            self._tell("", f"{len(found) - MOST_FILES} files are not followed: an input has {MOST_FILES:,} at most")
        return (self._stream(path) for path in list(found)[:MOST_FILES])

    def _tell(self, path: str, reason: str) -> None:
        """Once, for as long as it is so."""
        before, self._told = self._told, {one for one in self._told if one != path} | ({path} if reason else set())
        if reason and path not in before:
            log.warning("some files not followed", input=self.context.name, path=path, reason=reason,
                        remedy=f"correct {self.context.place}paths, or put regular files there")  # fmt: skip

    def _stream(self, path: str) -> LogStream:
        entry = self._entry
        name = bounded(path.rpartition("/")[2].rpartition(".")[0] or path.rpartition("/")[2])
        target = bounded(self._settings.target or name)
        made = self.context.stream(path, name, path, target=target)
        redact = made.reading.redactor() if made.reading.redactor else None
        tags = {key: redact.member(key, value) if redact else value for key, value in entry.tags.items()}
        return replace(
            made,
            entry=target,
            root="/",
            has_run=False,
            source=path,
            reading=entry.reading._replace(redact=made.reading.redact, redactor=made.reading.redactor),
            fields={**made.fields, **{key: bounded(value) for key, value in tags.items()}, "file": bounded(path)},
        )


def _left_out(matches: Matches) -> str:
    others = f"{matches.others} are links, pipes or devices, or have odd names" if matches.others else ""
    return f"there are more than {MOST_LOOKED_AT:,} files and folders" if matches.is_cut else others
