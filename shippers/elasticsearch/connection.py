"""The requests that a cluster gets → its answers; what it says of a refusal → the error that a user reads.

Headers are the plain media types that all servers know, and nothing is asked again after an answer
(`docs/decisions/0003-elasticsearch-client-plain-media-type.md`, `0008-own-nodes.md`).
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from collector.errors import UNREADABLE, ShippingError, Unavailable
from collector.net.http_client import AnswerTooLarge, HttpClient, one_line
from collector.net.http_client import words_of as plain_words_of
from collector.net.http_node import MOST_BYTES, Answer, Question

from .outcomes import is_bulk_answer
from .parameters import query_of

KIND = "Elasticsearch or OpenSearch"
OVERLOAD = "check GET _cluster/health and any proxy in front of it"
_SHARD_SHARE = 1 / 3  # of a request's time that a server may wait for the shards of one index
_SHARD_SECONDS = (1.0, 3.0)  # its bounds: it holds a turn of the output, and a node is given up after 5 s


class Fault(Struct):
    """An `error` member: `type` names the kind."""

    type: str = ""
    reason: str | None = None


class _Refusal(Struct):
    error: Fault | str = ""


class Connection:
    """A cluster by the client that reaches it, which gives a request up after `timeout_seconds`."""

    def __init__(
        self, client: HttpClient, *, timeout_seconds: float, parameters: Mapping[str, str] | None = None
    ) -> None:
        self.name = client.peer.name
        self._client = client
        self._parameters = query_of(parameters or {})
        least, most = _SHARD_SECONDS
        self._shard_milliseconds = round(1000 * min(max(timeout_seconds * _SHARD_SHARE, least), most))

    async def request(self, method: str, target: str, body: bytes | None = None) -> Answer:
        """Send one request, `body` being JSON; every answer, whatever its status, is returned.

        Raises:
            Unavailable: no answer came.
        """
        headers = {"content-type": "application/json"} if body is not None else {}
        return await self._client.ask(Question(method, target, body, headers))

    async def bulk(self, filter_path: str, body: bytes, *, gzipped: bool, most_bytes: int = MOST_BYTES) -> Answer:
        """Send a bulk request; its answer holds `filter_path` and may be `most_bytes` long.

        The server waits a part of the time for an index without a primary, or one to be made: what else is in the
        request is told in time. Its own minute would leave the whole of it without an answer.

        Raises:
            Unavailable: no answer came; lost, if the connection broke while it was on its way.
        """
        target = f"/_bulk?filter_path={filter_path}&timeout={self._shard_milliseconds}ms{self._parameters}"
        headers = {"content-type": "application/x-ndjson"} | ({"content-encoding": "gzip"} if gzipped else {})
        question = Question("POST", target, body, headers, most_bytes, _is_told)
        return await self._client.ask(question, is_measured=True)

    async def search(self, target: str, body: bytes, most_bytes: int) -> Answer | None:
        """Send a search; None if its answer would be longer than that.

        Raises:
            Unavailable: no answer came.
        """
        headers = {"content-type": "application/json"}
        try:
            return await self._client.ask(Question("POST", target, body, headers, most_bytes))
        except AnswerTooLarge:
            return None

    async def aclose(self) -> None:
        """Close every connection; may be called twice."""
        await self._client.aclose()

    def refusal(self, answer: Answer, *, is_bulk: bool = False) -> ShippingError:
        """The error that an answer of another status than asked for stands for, `is_bulk` if to a bulk request."""
        return self._client.refusal(answer, words_of(answer), is_measured=is_bulk)

    def stranger(self, answer: Answer) -> Unavailable:
        """The error of a server that is of another kind, by what it answers to `GET /`."""
        return self._client.stranger(f"is not Elasticsearch: it answers {answer.status} in another form")


def _is_told(answer: Answer) -> bool:
    """Whether a bulk request was carried out, or refused for what is in it."""
    return is_bulk_answer(answer.body) if answer.status == 200 else answer.status in (400, 413)


def is_taken(answer: Answer) -> bool:
    """Whether something was not created since there is one of its name already."""
    return answer.status == 400 and b"already exists" in answer.body


def words_of(answer: Answer) -> str:
    """What the server says about a refusal, on one line and cut; "no words" for an empty answer."""
    try:
        error = msgspec.json.decode(answer.body, type=_Refusal).error
    except UNREADABLE:
        return plain_words_of(answer)
    return one_line(f"{error.type}: {error.reason}" if isinstance(error, Fault) else error)
