"""Several may hold one reader; it goes on when the last of them has let go."""

import asyncio
from typing import cast

from msgspec.structs import replace

from collector.model import Decided, LogStream, StreamKey
from collector.pipeline.deciding import Deciding
from collector.pipeline.reader import Hold, Reader
from collector.pipeline.retargeting import Retargeting
from collector.ports import Source, Transform, Undecided
from collector.state.checkpoint import Checkpoints
from tests.contract.segments import log_stream


class Log:
    """A source that was read to its end."""

    def __init__(self, stream: LogStream) -> None:
        self.stream = stream
        self.is_readable = True
        self.backlog_bytes = 0

    def ask(self) -> None:
        """Nothing comes."""


class Waiting:
    """A transform that waits for a decision."""

    is_amid_line = False

    def undecided(self) -> Undecided:
        """What it waits for."""
        return Undecided("an event", 0.0, Decided())

    def decide(self, decided: Decided) -> None:
        """It is told."""


class Disk:
    """Positions on a disk that is as slow as `is_written` says."""

    def __init__(self) -> None:
        self.is_written = asyncio.Event()

    async def decide(self, wanted: dict[StreamKey, Decided]) -> dict[StreamKey, Decided]:
        """Kept once it is written."""
        await self.is_written.wait()
        return wanted

    def is_pending(self, key: StreamKey) -> bool:
        """Something is always on its way."""
        return True

    def target_of(self, key: StreamKey) -> str | None:
        """Never seen."""
        return None


async def test_who_changes_a_stream_lets_nobody_go_on_for_whom_a_decision_is_not_on_disk() -> None:
    stream, disk = log_stream(), Disk()
    reader = Reader(cast(Source, Log(stream)), cast(Transform, Waiting()))
    readers, checkpoints = {stream.key: reader}, cast(Checkpoints, disk)
    retargeting = Retargeting(checkpoints, readers, lambda key: None)
    deciding = asyncio.create_task(Deciding(checkpoints, readers).look())
    await asyncio.sleep(0)
    assert reader.held
    for _ in range(9):  # so often that its reader is held for the change, too
        await retargeting.look({stream.key: replace(stream, target="another")})
    await retargeting.look({stream.key: stream})  # it is called as before
    assert reader.held
    disk.is_written.set()
    await deciding
    assert not reader.held


async def test_who_waits_goes_on_when_the_last_owner_lets_go() -> None:
    hold = Hold()
    hold.take("a")
    hold.take("b")
    waiting = asyncio.create_task(hold.wait())
    for owner in ("a", "c"):
        hold.let_go(owner)
        await asyncio.sleep(0)
        assert hold
        assert not waiting.done()
    hold.let_go("b")
    await waiting
    assert not hold
