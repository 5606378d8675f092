"""How far an old host's backlog is read, with an estimate: a line in the log every few seconds while there is one."""

import asyncio
import time
from collections.abc import Sequence

import structlog

from collector.ledger import Ledger
from collector.pipeline.pipeline import Pipeline

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 5.0
_RATE_SECONDS = 600.0  # of which the rate is
_WORTH_TELLING_BYTES = 64 << 20


class Progress:
    """Watches the backlog of all outputs."""

    def __init__(self, pipelines: Sequence[Pipeline]) -> None:
        self._pipelines = pipelines

    async def run(self) -> None:
        """Tell until cancelled."""
        before = {pipeline.output: pipeline.ledger.read_bytes for pipeline in self._pipelines}
        rates = {pipeline.output: Rate(pipeline.ledger) for pipeline in self._pipelines}
        last = time.monotonic()
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            seconds = time.monotonic() - last
            last += seconds
            for pipeline in self._pipelines:
                rates[pipeline.output].look(seconds)
                read = pipeline.ledger.read_bytes
                rate = (read - before[pipeline.output]) / seconds
                before[pipeline.output] = read
                if pipeline.backlog_bytes >= _WORTH_TELLING_BYTES:
                    log.info("catching up", output=pipeline.output, **estimate(pipeline.backlog_bytes, read, rate))


class Rate:
    """How many documents, and bytes of them, come in a second, on average over the last minutes: told by the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._before = ledger.document_bytes
        self._documents_before = ledger.read - ledger.filtered.total()
        self._known_seconds = 0.0

    def look(self, seconds: float) -> None:
        """So much time has gone since it looked last."""
        came = self._ledger.document_bytes - self._before
        self._before += came
        documents = self._ledger.read - self._ledger.filtered.total() - self._documents_before
        self._documents_before += documents
        self._known_seconds = min(self._known_seconds + seconds, _RATE_SECONDS)
        share = min(seconds / self._known_seconds, 1.0)
        self._ledger.document_bytes_per_second += share * (came / seconds - self._ledger.document_bytes_per_second)
        self._ledger.documents_per_second += share * (documents / seconds - self._ledger.documents_per_second)


def estimate(backlog_bytes: int, read_bytes: int, bytes_per_second: float) -> dict[str, str]:
    """What is left, how fast it shrinks, and when it will be gone, in words."""
    left = f"about {duration(backlog_bytes / bytes_per_second)}" if bytes_per_second > 0 else "unknown: no progress"
    share = read_bytes / (read_bytes + backlog_bytes)
    return {
        "done": f"{share:.0%}",
        "left_to_read": f"{backlog_bytes / (1 << 20):.0f} MiB",
        "speed": f"{bytes_per_second / (1 << 20):.1f} MiB/s",
        "time_left": left,
    }


def duration(seconds: float) -> str:
    """`90.0` → `1 min 30 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
