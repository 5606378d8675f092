"""Batch → lines over TCP, TLS or UDP, as logspout's adapter `raw` writes them: by a template, or a JSON document each.

Nothing acknowledges a line. Over TCP and TLS a batch is delivered when the operating system has all of it; what a
server that fails had not read is lost. By UDP each line is a datagram; one that no datagram holds is rejected.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import ClassVar, Literal

import msgspec
from pydantic import Field, field_validator

from collector.documents.form_option import FormOption
from collector.documents.go_template import Template
from collector.model import Batch, Receipt, Rejected, Segment
from collector.net import datagrams
from collector.net.datagram_options import DatagramOptions
from collector.net.datagrams import MOST_BYTES, Datagrams
from collector.net.stream_options import StreamOptions
from collector.net.streams import PLAIN
from collector.ports import OutputContext, Promise, RemoteSettings, Route, Translated, tls_of

_IN_A_THREAD_FROM = 500  # documents: some milliseconds, in which nothing else could run
_KIND = "a server that takes lines of text"
_TRANSPORTS = ("tcp", "udp", "tls")
_TEMPLATE = "RAW_FORMAT"
_DATA = "{{.Data}}"

Lines = Callable[[Segment], list[bytes]]


class Settings(FormOption, DatagramOptions, RemoteSettings):
    """Lines over TCP, TLS or UDP; nothing acknowledges them."""

    takes_many_writers: ClassVar[bool] = True
    usual_address: ClassVar[str] = "log.example:9000"

    type: Literal["raw"] = Field("raw", description="lines over TCP, TLS or UDP, which nothing acknowledges")
    transport: Literal["tcp", "tls", "udp"] = Field(
        "tcp", description="transport of lines; with udp each line is a datagram"
    )
    template: str | None = Field(
        None,
        description="template of a line, such as {{.Data}}, as in logspout; default: the document as JSON",
    )
    concurrency: int = Field(
        1, ge=1, le=64, description="maximum number of connections; with one, lines arrive in their order"
    )

    @field_validator("template")
    @classmethod
    def _is_a_template(cls, text: str | None) -> str | None:
        if text is not None:
            Template(text)
        return text

    @property
    def has_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.tls or self.transport == "tls"

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        """The adapter `raw`, with RAW_FORMAT."""
        if route.adapter != "raw" or route.transport not in ("", *_TRANSPORTS):
            return None
        transport = route.transport or "udp"
        tls = tls_of(route)
        said = route.variables.get(_TEMPLATE, "")
        template = _without_end(said) if said else _DATA
        options = {"hosts": [route.address(cls.default_port)], "transport": transport, "template": template}
        origins = {"template": _TEMPLATE} if said else {}
        return Translated({**options, **tls.options}, {**origins, **tls.origins}, tls.idle, _members(template))

    def promise(self) -> Promise:
        """What the output promises with these options."""
        if self.transport == "udp":
            return Promise("unsafe", datagrams.PROMISE)
        return Promise("unsafe", "nothing acknowledges a line: a server that fails loses what it has not read")

    def open(self, context: OutputContext) -> "Raw":
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file cannot be read, or holds no certificate or key.
        """
        lines = _by_template(Template(self.template)) if self.template is not None else self._documents
        return Raw(lines, _Datagrams(self.datagrams()) if self.transport == "udp" else _Wire(self, context.output))

    def _documents(self, segment: Segment) -> list[bytes]:
        named = zip(segment.ids, self.form.written(segment.documents), strict=True)
        return [b'{"_id":%b,%b' % (msgspec.json.encode(name), body[1:]) for name, body in named]


def _without_end(template: str) -> str:
    """Without the end of a line, which each has anyway; the environment mostly has it as a backslash with an n."""
    return template.removesuffix("\n").removesuffix("\\n")


def _members(template: str) -> dict[str, tuple[str, ...]]:
    """What the template needs of documents besides their usual members; a wrong one is refused by the validation."""
    try:
        read = Template(template)
    except ValueError:
        return {}
    found = {"container": ("image",) if read.needs_image else (), "labels": tuple(sorted(read.labels))}
    return {name: values for name, values in found.items() if values}


def _by_template(template: Template) -> Lines:
    def lines(segment: Segment) -> list[bytes]:
        render = template.of(segment.stream)
        return [render(document).encode(errors="replace") for document in segment.documents]

    return lines


class _Wire:
    """Lines over TCP or TLS."""

    most_bytes = 0  # no bound

    def __init__(self, options: StreamOptions, output: str) -> None:
        self._streams = options.streams(output, PLAIN._replace(is_heard=True, is_deaf=True), kind=_KIND)

    async def send(self, lines: list[bytes]) -> None:
        """Send them, each with a newline.

        Raises:
            Unavailable: the connection broke, or there is none.
        """
        async with self._streams.use() as stream:
            await stream.write(b"\n".join([*lines, b""]))

    async def probe(self) -> str:
        """That a connection is accepted.

        Raises:
            Unavailable: it is not.
        """
        async with self._streams.use() as stream:
            return f"{stream.host} accepts connections; it acknowledges no line"

    async def aclose(self) -> None:
        """Close the connections behind the last line."""
        await self._streams.aclose()


class _Datagrams:
    """Lines by UDP."""

    most_bytes = MOST_BYTES

    def __init__(self, server: Datagrams) -> None:
        self._datagrams = server

    async def send(self, lines: list[bytes]) -> None:
        """Send each as a datagram.

        Raises:
            Unavailable: the name is unknown, or nobody listens there.
        """
        await self._datagrams.send([line + b"\n" for line in lines])

    async def probe(self) -> str:
        """That the name is known.

        Raises:
            Unavailable: it is not.
        """
        return await self._datagrams.probe()

    async def aclose(self) -> None:
        """Release the socket."""
        self._datagrams.close()


class Raw:
    """A shipper (`collector.ports.Shipper`) that writes lines."""

    def __init__(self, lines: Lines, way: _Wire | _Datagrams) -> None:
        self._lines = lines
        self._way = way

    async def ship(self, batch: Batch) -> Receipt:
        """Send a line for each document; one that no datagram holds is rejected.

        Raises:
            Unavailable: nothing is known of the batch.
        """
        count = batch.count
        made = await asyncio.to_thread(self._made, batch) if count >= _IN_A_THREAD_FROM else self._made(batch)
        rejected = tuple(self._too_long(batch, made))
        left_out = {(id(each.segment), each.index) for each in rejected}
        lines = [
            line
            for segment, texts in zip(batch.segments, made, strict=True)
            for index, line in enumerate(texts)
            if (id(segment), index) not in left_out
        ]
        if lines:
            await self._way.send(lines)
        return Receipt(delivered=len(lines), rejected=rejected)

    async def probe(self) -> str:
        """What is there, in words.

        Raises:
            Unavailable: nobody is.
        """
        return await self._way.probe()

    async def aclose(self) -> None:
        """Release everything; may be called twice."""
        await self._way.aclose()

    def _made(self, batch: Batch) -> list[list[bytes]]:
        return [self._lines(segment) for segment in batch.segments]

    def _too_long(self, batch: Batch, made: list[list[bytes]]) -> Iterator[Rejected]:
        most = self._way.most_bytes
        for segment, texts in zip(batch.segments, made, strict=True):
            for index, line in enumerate(texts):
                if most and len(line) >= most:
                    reason = f"the line has {len(line)} bytes, and a datagram holds {most - 1}"
                    yield Rejected(segment, index, "too_large", reason, is_final=True)
