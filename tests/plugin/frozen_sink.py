"""An output whose destination tells only whole batches apart: it names each by its ids, and has frozen batches."""

from hashlib import blake2b
from typing import Literal

from collector.model import Batch, Receipt
from collector.net.http_node import Question
from collector.ports import OutputContext, Promise
from tests.plugin import http_sink


class Settings(http_sink.Settings):
    """A server that takes each batch once, by its token."""

    type: Literal["frozen_sink"] = "frozen_sink"  # type: ignore[assignment]

    def open(self, context: OutputContext) -> "FrozenSink":
        """Make the shipper."""
        client = self.http_client(context.output, kind="a sink of batches", connections=self.concurrency + 1)
        return FrozenSink(client, self.path)

    def promise(self) -> Promise:
        """What the output promises."""
        return Promise("exactly_once", "the server takes each batch once, by its token")

    @property
    def has_frozen_batches(self) -> bool:
        """It tells batches apart, and not documents."""
        return True


class FrozenSink(http_sink.HttpSink):
    """A shipper that names each batch."""

    async def ship(self, batch: Batch) -> Receipt:
        """Send the batch in one request, with its token.

        Raises:
            Unavailable: nothing is known of it.
            Refused: it is too large for one request.
        """
        if not batch.count:
            return Receipt()
        token = blake2b("\n".join(name for one in batch.segments for name in one.ids).encode()).hexdigest()
        question = Question("POST", self._path, batch.lines(), {"x-token": token})
        answer = await self._client.ask(question, is_measured=True)
        if answer.status != 200:
            raise self._client.refusal(answer)
        counts = self._counts(answer)
        return Receipt(delivered=counts.new, duplicate=counts.known)
