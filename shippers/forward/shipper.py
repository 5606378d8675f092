"""Batch → a message for each tag, acknowledged by its chunk → receipt.

A message that was acknowledged is delivered. Where the connection breaks, or no acknowledgement comes in time, the
others are sent again, under the same chunk: a server that remembers chunks can tell.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from collector.documents.form import Form
from collector.errors import Unauthorized, Unavailable
from collector.model import Batch, Receipt, Rejected, Segment
from collector.net.streams import Streams
from shippers.forward.entries import Misfit, entries_of, message
from shippers.forward.handshake import Session, asks_for_secrets

_HELO_SECONDS = 0.5  # in which a server with a shared key says so
_NOT_MESSAGE_PACK = "not_message_pack"
_SET_KEY = "set shared_key_file"


class Message(NamedTuple):
    """`data` with the documents of `segments`, which the server acknowledges by `chunk`."""

    chunk: str
    data: bytes
    segments: Sequence[Segment]


class Packed(NamedTuple):
    """A batch as it is sent, and what is not in it."""

    messages: Sequence[Message]
    rejected: Sequence[Rejected]


class Forward:
    """A shipper (`collector.ports.Shipper`) to servers that speak the forward protocol."""

    def __init__(self, streams: Streams[Session], *, tag: Callable[[Segment], str], form: Form, compress: bool) -> None:
        self._streams = streams
        self._tag = tag
        self._form = form
        self._compress = compress

    async def ship(self, batch: Batch) -> Receipt:
        """Send the batch and wait until all of it is acknowledged.

        Raises:
            Unavailable: nothing of it was acknowledged.
        """
        if not batch.count:
            return Receipt()
        packed = await asyncio.to_thread(self._packed, batch)
        waiting = {each.chunk: each for each in packed.messages}
        try:
            await self._send(waiting)
        except Unavailable:
            if len(waiting) == len(packed.messages):
                raise
        left = tuple(segment for each in waiting.values() for segment in each.segments)
        rejected = tuple(packed.rejected)
        delivered = batch.count - len(rejected) - sum(segment.count for segment in left)
        return Receipt(delivered=delivered, rejected=rejected, retry=Batch(left))

    async def probe(self) -> str:
        """Connect, and agree on the shared key if there is one.

        Raises:
            Unavailable: no server accepts a connection, or it says what it should not.
            Unauthorized: the secrets are refused, or the server asks for some that are not configured.
        """
        async with self._streams.use() as session:
            try:
                async with asyncio.timeout(_HELO_SECONDS):
                    raise self._stranger(session, await session.read())
            except TimeoutError:
                return f"{session.stream.host} accepts connections"

    async def aclose(self) -> None:
        """Close the connections; may be called twice."""
        await self._streams.aclose()

    def _packed(self, batch: Batch) -> Packed:
        tagged: dict[str, list[Segment]] = {}
        for segment in batch.segments:
            if segment.count:
                tagged.setdefault(self._tag(segment), []).append(segment)
        messages: list[Message] = []
        rejected: list[Rejected] = []
        for tag, segments in tagged.items():
            if (made := self._message(tag, segments, rejected)) is not None:
                messages.append(made)
        return Packed(messages, rejected)

    def _message(self, tag: str, segments: Sequence[Segment], rejected: list[Rejected]) -> Message | None:
        data: list[bytes] = []
        sent: list[Segment] = []
        for segment in segments:
            entries = entries_of(segment, self._form)
            rejected += [_rejected(segment, misfit) for misfit in entries.misfits]
            data.append(entries.data)
            sent.append(_without(segment, entries.misfits))
        count = sum(segment.count for segment in sent)
        if not count:
            return None
        names = (segment.ids for segment in sent)
        chunk, packed = message(tag, b"".join(data), names, count=count, compress=self._compress)
        return Message(chunk, packed, sent)

    async def _send(self, waiting: dict[str, Message]) -> None:
        """Send them, and take out those that are acknowledged."""
        if not waiting:
            return
        async with self._streams.use() as session:
            for each in [*waiting.values()]:
                await session.stream.write(each.data)
            while waiting:
                answer = await session.read()
                if waiting.pop(_chunk_of(answer), None) is None:
                    raise self._stranger(session, answer)
            if session.has_unread or not session.is_kept:
                session.stream.close()

    def _stranger(self, session: Session, answer: object) -> Unavailable:
        if asks_for_secrets(answer):
            return Unauthorized(f"{session.stream.host} asks for a shared key", _SET_KEY)
        return session.stranger()


def _chunk_of(answer: object) -> str:
    """Which message is acknowledged; "" if it is no acknowledgement."""
    chunk = answer.get(b"ack") if isinstance(answer, dict) else None
    return chunk.decode(errors="replace") if isinstance(chunk, bytes) else ""


def _rejected(segment: Segment, misfit: Misfit) -> Rejected:
    return Rejected(segment, misfit.place, _NOT_MESSAGE_PACK, misfit.reason)


def _without(segment: Segment, misfits: Sequence[Misfit]) -> Segment:
    left_out = {misfit.place for misfit in misfits}
    return segment.part([index for index in range(segment.count) if index not in left_out])
