"""The output `syslog` against rsyslog: the laws of all outputs, by each way, and what is its own."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from collector.errors import Unavailable
from collector.model import Batch
from collector.ports import OutputContext, Shipper
from shippers.syslog import Settings
from shippers.syslog.messages import SD_ID
from tests.contract.segments import batch, by_id, document, log_stream, plain_segment, segment
from tests.contract.shippers import HOSTILE_LOGS, Destination, ShipperContract
from tests.engines.process import accepts, wait_until
from tests.needs import marks
from tests.receivers.syslog import Receiver


@pytest.fixture(scope="module")
@marks("engines")
def rsyslog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with Receiver(tmp_path_factory.mktemp("rsyslog")) as receiver:
        yield receiver


class Place:
    """A fresh place: what rsyslog wrote before is put away."""

    def __init__(self, receiver: Receiver, site: OutputContext, **more: Any) -> None:
        self.settings = Settings.model_validate({**receiver.options(), **more})
        self._receiver = receiver
        self._site = site
        receiver.forget()

    def open(self) -> Shipper:
        return self.settings.open(self._site)

    async def stored(self) -> dict[str, list[bytes]]:
        return await asyncio.to_thread(self._receiver.stored)


class SyslogContract(ShipperContract):
    deduplicates = False
    takes_anything = True
    kind: ClassVar[str]
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def destination(self, rsyslog: Receiver, site: OutputContext) -> Destination:
        rsyslog.kind = self.kind
        return Place(rsyslog, site, **self.options)


class TestSyslogByRelp(SyslogContract):
    kind = "relp"


class TestSyslogByRelpWithTls(SyslogContract):
    kind = "relp_tls"


class TestSyslogByTcp(SyslogContract):
    kind = "tcp"


class TestSyslogByTcpWithNewlines(SyslogContract):
    kind = "tcp"
    options: ClassVar[dict[str, Any]] = {"framing": "newline"}


class TestSyslogByTls(SyslogContract):
    kind = "tls"


class TestSyslogByUdp(SyslogContract):
    kind = "udp"
    hostile_logs: ClassVar[Sequence[str]] = [log for log in HOSTILE_LOGS if len(log) < 60_000]


def shipper_to(receiver: Receiver, site: OutputContext, kind: str, **more: Any) -> Shipper:
    receiver.kind = kind
    receiver.forget()
    return Settings.model_validate({**receiver.options(), **more}).open(site)


async def test_rsyslog_reads_what_a_message_says(rsyslog: Receiver, site: OutputContext) -> None:
    shipper = shipper_to(rsyslog, site, "tcp", message="message", facility="local3", msgid="{target}")
    stream = log_stream('"sh]op\\')
    log = {"message": "one\ntwo\0three", "level": "warn"}
    await shipper.ship(batch(segment([document(log, stream)], stream)))
    await shipper.aclose()
    [found] = await asyncio.to_thread(rsyslog.messages)
    assert found["sd"].startswith(f'[{SD_ID} container="c0ffee-1" target="\\"sh\\]op\\\\" id="')
    assert {key: found[key] for key in ("pri", "version", "ts", "host", "app", "procid", "msgid", "msg")} == {
        "pri": str(19 * 8 + 4), "version": "1", "ts": "2026-11-23T02:13:00.768123Z", "host": "moby",
        "app": "c0ffee-1", "procid": "c0ffee", "msgid": '"sh]op\\', "msg": "one\ntwo#000three",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["tcp", "udp", "relp"])
async def test_rsyslog_reads_rfc_3164(rsyslog: Receiver, site: OutputContext, kind: str) -> None:
    shipper = shipper_to(rsyslog, site, kind, message="message", format="rfc3164")
    await shipper.ship(batch(plain_segment(1)))
    await shipper.aclose()
    [found] = await asyncio.to_thread(rsyslog.messages)
    assert [found[key] for key in ("pri", "host", "app", "procid", "msg")] == [
        "14", "moby", "c0ffee-1", "c0ffee", " line 0",
    ]  # fmt: skip
    assert found["ts"][5:19] == "11-23T02:13:00"


async def test_a_message_over_the_bound_is_one_message_of_rsyslog_too(rsyslog: Receiver, site: OutputContext) -> None:
    shipper = shipper_to(rsyslog, site, "tcp", message="message", max_message_bytes=8192)
    stream = log_stream()
    logs = [{"message": "long " * 10_000}, {"message": "next"}]
    await shipper.ship(batch(segment([document(log, stream) for log in logs], stream)))
    await shipper.aclose()
    first, second = await asyncio.to_thread(rsyslog.messages)
    assert 'original_bytes="50000"' in first["sd"]
    assert (first["msg"][-1], second["msg"]) == ("…", "next")


def _some_more_is_there(receiver: Receiver) -> None:
    size = receiver.written_bytes()
    assert wait_until(lambda: receiver.written_bytes() > size or size > 2_000_000, within_seconds=10)


class Away:
    """Ships part after part while rsyslog is killed and comes back."""

    def __init__(self, receiver: Receiver, shipper: Shipper) -> None:
        self.receiver = receiver
        self.shipper = shipper

    async def ship(self, parts: Sequence[Batch]) -> None:
        for part in parts:
            left = part
            async with asyncio.timeout(60):
                while left.count:
                    try:
                        left = (await self.shipper.ship(left)).retry
                    except Unavailable:
                        await asyncio.to_thread(self._back)

    def _back(self) -> None:
        assert wait_until(lambda: accepts("127.0.0.1", self.receiver.port), within_seconds=30)


@pytest.mark.engines
@pytest.mark.parametrize("kind", ["relp", "relp_tls"])
async def test_nothing_is_lost_by_relp_when_rsyslog_is_killed_again_and_again(
    tmp_path: Path, site: OutputContext, kind: str
) -> None:
    receiver = Receiver(tmp_path, kind)
    with receiver:
        shipper = shipper_to(receiver, site, kind)
        parts = [batch(plain_segment(500, first=500 * n)) for n in range(20)]
        task = asyncio.create_task(Away(receiver, shipper).ship(parts))
        for _ in range(3):
            await asyncio.to_thread(_some_more_is_there, receiver)
            await asyncio.to_thread(receiver.kill)
            await asyncio.to_thread(receiver.start)
        await task
        await shipper.aclose()
        assert sorted(await asyncio.to_thread(receiver.stored)) == sorted(by_id(parts))


@pytest.mark.engines
async def test_by_tcp_what_rsyslog_had_not_read_when_it_was_killed_is_sent_again(
    tmp_path: Path, site: OutputContext
) -> None:
    receiver = Receiver(tmp_path, "tcp")
    with receiver:
        shipper = shipper_to(receiver, site, "tcp")
        parts = [batch(plain_segment(500, first=500 * n)) for n in range(20)]
        await Away(receiver, shipper).ship(parts[:10])
        await asyncio.to_thread(receiver.kill)
        await asyncio.to_thread(receiver.start)
        await Away(receiver, shipper).ship(parts[10:])
        await shipper.aclose()
        assert sorted(await asyncio.to_thread(receiver.stored)) == sorted(by_id(parts))
