"""Splunk's HTTP Event Collector: an envelope around each event, a code in each answer, and acknowledgements to ask for.

Splunk answers before an event is indexed. Where the token has indexer acknowledgement, the answer has a number, by
which Splunk is asked until the events are indexed. Numbers belong to a channel, which this agent makes up.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec
import orjson
from msgspec import Struct, field

from collector.documents.apart import Apart, text_of
from collector.errors import UNREADABLE, Unavailable
from collector.model import Segment
from collector.net.http_client import HttpClient
from collector.net.http_node import Answer, Question

from .preset import TAKEN, Preset, Verdict

ID_FIELD = "line_id"  # Splunk hides fields that begin with an underscore
_ACK_PATH = "/services/collector/ack"
_FIRST_POLL_SECONDS = 0.1
_LONGEST_POLL_SECONDS = 2.0
_CONTENT = {6: "invalid_data", 12: "event_missing", 13: "event_blank", 15: "invalid_fields"}
_REMEDIES = {
    7: "allow the token to write to the index, or correct `index`",
    10: "set acknowledge: true, since the token has indexer acknowledgement",
    11: "set acknowledge: true, since the token has indexer acknowledgement",
    14: "enable indexer acknowledgement for the token, or set acknowledge: false",
}
_NO_DATA, _HEALTHY = 5, 17


class _Said(Struct):
    code: int
    text: str = ""
    ack: int | None = field(default=None, name="ackId")
    invalid: int | None = field(default=None, name="invalid-event-number")


class _Acks(Struct):
    acks: dict[str, bool]


class Splunk(Preset):
    """Events with their time, host, source and index-time fields."""

    kind = "Splunk's HTTP Event Collector"
    path = "/services/collector/event"
    content_type = "application/json"
    health = "/services/collector/health"

    def __init__(
        self,
        *args: Any,
        sourcetype: str = "",
        source: str = "",
        index: str = "",
        acknowledge: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self._sourcetype, self._source, self._index = sourcetype, source, index
        self._channel = str(uuid4()) if acknowledge else ""
        self._apart = Apart(self._around)

    def headers(self) -> Mapping[str, str]:
        """The channel, where acknowledgements are asked for."""
        return {"x-splunk-request-channel": self._channel} if self._channel else {}

    def items(self, segment: Segment) -> list[bytes]:
        """Each as an event: the line as it is, JSON or text, and what is known of it as fields."""
        return [self._item(name, body) for name, body in zip(segment.ids, segment.documents, strict=True)]

    def _item(self, name: str, document: bytes) -> bytes:
        id_field = msgspec.json.encode(name)
        try:
            taken = self._apart(document)
            seconds, rest = divmod(taken.nanoseconds, 1_000_000_000)
        except ValueError:  # of another hand
            return b'{"event":%b,"fields":{"%b":%b}}' % (document.replace(b"\n", b" "), ID_FIELD.encode(), id_field)
        envelope, fields = taken.around
        parts = (
            b"%d.%09d" % (seconds, rest),
            envelope,
            text_of(taken.log) or taken.log,
            ID_FIELD.encode(),
            id_field,
            fields,
        )
        return b'{"time":%b,%b,"event":%b,"fields":{"%b":%b,%b}}' % parts

    def _around(self, members: Mapping[str, Any]) -> tuple[bytes, bytes]:
        envelope = {
            "host": members.get("host", ""),
            "source": self._source or members.get("docker_container", ""),
            "sourcetype": self._sourcetype,
            **({"index": self._index} if self._index else {}),
        }
        fields = {name.lstrip("@_"): _flat(value) for name, value in members.items() if name != "host"}
        return orjson.dumps(envelope)[1:-1], orjson.dumps(fields)[1:-1]

    def verdict(self, answer: Answer) -> Verdict:
        """By its code; a document that Splunk numbers is the one at fault."""
        said = _said(answer)
        if said is None:
            is_good = 200 <= answer.status < 300
            return Verdict(unclear=f"answers {answer.status} in other words") if is_good else self._unread(answer)
        if answer.status == 200 and said.code == 0:
            return TAKEN
        if kind := _CONTENT.get(said.code):
            return Verdict(refused=kind, number=said.invalid)
        if answer.status == 200:
            return Verdict(unclear=f"answers 200 with the code {said.code}")
        return Verdict(remedy=_REMEDIES.get(said.code, ""))

    def _unread(self, answer: Answer) -> Verdict:
        """A bad status without a code, as of a proxy before it: what it means everywhere."""
        return Verdict()

    async def settle(self, client: HttpClient, answer: Answer, seconds: float) -> None:
        """Ask until the events are indexed, where acknowledgements are asked for.

        Raises:
            Unavailable: they are not in time, or Splunk gives no number to ask by.
        """
        if not self._channel:
            return
        said = _said(answer)
        if said is None or said.ack is None:
            raise Unavailable(f"{client.peer.name} gives no acknowledgement", _REMEDIES[14])
        try:
            async with asyncio.timeout(seconds):
                await self._acknowledged(client, said.ack)
        except TimeoutError:
            raise Unavailable(
                f"{client.peer.name} did not confirm within {seconds:g} s that events are indexed",
                "check its indexers, or raise acknowledge_seconds",
            ) from None

    async def _acknowledged(self, client: HttpClient, number: int) -> None:
        body = b'{"acks":[%d]}' % number
        question = Question("POST", f"{_ACK_PATH}?channel={self._channel}", body, {**self.headers(), **_JSON})
        pause = _FIRST_POLL_SECONDS
        while not await self._is_indexed(client, question, str(number)):
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_POLL_SECONDS)

    async def _is_indexed(self, client: HttpClient, question: Question, number: str) -> bool:
        """Whether Splunk says so; False also while it is busy. One that is away may have forgotten its numbers."""
        answer = await client.ask(question)
        if answer.status == 429 or answer.status >= 500:
            return False
        if answer.status != 200:
            raise client.refusal(answer)
        try:
            return msgspec.json.decode(answer.body, type=_Acks).acks.get(number, False)
        except UNREADABLE:
            raise client.stranger("answers in other words when acknowledgements are asked for") from None

    def is_healthy(self, answer: Answer) -> bool:
        """Whether it says so; it does not look at the token for that."""
        said = _said(answer)
        return said is not None and said.code == _HEALTHY


_JSON = {"content-type": "application/json"}


def token_is_good(answer: Answer) -> bool:
    """Whether a request without events was refused for that alone."""
    said = _said(answer)
    return said is not None and said.code == _NO_DATA


def _said(answer: Answer) -> _Said | None:
    try:
        return msgspec.json.decode(answer.body, type=_Said)
    except UNREADABLE:
        return None


def _flat(value: object) -> object:
    """A field is a text, or a list of texts."""
    return value if isinstance(value, str | list) else orjson.dumps(value).decode()
