"""Events of the daemon go through a pipeline like lines: once each, up to a position, within a bound."""

import asyncio
import time
from itertools import count

from collector.discovery.share import EVERYTHING
from collector.docker.event import Event
from collector.errors import Unavailable
from collector.model import Batch, Segment
from collector.pipeline.event_queue import EventFeed
from collector.transform.docker_event import STREAM, segment_of
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import numbered
from tests.collector.pipeline.test_pipeline import Host, host
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until

__all__ = ["host"]  # the fixture


ALL = 1  # nanoseconds since 1970: as far back as the daemon remembers


def event(nanoseconds: int) -> Segment:
    told = Event(container_id="c0ffee", action="restart", time=nanoseconds, name="web")
    return segment_of(told, "", stamps=Stamps(), fields=lambda name, target, labels: {"docker_container": "web"})


async def test_an_event_is_delivered_once_and_its_time_is_kept(host: Host) -> None:
    shipper = RecordingShipper()
    pipeline = host.pipeline(shipper)
    assert pipeline.events.open(STREAM, "") == ALL
    async with host.run(pipeline):
        for at in (7, 8, 9):
            pipeline.events.put(event(at))
        await until(lambda: len(shipper.stored) == 3)
    assert pipeline.events.open(STREAM, "") == 9
    again = host.pipeline(shipper)
    async with host.run(again):
        for at in (8, 9, 10):  # the daemon tells again what it remembers
            again.events.put(event(at))
        await until(lambda: len(shipper.stored) == 4)
    assert (again.ledger.acknowledged, again.ledger.duplicate, again.events.open(STREAM, "")) == (1, 0, 10)


async def test_events_after_the_clock_was_set_back_are_delivered_too(host: Host) -> None:
    shipper = RecordingShipper()
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        for at, count in ((9, 1), (5, 2), (6, 3)):
            pipeline.events.put(event(at))
            await until(lambda count=count: len(shipper.stored) == count)  # type: ignore[misc]


async def test_a_position_in_the_future_keeps_nothing_back(host: Host) -> None:
    """The clock was set back while the agent was away."""
    shipper = RecordingShipper()
    tomorrow = time.time_ns() + 86400 * 10**9
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        pipeline.events.put(event(tomorrow))
        await until(lambda: len(shipper.stored) == 1)
    again = host.pipeline(shipper)
    async with host.run(again):
        again.events.put(event(time.time_ns()))
        await until(lambda: len(shipper.stored) == 2)


async def test_where_the_first_start_began_a_later_one_does_too(host: Host) -> None:
    """With `backlog: new`, events of an absence are not left out because none came before it."""
    first = host.pipeline(RecordingShipper(), cutoff="2026-11-25T16:00:00")
    began = first.events.open(STREAM, "")
    assert began == 1795622400 * 10**9
    await first.checkpoints.flush()
    again = host.pipeline(RecordingShipper(), cutoff="2026-11-26T16:00:00")
    assert again.events.open(STREAM, "") == began


async def test_one_that_was_not_settled_is_told_again_under_its_id(host: Host) -> None:
    shipper = RecordingShipper()
    first = host.pipeline(shipper)
    await shipper.ship(first_batch := Batch((event(7),)))
    assert first.events.open(STREAM, "") == ALL
    again = host.pipeline(shipper)
    async with host.run(again):
        again.events.put(event(7))
        await until(lambda: again.ledger.duplicate == 1)
    assert list(shipper.stored) == list(first_batch.segments[0].ids)


async def test_with_an_output_that_is_away_too_long_the_oldest_go_and_are_counted(host: Host) -> None:
    shipper = RecordingShipper()
    pipeline = host.pipeline(shipper)
    times = count(ALL + 1)
    for _ in range(5000):
        pipeline.events.put(event(next(times)))
    assert pipeline.events.lost == 5000 - 4096
    shipper.raises = [Unavailable("away")]
    async with host.run(pipeline):
        await until(lambda: len(shipper.stored) == 4096)
    assert pipeline.events.open(STREAM, "") == ALL + 5000


async def test_lines_and_events_hold_up_each_other_in_nothing(host: Host) -> None:
    shipper = RecordingShipper()
    pipeline = host.pipeline(shipper)
    host.add("web", *numbered(range(10)))
    async with host.run(pipeline):
        pipeline.events.put(event(7))
        await until(lambda: len(shipper.stored) == 11)
    assert pipeline.ledger.read == 11


async def test_what_one_output_has_settled_is_not_settled_for_another(host: Host) -> None:
    """Each has its own position: what one refuses for now it gets at the next start, though another took it."""
    busy = RecordingShipper(lambda name, document: None if b".000000007Z" in document else "retry")
    pipelines = [host.pipeline(RecordingShipper(), "a"), host.pipeline(busy, "b")]
    feed = EventFeed(
        [one.events for one in pipelines],
        EVERYTHING,
        stamps=Stamps(),
        fields=lambda name, target, labels: {"docker_container": name},
    )
    tasks = [asyncio.create_task(one.run()) for one in pipelines]
    for at in (7, 8, 9):
        feed.put(Event(container_id="c0ffee", action="restart", time=at, name="web"), "")
    await until(lambda: pipelines[0].ledger.acknowledged == 3 and pipelines[1].ledger.acknowledged == 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for one in pipelines:
        await one.checkpoints.flush()
    assert [host.pipeline(busy, name).events.open(STREAM, "") for name in "ab"] == [9, 7]
