"""Datagrams on real sockets: which host they go to, and what is told where nobody listens."""

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import Unavailable
from collector.net.addresses import Address
from collector.net.datagrams import MOST_BYTES, Datagrams, Pace
from tests.examples import examples


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(5)
        yield bound


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


async def test_each_datagram_arrives_whole_and_in_order(listener: socket.socket) -> None:
    with closing(Datagrams([Address("127.0.0.1", port_of(listener))])) as datagrams:
        sent = [b"%d " % number + b"x" * number for number in range(150)] + [b"y" * MOST_BYTES]
        await datagrams.send(sent[:100])
        assert [listener.recv(MOST_BYTES) for _ in range(100)] == sent[:100]
        await datagrams.send(sent[100:])
        assert [listener.recv(MOST_BYTES) for _ in range(51)] == sent[100:]


async def test_a_host_where_nobody_listens_is_told(listener: socket.socket) -> None:
    port = port_of(listener)
    listener.close()
    with closing(Datagrams([Address("127.0.0.1", port)])) as datagrams:
        for _ in range(2):
            with pytest.raises(Unavailable, match=rf"127\.0\.0\.1:{port} cannot be reached \(Connection refused\)"):
                await datagrams.send([b"anybody?"])


async def test_a_name_that_is_unknown_is_told() -> None:
    with (
        closing(Datagrams([Address("no-such-host.invalid", 514)])) as datagrams,
        pytest.raises(Unavailable, match=r"no-such-host\.invalid:514 cannot be reached"),
    ):
        await datagrams.send([b"x"])


async def test_the_next_host_gets_what_is_sent_after_a_failure(listener: socket.socket) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as gone:
        gone.bind(("127.0.0.1", 0))
        addresses = [Address("127.0.0.1", port) for port in (port_of(gone), port_of(listener))]
    with closing(Datagrams(addresses)) as datagrams:
        failures = 0
        for number in range(2):
            try:
                await datagrams.send([b"%d" % number])
                break
            except Unavailable:
                failures += 1
        assert failures <= 1
        assert listener.recv(10) == b"%d" % failures


async def test_the_name_is_looked_up_again_after_a_while(listener: socket.socket) -> None:
    now = 0.0
    with closing(Datagrams([Address("localhost", port_of(listener))], clock=lambda: now)) as datagrams:
        senders = []
        for now in (0.0, 59.0, 61.0):  # noqa: B007 - the clock reads it
            await datagrams.send([b"x"])
            senders.append(listener.recvfrom(10)[1])
        assert senders[0] == senders[1] != senders[2]


AT_ONCE, PACKET_BYTES, SLACK_SECONDS = 16, 1452, 0.002


@examples(3)
@given(
    rate=st.integers(100, 100_000),
    steps=st.lists(st.tuples(st.integers(0, MOST_BYTES), st.floats(0, 0.05)), min_size=1, max_size=60),
)
def test_no_more_packets_than_the_rate_go_in_any_time(rate: int, steps: Sequence[tuple[int, float]]) -> None:
    """But for a few that make up for a wait that took longer, and for the last datagram, however large."""
    now = 0.0
    pace = Pace(rate, lambda: now)
    sent: list[tuple[float, int]] = []
    for size, late in steps:
        wait = pace.seconds(size)
        assert wait == 0 or wait >= SLACK_SECONDS
        now += wait
        sent.append((now, max(1, -(-size // PACKET_BYTES))))
        now += late
    for first, (begin, _) in enumerate(sent):
        packets = 0
        for when, count in sent[first:]:
            assert packets <= (when - begin + SLACK_SECONDS) * rate + AT_ONCE + 1e-6
            packets += count


def test_a_wait_that_took_longer_is_made_up_for() -> None:
    now = 0.0
    pace = Pace(1000, lambda: now)
    for _ in range(1000):
        now += 1.4 * pace.seconds(100)
    assert 0.98 < now < 1.02


async def test_datagrams_go_no_faster_than_they_may(listener: socket.socket) -> None:
    with closing(Datagrams([Address("127.0.0.1", port_of(listener))], packets_per_second=1000)) as datagrams:
        begin = time.monotonic()
        for _ in range(5):
            await datagrams.send([b"x"] * 20)
        assert time.monotonic() - begin > 0.075  # 100 less those at once; timers are early by a few milliseconds
