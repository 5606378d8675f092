"""Batch → file: one JSON document per line, `_id` first, so that a reader can drop what comes twice.

At least once: `ship` returns when its lines are on disk; a batch that was cut off in the middle is taken back and
written again as a whole. When the file would grow over `max_bytes` it becomes `<path>.1`, that one `<path>.2`, and the
last is removed. A file that was moved or removed by others is made anew. One thread does all that blocks.
"""

import asyncio
import fcntl
import os
import stat
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Literal

import structlog
from pydantic import Field

from collector.documents.form import Form
from collector.documents.form_option import FormOption
from collector.documents.forms.pilotfish import FORM
from collector.errors import ConfigurationError, Unavailable
from collector.files.writing import fsync_directory
from collector.model import Batch, Receipt, Segment
from collector.ports import LogPilot, OutputContext, Promise, ShipperSettings, Translated
from collector.values import Bytes, FilePath

LINE_START = b'{"_id":"'
BLOCK_BYTES = 1 << 16
_READ_BACK_BYTES = 16 << 20
_IRREGULAR = "is a pipe, a device or a socket"
_NAME_A_FILE = "name a file; the output `stdout` writes to standard output"

_log = structlog.get_logger(__name__)


class Settings(FormOption, ShipperSettings):
    """A file of JSON documents, one per line."""

    type: Literal["ndjson_file"] = Field("ndjson_file", description="one JSON document per line in a file")
    path: FilePath | None = Field(
        None, description="path of the file; a relative path is below the state directory of the output"
    )
    max_bytes: Bytes = Field(
        100 << 20, description="maximum size of the file; the agent rotates it before it grows larger"
    )
    keep: int = Field(5, ge=0, le=1000, description="number of rotated files to keep, besides the current one")

    @classmethod
    def from_log_pilot(cls, said: LogPilot) -> Translated | None:
        """Its output to files, of which there is one here for all containers.

        Raises:
            ConfigurationError: it names no directory.
        """
        return _from_log_pilot(said) if said.output == "file" else None

    def promise(self) -> Promise:
        """What the output promises."""
        return Promise("at_least_once", "a batch that was cut off is written again, with the same ids")

    def open(self, context: OutputContext) -> "NdjsonFile":
        """Make the shipper; the file is opened by the first batch.

        Raises:
            ConfigurationError: what stands at the path is no file.
        """
        path = self._path(context)
        if os.path.isdir(path):  # noqa: PTH112 - a Path raises where it may not look
            raise ConfigurationError(f"outputs.{context.output}.path: {path} is a directory", "name a file in it")
        if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - the same
            raise ConfigurationError(f"outputs.{context.output}.path: {path} {_IRREGULAR}", _NAME_A_FILE)
        return NdjsonFile(path, max_bytes=self.max_bytes, keep=self.keep, form=self.form)

    def writes(self, context: OutputContext) -> Collection[str]:
        """The file and the names that rotation gives it."""
        return [os.path.realpath(path) for path in _rotated(self._path(context), self.keep)]

    def _path(self, context: OutputContext) -> Path:
        return context.directory / (self.path or f"{context.output}.ndjson")


