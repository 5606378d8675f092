"""An output of another package, as its author writes it: each document is a file in a directory, named by its id."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

from pydantic import Field

from collector.errors import Unavailable
from collector.model import Batch, Receipt
from collector.ports import OutputContext, ShipperSettings
from collector.values import FilePath


class Settings(ShipperSettings):
    """A file for each document."""

    type: Literal["document_files"] = "document_files"
    path: FilePath = Field(description="directory for the files; it must exist")

    def open(self, context: OutputContext) -> "DocumentFiles":
        return DocumentFiles(self.path)


class DocumentFiles:
    """Writes them in a thread, for disks are slow. A file appears whole and once, whoever else writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def ship(self, batch: Batch) -> Receipt:
        try:
            new = await asyncio.to_thread(self._write, batch)
        except OSError as error:
            raise Unavailable(f"{self._path} cannot be written ({error.strerror})", "check `path`") from None
        return Receipt(delivered=new, duplicate=batch.count - new)

    async def aclose(self) -> None:
        return

    def _write(self, batch: Batch) -> int:
        return sum(
            self._is_new(name, document)
            for segment in batch.segments
            for name, document in zip(segment.ids, segment.documents, strict=True)
        )

    def _is_new(self, name: str, document: bytes) -> bool:
        with NamedTemporaryFile(dir=self._path) as unfinished:
            unfinished.write(document)
            unfinished.flush()
            with suppress(FileExistsError):
                os.link(unfinished.name, self._path / f"{name}.json")
                return True
        return False
