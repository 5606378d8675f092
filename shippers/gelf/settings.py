"""The options of the output `gelf`."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from collector.documents.form_option import FormOption
from collector.net import datagrams, unacknowledged
from collector.net.credentials import BasicAuth
from collector.net.datagram_options import DatagramOptions
from collector.net.datagrams import MOST_BYTES
from collector.net.http_client import HttpClient, Peer
from collector.net.http_node import Access
from collector.net.options import HeaderOptions
from collector.net.unacknowledged import Unacknowledged
from collector.ports import LogPilot, OutputContext, Promise, RemoteSettings, Route, Shipper, Translated
from collector.values import Bytes

from . import elsewhere
from .messages import Contents
from .over_http import AT_ONCE, GelfByHttp
from .over_others import GelfByTcp, GelfByUdp

_KIND = "a server with an input for GELF"
_LEAST_CHUNK_BYTES = 512


class Settings(FormOption, HeaderOptions, BasicAuth, DatagramOptions, RemoteSettings):
    """Graylog, or another server that takes GELF."""

    usual_address: ClassVar[str] = "graylog.example:12201"
    default_port: ClassVar[int] = 12201
    takes_many_writers: ClassVar[bool] = True

    type: Literal["gelf"] = Field("gelf", description="Graylog, or another server that takes GELF")
    transport: Literal["http", "tcp", "udp"] = Field(
        "http", description="transport of messages; only http acknowledges them"
    )
    path: str = Field("/gelf", pattern="^/[!-~]*$", description="path of the input on the server, for http")
    bulk: bool = Field(
        False, description="send many messages in a request of http; the input needs Enable Bulk Receiving"
    )
    compress: bool = Field(True, description="compress larger messages, for http and udp")
    chunk_bytes: Bytes = Field(
        1420,
        ge=_LEAST_CHUNK_BYTES,
        le=MOST_BYTES,
        description="maximum size of a datagram; larger messages are divided",
    )
    full_message: Literal["message", "document"] = Field(
        "message", description="content of full_message: a message of several lines, or the whole document as JSON"
    )
    log_fields: bool = Field(True, description="add the members of a line in JSON to its message, as _log_<name>")

    @model_validator(mode="after")
    def _http_alone_has_them(self) -> Self:
        if self.transport != "http" and (self.headers or self.headers_file or next(self.identities(), None)):
            raise ValueError(f"headers and credentials have no effect with transport: {self.transport}")
        if self.transport != "http" and self.bulk:
            raise ValueError(f"bulk has no effect with transport: {self.transport}")
        return self

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        """The adapter `gelf` of logspout's module."""
        return elsewhere.of_route(route)

    @classmethod
    def from_log_pilot(cls, said: LogPilot) -> Translated | None:
        """Log-pilot's output `graylog`.

        Raises:
            ConfigurationError: its variables name no host.
        """
        return elsewhere.of_log_pilot(said) if said.output == "graylog" else None

    def promise(self) -> Promise:
        """What the output promises with these options."""
        if self.transport == "http":
            return Promise(
                "at_least_once",
                f"the server acknowledges each {'request' if self.bulk else 'message'}; what is not acknowledged is "
                "sent again, with the same `_pilotfish_id`",
            )
        if self.transport == "udp":
            return Promise("unsafe", datagrams.PROMISE)
        return Promise("unsafe", unacknowledged.PROMISE)

    def open(self, context: OutputContext) -> Shipper:
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file cannot be read, or holds no secret, certificate or key.
        """
        document = self.form.written if self.full_message == "document" else None
        contents = Contents(document, self.log_fields)
        if self.transport == "tcp":
            return GelfByTcp(contents, Unacknowledged(self, context.output, kind=_KIND))
        if self.transport == "udp":
            return GelfByUdp(contents, self.datagrams(), chunk_bytes=self.chunk_bytes, compress=self.compress)
        client = self._client(context.output)
        return GelfByHttp(contents, client, self.path, is_bulk=self.bulk, compress=self.compress)

    def _client(self, output: str) -> HttpClient:
        place = f"outputs.{output}."

        def access() -> Access:
            return Access(self.all_headers(place), self.tls_context(place) if self.tls else None)

        scheme = "https" if self.tls else "http"
        connections = self.concurrency if self.bulk else self.concurrency * AT_ONCE
        urls = [f"{scheme}://{address}" for address in self.addresses()]
        who, credentials = self.who_asks()
        peer = Peer(name=", ".join(urls), kind=_KIND, who=who, credentials=credentials)
        seconds = self.request_timeout_seconds
        return self.client_of(urls, access, peer, place=place, connections=connections + 1, timeout_seconds=seconds)
