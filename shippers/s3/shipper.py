"""One batch → a PUT for each object of it → one Receipt."""

import asyncio
from collections.abc import Collection, Mapping
from urllib.parse import quote

from collector.documents.form import Form
from collector.documents.places import Places
from collector.errors import Unauthorized, Unavailable
from collector.model import Batch, Receipt, Rejected, Segment
from collector.net.http_client import HttpClient
from collector.net.http_node import Answer, Question

from .faults import TOO_LARGE, UNKNOWN_CONDITION, code_of, error_of
from .objects import Part, ids_in
from .signing import Signer

_ONCE = {"if-none-match": "*"}
_TYPE = {"content-type": "application/gzip"}
_MOST_READ_BYTES = 64 << 20


class S3Shipper:
    """`collector.ports.Shipper` on a bucket. `base` is its URL as requests go to it, `path` what of it is no host."""

    def __init__(
        self,
        client: HttpClient,
        signer: Signer,
        places: Places,
        form: Form,
        *,
        bucket: str,
        base: str,
        path: str,
        headers: Mapping[str, str],
        at_once: int,
    ) -> None:
        self._client = client
        self._signer = signer
        self._places = places
        self._form = form
        self._bucket = bucket
        self._base = base
        self._path = path
        self._headers = headers
        self._knows_condition = True
        self._turn = asyncio.Semaphore(at_once)

    async def ship(self, batch: Batch) -> Receipt:
        """Have each object of the batch in the bucket. What is there under its name is a duplicate.

        Raises:
            Unavailable: no object of it was stored, or nothing is known of any.
            Unauthorized: the key is refused, or lacks a permission.
        """
        parts = [Part(place, segments) for place, segments in self._places.groups(batch).items()]
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._store(part)) for part in parts]
        found = [task.result() for task in running]
        errors = [each for each in found if isinstance(each, Unavailable)]
        receipts = [each for each in found if isinstance(each, Receipt)]
        denied = next((error for error in errors if isinstance(error, Unauthorized)), None)
        if denied or (errors and not receipts):
            raise denied or errors[0]
        left = [part for part, each in zip(parts, found, strict=True) if isinstance(each, Unavailable)]
        retry = Batch(tuple(segment for part in left for segment in part.segments))
        return _sum(receipts, retry)

    async def probe(self) -> str:
        """Where the bucket is.

        Raises:
            Unavailable: it cannot be reached, or there is no such bucket.
            Unauthorized: the key is refused.
        """
        answer = await self._ask("GET", "?list-type=2&max-keys=1", b"", {})
        where = f"bucket {self._bucket} at {self._client.peer.name}"
        if answer.status == 200 and b"ListBucketResult" in answer.body:
            return where
        if code_of(answer) == "AccessDenied":
            return f"{where} (it accepts the key; listing is not permitted, and not needed)"
        raise error_of(answer, self._client, self._bucket)

    async def read_back(self, segment: Segment) -> Collection[str]:
        """The ids of the segment's documents that are in the object that it makes alone.

        Raises:
            Unavailable: the server cannot be asked.
            Unauthorized: the key may not read.
        """
        part = Part(self._places.of(segment), [segment])
        answer = await self._ask("GET", quote(part.name, safe="/"), b"", {}, most_bytes=_MOST_READ_BYTES)
        if answer.status == 404 and code_of(answer) != "NoSuchBucket":
            return set()
        if answer.status != 200:
            raise error_of(answer, self._client, self._bucket)
        return set(await asyncio.to_thread(ids_in, answer.body)).intersection(segment.ids)

    async def aclose(self) -> None:
        """Close the connections; may be called twice, and without `ship`."""
        await self._client.aclose()

    async def _store(self, part: Part) -> Receipt | Unavailable:
        """Put it, in halves where it is too large; its error, so that the other objects of the batch go on."""
        try:
            async with self._turn:
                answer = await self._put(part)
            if answer.status == 200 and "etag" in answer.headers:
                return Receipt(delivered=part.documents)
            if answer.status == 412:
                return Receipt(duplicate=part.documents)
            if answer.status == 413 or code_of(answer) == TOO_LARGE:
                return await self._store_halves(part)
            raise self._failure(answer)
        except Unavailable as error:
            return error

    async def _store_halves(self, part: Part) -> Receipt:
        if part.documents == 1:
            reason = f"{self._client.peer.name} rejects objects of this size"
            return Receipt(rejected=(Rejected(part.segments[0], 0, "too_large", reason, is_final=True),))
        found = [await self._store(half) for half in part.halves()]
        for each in found:
            if isinstance(each, Unavailable):
                raise each
        return _sum([each for each in found if isinstance(each, Receipt)], Batch())

    async def _put(self, part: Part) -> Answer:
        content = await asyncio.to_thread(part.content, self._form)
        name = quote(part.name, safe="/")
        if self._knows_condition:
            answer = await self._ask("PUT", name, content, {**_TYPE, **self._headers, **_ONCE})
            if code_of(answer) != UNKNOWN_CONDITION:
                return answer
            self._knows_condition = False
        return await self._ask("PUT", name, content, {**_TYPE, **self._headers})

    async def _ask(
        self, method: str, name: str, body: bytes, headers: Mapping[str, str], *, most_bytes: int = 1 << 20
    ) -> Answer:
        signed = await asyncio.to_thread(self._signer.headers, method, f"{self._base}/{name}", headers, body)
        question = Question(method, f"{self._path}/{name}", body or None, signed, most_bytes)
        return await self._client.ask(question)

    def _failure(self, answer: Answer) -> Unavailable:
        if answer.status == 200:
            return self._client.stranger("answers in other words")
        error = error_of(answer, self._client, self._bucket)
        if isinstance(error, Unauthorized):
            self._signer.forget()
        return error


def _sum(receipts: list[Receipt], retry: Batch) -> Receipt:
    return Receipt(
        delivered=sum(each.delivered for each in receipts),
        duplicate=sum(each.duplicate for each in receipts),
        rejected=tuple(one for each in receipts for one in each.rejected),
        retry=retry,
    )
