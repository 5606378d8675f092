"""One batch → a push → a receipt. Only 204 says that all is stored."""

import asyncio
import time
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import quote, urlencode

import msgspec
import orjson
from msgspec import Struct

from collector.errors import UNREADABLE, Refused, ShippingError, Unavailable
from collector.model import Batch, Receipt, Rejected, Segment
from collector.net.http_client import HttpClient, words_of
from collector.net.http_node import Answer, Question, is_of_cluster

from .entries import ID, Entries
from .refusals import is_empty_push, is_for_one_stream, oldest_of, reason_of, remedy_of

_CONTENT = "refused_by_server"
_JSON = {"content-type": "application/json"}
_SURE_NANOSECONDS = 3_600_000_000_000  # a line so old may be too old, whoever says so
_MOST_FOUND = 5000  # Loki's own bound of a search
_VERSION = "/loki/api/v1/status/buildinfo"
_SEARCH = "/loki/api/v1/query_range"


class _Build(Struct):
    version: str


class LokiShipper:
    """A shipper (`collector.ports.Shipper`) to Loki."""

    def __init__(self, client: HttpClient, entries: Entries, *, path: str, compress: bool) -> None:
        self._client = client
        self._entries = entries
        self._path = path
        self._compress = compress

    async def ship(self, batch: Batch) -> Receipt:
        """Push the batch; once more without the lines that are too old, if Loki says how old.

        Raises:
            Unavailable: nothing is known of it.
            Unauthorized: the credentials are refused.
            Refused: it is too large, or one of its lines is at fault.
        """
        if not batch.count:
            return Receipt()
        answer, rejected = await self._push(batch)
        if answer.status == 204:
            return Receipt(delivered=batch.count - len(rejected), rejected=rejected)
        if is_for_one_stream(answer) and len(batch.segments) > 1:
            return await self._ship_each(batch)
        old = self._too_old(batch, answer)
        if not old:
            return self._refuse(batch, answer, rejected)
        left = _without(batch, old)
        receipt = await self.ship(left)
        return Receipt(
            delivered=receipt.delivered, rejected=(*old, *receipt.rejected), retry=receipt.retry, waits=receipt.waits
        )

    async def probe(self) -> str:
        """Which Loki is there, and that it would take a push.

        Raises:
            Unavailable: it cannot be reached, or would not.
            Unauthorized: it refuses the credentials.
        """
        answer = await self._client.ask(Question("POST", self._path, b'{"streams":[]}', _JSON))
        if not is_empty_push(answer):
            if answer.status < 300:
                raise self._client.stranger(f"answers {answer.status} in other words ({words_of(answer)})")
            raise self._client.refusal(answer, is_measured=False)
        return f"Loki{await self._version()} at {self._client.peer.name}"

    async def read_back(self, segment: Segment) -> Collection[str]:
        """The ids of the segment's documents that Loki finds; of 5,000 at most.

        Raises:
            Unavailable: it cannot be asked.
        """
        times = sorted(map(self._entries.nanoseconds, segment.documents))
        if not times:
            return ()
        span = {"start": times[0], "end": times[-1] + 1, "limit": _MOST_FOUND}
        query = f"{_SEARCH}?query={quote(self._entries.selector(segment))}&{urlencode(span)}"
        answer = await self._client.ask(Question("GET", query, None, {}))
        if answer.status != 200:
            raise self._client.refusal(answer, is_measured=False)
        try:
            streams = orjson.loads(answer.body)["data"]["result"]
            found = {each["stream"].get(ID) for each in streams}
        except (*UNREADABLE, KeyError, TypeError, AttributeError):
            raise self._client.stranger("answers a search in other words") from None
        return found & {*segment.ids}

    async def aclose(self) -> None:
        """Close the connections; may be called twice, and without `ship`."""
        await self._client.aclose()

    # ------------------------------------------------------------------ pushes

    async def _push(self, batch: Batch) -> tuple[Answer, tuple[Rejected, ...]]:
        push = await asyncio.to_thread(self._entries.push, batch, compress=self._compress)
        headers: Mapping[str, str] = {**_JSON, "content-encoding": "gzip"} if self._compress else _JSON
        if len(push.rejected) == batch.count:
            return Answer(204, b"", None), push.rejected
        question = Question("POST", self._path, push.body, headers, is_good=_is_told)
        return await self._client.ask(question, is_measured=True), push.rejected

    async def _ship_each(self, batch: Batch) -> Receipt:
        """Push each segment by itself: a stream that is over its limit holds up no other."""
        delivered = 0
        rejected: list[Rejected] = []
        waiting: list[Segment] = []
        last: ShippingError | None = None
        for segment in batch.segments:
            try:
                receipt = await self.ship(Batch((segment,)))
            except ShippingError as error:
                last = error
                waiting.append(segment)
                continue
            delivered += receipt.delivered
            rejected += receipt.rejected
            waiting += receipt.retry.segments
        if last is not None and len(waiting) == len(batch.segments):
            raise last
        return Receipt(delivered=delivered, rejected=tuple(rejected), retry=Batch(tuple(waiting)))

    def _too_old(self, batch: Batch, answer: Answer) -> list[Rejected]:
        """The documents that are older than Loki takes, where it says so."""
        oldest = oldest_of(answer) if answer.status == 400 else None
        if oldest is None or oldest > time.time_ns() - _SURE_NANOSECONDS:
            return []
        reason = reason_of(answer), words_of(answer)
        return [
            Rejected(segment, index, *reason, is_final=True)
            for segment in batch.segments
            for index, document in enumerate(segment.documents)
            if 0 < self._entries.nanoseconds(document) < oldest
        ]

    def _refuse(self, batch: Batch, answer: Answer, rejected: tuple[Rejected, ...]) -> Receipt:
        """What became of a batch that was not taken.

        Raises:
            ShippingError: that is told by an error.
        """
        name = self._client.peer.name
        if answer.status < 300:
            raise self._client.stranger(f"answers {answer.status} in other words ({words_of(answer)})")
        remedy = remedy_of(answer)
        if answer.status not in (400, 422) or answer.body.lstrip().startswith(b"<") or remedy:
            error = self._client.refusal(answer)
            error.remedy = remedy or error.remedy
            raise error
        reason = reason_of(answer)
        if reason and batch.count - len(rejected) == 1:
            single = next(_others(batch, rejected))
            return Receipt(rejected=(*rejected, Rejected(*single, reason, words_of(answer), is_final=True)))
        raise Refused(f"{name} rejected the request ({words_of(answer)})", type=reason or _CONTENT)

    async def _version(self) -> str:
        """With a blank before it; "" if it does not say, as behind a gateway."""
        try:
            answer = await self._client.ask(Question("GET", _VERSION, None, {}))
            return f" {msgspec.json.decode(answer.body, type=_Build).version}"
        except (Unavailable, *UNREADABLE):
            return ""


def _is_told(answer: Answer) -> bool:
    """Whether a push was taken, or refused for what is in it."""
    return answer.status == 204 or (answer.status >= 300 and is_of_cluster(answer))


def _others(batch: Batch, rejected: Collection[Rejected]) -> Iterator[tuple[Segment, int]]:
    gone = {(id(each.segment), each.index) for each in rejected}
    for segment in batch.segments:
        for index in range(segment.count):
            if (id(segment), index) not in gone:
                yield segment, index


def _without(batch: Batch, rejected: Collection[Rejected]) -> Batch:
    gone = {(id(each.segment), each.index) for each in rejected}
    left = []
    for segment in batch.segments:
        indexes = [index for index in range(segment.count) if (id(segment), index) not in gone]
        left += [segment.part(indexes)] if indexes else []
    return Batch(tuple(left))
