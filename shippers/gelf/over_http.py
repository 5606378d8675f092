"""GELF over HTTP: a request for each message, several at a time, or one for many where the server takes that."""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

from collector.errors import Refused, ShippingError, Unavailable
from collector.files import gzip
from collector.model import Batch, Receipt, Rejected, Segment
from collector.net.http_client import HttpClient, words_of
from collector.net.http_node import Answer, Question

from .messages import Contents, messages

AT_ONCE = 8  # requests of one batch
_TAKEN = 202
_INVALID, _TOO_LARGE = 400, 413
_LEAST_COMPRESSED = 1400  # bytes: below, a packet is saved by none


class _Message(NamedTuple):
    """A message, and the document that it stands for."""

    body: bytes
    segment: Segment
    place: int


class GelfByHttp:
    """A shipper (`collector.ports.Shipper`) that posts messages."""

    def __init__(self, contents: Contents, client: HttpClient, path: str, *, is_bulk: bool, compress: bool) -> None:
        self._contents = contents
        self._client = client
        self._path = path
        self._is_bulk = is_bulk
        self._compress = compress

    async def ship(self, batch: Batch) -> Receipt:
        """Post each message, or all of them in one request.

        Raises:
            Unavailable: nothing is known of any.
            Refused: the server refuses the request that holds all of them.
        """
        if not batch.count:
            return Receipt()
        made = await asyncio.to_thread(lambda: list(self._messages(batch)))
        if self._is_bulk:
            answer = await self._post(b"\n".join([message.body for message in made]))
            if answer.status == _INVALID:
                raise Refused(f"{self._client.peer.name} rejected the request ({words_of(answer)})", type="invalid")
            if answer.status != _TAKEN:
                raise self._refusal(answer)
            return Receipt(delivered=batch.count)
        return await _EachMessage(self, made).ship()

    async def probe(self) -> str:
        """That a server answers as GELF's do: to what is no message with 4xx, or to another method.

        Raises:
            Unavailable: none does.
        """
        answer = await self._client.ask(Question("OPTIONS", self._path, None, {}))
        if answer.status in (401, 403, 404, 407) or answer.status >= 500:
            raise self._client.refusal(answer, is_measured=False)
        return f"{self._client.peer.name} answers ({answer.status}); only a delivery shows whether it takes messages"

    async def aclose(self) -> None:
        """Close the connections; may be called twice, and without `ship`."""
        await self._client.aclose()

    async def post(self, message: _Message) -> Rejected | None:
        """Post one message; what is wrong with it, if the server refuses it.

        Raises:
            Unavailable: nothing is known of it.
        """
        answer = await self._post(message.body)
        if answer.status == _TAKEN:
            return None
        if answer.status == _INVALID:
            return Rejected(message.segment, message.place, "invalid", words_of(answer))
        if answer.status == _TOO_LARGE:
            reason = f"the server takes no message of {len(message.body)} bytes ({words_of(answer)})"
            return Rejected(message.segment, message.place, "too_large", reason, is_final=True)
        raise self._refusal(answer)

    async def _post(self, body: bytes) -> Answer:
        headers = {"content-type": "application/json"}
        if self._compress and len(body) >= _LEAST_COMPRESSED:
            headers["content-encoding"] = "gzip"
            body = await asyncio.to_thread(gzip.compress, body)
        return await self._client.ask(Question("POST", self._path, body, headers), is_measured=True)

    def _refusal(self, answer: Answer) -> ShippingError:
        if answer.status < 400:
            return self._client.stranger(f"answers {answer.status}, not 202 as a server for GELF does")
        return self._client.refusal(answer)

    def _messages(self, batch: Batch) -> Iterator[_Message]:
        for segment in batch.segments:
            for index, body in enumerate(messages(segment, self._contents)):
                yield _Message(body, segment, index)


class _EachMessage:
    """Messages on their way, each in a request of its own; after the first failure no more are sent."""

    def __init__(self, shipper: GelfByHttp, made: list[_Message]) -> None:
        self._shipper = shipper
        self._made = made
        self._left = iter(range(len(made)))
        self._open = set(range(len(made)))
        self._rejected: list[Rejected] = []
        self._failure: Unavailable | None = None

    async def ship(self) -> Receipt:
        """What became of each.

        Raises:
            Unavailable: nothing is known of any.
        """
        async with asyncio.TaskGroup() as group:
            for number in range(min(AT_ONCE, len(self._made))):
                group.create_task(self._work(), name=f"gelf {number}")
        if self._failure and len(self._open) == len(self._made):
            raise self._failure
        left = [self._made[number] for number in sorted(self._open)]
        retry = Batch(tuple(message.segment.part([message.place]) for message in left))
        delivered = len(self._made) - len(left) - len(self._rejected)
        return Receipt(delivered=delivered, rejected=tuple(self._rejected), retry=retry)

    async def _work(self) -> None:
        for number in self._left:
            if self._failure:
                return
            try:
                rejected = await self._shipper.post(self._made[number])
            except Unavailable as error:
                self._failure = error
                return
            self._open.discard(number)
            if rejected:
                self._rejected.append(rejected)
