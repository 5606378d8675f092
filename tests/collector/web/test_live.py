"""`collector.web.live`: everyone sees what they want, nobody slows the pipeline."""

from contextlib import ExitStack

from collector.web.live import Glimpse, Live, Wanted
from tests.collector.web.agent import segment


async def test_documents_arrive_in_order() -> None:
    live = Live()
    with live.subscribe(Wanted()) as watcher:
        live.publish(segment("a", b"1", b"2"))
        live.publish(segment("b", b"3"))
        assert [await anext(watcher), await anext(watcher)] == [Glimpse([b"1", b"2"]), Glimpse([b"3"])]


async def test_names_are_parts_or_globs_and_any_of_them_is_enough() -> None:
    live = Live()
    shown: list[bytes] = []
    with live.subscribe(Wanted(names=("web", "db-?"))) as watcher:
        for name in ["web", "shop-web-1", "db-1", "db-12", "my-db-1", "cache"]:
            live.publish(segment(name, name.encode()))
        live.close()
        async for glimpse in watcher:
            shown += glimpse.documents
    assert shown == [b"web", b"shop-web-1", b"db-1"]


async def test_target_and_text_narrow_it_down() -> None:
    live = Live()
    with live.subscribe(Wanted(target="shop", text='Time"OUT')) as watcher:
        live.publish(segment("a", b'time\\"out', target="other"))
        live.publish(segment("a", b'{"log":{"message":"a TIME\\"out"}}', b"else"))
        assert await anext(watcher) == Glimpse([b'{"log":{"message":"a TIME\\"out"}}'])


async def test_what_a_slow_watcher_has_no_room_for_is_counted_where_it_is_missing() -> None:
    live = Live(room_bytes=10)
    with live.subscribe(Wanted()) as watcher:
        for number in range(4):
            live.publish(segment("a", b"%d" % number * 6))
        assert await anext(watcher) == Glimpse([b"000000"])
        live.publish(segment("a", b"4"))
        assert await anext(watcher) == Glimpse([b"4"], 3)


async def test_skipped_documents_at_the_end_are_told_too() -> None:
    live = Live(room_bytes=10)
    with live.subscribe(Wanted()) as watcher:
        live.publish(segment("a", b"0" * 100))
        live.publish(segment("a", b"1", b"2"))
        live.close()
        assert [glimpse async for glimpse in watcher] == [Glimpse([b"0" * 100]), Glimpse((), 2)]


async def test_one_slow_watcher_takes_nothing_from_another() -> None:
    live = Live(room_bytes=10)
    with live.subscribe(Wanted()) as slow, live.subscribe(Wanted()) as quick:
        for number in range(3):
            live.publish(segment("a", b"%d" % number * 8))
            assert (await anext(quick)).skipped == 0
        assert await anext(slow) == Glimpse([b"0" * 8])


async def test_a_subscription_ends_with_its_block_and_with_live() -> None:
    live = Live()
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(live.subscribe(Wanted()))
        assert live.watchers == 3
    assert live.watchers == 0
    live.close()
    with live.subscribe(Wanted()) as watcher:
        assert [glimpse async for glimpse in watcher] == []
