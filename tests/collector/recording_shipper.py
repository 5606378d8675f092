"""A destination in memory that answers as it is told: `collector.ports.Shipper` with a script."""

from collections.abc import Callable, Iterable

from collector.errors import ShippingError
from collector.model import Batch, Receipt, Rejected, Segment
from collector.ports import Shipper

Answer = Callable[[str, bytes], str | None]
"""What is said of one document, by id and text: None to take it, `retry`, `wait`, or the type of its rejection."""


class RecordingShipper:
    """Keeps documents by id. `raises` are raised first, one a batch; then `answer` is asked for each document."""

    def __init__(self, answer: Answer = lambda name, document: None, raises: Iterable[ShippingError] = ()) -> None:
        self.answer = answer
        self.raises = list(raises)
        self.stored: dict[str, bytes] = {}
        self.batches: list[Batch] = []
        self.closed = 0
        self.before_each: Callable[[], object] = lambda: None

    async def ship(self, batch: Batch) -> Receipt:
        """Answer by the script."""
        self.before_each()
        self.batches.append(batch)
        if self.raises:
            raise self.raises.pop(0)
        new = duplicate = 0
        rejected: list[Rejected] = []
        retry: list[Segment] = []
        waits: dict[str, str] = {}
        for segment in batch.segments:
            for index, (name, document) in enumerate(zip(segment.ids, segment.documents, strict=True)):
                said = self.answer(name, document)
                if said is None:
                    new, duplicate = (new, duplicate + 1) if name in self.stored else (new + 1, duplicate)
                    self.stored.setdefault(name, document)
                elif said in ("retry", "wait"):
                    retry.append(segment.part([index]))
                    if said == "wait":
                        waits[segment.stream.target] = "its index is closed"
                else:
                    rejected.append(Rejected(segment, index, said, "for a test"))
        return Receipt(
            delivered=new, duplicate=duplicate, rejected=tuple(rejected), retry=Batch(tuple(retry)), waits=waits
        )

    async def aclose(self) -> None:
        """Count it."""
        self.closed += 1


class Relay(RecordingShipper):
    """A desk's shipper that hands on to a real one."""

    def __init__(self, shipper: Shipper) -> None:
        super().__init__()
        self._shipper = shipper

    async def ship(self, batch: Batch) -> Receipt:
        """Hand it on."""
        self.before_each()
        return await self._shipper.ship(batch)
