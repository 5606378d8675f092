"""Laws of the registry: one table, whose readers see its latest state and never miss that it changed."""

import asyncio

from msgspec.structs import replace

from collector.discovery.registry import Container, Registry
from collector.docker.event import Event
from tests.collector.docker_lines import log_stream

WEB = Container(id="c0ffee", name="web", state="running", streams=(log_stream("/logs/x"),))


def test_streams_are_those_of_all_containers_by_key() -> None:
    registry = Registry()
    listing = registry.join()
    listing.put(WEB)
    listing.put(Container(id="bare", name="bare", state="running"))
    assert registry.streams == {WEB.streams[0].key: WEB.streams[0]}
    listing.drop("c0ffee")
    listing.drop("c0ffee")
    assert registry.streams == {}


async def test_a_change_of_what_is_followed_wakes_everyone_who_waits_and_nothing_else_does() -> None:
    registry = Registry()
    listing = registry.join()
    waiting = [asyncio.ensure_future(registry.changed(registry.version)) for _ in range(3)]
    await asyncio.sleep(0)
    listing.put(WEB)
    assert await asyncio.gather(*waiting) == [registry.version] * 3
    again = asyncio.ensure_future(registry.changed(registry.version))
    listing.put(WEB)
    listing.drop("nobody")
    await asyncio.sleep(0)
    assert not again.done()
    listing.put(replace(WEB, health="unhealthy", failing_streak=7))
    await asyncio.sleep(0)
    assert not again.done()
    listing.put(replace(WEB, streams=(log_stream("/logs/x", target="other"),)))
    assert await again == registry.version


async def test_one_who_was_away_sees_at_once_that_something_changed() -> None:
    registry = Registry()
    listing = registry.join()
    listing.put(WEB)
    listing.drop(WEB.id)
    async with asyncio.timeout(5):
        assert await registry.changed(0) == 2


def test_what_was_known_stays_while_the_source_is_away() -> None:
    registry = Registry()
    listing = registry.join()
    assert (listing.up, listing.error) == (False, "no answer yet")
    listing.put(WEB)
    listing.answered()
    assert (listing.up, listing.error) == (True, "")
    listing.lost("away")
    assert (listing.up, listing.error) == (False, "away")
    assert registry.containers == {WEB.id: WEB}


async def test_closing_is_a_change() -> None:
    registry = Registry()
    waiting = asyncio.ensure_future(registry.changed(registry.version))
    await asyncio.sleep(0)
    registry.close()
    await waiting
    assert registry.closed


def test_what_was_counted_of_a_container_goes_with_it() -> None:
    registry = Registry()
    listing = registry.join()
    end = Event(container_id=WEB.id, action="die", time=1, exit_code=3)
    assert listing.tell(end) == "error"  # nobody knows it, but how it ended was told
    assert registry.counts == {}
    listing.put(WEB)
    assert listing.tell(end) == "error"
    assert registry.counts[WEB.id].exit_code == 3
    listing.put(replace(WEB, state="exited"))
    assert registry.counts[WEB.id].exits["error"] == 1
    listing.drop(WEB.id)
    assert registry.counts == {}
