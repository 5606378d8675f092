"""A file that is only ever appended to → chunks. Its cursor is the offset, and the number of the line as text."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from collector.model import Chunk, Cursor, FileId, LogStream, Position, Start
from collector.ports import Source


class PlainFile(Source):
    """Looks at the file ten times a second."""

    def __init__(self, stream: LogStream, start: Start) -> None:
        super().__init__(stream)
        cursor = start.resume.position.cursor if start.resume else None
        self._offset, self._line = (cursor.order, int(cursor.text)) if cursor else (0, 0)

    async def chunks(self) -> AsyncIterator[Chunk]:
        while True:
            is_last, begin = self.is_removed, self._place()
            data = self._read()
            self.is_readable, is_last = True, is_last and not data
            if data or is_last:
                yield Chunk(stream=self.stream, data=data, start=begin, end=self._place(), ended=is_last)
            if is_last:
                return
            await asyncio.sleep(0.1)

    def _read(self) -> bytes:
        """The whole lines that follow, and on behind them."""
        with Path(self.stream.path).open("rb") as file:
            file.seek(self._offset)
            data = file.read(256 << 10)
        data = data[: data.rfind(b"\n") + 1]
        self._offset, self._line = self._offset + len(data), self._line + data.count(b"\n")
        return data

    def _place(self) -> Position:
        file = FileId(self.stream.container_id, self.stream.path, 0)
        return Position(file, 0, self._line, cursor=Cursor(self._offset, str(self._line)))
