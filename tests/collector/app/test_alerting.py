"""Alerts look at the live view, and stop nothing else when they fail."""

import asyncio
from pathlib import Path

import pytest

from collector.alerts.alerts import Alerts
from collector.alerts.options import AlertOptions
from collector.app import alerting
from collector.app.alerting import keep_alerting
from collector.web.live import Live
from tests.collector.waiting import until
from tests.contract.segments import plain_segment

OPTIONS = AlertOptions.model_validate(
    {
        "rules": {"lines": {"query": "line", "threshold": 3, "by": "none", "to": ["ops"]}},
        "to": {"ops": {"type": "webhook", "url": "http://127.0.0.1:1/"}},
    }
)


async def test_a_segment_that_is_shown_raises_an_alert(tmp_path: Path) -> None:
    live, alerts = Live(), Alerts(OPTIONS, tmp_path)
    running = asyncio.create_task(keep_alerting(alerts, live))
    await until(lambda: live.watchers)
    live.publish(plain_segment(3))
    await until(lambda: alerts.status()[0]["raised"])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert alerts.pending == 1
    assert Alerts(OPTIONS, tmp_path).pending == 1


async def test_what_there_is_no_room_for_is_counted(tmp_path: Path) -> None:
    live, alerts = Live(room_bytes=1), Alerts(OPTIONS, tmp_path)
    running = asyncio.create_task(keep_alerting(alerts, live))
    await until(lambda: live.watchers)
    live.publish(plain_segment(3))
    live.publish(plain_segment(5, first=3))
    await until(lambda: alerts.skipped)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert alerts.skipped == 5


async def test_alerts_that_fail_start_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerting, "_AGAIN_SECONDS", 0.1)
    live, alerts = Live(), Alerts(OPTIONS, tmp_path)
    failed = asyncio.Event()

    async def fail(_: object) -> None:
        failed.set()
        raise ZeroDivisionError

    monkeypatch.setattr(alerts, "look", fail)
    running = asyncio.create_task(keep_alerting(alerts, live))
    for number in (1, 2):
        await until(lambda: live.watchers)
        live.publish(plain_segment(1, file=str(number)))
        await failed.wait()
        failed.clear()
        await until(lambda: not live.watchers)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_an_error_while_they_end_does_not_keep_them_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, alerts = Live(), Alerts(OPTIONS, tmp_path)

    async def fail_at_the_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ZeroDivisionError

    monkeypatch.setattr(alerts, "run", fail_at_the_end)
    running = asyncio.create_task(keep_alerting(alerts, live))
    await until(lambda: live.watchers)
    await asyncio.sleep(0)
    running.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
