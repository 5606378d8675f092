"""The options of the output `logstash` → its shipper."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from collector.documents.form_option import FormOption
from collector.net import datagrams, unacknowledged
from collector.net.addresses import Address, address_of
from collector.net.datagram_options import DatagramOptions
from collector.net.streams import PLAIN
from collector.net.unacknowledged import Unacknowledged
from collector.ports import LogPilot, OutputContext, Promise, RemoteSettings, Route, Shipper, Translated
from collector.values import Words
from shippers.logstash import elsewhere
from shippers.logstash.lines import Lines, LinesByUdp
from shippers.logstash.windows import Windows

_BEATS = "an input `beats` of Logstash"
_TCP = "an input `tcp` of Logstash with the codec json_lines"
_PATIENCE = 10  # times the time-out of an answer: so long a server that says that it is at work is waited for
_DEFAULT_PORTS = {"lumberjack": 5044, "json_lines": 5959}


class Settings(FormOption, DatagramOptions, RemoteSettings):
    """Logstash, by the protocol of Beats or as lines of JSON."""

    takes_many_writers = True
    usual_address: ClassVar[str] = "logstash.example:5044"

    type: Literal["logstash"] = "logstash"
    protocol: Literal["lumberjack", "json_lines"] = Field(
        "lumberjack",
        description="lumberjack: to an input `beats`, which acknowledges documents; json_lines: to an input `tcp`, "
        "which does not, so documents can be lost",
    )
    transport: Literal["tcp", "udp"] = Field(
        "tcp", description="transport of json_lines; udp: to an input `udp`, each document as a datagram"
    )
    hosts: Words = Field(
        min_length=1,
        description="addresses of the servers, as host:port; an IPv6 address is written in brackets; the default port "
        "is 5044, with json_lines 5959",
    )
    window: int = Field(
        2048, ge=1, le=100_000, description="maximum number of documents that lumberjack has acknowledged at once"
    )
    compression_level: int = Field(
        3, ge=0, le=9, description="gzip level of what lumberjack sends: from 1 (fast) to 9 (small); 0 is off"
    )

    @model_validator(mode="after")
    def _options_have_a_use(self) -> Self:
        if self.protocol == "json_lines":
            given = [name for name in ("window", "compression_level") if name in self.model_fields_set]
            if given:
                raise ValueError(f"{given[0]} has no effect with protocol: json_lines")
        if self.transport == "udp" and self.protocol != "json_lines":
            raise ValueError("transport: udp needs protocol: json_lines")
        return self

    def addresses(self) -> list[Address]:
        """Each host with its port."""
        return [address_of(host, _DEFAULT_PORTS[self.protocol]) for host in self.hosts]

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        """Lines of JSON, as logspout's module for Logstash sends them."""
        return elsewhere.of_route(route)

    @classmethod
    def from_log_pilot(cls, said: LogPilot) -> Translated | None:
        """Log-pilot's output of the same name.

        Raises:
            ConfigurationError: its variables name no host.
        """
        return elsewhere.of_log_pilot(said) if said.output == "logstash" else None

    def promise(self) -> Promise:
        """What the output promises: with json_lines nothing."""
        if self.protocol == "json_lines":
            return Promise("unsafe", datagrams.PROMISE if self.transport == "udp" else unacknowledged.PROMISE)
        return Promise(
            "at_least_once",
            "a window is sent again if no acknowledgement came; every event has its id as `[@metadata][_id]`",
        )

    def open(self, context: OutputContext) -> Shipper:
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file cannot be read, or holds no certificate or key.
        """
        if self.protocol == "json_lines":
            if self.transport == "udp":
                return LinesByUdp(self.datagrams(), self.form)
            return Lines(Unacknowledged(self, context.output, kind=_TCP), self.form)
        return Windows(
            self.streams(context.output, PLAIN, kind=_BEATS),
            form=self.form,
            most=self.window,
            level=self.compression_level,
            work_seconds=_PATIENCE * self.request_timeout_seconds,
        )
