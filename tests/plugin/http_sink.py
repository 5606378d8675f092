"""An output of another package, as its author writes it: documents → any server that takes lines of JSON by POST.

The server answers how many documents were new to it and how many it had. All else is `collector.net`'s.
"""

from typing import Literal

import msgspec
from msgspec import Struct
from pydantic import Field

from collector.errors import UNREADABLE
from collector.model import Batch, Receipt
from collector.net.credentials import BasicAuth, BearerToken
from collector.net.http_client import HttpClient
from collector.net.http_node import Answer, Question
from collector.net.options import HttpOptions
from collector.ports import OutputContext, ShipperSettings


class Settings(HttpOptions, BearerToken, BasicAuth, ShipperSettings):
    """A server that takes documents by POST, one JSON object a line."""

    takes_many_writers = True

    type: Literal["http_sink"] = "http_sink"
    path: str = Field("/", pattern="^/", description="where on the server documents go")

    def open(self, context: OutputContext) -> "HttpSink":
        """Read the named files and make the shipper; connects to nothing yet."""
        client = self.http_client(context.output, kind="a sink of lines", connections=self.concurrency + 1)
        return HttpSink(client, self.path)


class Counts(Struct):
    """What the server says of a request."""

    new: int
    known: int = 0


class HttpSink:
    """A shipper (`collector.ports.Shipper`) to such a server."""

    def __init__(self, client: HttpClient, path: str) -> None:
        self._client = client
        self._path = path

    async def ship(self, batch: Batch) -> Receipt:
        """Send the batch in one request.

        Raises:
            Unavailable: nothing is known of it.
            Refused: it is too large for one request.
        """
        if not batch.count:
            return Receipt()
        headers = {"content-type": "application/x-ndjson"}
        answer = await self._client.ask(Question("POST", self._path, batch.lines(), headers), is_measured=True)
        if answer.status != 200:
            raise self._client.refusal(answer)
        counts = self._counts(answer)
        return Receipt(delivered=counts.new, duplicate=counts.known)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _counts(self, answer: Answer) -> Counts:
        try:
            return msgspec.json.decode(answer.body, type=Counts)
        except UNREADABLE:
            raise self._client.stranger("answers in other words") from None
