"""The options of an `otlp` output → a shipper with its secrets and certificates read."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from collector.net.credentials import ApiKey, BasicAuth, BearerToken
from collector.net.options import HttpOptions
from collector.ports import OutputContext, Promise, RemoteSettings
from collector.values import Words

from .records import ID, Records
from .shipper import OtlpShipper


class Settings(HttpOptions, BearerToken, ApiKey, BasicAuth, RemoteSettings):
    """A server that takes OpenTelemetry's protocol (OTLP) over HTTP, such as the OpenTelemetry Collector."""

    takes_many_writers = True
    usual_host = "http://collector:4318"
    default_ports: ClassVar[Mapping[str, int]] = {"http": 4318, "https": 443}

    type: Literal["otlp"] = "otlp"
    hosts: Words = Field(
        min_length=1,
        description="URLs of the servers to send requests to; the default port is 4318 for http and 443 for https",
    )
    path: str = Field("/v1/logs", pattern=r"^/[!-~]*$", description="path that log records go to")
    body: Literal["map", "text"] = Field(
        "map", description="body of a record whose line is a JSON object: its members, or its text"
    )
    compress: bool = Field(True, description="compress requests with gzip")

    def promise(self) -> Promise:
        """What the output promises."""
        return Promise("at_least_once", f"a record may arrive again, with the same `{ID}`, after an answer was lost")

    def open(self, context: OutputContext) -> OtlpShipper:
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file that the options name cannot be read.
        """
        client = self.http_client(context.output, kind="a receiver of OTLP", connections=self.concurrency + 1)
        records = Records(with_maps=self.body == "map")
        return OtlpShipper(client, records, context.output, path=self.path, compress=self.compress)
