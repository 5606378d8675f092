"""Batch → nothing: documents are counted as delivered and forgotten, to measure everything before a destination."""

from typing import Literal

from pydantic import Field

from collector.model import Batch, Receipt
from collector.ports import LogPilot, OutputContext, Promise, ShipperSettings, Translated


class Settings(ShipperSettings):
    """Discards every document. For tests and measurements."""

    takes_many_writers = True

    type: Literal["null"] = Field("null", description="discards every document")

    @classmethod
    def from_log_pilot(cls, said: LogPilot) -> Translated | None:
        """What counts documents or drops them there; the series have the counts."""
        return Translated({}) if said.output in ("null", "count", "flowcounter") else None

    def promise(self) -> Promise:
        """What the output promises."""
        return Promise("unsafe", "every document is discarded")

    def open(self, context: OutputContext) -> "Null":
        """Make the shipper."""
        return Null()


class Null:
    """A shipper (`collector.ports.Shipper`) without a destination."""

    async def ship(self, batch: Batch) -> Receipt:
        """Count the documents as delivered; never raises."""
        return Receipt(delivered=batch.count)

    async def aclose(self) -> None:
        """Nothing is held."""
