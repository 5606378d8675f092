"""The options of a destination that is reached by TCP or TLS → its `Streams`, with certificates read.

`StreamOptions` is to be mixed into the `Settings` of an output: `class Settings(StreamOptions, ShipperSettings)`. The
certificates are read again when their files change.
"""

from typing import ClassVar, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from collector.net.addresses import Address, address_of, fault_of
from collector.net.credentials import Options
from collector.net.options import TlsOptions
from collector.net.reread import Reread
from collector.net.streams import Protocol, Streams, Tls
from collector.values import Seconds, Words

Session = TypeVar("Session")


class AddressList(Options):
    """Where the servers are."""

    usual_address: ClassVar[str] = "server.example:514"  # for errors
    default_port: ClassVar[int] = 514

    hosts: Words = Field(
        min_length=1, description="addresses of the servers, as host:port; an IPv6 address is written in brackets"
    )

    @field_validator("hosts")
    @classmethod
    def _hosts_are_addresses(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for number, host in enumerate(hosts, 1):
            if fault := fault_of(host, cls.usual_address):
                raise ValueError(f"host {number} {fault}")
        return tuple(dict.fromkeys(hosts))

    def addresses(self) -> list[Address]:
        """Each host with its port."""
        return [address_of(host, self.default_port) for host in self.hosts]


class StreamOptions(TlsOptions, AddressList):
    """All of them, and how long an answer may take."""

    tls: bool = Field(False, description="encrypt the connections with TLS")
    request_timeout_seconds: Seconds = Field(
        60.0, gt=0, description="time-out of sending and of each answer, after which documents are sent again"
    )

    @property
    def has_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.tls

    @model_validator(mode="after")
    def _certificates_need_tls(self) -> Self:
        if not self.has_tls:
            given = [name for name in ("ca_file", "client_cert_file", "client_key_file") if getattr(self, name)]
            if given or not self.verify:
                raise ValueError(f"{given[0] if given else 'verify: false'} has no effect without tls: true")
        return self

    def streams(self, output: str, protocol: Protocol[Session], *, kind: str) -> Streams[Session]:
        """Read the named files, and make what keeps the connections of `output`; connects to nothing yet.

        `kind` is what the hosts should be, in words for errors.

        Raises:
            ConfigurationError: a file cannot be read, or holds no certificate or key.
        """
        place = f"outputs.{output}."

        def tls() -> Tls:
            return self.tls_context(place) if self.has_tls else None

        files = self.named_files() if self.has_tls else {}
        current = Reread(tls, {f"{place}{option}": path for option, path in files.items()})
        return Streams(self.addresses(), protocol, kind=kind, tls=current, timeout_seconds=self.request_timeout_seconds)
