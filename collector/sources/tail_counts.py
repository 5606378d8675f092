"""What happens to the files of a pipeline's streams, in numbers; what may be lost is told in the log as well."""

import time
from collections.abc import Callable

import structlog
from msgspec import Struct, field

from collector.clock import Notice
from collector.model import Position, StreamKey
from collector.sources.border import Border

log = structlog.get_logger(__name__)

CHUNK_BYTES = 256 << 10  # at most; 1 MiB is 20 % slower: the chunk and its documents leave the cache
_WAITING_BYTES = 16 << 20  # 64 logs with a chunk each, from there on less and less; documents take half as much again
_LEAST_READ_BYTES = 8 << 10
_WARN_SECONDS = 60.0  # a log that rotates faster than it is read would warn at each file
_TELL_SCARCE_SECONDS = 600.0


class TailCounts(Struct):
    """Shared by all tails of a pipeline; bytes are of content.

    Of `open_files`, which are those of `open_logs`, there may be `most_open_files`. `border` says where a read of so
    many bytes should end that begins there, if others have read there; None: nobody else does.
    """

    rotated: int = 0
    truncated: int = 0
    gaps: int = 0
    lost_bytes: int = 0
    torn_lines: int = 0
    open_files: int = 0
    open_logs: int = 0
    waiting_logs: int = 0  # for room for what they gave
    read_bytes: int = CHUNK_BYTES  # of one read: less with each log that waits, so that all of them stay small
    border: Callable[[StreamKey, Position, int], Border | None] | None = None
    most_open_files: int = 512
    scarce_notice: Notice = field(default_factory=lambda: Notice(_TELL_SCARCE_SECONDS))
    warned: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def may_begin(self) -> bool:
        """Whether one more log may have files open: half of them, since each needs a second file for a moment."""
        return self.open_logs < self.most_open_files // 2

    @property
    def is_scarce(self) -> bool:
        """Whether logs that are idle have to close their file, so that every log gets its turn."""
        return 8 * self.open_logs >= 3 * self.most_open_files

    @property
    def may_open_ahead(self) -> bool:
        """Whether a log may open more files than the next one before their turn."""
        return 4 * self.open_files < 3 * self.most_open_files

    def wait(self, logs: int) -> None:
        """So many more logs wait for room for what they gave."""
        self.waiting_logs += logs
        self.read_bytes = max(_LEAST_READ_BYTES, min(CHUNK_BYTES, _WAITING_BYTES // (self.waiting_logs + 1)))

    def tell_scarce(self) -> None:
        """A log has to wait for its turn."""
        if self.scarce_notice.is_due():
            log.warning(
                "open file limit reached: reading logs in turns",
                logs_at_once=self.most_open_files // 2,
                remedy="raise the limit of open files (ulimit -Hn, LimitNOFILE=) to two for each log and output",
            )

    def gap(self, container: str, *, files: int = 1) -> None:
        """Files of the container's log may have gone unread; nobody knows how much was in them."""
        self.gaps += files
        if self._may_warn("gap", container):
            log.warning(
                "log file removed before it was read: lines may be lost",
                container=container,
                remedy="raise the container's log options max-file or max-size, so that its log outlasts downtime and "
                "delays of the agent",
            )

    def torn(self, container: str, *, lines: int) -> None:
        """So many lines of the container's log had NUL bytes before or in them, which are left out."""
        self.torn_lines += lines
        if lines and self._may_warn("torn", container):
            log.warning(
                "NUL bytes left out of a log (a power loss leaves them)",
                container=container,
                lines=lines,
                remedy="no action needed; lines that Docker had not written to disk before the power loss are lost",
            )

    def _may_warn(self, what: str, container: str) -> bool:
        """Whether it was not told within the last minute."""
        now = time.monotonic()
        if now - self.warned.get((what, container), -_WARN_SECONDS) < _WARN_SECONDS:
            return False
        self.warned = {key: when for key, when in self.warned.items() if now - when < _WARN_SECONDS}
        self.warned[what, container] = now
        return True
