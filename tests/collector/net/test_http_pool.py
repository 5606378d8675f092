"""Laws of several nodes: a dead, silent or slow one costs little, is probed now and then, and comes back into use."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from aiohttp import ServerTimeoutError

from collector.net.http_node import Answer, Node
from collector.net.http_pool import Nodes
from tests.collector.net.endpoint import BULK, BUSY, OK, Endpoint
from tests.collector.waiting import until

PATIENCE_SECONDS = 0.3


@asynccontextmanager
async def over(*endpoints: Endpoint, timeout_seconds: float = 60.0) -> AsyncIterator[Nodes]:
    """Nodes at the endpoints."""
    nodes = [Node(f"http://127.0.0.1:{one.port}", connections=4) for one in endpoints]
    pool = Nodes(nodes, timeout_seconds=timeout_seconds, patience_seconds=PATIENCE_SECONDS)
    try:
        yield pool
    finally:
        await pool.aclose()


async def throughput(nodes: Nodes, seconds: float, workers: int = 2) -> int:
    """Requests that workers get answered."""
    answered = 0
    end = time.monotonic() + seconds

    async def work() -> None:
        nonlocal answered
        while time.monotonic() < end:
            await nodes.ask(BULK, is_measured=True)
            answered += time.monotonic() < end

    await asyncio.gather(*(work() for _ in range(workers)))
    return answered


@contextmanager
def vanishing() -> Iterator[int]:
    """A port whose packets vanish: its queue of connections is full and nobody takes one; gives the port."""
    with socket.socket() as listening, contextlib.ExitStack() as stack:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listening.getsockname())
        yield listening.getsockname()[1]


@pytest.mark.parametrize("fault", ["dead", "silent", "slow", "busy"])
@pytest.mark.slow
async def test_one_bad_node_of_three_leaves_most_of_the_throughput_and_comes_back(fault: str) -> None:
    async with (
        Endpoint(0.03) as first,
        Endpoint(0.03) as second,
        Endpoint(0.03) as bad,
        over(first, second, bad) as nodes,
    ):
        normal = await throughput(nodes, 1.0)
        assert bad.asked > 0
        match fault:
            case "dead":
                await bad.__aexit__()
            case "silent":
                bad.delay_seconds = None
            case "slow":
                bad.delay_seconds = 10.0
            case "busy":
                bad.answer = BUSY
        await throughput(nodes, 1.0)  # the time to notice it
        asked = bad.asked
        during = [await throughput(nodes, 1.0) for _ in range(2)]  # the better one: others use this machine too
        assert max(during) >= 0.6 * normal
        assert bad.asked - asked <= 3
        if fault == "dead":
            await bad.__aenter__()
        bad.delay_seconds, bad.answer, bad.most_at_once = 0.03, OK, 0
        asked = bad.asked

        async def in_use() -> None:
            while bad.asked < asked + 20:
                await throughput(nodes, 0.2)

        await asyncio.wait_for(in_use(), 30)


async def test_a_failed_request_is_asked_at_another_node_at_once() -> None:
    async with Endpoint() as good, Endpoint(answer=BUSY) as bad, over(good, bad) as nodes:
        for _ in range(10):
            assert (await nodes.ask(BULK, is_measured=True)).status == 200
        assert good.asked == 10
        assert bad.asked <= 1


@pytest.mark.parametrize("answer", [OK, BUSY])
async def test_each_answer_is_judged_once(answer: bytes) -> None:
    judged: list[int] = []

    def is_good(given: Answer) -> bool:
        judged.append(given.status)
        return given.status == 200

    async with Endpoint(answer=answer) as one, Endpoint(answer=answer) as other, over(one, other) as nodes:
        await nodes.ask(BULK._replace(is_good=is_good), is_measured=True)
        assert len(judged) == one.asked + other.asked


async def test_when_all_nodes_fail_each_is_asked_once_and_the_last_answer_is_given() -> None:
    async with Endpoint(answer=BUSY) as one, Endpoint(answer=BUSY) as other, over(one, other) as nodes:
        assert (await nodes.ask(BULK)).status == 503
        assert (one.asked, other.asked) == (1, 1)
        assert (await nodes.ask(BULK)).status == 503
        assert one.asked + other.asked == 3


async def test_a_single_node_gets_all_the_time_there_is_and_is_asked_whatever_it_did() -> None:
    async with Endpoint(3 * PATIENCE_SECONDS) as only, over(only) as nodes:
        assert (await nodes.ask(BULK, is_measured=True)).status == 200
        only.answer, only.delay_seconds = BUSY, 0.0
        for _ in range(3):
            assert (await nodes.ask(BULK, is_measured=True)).status == 503
        only.answer = OK
        assert (await nodes.ask(BULK, is_measured=True)).status == 200


async def test_a_request_that_is_cancelled_is_under_way_no_more() -> None:
    async with Endpoint(None) as silent, over(silent) as nodes:
        asking = asyncio.ensure_future(nodes.ask(BULK))
        await until(lambda: silent.asked)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert [(each.under_way, each.failures) for each in nodes.standings.values()] == [(0, 0)]


async def test_a_node_whose_packets_vanish_is_noticed_before_the_time_for_an_answer_is_over() -> None:
    with vanishing() as port:
        node = Node(f"http://127.0.0.1:{port}", connections=4, connect_seconds=0.2)
        started = time.monotonic()
        with pytest.raises(ServerTimeoutError):
            await node.ask(BULK, 60.0)
        assert time.monotonic() - started < 10
        await node.aclose()


# ------------------------------------------------------------------ with time as a parameter


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def three(clock: Callable[[], float]) -> tuple[Nodes, list[Node]]:
    nodes = [Node(f"http://node-{name}", connections=1) for name in "abc"]
    return Nodes(nodes, timeout_seconds=60.0, clock=clock), nodes


def answer(nodes: Nodes, node: Node, seconds: float, clock: Clock) -> None:
    began = clock.now
    nodes.standings[node].begin(began)
    clock.now += seconds
    nodes.standings[node].end(began)
    nodes.standings[node].answered(clock.now, began, is_measured=True)


def fail(nodes: Nodes, node: Node, seconds: float, clock: Clock) -> None:
    began = clock.now
    clock.now += seconds
    nodes.standings[node].failed(clock.now, began)


def test_the_node_with_the_least_requests_under_way_times_usual_time_is_picked(clock: Clock) -> None:
    nodes, (a, b, c) = three(clock)
    answer(nodes, c, 9.0, clock)
    answer(nodes, b, 0.15, clock)
    answer(nodes, a, 0.1, clock)
    assert nodes.pick() is a
    nodes.standings[a].begin(clock.now)
    assert nodes.pick() is b
    nodes.standings[b].begin(clock.now)
    nodes.standings[b].begin(clock.now)
    assert nodes.pick() is a


def test_a_node_that_owes_an_answer_for_long_is_not_picked_before_it_has_failed(clock: Clock) -> None:
    nodes, (a, b, c) = three(clock)
    for node in (c, b, a):
        answer(nodes, node, 0.1, clock)
    nodes.standings[a].begin(clock.now)
    clock.now += 1.0
    nodes.standings[b].begin(clock.now)
    nodes.standings[c].begin(clock.now)
    assert nodes.pick() is not a


def test_a_slow_node_that_was_not_asked_for_a_while_is_tried_again(clock: Clock) -> None:
    nodes, (a, b, c) = three(clock)
    answer(nodes, c, 5.0, clock)
    for _ in range(200):
        answer(nodes, a, 0.1, clock)
        answer(nodes, b, 0.1, clock)
    clock.now += 30.0
    answer(nodes, a, 0.1, clock)
    answer(nodes, b, 0.1, clock)
    assert nodes.pick() is c


def test_pauses_between_probes_double_and_end_at_a_minute(clock: Clock) -> None:
    nodes, (a, _, _) = three(clock)
    pauses = []
    for _ in range(10):
        fail(nodes, a, 0.0, clock)
        pauses.append(nodes.standings[a].probe_at - clock.now)
        clock.now = nodes.standings[a].probe_at
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_a_probe_that_took_long_is_followed_by_a_longer_pause(clock: Clock) -> None:
    nodes, (a, _, _) = three(clock)
    fail(nodes, a, 5.0, clock)
    assert nodes.standings[a].probe_at == clock.now + 50


def test_requests_that_were_under_way_together_fail_once(clock: Clock) -> None:
    nodes, (a, _, _) = three(clock)
    began = clock.now
    clock.now += 1.0
    nodes.standings[a].failed(clock.now, began)
    nodes.standings[a].failed(clock.now + 0.1, began + 0.5)
    assert nodes.standings[a].failures == 1


def test_one_probe_is_under_way_at_a_time(clock: Clock) -> None:
    nodes, (a, b, c) = three(clock)
    fail(nodes, a, 0.0, clock)
    fail(nodes, b, 0.0, clock)
    assert nodes.pick() is c
    clock.now += 2.0
    probed = nodes.pick()
    assert probed in (a, b)
    nodes.standings[probed].begin(clock.now)
    assert nodes.pick() is c


def test_a_node_is_given_up_only_when_it_takes_many_times_what_another_usually_takes(clock: Clock) -> None:
    nodes, (a, b, c) = three(clock)
    answer(nodes, b, 2.0, clock)
    answer(nodes, c, 3.0, clock)
    answer(nodes, b, 2.0, clock)
    assert 13 < nodes.patience({a}) <= 16
    answer(nodes, b, 0.1, clock)
    assert 5 <= nodes.patience({a}) < 13
    assert nodes.patience({a, b, c}) == 60
    fail(nodes, b, 0.0, clock)
    fail(nodes, c, 0.0, clock)
    assert nodes.patience({a}) == 60
