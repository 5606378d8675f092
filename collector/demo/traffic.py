"""The containers' life: an hour of history at once, then lines at a rate, each counted as it is written.

Chance is seeded: the same seed and start give the same ids and lines.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random

from collector.demo.books import Tally, log_member
from collector.demo.containers import CONTAINERS, DemoContainer, LogLine
from collector.demo.json_file import Identity, JsonFile, rfc3339

HISTORY_SECONDS = 3600
_TICK_SECONDS = 0.1
_TROUBLE_SECONDS = (600, 60)  # every ten minutes something goes wrong, for one minute
_SECOND = 1_000_000_000


class Log:
    """One container's log with what was written to it."""

    def __init__(self, container: DemoContainer, file: JsonFile) -> None:
        self.container = container
        self.tally = Tally()
        self.bytes = 0
        self.errors = 0
        self._file = file

    @property
    def rotated(self) -> int:
        """How many times the log was rotated."""
        return self._file.rotated

    def write(self, line: LogLine, nanoseconds: int) -> None:
        """Append a line.

        Raises:
            OSError: it could not be written.
        """
        self.bytes += self._file.write(line.text.encode(), line.stream, nanoseconds)
        self.tally.add(log_member(line.text), line.stream, rfc3339(nanoseconds))
        self.errors += line.level == "error"

    def close(self) -> None:
        """No more lines come."""
        self._file.close()


class Traffic:
    """All containers below `tree`; `started` is in nanoseconds since 1970."""

    def __init__(self, tree: Path, *, seed: int, started: int) -> None:
        """Make the logs, which are empty.

        Raises:
            OSError: they cannot be made.
        """
        self._random = Random(seed)  # noqa: S311 - it is to be repeatable
        self._last = started
        self.logs = [Log(one, _file(tree, one, f"{seed} {started}")) for one in CONTAINERS]
        self._shares = [one.share for one in CONTAINERS]
        self.lines = 0
        self.errors = 0

    def history(self, lines: int) -> None:
        """Write what was said in the hour before the start.

        Raises:
            OSError: it could not be written.
        """
        began = self._last - HISTORY_SECONDS * _SECOND
        moments = sorted(self._random.randrange(HISTORY_SECONDS * _SECOND) for _ in range(lines))
        end = self.lines + lines
        for moment in moments:
            if self.lines >= end:
                return
            self._event(began + moment, last=self._last)

    async def flow(self, rate: float, *, room: Callable[[], int]) -> None:
        """Write `rate` lines a second until cancelled, but not more than there is room for: readers must keep up.

        Raises:
            OSError: a line could not be written.
        """
        owed = 0.0
        before = time.time_ns()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = max(time.time_ns(), self._last + 1)
            owed = min(owed + rate * (now - before) / _SECOND, max(rate, 1.0))
            owed -= self._burst(int(min(owed, room())), before, now)
            before = now

    def close(self) -> None:
        """No more lines come."""
        for log in self.logs:
            log.close()

    def _burst(self, lines: int, since: int, until: int) -> int:
        """Write about so many lines, spread over the time given; returns how many they were."""
        began = self.lines
        while (wrote := self.lines - began) < lines:
            self._event(max(since + (until - since) * wrote // lines, self._last + 1), last=until)
        return self.lines - began

    def _event(self, moment: int, *, last: int) -> None:
        """One container says something, a microsecond or so between its lines."""
        log = self._random.choices(self.logs, self._shares)[0]
        at = datetime.fromtimestamp(moment / _SECOND, UTC)
        every, seconds = _TROUBLE_SECONDS
        for line in log.container.voice(self._random, at, moment // _SECOND % every < seconds):
            log.write(line, min(moment, last))
            moment += self._random.randrange(200, 9000)
            self.lines += 1
            self.errors += line.level == "error"
        self._last = max(self._last, moment)


def _file(tree: Path, container: DemoContainer, origin: str) -> JsonFile:
    identity = Identity(
        id=sha256(f"{origin} {container.name}".encode()).hexdigest(),
        name=container.name,
        image=container.image,
        labels=container.labels,
        environment=["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        health=container.health,
    )
    return JsonFile(tree, identity, max_bytes=container.max_bytes, max_files=container.max_files)
