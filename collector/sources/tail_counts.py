"""What happens to the files of a pipeline's streams, in numbers; what may be lost is told in the log as well."""

import resource
import time

import structlog
from msgspec import Struct, field

log = structlog.get_logger(__name__)

_WARN_SECONDS = 60.0  # a log that rotates faster than it is read would warn at each file


def _share_of_open_files() -> int:
    return max(64, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)


class TailCounts(Struct):
    """Shared by all tails of a pipeline; bytes are of content. `open_ahead` files are open before their turn."""

    rotated: int = 0
    truncated: int = 0
    gaps: int = 0
    lost_bytes: int = 0
    open_ahead: int = 0
    most_open_ahead: int = field(default_factory=_share_of_open_files)
    warned: dict[str, float] = field(default_factory=dict)

    @property
    def may_open_ahead(self) -> bool:
        """Whether one more may be opened before its turn."""
        return self.open_ahead < self.most_open_ahead

    def gap(self, container: str) -> None:
        """Files of the container's log may have gone unread; nobody knows how much was in them."""
        self.gaps += 1
        now = time.monotonic()
        if now - self.warned.get(container, -_WARN_SECONDS) >= _WARN_SECONDS:
            self.warned = {name: when for name, when in self.warned.items() if now - when < _WARN_SECONDS}
            self.warned[container] = now
            log.warning(
                "a log was removed or rotated away before it was read: lines may be lost",
                container=container,
                remedy="raise its max-file or max-size, so that the log outlasts the agent's absence or delay",
            )
