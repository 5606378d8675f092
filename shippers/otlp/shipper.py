"""One batch → a request → a receipt, with what the server says of a part of it."""

import asyncio

import structlog

from collector.clock import Notice
from collector.errors import Refused, ShippingError
from collector.model import Batch, Receipt, Rejected
from collector.net.http_client import HttpClient, words_of
from collector.net.http_node import Answer, Question, is_of_cluster

from .records import Records
from .response import Outcome, outcome_of, status_words

_HEADERS = {"content-type": "application/x-protobuf"}
_BAD_DATA = "bad_data"
_REJECTED = "rejected_by_server"
_TELL_EVERY_SECONDS = 60.0

log = structlog.get_logger(__name__)


class OtlpShipper:
    """A shipper (`collector.ports.Shipper`) to a receiver of OTLP over HTTP."""

    def __init__(self, client: HttpClient, records: Records, output: str, *, path: str, compress: bool) -> None:
        self._client = client
        self._records = records
        self._output = output
        self._path = path
        self._compress = compress
        self._notice = Notice(_TELL_EVERY_SECONDS)

    async def ship(self, batch: Batch) -> Receipt:
        """Send the batch in one request.

        Raises:
            Unavailable: nothing is known of it.
            Unauthorized: the credentials are refused.
            Refused: it is too large, or some of it is rejected, and the server does not say which.
        """
        if not batch.count:
            return Receipt()
        export = await asyncio.to_thread(self._records.export, batch, compress=self._compress)
        sent = batch.count - len(export.rejected)
        outcome = await self._export(export.body) if sent else Outcome()
        if not outcome.rejected:
            if outcome.words and self._notice.is_due():
                log.warning("server accepts records with a warning", output=self._output, detail=outcome.words[:200])
            return Receipt(delivered=sent, rejected=export.rejected)
        if outcome.rejected < sent:
            cause = f"{self._client.peer.name} rejected {outcome.rejected} of {sent} records ({outcome.words})"
            raise Refused(cause, type=_REJECTED)
        known = {(id(each.segment), each.index) for each in export.rejected}
        every = tuple(
            Rejected(segment, index, _REJECTED, outcome.words)
            for segment in batch.segments
            for index in range(segment.count)
            if (id(segment), index) not in known
        )
        return Receipt(rejected=(*export.rejected, *every))

    async def probe(self) -> str:
        """That a request without records is taken.

        Raises:
            Unavailable: it is not.
            Unauthorized: the credentials are refused.
        """
        answer = await self._client.ask(Question("POST", self._path, b"", _HEADERS, is_good=_is_told))
        try:
            self._outcome(answer, is_measured=False)
        except Refused as error:
            raise self._client.stranger(f"refuses a request without records ({error.cause})") from None
        return f"a receiver of OTLP at {self._client.peer.name} takes requests"

    async def aclose(self) -> None:
        """Close the connections; may be called twice, and without `ship`."""
        await self._client.aclose()

    async def _export(self, body: bytes) -> Outcome:
        headers = {**_HEADERS, "content-encoding": "gzip"} if self._compress else _HEADERS
        question = Question("POST", self._path, body, headers, is_good=_is_told)
        return self._outcome(await self._client.ask(question, is_measured=True), is_measured=True)

    def _outcome(self, answer: Answer, *, is_measured: bool) -> Outcome:
        """What a good answer says.

        Raises:
            ShippingError: it is no good one.
        """
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, is_measured=is_measured)
        outcome = outcome_of(answer.body)
        if outcome is None:
            raise self._client.stranger(f"answers {answer.status} with something else than OTLP ({words_of(answer)})")
        return outcome

    def _refusal(self, answer: Answer, *, is_measured: bool) -> ShippingError:
        words = status_words(answer)
        if answer.status in (400, 422) and not answer.body.lstrip().startswith(b"<"):
            return Refused(f"{self._client.peer.name} rejected the request ({words})", type=_BAD_DATA)
        error = self._client.refusal(answer, words, is_measured=is_measured)
        if self._compress and answer.status == 415:
            error.remedy = f"set compress: false if it does not accept gzip; else {error.remedy}"
        return error


def _is_told(answer: Answer) -> bool:
    """Whether it is a response, or a refusal for what was sent."""
    return outcome_of(answer.body) is not None if 200 <= answer.status < 300 else is_of_cluster(answer)
