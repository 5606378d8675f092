"""Laws of the roster: one table, whose readers see its latest state and never miss that it changed."""

import asyncio

from msgspec.structs import replace

from collector.discovery.registry import Container, Roster
from collector.docker.event import Event
from tests.collector.docker_lines import log_stream

WEB = Container(id="c0ffee", name="web", state="running", streams=(log_stream("/logs/x"),))


def test_streams_are_those_of_all_containers_by_key() -> None:
    roster = Roster()
    roster.put(WEB)
    roster.put(Container(id="bare", name="bare", state="running"))
    assert roster.streams == {WEB.streams[0].key: WEB.streams[0]}
    roster.drop("c0ffee")
    roster.drop("c0ffee")
    assert roster.streams == {}


async def test_a_change_of_what_is_followed_wakes_everyone_who_waits_and_nothing_else_does() -> None:
    roster = Roster()
    waiting = [asyncio.ensure_future(roster.changed(roster.version)) for _ in range(3)]
    await asyncio.sleep(0)
    roster.put(WEB)
    assert await asyncio.gather(*waiting) == [roster.version] * 3
    again = asyncio.ensure_future(roster.changed(roster.version))
    roster.put(WEB)
    roster.drop("nobody")
    await asyncio.sleep(0)
    assert not again.done()
    roster.put(replace(WEB, health="unhealthy", failing_streak=7))
    await asyncio.sleep(0)
    assert not again.done()
    roster.put(replace(WEB, streams=(log_stream("/logs/x", target="other"),)))
    assert await again == roster.version


async def test_one_who_was_away_sees_at_once_that_something_changed() -> None:
    roster = Roster()
    roster.put(WEB)
    roster.drop(WEB.id)
    async with asyncio.timeout(5):
        assert await roster.changed(0) == 2


def test_what_was_known_stays_while_the_source_is_away() -> None:
    roster = Roster()
    assert (roster.up, roster.error) == (False, "has not answered yet")
    roster.put(WEB)
    roster.answered()
    assert (roster.up, roster.error) == (True, "")
    roster.lost("away")
    assert (roster.up, roster.error) == (False, "away")
    assert roster.containers == {WEB.id: WEB}


async def test_closing_is_a_change() -> None:
    roster = Roster()
    waiting = asyncio.ensure_future(roster.changed(roster.version))
    await asyncio.sleep(0)
    roster.close()
    await waiting
    assert roster.closed


def test_what_was_counted_of_a_container_goes_with_it() -> None:
    roster = Roster()
    end = Event(container_id=WEB.id, action="die", time=1, exit_code=3)
    assert roster.tell(end) == "error"  # nobody knows it, but how it ended was told
    assert roster.tallies == {}
    roster.put(WEB)
    assert roster.tell(end) == "error"
    assert roster.tallies[WEB.id].exit_code == 3
    roster.put(replace(WEB, state="exited"))
    assert roster.tallies[WEB.id].exits["error"] == 1
    roster.drop(WEB.id)
    assert roster.tallies == {}