class NdjsonFile:
    """A shipper (`collector.ports.Shipper`) that appends to the file `path`, locked while it is open."""

    def __init__(self, path: Path, *, max_bytes: int, keep: int, form: Form = FORM) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._form = form
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ndjson-file")
        self._descriptor = -1
        self._closed = False

    async def ship(self, batch: Batch) -> Receipt:
        """Append the batch and wait until it is on disk.

        Raises:
            Unavailable: the file cannot be written, is no regular one, or another process writes it.
        """
        if self._closed:
            raise Unavailable(f"the file {self._path} is closed")
        await asyncio.get_running_loop().run_in_executor(self._thread, self._append, batch)
        return Receipt(delivered=batch.count)

    async def probe(self) -> str:
        """That the file can be written; nothing is made.

        Raises:
            Unavailable: it cannot.
        """
        there = next(one for one in (self._path, *self._path.parents) if one.exists())
        if there != self._path and not there.is_dir():
            raise Unavailable(
                f"{self._path} cannot be created: {there} is not a directory", "set path to another place"
            )
        if not os.access(there, os.W_OK | (os.X_OK if there != self._path else 0)):
            raise Unavailable(
                f"{there} cannot be written", "give this user write access there, or set path to another place"
            )
        return f"{self._path}: {'exists' if there == self._path else 'will be created'}"

    async def read_back(self, segment: Segment) -> Collection[str]:
        """The ids of the segment's documents that are in the file, among its last lines.

        Raises:
            Unavailable: the file cannot be read.
        """
        ids = await asyncio.get_running_loop().run_in_executor(self._thread, self._last_ids)
        return ids.intersection(segment.ids)

    async def aclose(self) -> None:
        """Finish the write under way and close the file; may be called twice."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _append(self, batch: Batch) -> None:
        text = batch.lines(self._form.written)
        if not text:
            return
        try:
            self._open()
            size = os.fstat(self._descriptor).st_size
            if size and size + len(text) > self._max_bytes:
                self._rotate()
                size = 0
            self._write(text, size)
        except OSError as error:
            self._close()
            raise Unavailable(
                f"the file {self._path} cannot be written: {error.strerror}",
                "check the free disk space, and that this user can write there",
            ) from error

    def _last_ids(self) -> set[str]:
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _READ_BACK_BYTES))
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise Unavailable(f"the file {self._path} cannot be read: {error.strerror}") from error
        named = (line[len(LINE_START) :].partition(b'"')[0] for line in lines if line.startswith(LINE_START))
        return {name.decode(errors="replace") for name in named}

    def _open(self) -> None:
        """Open the file, unless the open one still stands at its path, and mend its end."""
        if self._descriptor >= 0 and _stands_at(self._path, self._descriptor):
            return
        self._close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # nobody may read what a pipe is given: to write there would last for ever, beyond the end of the agent
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o640)
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            self._close()
            raise Unavailable(f"{self._path} {_IRREGULAR}", _NAME_A_FILE)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._close()
            raise Unavailable(f"another process writes the file {self._path}", "give each output its own") from error
        _mend(self._descriptor)
        fsync_directory(self._path.parent)

    def _write(self, text: bytes, size: int) -> None:
        rest = memoryview(text)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except OSError:
            with suppress(OSError):  # what a full disk took of the batch is taken back, now or when the file is opened
                os.ftruncate(self._descriptor, size)
            raise

    def _rotate(self) -> None:
        files = _rotated(self._path, self._keep)
        if files[-1].exists():
            files[-1].unlink()
            _log.info("rotated file removed", file=str(files[-1]), reason="rotation")
        for older, newer in zip(files[:0:-1], files[-2::-1], strict=True):
            if newer.exists():
                newer.rename(older)
        self._open()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _from_log_pilot(said: LogPilot) -> Translated:
    given = {name: value for name in _LOG_PILOT if (value := said.variables.get(name))}
    directory, name = given.get("FILE_PATH"), given.get("FILE_NAME", "pilotfish")
    if directory is None:
        raise ConfigurationError("FILE_PATH: is missing", "set it to the directory of the file")
    options: dict[str, object] = {"path": f"{directory}/{name}.ndjson"}
    origins = {"path": ", ".join(one for one in ("FILE_PATH", "FILE_NAME") if one in given)}
    if (size := given.get("FILE_ROTATE_SIZE", "")).isdecimal():
        options["max_bytes"], origins["max_bytes"] = int(size) << 10, "FILE_ROTATE_SIZE"
    if (keep := given.get("FILE_NUMBER_OF_FILES", "")).isdecimal():
        options["keep"], origins["keep"] = int(keep), "FILE_NUMBER_OF_FILES"
    used = {word for words in origins.values() for word in words.split(", ")}
    return Translated(options, origins, {one: _LOG_PILOT[one] for one in given if one not in used})


# Variables of log-pilot's for its files → why one has no effect here.
_ONE_FILE = "one file has the documents of all containers, and rotates by its size"
_LOG_PILOT = {
    **dict.fromkeys(("FILE_PATH", "FILE_NAME", "FILE_APPEND"), "the agent appends to the file"),
    **dict.fromkeys(("FILE_ROTATE_SIZE", "FILE_NUMBER_OF_FILES"), "it is not a number"),
    "FILE_COMPRESS": "rotated files are not compressed",
    "FILE_FORMAT": "a document is one line of JSON",
    "FILE_PERMISSIONS": "the file has the mode 0640",
    **dict.fromkeys(
        (f"FILE_BUFFER_{name}" for name in ("TYPE", "TIME_KEY", "TIME_KEY_WAIT", "TIME_KEY_USE_UTC")), _ONE_FILE
    ),
}


def _rotated(path: Path, keep: int) -> list[Path]:
    """The file and those that it becomes, newest first."""
    return [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, keep + 1))]


def _stands_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _mend(descriptor: int) -> None:
    """End the file with a whole line: half a line of ours is taken away, what others wrote gets a newline."""
    size = os.fstat(descriptor).st_size
    start = _last_line(descriptor, size)
    if start == size:
        return
    beginning = os.pread(descriptor, len(LINE_START), start)
    if LINE_START.startswith(beginning):
        os.ftruncate(descriptor, start)
    else:
        os.write(descriptor, b"\n")


def _last_line(descriptor: int, size: int) -> int:
    """Where the text behind the last newline begins; `size` when there is none."""
    end = size
    while end > 0:
        start = max(0, end - BLOCK_BYTES)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
