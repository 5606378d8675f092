"""What no file tells, decided by the clock: when an event of lines has ended, and the time of lines without one.

It is kept on disk before it is used, so that each read of the log comes to the same, whatever follows by then; until it
is, nothing of its stream is taken.
"""

from collections.abc import Mapping

from collector.model import StreamKey
from collector.pipeline.reader import Reader
from collector.state.checkpoint import Checkpoints


class Deciding:
    """One output's."""

    look_seconds = 1.0  # between two looks, about

    def __init__(self, checkpoints: Checkpoints, readers: Mapping[StreamKey, Reader]) -> None:
        self._checkpoints = checkpoints
        self._readers = readers
        self._waits: dict[StreamKey, tuple[object, int]] = {}  # what each waits for, and for how many looks

    async def look(self) -> None:
        """Decide what has waited for long; once a second."""
        due: dict[StreamKey, Reader] = {}
        waits: dict[StreamKey, tuple[object, int]] = {}
        for key, reader in self._readers.items():
            if reader.held or (undecided := reader.transform.undecided()) is None:
                continue
            waits_for, looks = self._waits.get(key, (undecided.waits_for, 0))
            looks = looks + 1 if waits_for == undecided.waits_for else 1
            waits[key] = (undecided.waits_for, looks)
            if looks * self.look_seconds > undecided.seconds:
                if undecided.is_at_end:
                    due[key] = reader
                else:
                    reader.source.ask()
        self._waits = waits
        if due:
            await self._decide(due)

    async def _decide(self, due: Mapping[StreamKey, Reader]) -> None:
        transforms = {key: reader.transform for key, reader in due.items()}
        wanted = {key: one.decided for key, transform in transforms.items() if (one := transform.undecided())}
        for reader in due.values():
            reader.held.take(self)
        try:
            kept = await self._checkpoints.decide(wanted)
        finally:
            for reader in due.values():
                reader.held.let_go(self)  # those that wait go on only when this is done
        for key, reader in due.items():
            if reader.transform is not transforms[key]:  # it has gone back, with what was not kept yet
                reader.transform.decide(self._checkpoints.decided(key))
            elif key in kept:
                reader.transform.decide(kept[key])
                reader.source.ask()
