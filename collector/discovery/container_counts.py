"""Events of a container → what Prometheus counts of it: how it ended and how its health changed."""

from msgspec import Struct, field

from collector.docker.event import Event

_TOLD_TO_END = {1, 2, 3, 9, 15}  # HUP, INT, QUIT, KILL, TERM; any other signal is a crash
_SIGNALLED = 128  # exit codes above are 128 + the signal's number
_KILLED = 137
_OOM_NANOSECONDS = 30_000_000_000  # an end so soon after the kernel found no memory is because of that


class ContainerCounts(Struct):
    """Of one container, since the agent knows it; `version` counts the changes."""

    exits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("ok", "error", "signal", "oom"), 0))
    transitions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("starting", "healthy", "unhealthy"), 0))
    ooms: int = 0
    exit_code: int | None = None  # of the last end, if it is known
    version: int = 0
    last_oom: int | None = None  # its time in nanoseconds
    unpaused: int = 0  # likewise

    def tell(self, event: Event, *, oom_killed: bool = False, has_check: bool = False, is_counted: bool = True) -> str:
        """Take over an event, and count it if it `is_counted`; of an end its kind, else "".

        `oom_killed` is what the daemon says of the container. No event tells that a health is `starting`: each start
        of one that `has_check` makes it so (moby `daemon/health.go`, `initHealthMonitor`).
        """
        self.version += 1
        if event.action == "oom":
            self.ooms += is_counted
            self.last_oom = event.time
        elif event.action == "start" and has_check:
            self.transitions["starting"] += is_counted
        elif event.action == "unpause":
            self.unpaused = event.time
        elif event.health in ("healthy", "unhealthy"):
            self.transitions[event.health] += is_counted
        elif event.action == "die":
            self.exit_code = event.exit_code
            if event.exit_code is not None:
                kind = exit_kind(event.exit_code, is_oom=self._is_oom(event, oom_killed))
                self.exits[kind] += is_counted
                return kind
        return ""

    def _is_oom(self, event: Event, oom_killed: bool) -> bool:
        """Whether memory ran out just before this end.

        The daemon's word is taken only where its event was missed: newer ones say it of a container that lives on
        (moby `daemon/monitor.go`), of every end until the next start.
        """
        if self.last_oom is None:
            return oom_killed and event.exit_code == _KILLED
        return event.time - self.last_oom < _OOM_NANOSECONDS


def exit_kind(code: int, *, is_oom: bool) -> str:
    """`ok`, `oom`, `signal` (it was told to end) or `error`."""
    if code == 0:
        return "ok"
    if is_oom:
        return "oom"
    return "signal" if code - _SIGNALLED in _TOLD_TO_END else "error"
