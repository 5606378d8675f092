"""The options of the output `syslog`."""

import re
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from collector.documents.form_option import FormOption
from collector.net import datagrams, unacknowledged
from collector.net.addresses import Address, address_of
from collector.net.datagram_options import DatagramOptions
from collector.net.datagrams import MOST_BYTES
from collector.ports import LogPilot, OutputContext, Promise, RemoteSettings, Route, Translated
from collector.values import Bytes, Text

from . import elsewhere
from .messages import LEAST_BYTES, Composer, Header
from .shipper import SyslogShipper
from .ways import OverRelp, OverTcp, OverUdp, Way

_PORTS = {"tcp": 514, "udp": 514, "tls": 6514, "relp": 2514}
_NAMES = "may contain printable ASCII, and names in braces such as {container}"
_PATTERN = re.compile(r"(?:[\x21-\x7a|~]|\{\w+\})+", re.ASCII)


class Settings(FormOption, DatagramOptions, RemoteSettings):
    """A syslog server."""

    usual_address: ClassVar[str] = "log.example:514"
    takes_many_writers: ClassVar[bool] = True

    type: Literal["syslog"] = Field("syslog", description="a syslog server, by TCP, TLS, UDP or RELP")
    transport: Literal["tcp", "tls", "udp", "relp"] = Field(
        "tcp",
        description="transport of messages; only relp acknowledges them (default ports: 514, tls 6514, relp 2514)",
    )
    format: Literal["rfc5424", "rfc3164"] = Field(
        "rfc5424", description="format of messages; rfc3164 has neither ids nor fractions of a second"
    )
    framing: Literal["octet_counted", "newline"] = Field(
        "octet_counted",
        description="framing of messages over tcp and tls: the length before each message, or a newline behind it",
    )
    facility: Literal[
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
        "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ] = Field("user", description="facility of every message; the level of a line gives the severity")  # fmt: skip
    hostname: Text = Field("{host}", min_length=1, description="host name in a message, at most 255 characters")
    app_name: Text = Field(
        "{container}", min_length=1, description="app name in a message, at most 48 characters; the tag of rfc3164"
    )
    procid: Text = Field("{container_id}", min_length=1, description="process id in a message, at most 128 characters")
    msgid: Text = Field("-", min_length=1, description="message id in a message, at most 32 characters")
    message: Literal["message", "document"] = Field(
        "message", description="text of a message: what the application says, or the whole document as JSON"
    )
    max_message_bytes: Bytes = Field(
        8192, ge=LEAST_BYTES, le=64 << 20, description="maximum size of a message; the text of a longer one is cut"
    )
    concurrency: int = Field(
        1, ge=1, le=64, description="maximum number of connections; with one, messages arrive in their order"
    )

    @field_validator("hostname", "app_name", "procid", "msgid")
    @classmethod
    def _names_are_patterns(cls, pattern: str) -> str:
        if not _PATTERN.fullmatch(pattern):
            raise ValueError(_NAMES)
        return pattern

    @model_validator(mode="after")
    def _a_datagram_holds_a_message(self) -> Self:
        if self.transport == "udp" and self.max_message_bytes > MOST_BYTES:
            raise ValueError(f"max_message_bytes is over {MOST_BYTES}, the most that a datagram of UDP holds")
        return self

    @property
    def has_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.tls or self.transport == "tls"

    def addresses(self) -> list[Address]:
        """Each host with its port."""
        return [address_of(host, _PORTS[self.transport]) for host in self.hosts]

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        """The adapter `syslog`, with its variables.

        Raises:
            ConfigurationError: a variable has a value that cannot be had.
        """
        return elsewhere.of_route(route)

    @classmethod
    def from_log_pilot(cls, said: LogPilot) -> Translated | None:
        """Log-pilot's output of the same name.

        Raises:
            ConfigurationError: its variables name no host.
        """
        return elsewhere.of_log_pilot(said) if said.output == "syslog" else None

    def promise(self) -> Promise:
        """What the output promises with these options."""
        if self.transport == "relp":
            return Promise(
                "at_least_once",
                "the server acknowledges each message; one whose answer is lost is sent again, with the same id",
            )
        if self.transport == "udp":
            return Promise("unsafe", datagrams.PROMISE)
        return Promise("unsafe", unacknowledged.PROMISE)

    def open(self, context: OutputContext) -> SyslogShipper:
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file cannot be read, or holds no certificate or key.
        """
        is_newline = self.framing == "newline" and self.transport in ("tcp", "tls")
        composer = Composer(
            facility=self.facility,
            header=Header(self.hostname, self.app_name, self.procid, self.msgid),
            is_rfc5424=self.format == "rfc5424",
            body=self.form.written if self.message == "document" else None,
            is_one_line=is_newline,
            most_bytes=self.max_message_bytes,
        )
        return SyslogShipper(composer, self._way(context.output))

    def _way(self, output: str) -> Way:
        if self.transport == "relp":
            return OverRelp(self, output)
        if self.transport == "udp":
            return OverUdp(self.datagrams())
        return OverTcp(self, output, is_counted=self.framing == "octet_counted")
