"""The live view of all documents → alerts: a watcher as any other, so that what is too fast is skipped and counted."""

import asyncio
from pathlib import Path

import structlog

from collector.alerts.alerts import Alerts
from collector.config.models import Configuration
from collector.errors import REPORT_IT, place_of
from collector.state import places
from collector.web.live import Live, Wanted

log = structlog.get_logger(__name__)

_AGAIN_SECONDS = 5.0


def alerts_of(configuration: Configuration, state: Path) -> Alerts | None:
    """The alerts that are configured, with what they remember; None if there is no rule.

    Raises:
        OSError: their directory cannot be made.
    """
    if not configuration.alerts.rules:
        return None
    directory = state / places.ALERTS
    directory.mkdir(mode=0o700, exist_ok=True)
    return Alerts(configuration.alerts, directory, host=configuration.host or "", workers=configuration.workers)


async def keep_alerting(alerts: Alerts, live: Live) -> None:
    """Look at documents and send notifications, until cancelled; an error of theirs stops no other part."""
    while True:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(alerts.run())
                await _look(alerts, live)
        except Exception as error:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError from error  # it failed while it was to end
            log.error("alerts failed and start again", error=place_of(error), remedy=REPORT_IT)
        await asyncio.sleep(_AGAIN_SECONDS)


async def _look(alerts: Alerts, live: Live) -> None:
    with live.subscribe(Wanted()) as watcher:
        while (found := await watcher.segment()) is not None:
            skipped, segment = found
            alerts.skipped += skipped
            if segment is not None:
                await alerts.look(segment.documents)
