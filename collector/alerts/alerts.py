"""Documents as they are made → counted by each rule; what is raised → sent, until its receiver has answered.

Evaluating takes a quarter of a core at most: after each slice it rests three times as long as that took. Whoever hands
documents in skips what there is no time for, and tells how many.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from collector.alerts.book import Book
from collector.alerts.counting import Counting, Line, key_of
from collector.alerts.notification import Notification
from collector.alerts.options import AlertOptions
from collector.alerts.sending import Sent, send
from collector.clock import News
from collector.documents.document import message
from collector.errors import UNREADABLE
from collector.search.matching import Candidate
from collector.text.times import iso

log = structlog.get_logger(__name__)

SLICE = 64
"""Documents that are looked at without a rest."""

_REST = 3.0
_TICK_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 300.0
_EXPIRES = 86_400 * 1_000_000_000


class Rules:
    """What rules find in documents; `book` is told. Without a loop: for an agent and for a dry run alike."""

    def __init__(self, options: AlertOptions, book: Book) -> None:
        self._rules = options.rules
        self._book = book
        self._counting = {name: Counting(rule) for name, rule in options.rules.items()}

    def look(self, document: bytes, now: int) -> None:
        """Count a document by every rule; `now` is in nanoseconds since 1970."""
        try:
            one = Candidate(document)
        except UNREADABLE:
            return
        line: Line | None = None
        for name, counting in self._counting.items():
            matches, ends = counting.matches(one), counting.ends(one)
            if not matches and not ends:
                continue
            line = line or _line(one, document)
            if matches:
                self._count(name, counting, line, now)
            if ends:
                counting.end(line)

    def tick(self, now: int) -> None:
        """Raise what has lasted long enough, and end cool-downs."""
        for name, counting in self._counting.items():
            for raised in counting.due(now):
                self._book.take(name, raised, now)
        self._book.tick(now)

    def _count(self, name: str, counting: Counting, line: Line, now: int) -> None:
        key = key_of(self._rules[name].by, line)
        if self._book.counts(name, key, line):
            return
        if (raised := counting.add(line, key)) is not None:
            self._book.take(name, raised, now)


class Alerts:
    """All rules and receivers of an agent."""

    def __init__(self, options: AlertOptions, directory: Path, *, host: str = "", workers: int = 1) -> None:
        """`directory` is where its state is; `workers` share the containers with this one, itself included."""
        self._options = options
        self._book = Book(options, directory, host=host, workers=workers)
        self._rules = Rules(options, self._book)
        self._waits: dict[str, float] = {}  # of receivers that did not answer, in seconds
        self._next: dict[str, float] = {}  # when one is asked again, by the loop's clock
        self._on_disk = {one.id for one in self._book.state.pending}
        self._disk = News()
        self._news: dict[str, News] = {name: News() for name in options.to}
        self.outcomes: Counter[tuple[str, str, str]] = Counter()  # rule, receiver, outcome
        self.skipped = 0

    @property
    def pending(self) -> int:
        """How many notifications wait."""
        return len(self._book.state.pending)

    def status(self) -> Sequence[Mapping[str, Any]]:
        """Each rule, as JSON can hold it: what it looks for, how often it was raised, and how many keys cool down."""
        state = self._book.state
        return [
            {
                "name": name,
                "query": rule.query,
                "threshold": rule.threshold,
                "window_seconds": rule.window_seconds,
                "by": rule.by,
                "to": list(rule.to),
                "raised": state.raised.get(name, 0),
                "last_raised": iso(state.last_raised[name]) if name in state.last_raised else None,
                "cooling": len(state.cooling.get(name, ())),
                "pending": sum(one.rule == name for one in state.pending),
            }
            for name, rule in self._options.rules.items()
        ]

    async def look(self, documents: Sequence[bytes]) -> None:
        """Count documents by every rule, in slices with a rest behind each."""
        for start in range(0, len(documents), SLICE):
            began = time.perf_counter()
            now = time.time_ns()
            for document in documents[start : start + SLICE]:
                self._rules.look(document, now)
            await asyncio.sleep((time.perf_counter() - began) * _REST)

    async def run(self) -> None:
        """Send what is raised, until cancelled; what waits then is on disk."""
        sending: dict[str, asyncio.Task[None]] = {}
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await self._step()
                    for name in self._options.to:
                        if (name not in sending or sending[name].done()) and (one := self._due(name)) is not None:
                            sending[name] = tasks.create_task(self._send(name, one))
                    await asyncio.sleep(_TICK_SECONDS)
        finally:
            if self._book.is_changed:
                await asyncio.to_thread(self._write, self._book.encoded())

    async def _step(self) -> None:
        """Look at the clock, and put on disk what has changed."""
        self._rules.tick(time.time_ns())
        if not self._book.is_changed:
            return
        content, waiting = self._book.encoded(), {one.id for one in self._book.state.pending}
        await asyncio.to_thread(self._write, content)
        self._on_disk = waiting

    def _write(self, content: bytes) -> None:
        try:
            self._book.write(content)
        except OSError as error:
            if self._disk.is_new(str(error)):
                log.error("alert state not written: a restart may repeat or lose notifications",
                          error=str(error), remedy="make room on the disk of state_dir")  # fmt: skip
        else:
            self._disk.over()

    def _due(self, receiver: str) -> Notification | None:
        """What a receiver is sent now: the oldest that waits, unless it is to be left alone."""
        if self._next.get(receiver, 0.0) > time.monotonic():
            return None
        waiting = (one for one in self._book.state.pending if one.receiver == receiver)
        return next((one for one in waiting if one.id in self._on_disk), None)

    async def _send(self, name: str, one: Notification) -> None:
        sent = await send(name, self._options.to[name], one)
        outcome = sent.outcome
        if outcome == "unavailable" and time.time_ns() - one.made < _EXPIRES:
            self._wait(name, sent)
        else:
            self._waits.pop(name, None)
            self._news[name].over()
            self._book.settle(one)
            if outcome != "sent":
                log.error("notification not delivered", receiver=name, rule=one.rule, error=sent.told,
                          remedy=f"correct alerts.to.{name}, then run `pilotfish alert test --to {name}`")  # fmt: skip
        self.outcomes[one.rule, name, outcome] += 1

    def _wait(self, name: str, sent: Sent) -> None:
        seconds = min(_LONGEST_WAIT_SECONDS, 2 * self._waits.get(name, 1.0))
        self._waits[name] = seconds
        self._next[name] = time.monotonic() + max(seconds, sent.retry_after or 0.0)
        if self._news[name].is_new(sent.told):
            log.warning("notifications wait: the receiver does not take them", receiver=name, error=sent.told,
                        remedy="the agent tries again for a day; check the receiver")  # fmt: skip


def _line(one: Candidate, document: bytes) -> Line:
    trusted = dict(one.trusted)
    container, target = trusted.get("docker_container", ""), trusted.get("@target", "")
    return Line(one.time or 0, message(document), container, target)
