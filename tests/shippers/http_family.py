"""What the tests of outputs over HTTP share: a destination on a server of the project's own, and halves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from collector.app.plugins import installed_types
from collector.delivery.shipment import halves
from collector.errors import Refused
from collector.model import Batch, Receipt, Rejected, Segment
from collector.ports import OutputContext, Shipper, ShipperSettings
from tests.collector.desk import Desk
from tests.collector.recording_shipper import RecordingShipper
from tests.receivers.own_server import OwnServer


def settings_of(type_: str, *hosts: str, **options: object) -> ShipperSettings:
    """The settings of an output with these options."""
    return installed_types().outputs[type_].model_validate({"type": type_, "hosts": hosts, **options})


def opened(context: OutputContext, type_: str, *hosts: str, **options: object) -> Any:
    """The shipper of an output with these options."""
    return settings_of(type_, *hosts, **options).open(context)


async def delivered(shipper: Shipper, directory: Path, *segments: Segment, batch_bytes: int = 4 << 10) -> Desk:
    """What all of delivery makes of segments, once they are settled."""
    desk = Desk(directory, cast(RecordingShipper, shipper), batch_bytes=batch_bytes)
    async with desk.open():
        await desk.put(*segments)
    await shipper.aclose()
    return desk


class Halving:
    """A shipper and what delivery does with a batch that is refused whole: halves, down to the document at fault."""

    def __init__(self, shipper: Shipper) -> None:
        self._shipper = shipper

    async def ship(self, batch: Batch) -> Receipt:
        try:
            return await self._shipper.ship(batch)
        except Refused as error:
            if batch.count == 1:
                segment = next(one for one in batch.segments if one.count)
                return Receipt(rejected=(Rejected(segment, 0, error.type, error.cause),))
            one, other = [await self.ship(half) for half in halves(batch)]
            return Receipt(
                delivered=one.delivered + other.delivered,
                rejected=one.rejected + other.rejected,
                retry=Batch(one.retry.segments + other.retry.segments),
            )

    async def aclose(self) -> None:
        await self._shipper.aclose()


class OnServer:
    """A fresh server as the contract sees it."""

    def __init__(self, server: OwnServer, context: OutputContext, type_: str, options: Mapping[str, object]) -> None:
        self.settings = settings_of(type_, server.url, **options)
        self._server, self._context = server, context

    def open(self) -> Shipper:
        return Halving(self.settings.open(self._context))

    async def stored(self) -> dict[str, list[bytes]]:
        return self._server.kept.documents
