"""The options of a destination that is reached by UDP, too → its `Datagrams`.

`DatagramOptions` is to be mixed into the `Settings` of an output, which names the values of `transport`.
"""

from typing import Self

from pydantic import Field, model_validator

from collector.net.datagrams import PACKETS_PER_SECOND, Datagrams
from collector.net.stream_options import StreamOptions


class DatagramOptions(StreamOptions):
    """Those of TCP and TLS, and how fast datagrams go."""

    transport: str = Field("tcp", description="transport of messages")
    packets_per_second: int = Field(
        PACKETS_PER_SECOND,
        ge=100,
        le=1_000_000,
        description="maximum number of packets sent in a second by udp; a datagram over 1,452 bytes counts as several",
    )

    @model_validator(mode="after")
    def _transport_has_them(self) -> Self:
        if self.transport == "udp" and self.tls:
            raise ValueError("tls has no effect with transport: udp")
        if self.transport != "udp" and "packets_per_second" in self.model_fields_set:
            raise ValueError(f"packets_per_second has no effect with transport: {self.transport}")
        return self

    def datagrams(self) -> Datagrams:
        """What sends to these hosts by UDP; connects to nothing yet."""
        return Datagrams(self.addresses(), packets_per_second=self.packets_per_second)
