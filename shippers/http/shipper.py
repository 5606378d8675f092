"""One batch → requests → one receipt, in the words of a preset."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from collector.errors import Refused, ShippingError
from collector.model import Batch, Receipt, Rejected, Segment
from collector.net.http_client import HttpClient, words_of
from collector.net.http_node import Answer, Question, is_of_cluster

from .encoding import Compression, body_of, compressed, key_of
from .preset import Limits, Preset, Verdict
from .presets import VictoriaLogs, found_ids
from .splunk import Splunk, token_is_good

_UNREAD = (400, 406, 415, 422, 501)  # what a server, or a proxy before it, says of a body that it does not understand


@dataclass(frozen=True)
class Requests:
    """What requests look like; `settle_seconds` is how long what was taken may take to be safe."""

    method: str
    target: str
    is_array: bool
    content_type: str
    compression: Compression
    limits: Limits
    settle_seconds: float


class _Part(NamedTuple):
    """What goes in one request."""

    documents: Batch
    body: bytes
    key: str


class HttpShipper:
    """A shipper (`collector.ports.Shipper`) to such a server."""

    def __init__(self, client: HttpClient, preset: Preset, requests: Requests) -> None:
        self._client = client
        self._preset = preset
        self._requests = requests

    async def ship(self, batch: Batch) -> Receipt:
        """Send the batch, in several requests where one would be over the limits.

        Raises:
            Unavailable: nothing is known of it.
            Unauthorized: the credentials are refused.
            Refused: it is too large, or a document in it is at fault.
        """
        if not batch.count:
            return Receipt()
        parts = await asyncio.to_thread(self._parts, batch)
        delivered = 0
        for number, part in enumerate(parts):
            left = parts[number + 1 :]
            try:
                rejected = await self._send(part)
            except ShippingError:
                if not number:
                    raise
                return Receipt(delivered=delivered, retry=_joined([part, *left]))
            if rejected:
                others = _without(part.documents, rejected)
                retry = Batch((*others.segments, *_joined(left).segments))
                return Receipt(delivered=delivered, rejected=(rejected,), retry=retry)
            delivered += part.documents.count
        return Receipt(delivered=delivered)

    async def probe(self) -> str:
        """That such a server answers; where it can be told, that it takes the credentials.

        Raises:
            Unavailable: it does not.
            Unauthorized: it refuses the credentials.
        """
        client, preset = self._client, self._preset
        answer = await client.ask(Question("GET", preset.health or self._requests.target.partition("?")[0], None, {}))
        if answer.status in (401, 403, 407) or answer.status >= 500:
            raise client.refusal(answer, is_measured=False)
        if not preset.is_healthy(answer):
            raise client.stranger(f"does not answer as {preset.kind} does ({answer.status}: {words_of(answer)})")
        if isinstance(preset, Splunk):
            headers = {"content-type": self._requests.content_type, **preset.headers()}
            answer = await client.ask(Question("POST", self._requests.target, b"", headers))
            if not token_is_good(answer):
                raise client.refusal(answer, is_measured=False)
            return f"{preset.kind} at {client.peer.name} takes the token"
        if preset.health:
            return f"{preset.kind} at {client.peer.name} is up"
        return f"{client.peer.name} answers ({answer.status}); only a delivery shows whether it takes documents"

    async def aclose(self) -> None:
        """Close the connections; may be called twice, and without `ship`."""
        await self._client.aclose()

    # ------------------------------------------------------------------ one request

    async def _send(self, part: _Part) -> Rejected | None:
        """Send it; what is refused of it, if that is one document."""
        requests = self._requests
        headers = {"content-type": requests.content_type, "idempotency-key": part.key, **self._preset.headers()}
        if requests.compression != "none":
            headers["content-encoding"] = requests.compression
        question = Question(requests.method, requests.target, part.body, headers, is_good=self._is_told)
        answer = await self._client.ask(question, is_measured=True)
        verdict = self._preset.verdict(answer)
        if verdict.taken:
            await self._preset.settle(self._client, answer, requests.settle_seconds)
            return None
        if verdict.refused and verdict.number is not None and (place := _place(part.documents, verdict.number)):
            return Rejected(*place, verdict.refused, words_of(answer))
        raise self._error(answer, verdict)

    def _is_told(self, answer: Answer) -> bool:
        return is_of_cluster(answer) and not self._preset.verdict(answer).unclear

    def _error(self, answer: Answer, verdict: Verdict) -> ShippingError:
        name = self._client.peer.name
        hint = "set compress: none if it does not accept gzip" if self._requests.compression != "none" else ""
        if verdict.refused:
            return Refused(f"{name} rejected the request ({words_of(answer)})", hint, type=verdict.refused)
        error = self._client.stranger(verdict.unclear) if verdict.unclear else self._client.refusal(answer)
        if hint and answer.status in _UNREAD:
            error.remedy = f"{hint}; else {error.remedy}"
        error.remedy = verdict.remedy or error.remedy
        return error

    # ------------------------------------------------------------------ in a thread

    def _parts(self, batch: Batch) -> list[_Part]:
        items = [self._preset.items(segment) for segment in batch.segments]
        return [
            _Part(
                documents,
                compressed(body_of(bodies, is_array=self._requests.is_array), self._requests.compression),
                key_of([name for segment in documents.segments for name in segment.ids]),
            )
            for documents, bodies in _packed(batch, items, self._requests.limits)
        ]


class VictoriaLogsShipper(HttpShipper):
    """The same where documents can be asked for."""

    def __init__(self, client: HttpClient, preset: VictoriaLogs, requests: Requests) -> None:
        super().__init__(client, preset, requests)
        self._asks = preset

    async def read_back(self, segment: Segment) -> Collection[str]:
        """The ids of the segment's documents that are there.

        Raises:
            Unavailable: it cannot be asked.
        """
        answer = await self._client.ask(self._asks.search(segment.ids))
        if answer.status != 200:
            raise self._client.refusal(answer, is_measured=False)
        return found_ids(answer.body, self._asks.id_field)


def _packed(batch: Batch, items: Sequence[list[bytes]], limits: Limits) -> Iterator[tuple[Batch, list[bytes]]]:
    """Documents with what is sent of them, within the limits; a larger one goes alone."""
    if not any(limits):
        yield batch, [item for each in items for item in each]
        return
    segments: list[Segment] = []
    bodies: list[bytes] = []
    size = 0
    for segment, each in zip(batch.segments, items, strict=True):
        first = 0
        for index, item in enumerate(each):
            is_full = (limits.documents and len(bodies) >= limits.documents) or (
                limits.size and bodies and size + len(item) + 1 > limits.size
            )
            if is_full:
                yield Batch((*segments, *_some(segment, first, index))), bodies
                segments, bodies, size, first = [], [], 0, index
            bodies.append(item)
            size += len(item) + 1
        segments += _some(segment, first, segment.count)
    if bodies:
        yield Batch(tuple(segments)), bodies


def _some(segment: Segment, first: int, end: int) -> list[Segment]:
    return [segment.part(range(first, end))] if first < end else []


def _joined(parts: Sequence[_Part]) -> Batch:
    return Batch(tuple(segment for part in parts for segment in part.documents.segments))


def _place(batch: Batch, number: int) -> tuple[Segment, int] | None:
    """The document of this number in the batch."""
    for segment in batch.segments:
        if 0 <= number < segment.count:
            return segment, number
        number -= segment.count
    return None


def _without(batch: Batch, rejected: Rejected) -> Batch:
    found = []
    for segment in batch.segments:
        if segment is not rejected.segment:
            found.append(segment)
        else:
            left = [index for index in range(segment.count) if index != rejected.index]
            found += [segment.part(left)] if left else []
    return Batch(tuple(found))
