"""Lines of a container → its log on disk, byte for byte as dockerd's json-file driver writes it.

Envelope and escapes: moby `daemon/logger/jsonfilelog/jsonlog/jsonlogbytes.go`; pieces of long lines:
`daemon/logger/copier.go`; rotation: `daemon/logger/loggerutils/logfile.go`. Beside the log stands `config.v2.json`,
the daemon's own description of the container. One process writes, any number may read.
"""

import os
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from collector.files.writing import replace

PIECE_BYTES = 16 << 10  # the daemon's buffer per stream: a longer line is cut there, even inside a character

_CONTROLS = {code: f"\\u{code:04x}" for code in chain(range(0x20), map(ord, "<>&\u2028\u2029"))}
_SHORT = {ord("\n"): "\\n", ord("\r"): "\\r", ord('"'): '\\"', ord("\\"): "\\\\"}
_NO_UTF8 = dict.fromkeys(range(0xDC80, 0xDD00), "\\ufffd")  # what `surrogateescape` makes of a byte
_ESCAPES = str.maketrans(_CONTROLS | _SHORT | _NO_UTF8)


class Identity(NamedTuple):
    """What the daemon knows of a container and the log does not tell; `health` is "" without a health check."""

    id: str
    name: str
    image: str
    labels: dict[str, str]
    environment: list[str]
    health: str = ""


class JsonFile:
    """The log of one container below `root`, made anew.

    `max_bytes` 0 means that it never rotates (the daemon's `64k` is 64,000); `max_files` counts the live one.
    """

    def __init__(self, root: Path, identity: Identity, *, max_bytes: int = 0, max_files: int = 1) -> None:
        """Make the container's directory with its description and an empty log.

        Raises:
            OSError: it cannot be made, or is there already.
        """
        self.path = root / identity.id / f"{identity.id}-json.log"
        self.rotated = 0
        self._max_bytes = max_bytes
        self._max_files = max_files
        self.path.parent.mkdir(mode=0o710)
        # whole for who reads it, as the daemon's is
        replace(self.path.parent / "config.v2.json", orjson.dumps(described(identity, self.path)), lasts=False)
        self._descriptor = self._create()
        self._size = 0

    def write(self, line: bytes, stream: str, nanoseconds: int) -> int:
        """Append one line, given without its newline, with its time since 1970; returns the bytes it took.

        Raises:
            OSError: it could not be written.
        """
        written = 0
        for envelope in envelopes(line, stream, rfc3339(nanoseconds)):
            # The daemon looks at the size before each entry, so a file is over its limit by one entry at most.
            if 0 < self._max_bytes <= self._size:
                self._rotate()
            written += os.write(self._descriptor, envelope)
            self._size += len(envelope)
        return written

    def close(self) -> None:
        """Give the descriptor back; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _rotate(self) -> None:
        self.close()
        if self._max_files < 2:
            self.path.unlink()
        else:
            for number in range(self._max_files - 2, 0, -1):
                if (older := self._generation(number)).exists():
                    older.rename(self._generation(number + 1))  # the oldest is replaced, and so is gone
            self.path.rename(self._generation(1))
        self._descriptor = self._create()
        self._size = 0
        self.rotated += 1

    def _create(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)

    def _generation(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def envelopes(line: bytes, stream: str, time: str) -> list[bytes]:
    """The entries of one line: one, or a piece per full buffer; all have the same time, only the last a newline."""
    pieces = [line[start : start + PIECE_BYTES] for start in range(0, len(line) + 1, PIECE_BYTES)]
    pieces[-1] += b"\n"
    return [f'{{"log":"{_escaped(piece)}","stream":"{stream}","time":"{time}"}}\n'.encode() for piece in pieces]


def rfc3339(nanoseconds: int) -> str:
    """Go's RFC3339Nano in UTC: the fraction without its trailing zeros, and no fraction at all if it is zero."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{_second(seconds)}{fraction}Z"


def described(identity: Identity, log_path: Path) -> dict[str, Any]:
    """The part of `config.v2.json` that tells who the container is (moby `container/container.go`)."""
    state = {"Running": True, "Paused": False, "Restarting": False, "OOMKilled": False, "Dead": False, "ExitCode": 0}
    health = {"Health": {"Status": identity.health, "FailingStreak": 0, "Log": []}} if identity.health else {}
    return {
        "StreamConfig": {},
        "State": state | health,
        "ID": identity.id,
        "Config": {
            "Hostname": identity.id[:12],
            "Image": identity.image,
            "Labels": identity.labels,
            "Env": identity.environment,
        },
        "LogPath": str(log_path),
        "Name": f"/{identity.name}",
        "RestartCount": 0,
    }


def _escaped(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape").translate(_ESCAPES)


@lru_cache(64)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
