"""First lines of a file that wait for a time → the file's own, once none has followed for long."""

from collections.abc import Mapping

from collector.model import StreamKey
from collector.pipeline.reader import Reader
from collector.state.checkpoint import Checkpoints

_NO_TIME_LOOKS = 5  # that lines wait for one behind them


class Dating:
    """One output's."""

    def __init__(self, checkpoints: Checkpoints, readers: Mapping[StreamKey, Reader]) -> None:
        self._checkpoints = checkpoints
        self._readers = readers
        self._waits: dict[StreamKey, int] = {}  # for how many looks lines of these have waited

    async def look(self) -> None:
        """Give those that have waited the time of their file; once a second.

        It is kept on disk first: they have the same at each read, whatever follows them by then.
        """
        waiting = [key for key, reader in self._readers.items() if reader.transform.waits_for_time]
        self._waits = {key: self._waits.get(key, 0) + 1 for key in waiting}
        due = [key for key, looks in self._waits.items() if looks > _NO_TIME_LOOKS]
        for key in due:
            if (dated := self._readers[key].transform.date_lines()) is not None:
                self._checkpoints.date(key, *dated)
        if due and await self._checkpoints.flush():
            for key in due:
                if (reader := self._readers.get(key)) is not None:
                    reader.source.ask()
