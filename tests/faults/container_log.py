"""Lines of an application → one container's log files as dockerd leaves them on disk, with all that befalls them.

Beyond the demo's JsonFile it compresses as dockerd does, lets a third tool cut the file, starts the container again,
interleaves long lines, and notes each line in `Written`. Rotation and compression: moby
`daemon/logger/loggerutils/logfile.go`.
"""

import gzip
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path

import orjson

from collector.demo.json_file import Identity, described, envelopes, rfc3339
from tests.faults.written import Container, File, Line, Written, digest


class ContainerLog:
    """One container below `root`. `agent_pid` tells who may hold a file that loses its last name."""

    def __init__(
        self,
        root: Path,
        name: str,
        written: Written,
        *,
        max_bytes: int = 0,
        max_files: int = 1,
        compress: bool = False,
        target: str = "",
        labels: Mapping[str, str] | None = None,
        agent_pid: Callable[[], int] = lambda: 0,
    ) -> None:
        marks = {"aliyun.logs.faults": "stdout", "aliyun.logs.faults.target": target} if target else {}
        self.identity = Identity(sha256(name.encode()).hexdigest(), name, "app", marks | dict(labels or {}), [])
        self.path = root / self.identity.id / f"{self.identity.id}-json.log"
        self.container = Container(name, target or name)
        self.lines: list[Line] = []
        written.containers.append(self.container)
        written.lines[name] = self.lines
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._compress = compress
        self._agent_pid = agent_pid
        self._compressing: threading.Thread | None = None
        self._last_time = self._clock = 0
        self._kept: list[int] = []  # numbers of the files that have a name, the live one last
        self.path.parent.mkdir(mode=0o710, parents=True)
        self.describe(running=True)
        self._create()

    # ------------------------------------------------------------------ lines

    def line(self, text: bytes, stream: str = "stdout", *, oversized: bool = False) -> None:
        """One line, given without its newline."""
        moment = self.now()
        self._note([self._entry(each) for each in envelopes(text, stream, moment)], text, stream, moment, oversized)

    def interleaved(self, stdout: bytes, stderr: bytes) -> None:
        """A long line on each stream at the same time: their pieces take turns."""
        texts = {"stdout": stdout, "stderr": stderr}
        moments = {stream: self.now() for stream in texts}
        pieces = {stream: envelopes(text, stream, moments[stream]) for stream, text in texts.items()}
        entries: dict[str, list[tuple[int, int]]] = {stream: [] for stream in texts}
        for turn in zip_longest(*pieces.values()):
            for stream, piece in zip(texts, turn, strict=True):
                if piece is not None:
                    entries[stream].append(self._entry(piece))
        for stream, text in texts.items():
            self._note(entries[stream], text, stream, moments[stream], False)

    def begin(self, text: bytes, stream: str = "stdout") -> Callable[[], None]:
        """The first piece of a long line now; the others when the answer is called."""
        moment = self.now()
        first, *rest = envelopes(text, stream, moment)
        entries = [self._entry(first)]

        def finish() -> None:
            self._note(entries + [self._entry(piece) for piece in rest], text, stream, moment, False)

        return finish

    def unended(self, text: bytes, stream: str = "stdout") -> None:
        """A line whose process ended before it wrote the newline."""
        moment = self.now()
        envelope = envelopes(text, stream, moment)[0].replace(rb'\n","stream"', b'","stream"')
        self._note([self._entry(envelope)], text, stream, moment, False)

    def raw(self, content: bytes) -> None:
        """Bytes that are no line of an application."""
        os.write(self._descriptor, content)
        self._size += len(content)

    def now(self) -> str:
        """This moment, later than any before."""
        self._last_time = max(self._clock or time.time_ns(), self._last_time + 1)
        return rfc3339(self._last_time)

    def set_clock(self, nanoseconds: int) -> None:
        """Lines are of this time and the nanoseconds behind it, until it is set to 0: the real time."""
        self._clock = nanoseconds

    def _entry(self, envelope: bytes) -> tuple[int, int]:
        """Append one entry; the number of its file, and its bytes."""
        if 0 < self._max_bytes <= self._size:
            self.rotate()
        os.write(self._descriptor, envelope)
        self._size += len(envelope)
        return self._kept[-1], len(envelope)

    def _note(self, entries: list[tuple[int, int]], text: bytes, stream: str, moment: str, oversized: bool) -> None:
        words = text.decode(errors="replace") if len(entries) == 1 else _joined(text, stream, moment)
        size = sum(length for _, length in entries)
        first, last = entries[0][0], entries[-1][0]
        self.lines.append(Line(moment, stream, digest(words.removesuffix("\r")), first, last, size, oversized))

    # ------------------------------------------------------------------ files

    def rotate(self) -> None:
        """The live file gets its number, the oldest goes."""
        self._wait_for_compression()
        os.close(self._descriptor)
        if self._max_files < 2:
            self._gone(self._kept.pop(0), self.path)
            self.path.unlink()
        else:
            self._shift()
        self._create()

    def compress(self, number: int) -> None:
        """Gzip one generation beside itself, as dockerd does: whoever looks meanwhile sees both."""
        plain, packed = self.generation(number), self.generation(number, ".gz")
        extra = orjson.dumps({"lastTime": rfc3339(self._last_time)})
        with packed.open("wb") as file:
            file.write(_gzip_head(extra))
            file.write(gzip.compress(plain.read_bytes(), 1)[10:])
        plain.unlink()

    def copy_and_truncate(self, between: Callable[[], None] = lambda: None) -> None:
        """A third tool's rotation; what `between` writes after the copy is cut away with the rest."""
        for number in range(8, 0, -1):
            if (older := self.generation(number)).exists():
                older.rename(self.generation(number + 1))
        shutil.copyfile(self.path, self.generation(1))
        self._begin_file(self.path.stat().st_ino)
        between()
        self.container.files[self._kept.pop()].removed_at = time.time()
        os.ftruncate(self._descriptor, 0)
        self._begin_file(self.path.stat().st_ino)

    def recreate(self) -> None:
        """Delete the live file and make another; the file system may give it the same inode."""
        os.close(self._descriptor)
        self._gone(self._kept.pop(), self.path)
        self.path.unlink()
        self._create()

    def remove(self) -> None:
        """The container goes with all its files, as with `docker rm`."""
        self._wait_for_compression()
        os.close(self._descriptor)
        for number in self._kept:
            self._gone(number, None)
        shutil.rmtree(self.path.parent)

    def describe(self, *, running: bool) -> None:
        """Write `config.v2.json` as the daemon does when the state changes."""
        document = described(self.identity, self.path)
        document["State"]["Running"] = running
        aside = self.path.with_name("config.v2.json.tmp")
        aside.write_bytes(orjson.dumps(document))
        aside.rename(self.path.with_name("config.v2.json"))

    def close(self) -> None:
        """Finish what is under way."""
        self._wait_for_compression()
        os.close(self._descriptor)

    @property
    def inode(self) -> int:
        """Of the live file."""
        return self.path.stat().st_ino

    def generation(self, number: int, ending: str = "") -> Path:
        """The path of a rotated file."""
        return self.path.with_name(f"{self.path.name}.{number}{ending}")

    def _shift(self) -> None:
        if len(self._kept) == self._max_files:
            last = self._max_files - 1
            self._gone(self._kept.pop(0), self.generation(last))
            for ending in ("", ".gz"):
                self.generation(last, ending).unlink(missing_ok=True)
        for number in range(self._max_files - 2, 0, -1):
            for ending in ("", ".gz"):
                if (older := self.generation(number, ending)).exists():
                    older.rename(self.generation(number + 1, ending))
        self.path.rename(self.generation(1))
        if self._compress:
            self._compressing = threading.Thread(target=self.compress, args=(1,))
            self._compressing.start()

    def _wait_for_compression(self) -> None:
        if self._compressing is not None:
            self._compressing.join()
            self._compressing = None

    def _create(self) -> None:
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o640)
        self._begin_file(os.fstat(self._descriptor).st_ino)

    def _begin_file(self, inode: int) -> None:
        self._kept.append(len(self.container.files))
        self.container.files.append(File(inode))
        self._size = 0

    def _gone(self, number: int, path: Path | None) -> None:
        file = self.container.files[number]
        file.removed_at = time.time()
        plain = path is None or path.exists()  # once it is compressed nobody holds the content under its own inode
        pid = self._agent_pid()
        inode = file.inode if plain or path is None else path.with_name(f"{path.name}.gz").stat().st_ino
        file.held_by = pid if pid and holds(pid, inode) else 0


def holds(pid: int, inode: int) -> bool:
    """Whether the process has a file with this inode open."""
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            return any(_inode(entry.path) == inode for entry in entries)
    except OSError:
        return False


def _inode(path: str) -> int:
    try:
        found = Path(path).stat()
    except OSError:
        return 0
    return found.st_ino if stat.S_ISREG(found.st_mode) else 0  # sockets count theirs by themselves


def _joined(text: bytes, stream: str, moment: str) -> str:
    """The text of a long line as its pieces give it back: a cut inside a character cannot be repaired."""
    pieces = [orjson.loads(piece)["log"] for piece in envelopes(text, stream, moment)]
    return "".join(pieces).removesuffix("\n")


def _gzip_head(extra: bytes) -> bytes:
    """RFC 1952 with FEXTRA, which is where dockerd keeps the time of the file's last line."""
    field = extra[: (1 << 16) - 1]
    return b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + len(field).to_bytes(2, "little") + field
