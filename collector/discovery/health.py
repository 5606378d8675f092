"""A container's health check as the daemon tells it → when it last ran, and how long it may take to run again.

Forms: Docker Engine API, `State.Health` and `Config.Healthcheck`; defaults: moby `daemon/health.go`.
"""

from typing import Any

_SECOND = 1e9  # in nanoseconds
_INTERVAL, _TIMEOUT = 30.0, 30.0


def last_check(health: object) -> object:
    """When the last check ended, in the daemon's words; None if none has."""
    checks = health.get("Log") if isinstance(health, dict) else None
    last = checks[-1] if isinstance(checks, list) and checks else None
    return last.get("End") if isinstance(last, dict) else None


def longest_wait(check: object) -> float | None:
    """Seconds within which a daemon that runs this check ends one; None without a check.

    The daemon waits for an interval after each check, and begins to wait anew at a start, at an unpause, and where it
    was itself restarted: two intervals. `start_period` makes no pause, in it checks come each `start_interval`.
    """
    test = check.get("Test") if isinstance(check, dict) else None
    if not isinstance(check, dict) or not isinstance(test, list) or test[:1] in ([], ["NONE"]):
        return None
    interval = max(_told(check, "Interval") or _INTERVAL, _told(check, "StartInterval"))
    return 2 * interval + (_told(check, "Timeout") or _TIMEOUT)


def _told(check: dict[str, Any], member: str) -> float:
    """Seconds; 0 stands for the default."""
    value = check.get(member)
    return max(value / _SECOND, 0.0) if isinstance(value, int) else 0.0
