"""Raw lines as Docker's json-file driver writes them, and a container's log that rotates as Docker rotates it."""

import gzip
import json
import os
import shutil
from itertools import count
from pathlib import Path

from collector.model import LogStream
from collector.reading import AS_WRITTEN, Reading

TIME = "2017-11-27T02:13:00.768123456Z"


def escaped(text: str) -> str:
    """A JSON string as Go writes it: `<`, `>`, `&` and the two line separators are escaped."""
    found = json.dumps(text, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        found = found.replace(character, f"\\u{ord(character):04x}")
    return found


def raw(text: str, *, stream: str = "stdout", time: str = TIME) -> bytes:
    """One line of the file; `text` is what the application wrote, with its newline if it had one."""
    return f'{{"log":{escaped(text)},"stream":"{stream}","time":"{time}"}}\n'.encode()


def numbered(numbers: range) -> list[bytes]:
    """Lines that all differ, one application line each."""
    return [raw(f"line {number}\n", time=f"2026-11-23T02:13:00.{number:09}Z") for number in numbers]


def log_stream(
    path: Path | str,
    *,
    container_id: str = "c0ffee",
    target: str = "shop",
    entry: str = "",
    reading: Reading = AS_WRITTEN,
) -> LogStream:
    """A running container's stream."""
    return LogStream(
        container_id=container_id,
        container=f"{container_id}-1",
        entry=entry,
        target=target,
        reading=reading,
        path=str(path),
        running=True,
        fields={"host": "moby", "@target": target, "docker_container": f"{container_id}-1"},
    )


class ContainerLog:
    """One container's log files below `root`, written and rotated in the way of dockerd."""

    def __init__(self, root: Path, container_id: str = "c0ffee") -> None:
        self.live = root / container_id / f"{container_id}-json.log"
        self.live.parent.mkdir(parents=True, exist_ok=True)
        self._numbers = count()

    def write(self, *lines: bytes) -> None:
        """Append to the live file."""
        with self.live.open("ab") as file:
            file.write(b"".join(lines))

    def generation(self, number: int, *, compressed: bool = False) -> Path:
        """A rotated file."""
        return self.live.with_name(f"{self.live.name}.{number}{'.gz' if compressed else ''}")

    def rotate(self, *, keep: int = 5, compress: bool = False) -> None:
        """`max-file` files are kept; the one that leaves the live name is gzipped at once if asked for."""
        if keep == 1:
            self.live.unlink()
        self._move_on(keep)
        if keep > 1 and self.live.exists():
            self.live.rename(self.generation(1))
            if compress:
                self.compress(1)
        self.live.touch()

    def copy_and_truncate(self, *, keep: int = 5, compress: bool = False) -> None:
        """As logrotate's `copytruncate` does it: older copies move on, the writer keeps its file."""
        self._move_on(keep)
        shutil.copyfile(self.live, self.generation(1))
        os.truncate(self.live, 0)
        if compress:
            self.compress(1)

    def _move_on(self, keep: int) -> None:
        for compressed in (False, True):
            self.generation(keep - 1, compressed=compressed).unlink(missing_ok=True)
            for number in range(keep - 2, 0, -1):
                if (older := self.generation(number, compressed=compressed)).exists():
                    older.rename(self.generation(number + 1, compressed=compressed))

    def compress(self, number: int) -> None:
        """Gzip one generation: a new file, then the old one goes."""
        plain = self.generation(number)
        self.generation(number, compressed=True).write_bytes(gzip.compress(plain.read_bytes(), 1))
        plain.unlink()
