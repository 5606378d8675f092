"""One batch → one `_bulk` request → one Receipt, on whatever server answers."""

import asyncio
from collections.abc import Collection
from copy import copy

import structlog
from msgspec.structs import replace

from collector.documents.forms import KEPT, form_of
from collector.errors import Refused, ShippingError, Unavailable
from collector.model import Batch, Receipt, Segment
from collector.net.http_node import Answer, is_cut
from collector.ports import Found, Query

from . import bulk, read_back
from .cluster import Server, identify
from .connection import Connection, words_of
from .indices import Indices
from .items import content_fault
from .outcomes import FILTER, most_bytes, receipt_of
from .plain_template import install_template
from .search import Search
from .templates import template_text

_UNREAD = (400, 406, 415, 422, 501)  # what a server, or a proxy before it, says of a body that it does not understand
_NO_GZIP = "set compress: false if it does not accept gzip"

log = structlog.get_logger(__name__)

_WANTS_TYPE = b"type is missing"
_WANTS_NO_TYPE = b"unknown parameter [_type]"


class ElasticsearchShipper:
    """`collector.ports.Shipper` on a cluster.

    State: which server it is, asked before the first request and after each one without an answer (it may have been
    upgraded meanwhile), and whether the template is still to be installed.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        index: str,
        document: str,
        compress: bool,
        template: bool,
        searched: Connection | None = None,
    ) -> None:
        """`document` is the form of documents.

        `searched` are connections of their own for searches: what becomes of these is nothing to delivery.
        """
        self._connection = connection
        self._document = document
        self._form = form_of(document)
        self._search = Search(searched or connection, index, self._form)
        self._index = index
        self._indices = Indices()
        self._compress = compress
        self._template_missing = template
        if template:
            template_text(document)
        self._typed = False
        self._is_connected = False
        self._connecting = asyncio.Lock()
        self._failure: Unavailable | None = None  # to connect, the last one

    async def ship(self, batch: Batch) -> Receipt:
        """Send `batch` in one request and account for every document in it; may be called while it is under way.

        Raises:
            Unavailable: nothing is known of the batch.
            Unauthorized: the credentials are refused, or lack a privilege.
            Refused: the request is over the server's limit, or a document in it ends the whole of it.
        """
        if not batch.count:
            return Receipt()
        await self._connect()
        sane, refused = bulk.without_deep(batch)
        if not sane.count:
            return Receipt(rejected=refused)
        receipt = receipt_of(sane, await self._create(sane), self._index, self._indices)
        return replace(receipt, rejected=receipt.rejected + refused)

    async def search(self, query: Query) -> Found:
        """Find documents in the indices of this output, whoever shipped them (`collector.ports.Searchable`).

        Raises:
            QueryError: the text is not of the language, a cursor is none, or the server cannot answer it.
            Unauthorized: the credentials are refused, or may not read.
            Unavailable: the server cannot be asked, or does not know searches.
        """
        return await self._search.search(query)

    async def probe(self) -> str:
        """Which server is there, in words.

        Raises:
            Unavailable: it cannot be reached.
            Unauthorized: it refuses the credentials.
        """
        server = await identify(self._connection)
        return f"{server or 'a server that does not report its version'} at {self._connection.name}"

    async def read_back(self, segment: Segment) -> Collection[str]:
        """The ids of the segment's documents that are in its index.

        Raises:
            Unavailable: the server cannot be asked.
            Unauthorized: the credentials may not read.
        """
        return await read_back.found(self._connection, self._index, segment)

    async def aclose(self) -> None:
        """Close the connections; may be called twice, and without `ship`."""
        await self._search.aclose()
        await self._connection.aclose()

    async def _create(self, batch: Batch) -> bytes:
        """Send it; once more when the server is of the other kind (upgraded, or it hides its version)."""
        typed = self._typed
        answer = await self._send(batch, typed=typed)
        if answer.status == 400 and (_WANTS_NO_TYPE if typed else _WANTS_TYPE) in answer.body:
            self._typed = not typed
            answer = await self._send(batch, typed=not typed)
        if answer.status == 400 and (kind := content_fault(answer.body)):
            cause = f"{self._connection.name} rejected the request ({words_of(answer)})"
            raise Refused(cause, _NO_GZIP if self._compress else "", type=kind)
        if answer.status != 200:
            raise self._refusal(answer)
        return answer.body

    def _refusal(self, answer: Answer) -> ShippingError:
        error = self._connection.refusal(answer, is_bulk=True)
        if self._compress and answer.status in _UNREAD:
            error.remedy = f"{_NO_GZIP}; else {error.remedy}"
        return error

    async def _send(self, batch: Batch, *, typed: bool) -> Answer:
        encode = bulk.encode_compressed if self._compress else bulk.encode
        if self._compress or self._document != KEPT:  # either takes long
            body = await asyncio.to_thread(encode, batch, self._index, typed=typed, form=self._form)
        else:
            body = encode(batch, self._index, typed=typed)
        try:
            answer = await self._connection.bulk(FILTER, body, gzipped=self._compress, most_bytes=most_bytes(batch))
        except Unavailable:
            self._is_connected = False
            raise
        if is_cut(answer):
            self._is_connected = False
        return answer

    async def _connect(self) -> None:
        """Find out which server it is, unless that is known; a batch that waits for another shares its failure."""
        failure = self._failure
        async with self._connecting:
            if self._is_connected:
                return
            if self._failure and self._failure is not failure:
                raise copy(self._failure)
            try:
                await self._identify()
            except Unavailable as error:
                self._failure = copy(error)  # without its frames, which hold the batch
                raise

    async def _identify(self) -> None:
        server = await identify(self._connection)
        if server:
            self._typed = server.typed
        if self._template_missing and not (server and server.product):
            await self._install_template(server)
        self._is_connected = True
        log.info("connected", server=str(server or "unknown version"), hosts=self._connection.name)

    async def _install_template(self, server: Server | None) -> None:
        hindrance = await install_template(self._connection, self._index, server, self._document)
        self._template_missing = hindrance is not None
        if hindrance:
            log.warning(
                "index template not installed",
                hosts=self._connection.name,
                reason=hindrance.reason,
                remedy=hindrance.remedy,
            )
