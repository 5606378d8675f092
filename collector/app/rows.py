"""Registry, polls and pipelines → a row for each container and each output, as version 1 of the API gives them.

Nothing is asked of the daemon here: it is what the timers saw last, and null where nobody knows.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from collector.discovery.registry import UNDESCRIBED, Container, Registry
from collector.model import LogStream
from collector.pipeline.pipeline import Pipeline
from collector.telemetry import usage, usage_series
from collector.text.times import iso, nanoseconds_of
from collector.web.answers import ContainerRow, OutputRow

_CPU, _MEMORY, _SEEN = (
    usage.SERIES.index(one) for one in (usage_series.CPU_USAGE, usage_series.MEMORY_WORKING_SET, usage_series.LAST_SEEN)
)


class Seen(Protocol):
    """What was seen last of an input (`collector.telemetry.poll.Poll`), by container id."""

    log_bytes: dict[str, int]

    @property
    def usage(self) -> Mapping[str, list[bytes]]:
        """The lines of `usage.SERIES`."""


class ContainerRows:
    """The rows of all containers; of CPU it keeps what was used at the look before, which makes a share of it."""

    def __init__(self, registry: Registry, pipelines: Sequence[Pipeline], polls: Sequence[Seen]) -> None:
        self._registry = registry
        self._pipelines = pipelines
        self._polls = polls
        self._used: dict[str, tuple[float, float, float | None]] = {}  # seconds of CPU, when, and percent till then

    def rows(self, sees: Callable[[LogStream], bool] | None) -> list[ContainerRow]:
        """By name. `sees` tells of which streams something may be seen; other containers are absent. None: all."""
        used = {name: lines for poll in self._polls for name, lines in poll.usage.items()}
        sizes = {name: size for poll in self._polls for name, size in poll.log_bytes.items()}
        containers = self._registry.containers
        self._used = {name: one for name, one in self._used.items() if name in containers}
        found = [one for one in containers.values() if sees is None or any(map(sees, one.streams))]
        found.sort(key=lambda one: (one.name, one.id))
        return [self._row(one, sees, used.get(one.id, []), sizes.get(one.id)) for one in found]

    def _row(
        self, one: Container, sees: Callable[[LogStream], bool] | None, used: Sequence[bytes], size: int | None
    ) -> ContainerRow:
        streams = [stream for stream in one.streams if sees is None or sees(stream)]
        targets = sorted({stream.target for stream in streams})
        fields: Mapping[str, str] = streams[0].fields if streams else {}
        is_known = one.driver != UNDESCRIBED
        counts = self._registry.counts.get(one.id)
        last_code = counts.exit_code if counts is not None and not one.is_running else None
        lines, backlog = self._read(streams) if self._registry.share.has(one.id) else (None, None)
        return ContainerRow(
            name=one.name,
            id=one.id,
            image=one.image,
            targets=targets,
            target=targets[0] if targets else None,
            project=fields.get("docker_app", "") or one.compose_project or one.stack,
            service=_service(one, fields),
            state=one.state,
            health=one.health or None,
            failing_streak=one.failing_streak if one.health else None,
            exit_code=one.exit_code if one.exit_code is not None else last_code,
            oom_killed=one.oom_killed if is_known else None,
            restarts=one.restarts,
            created_at=_iso(one.created),
            started_at=_iso(one.started),
            finished_at=_iso(one.finished),
            cpu_percent=self._percent(one.id, used),
            memory_bytes=None if (bytes_used := _value(used, _MEMORY)) is None else int(bytes_used),
            memory_limit_bytes=one.memory_limit_bytes or None,
            log_bytes=size,
            backlog_bytes=backlog,
            lines=lines,
            errors=None,
            not_followed=one.problem,
        )

    def _read(self, streams: Sequence[LogStream]) -> tuple[int, int]:
        """Documents since the agent started, of the output that has read most; bytes not read, of that with most."""
        lines = backlog = 0
        for pipeline in self._pipelines:
            readers = [reader for one in streams if (reader := pipeline.readers.get(one.key)) is not None]
            lines = max(lines, sum(reader.documents for reader in readers))
            backlog = max(backlog, sum(reader.source.backlog_bytes for reader in readers))
        return lines, backlog

    def _percent(self, name: str, used: Sequence[bytes]) -> float | None:
        seconds, when = _value(used, _CPU), _value(used, _SEEN)
        if seconds is None or when is None:
            self._used.pop(name, None)
            return None
        before = self._used.get(name)
        if before is not None and when <= before[1]:
            return before[2]
        percent = None
        if before is not None and seconds >= before[0]:
            percent = round(100 * (seconds - before[0]) / (when - before[1]), 1)
        self._used[name] = seconds, when, percent
        return percent


def output_rows(pipelines: Sequence[Pipeline]) -> list[OutputRow]:
    """By name."""
    return [_output(one) for one in sorted(pipelines, key=lambda one: one.output)]


def _output(one: Pipeline) -> OutputRow:
    ledger, now = one.ledger, time.time()
    complete = _complete_until(one, now)
    waits = next(iter(ledger.waits.values()), "")
    error = ledger.error or ledger.spool_error or ledger.spool_read_error
    return OutputRow(
        name=one.output,
        type=one.settings.type,
        state="unavailable" if error else "blocked" if waits else "ok",
        error=error or waits,
        promise=one.settings.promise()._asdict(),
        read=ledger.read,
        acknowledged=ledger.acknowledged,
        duplicates=ledger.duplicate,
        dead_letters=ledger.dead_lettered,
        fallback=ledger.fallback,
        filtered=ledger.filtered.total(),
        lost=sum(ledger.dropped.values()),
        in_flight=ledger.in_flight,
        spooled=ledger.spooled,
        spool_bytes=ledger.spool_bytes,
        spool_capacity_bytes=one.spool_capacity_bytes,
        recovered_from_spool=ledger.recovered_from_spool,
        replayed=ledger.replayed,
        backlog_bytes=one.backlog_bytes,
        documents_per_second=round(ledger.documents_per_second, 1),
        last_acknowledged=_iso(ledger.last_acknowledged),
        lag_seconds=None if complete is None else max(0.0, round(now - complete, 3)),
        complete_until=_iso(complete),
    )


def _complete_until(one: Pipeline, now: float) -> float | None:
    """Up to when everything that was logged is settled there: now, unless a stream is behind; None: nobody knows.

    A spool has lines of any age.
    """
    if one.ledger.spooled:
        return None
    until = now
    for key, reader in one.readers.items():
        if not reader.source.backlog_bytes and not one.checkpoints.is_pending(key):
            continue
        try:
            until = min(until, nanoseconds_of(one.checkpoints.start_of(key).last_time) / 1e9)
        except ValueError:
            return None
    return until


def _service(one: Container, fields: Mapping[str, str]) -> str:
    """The swarm's or compose's service, a pod's, else the container itself."""
    found = one.service or one.compose_service or fields.get("docker_service", "")
    return found or fields.get("k8s_pod", "") or one.name


def _value(lines: Sequence[bytes], index: int) -> float | None:
    """The number in the line of a series."""
    if index >= len(lines) or not lines[index]:
        return None
    try:
        number = float(lines[index].splitlines()[0].rpartition(b" ")[2])
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else iso(int(seconds * 1_000_000_000))
