"""What was raised → notifications that wait, cool-downs and caps: all of it on disk, so that a restart repeats nothing.

A notification is on disk before it is sent for the first time, and goes when its receiver has answered: it is sent at
least once, under the same id each time.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct, field

from collector.alerts.counting import Line, Raised
from collector.alerts.notification import MOST_SAMPLE, Notification, Reason, new_id
from collector.alerts.options import AlertOptions
from collector.errors import UNREADABLE
from collector.files.writing import replace

log = structlog.get_logger(__name__)

MOST_PENDING = 1000
"""Notifications that wait, of all receivers together; what comes on top is counted, and told in one."""

FILE = "book.json"
_SECOND = 1_000_000_000
_HOUR = 3600 * _SECOND
_MOST_KEY = 300  # characters
_MOST_COOLING, _LEAST_KEYS = 2000, 20  # keys of all rules, and of each: of the oldest the cool-down ends at once


class Cooling(Struct):
    """A key until its cool-down ends: how many lines came meanwhile, and the newest of them."""

    until: int
    count: int = 0
    first: int = 0
    line: Line | None = None


class State(Struct):
    """What is on disk: `cooling` by rule and key; `made` has the times of each receiver's notifications of an hour."""

    cooling: dict[str, dict[str, Cooling]] = field(default_factory=dict)
    pending: list[Notification] = field(default_factory=list)
    made: dict[str, list[int]] = field(default_factory=dict)
    held: dict[str, dict[str, int]] = field(default_factory=dict)
    raised: dict[str, int] = field(default_factory=dict)
    last_raised: dict[str, int] = field(default_factory=dict)


class Book:
    """All rules' and receivers'. `share` of how many workers this is one: each keeps to its part of a cap."""

    def __init__(self, options: AlertOptions, directory: Path | None, *, host: str = "", workers: int = 1) -> None:
        """`directory` is None for a dry run, which keeps nothing."""
        self._options = options
        self._path = directory / FILE if directory is not None else None
        self._host = host
        self._workers = workers
        self.state = _read(self._path) if self._path is not None else State()
        self._forget_what_is_gone()
        self.is_changed = False

    def counts(self, rule: str, key: str, line: Line) -> bool:
        """Whether the key cools down; the line is counted then."""
        cooling = self.state.cooling.get(rule, {}).get(key[:_MOST_KEY])
        if cooling is None:
            return False
        cooling.first = cooling.first if cooling.count else line.time
        cooling.count += 1
        cooling.line = _bounded(line)
        self.is_changed = True
        return True

    def take(self, rule: str, raised: Raised, now: int) -> None:
        """Have a rule's receivers told, and let the key cool down."""
        state = self.state
        state.raised[rule] = state.raised.get(rule, 0) + 1
        state.last_raised[rule] = now
        self._tell(rule, "raised", raised, now)
        self._cool(rule, raised.key, now)

    def tick(self, now: int) -> None:
        """Tell what came in cool-downs that are over at this time, in nanoseconds, and what caps held back."""
        for rule, keys in self.state.cooling.items():
            for key in [key for key, one in keys.items() if one.until <= now]:
                one = keys.pop(key)
                self.is_changed = True
                if one.count and one.line is not None:
                    self._tell(rule, "more", Raised(key, one.count, one.first, one.line), now)
                    self._cool(rule, key, now)
        for receiver, held in list(self.state.held.items()):
            if held and self._has_room(receiver, now):
                del self.state.held[receiver]
                words = ", ".join(f"{rule} {count}" for rule, count in held.items())
                self._add(_new(receiver, "held", now, key=words, count=sum(held.values()), host=self._host))

    def settle(self, one: Notification) -> None:
        """It was sent, or never can be."""
        self.state.pending = [each for each in self.state.pending if each.id != one.id]
        self.is_changed = True

    def taken(self) -> list[Notification]:
        """All that wait, which wait no more."""
        taken, self.state.pending = self.state.pending, []
        return taken

    def encoded(self) -> bytes:
        """What is to be on disk now; it counts as being there."""
        self.is_changed = False
        return msgspec.json.encode(self.state)

    def write(self, content: bytes) -> None:
        """Put it there; waits for the disk.

        Raises:
            OSError: it cannot be written.
        """
        if self._path is not None:
            replace(self._path, content)

    def _tell(self, rule: str, reason: Reason, raised: Raised, now: int) -> None:
        line = _bounded(raised.line)
        for receiver in self._options.rules[rule].to:
            if not self._has_room(receiver, now):
                held = self.state.held.setdefault(receiver, {})
                held[rule] = held.get(rule, 0) + 1
                self.is_changed = True
                continue
            more = {"container": line.container, "target": line.target, "sample": line.message, "host": self._host}
            cool_down = self._options.rules[rule].cool_down_seconds
            one = _new(receiver, reason, now, rule=rule, key=raised.key[:_MOST_KEY], count=raised.lines, **more)
            times = {"first": raised.first, "last": line.time, "cool_down_seconds": cool_down}
            self._add(msgspec.structs.replace(one, **times))

    def _add(self, one: Notification) -> None:
        self.state.pending.append(one)
        self.state.made.setdefault(one.receiver, []).append(one.made)
        self.is_changed = True

    def _has_room(self, receiver: str, now: int) -> bool:
        """Whether its cap and the disk's allow one more."""
        made = [time for time in self.state.made.get(receiver, []) if now - _HOUR < time <= now]
        self.state.made[receiver] = made
        most = max(1, self._options.to[receiver].max_per_hour // self._workers)
        return len(made) < most and len(self.state.pending) < MOST_PENDING

    def _cool(self, rule: str, key: str, now: int) -> None:
        keys = self.state.cooling.setdefault(rule, {})
        keys[key[:_MOST_KEY]] = Cooling(now + int(self._options.rules[rule].cool_down_seconds * _SECOND))
        if len(keys) > max(_LEAST_KEYS, _MOST_COOLING // len(self._options.rules)):
            del keys[next(iter(keys))]
        self.is_changed = True

    def _forget_what_is_gone(self) -> None:
        """Rules and receivers that are configured no more."""
        state, rules, to = self.state, self._options.rules, self._options.to
        by_rule: Sequence[MutableMapping[str, Any]] = (state.cooling, state.raised, state.last_raised)
        by_receiver: Sequence[MutableMapping[str, Any]] = (state.made, state.held)
        for found in by_rule:
            _keep(found, rules)
        for found in by_receiver:
            _keep(found, to)
        state.pending = [one for one in state.pending if one.receiver in to]


def _keep(found: MutableMapping[str, Any], known: Mapping[str, object]) -> None:
    for name in found.keys() - known.keys():
        del found[name]


def _new(receiver: str, reason: Reason, now: int, *, rule: str = "", key: str = "", count: int = 0,
         container: str = "", target: str = "", sample: str = "", host: str = "") -> Notification:  # fmt: skip
    return Notification(id=new_id(), rule=rule, receiver=receiver, reason=reason, made=now, count=count, key=key,
                        container=container, target=target, sample=sample, host=host)  # fmt: skip


def _bounded(line: Line) -> Line:
    return line._replace(message=line.message[:MOST_SAMPLE].encode(errors="replace").decode())


def _read(path: Path) -> State:
    """What is on disk; what cannot be read is set aside and told, for alerts must not keep the agent from starting."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return State()
    except UNREADABLE as error:
        log.error("alert state unreadable: pending notifications and cool-downs are lost",
                  error=str(error), remedy=f"nothing to do; the file is kept as {path}.unreadable")  # fmt: skip
        path.replace(f"{path}.unreadable")
        return State()
