"""The options of a `loki` output → a shipper with its secrets and certificates read."""

import re
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from collector.net.credentials import BasicAuth, BearerToken
from collector.net.options import HttpOptions
from collector.ports import OutputContext, Promise, RemoteSettings, Route, Translated
from collector.values import Bytes, Text, Words

from .entries import LABELS, Entries
from .shipper import LokiShipper

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_MOST_LABELS = 15  # of a stream, Loki's default
_PATH = "/loki/api/v1/push"


class Settings(HttpOptions, BearerToken, BasicAuth, RemoteSettings):
    """Grafana Loki, or a server that takes its pushes."""

    takes_many_writers = True
    usual_host = "http://loki:3100"
    default_ports: ClassVar[Mapping[str, int]] = {"http": 3100, "https": 443}

    type: Literal["loki"] = "loki"
    hosts: Words = Field(
        min_length=1,
        description="URLs of the servers to send requests to; the default port is 3100 for http and 443 for https",
    )
    path: str = Field(_PATH, pattern=r"^/[!-~]*$", description="path that pushes go to")
    tenant: Text | None = Field(None, min_length=1, description="tenant, sent as X-Scope-OrgID")
    labels: Words = Field(
        LABELS,
        description="members that are labels of the stream: host, target, container, level, or others of the document; "
        "all others are structured metadata",
    )
    extra_labels: dict[str, Text] = Field({}, description="labels that each stream has besides, with their values")
    max_line_bytes: Bytes = Field(
        256 << 10, ge=1024, le=64 << 20, description="maximum size of an entry; a longer line goes in several entries"
    )
    compress: bool = Field(True, description="compress requests with gzip")

    @field_validator("extra_labels")
    @classmethod
    def _labels_have_names(cls, labels: dict[str, str]) -> dict[str, str]:
        for name, value in labels.items():
            if not _LABEL.fullmatch(name) or name.startswith("__"):
                raise ValueError(f"{name!r} is not the name of a label; expected letters, digits and _")
            if not value:
                raise ValueError(f"{name} is empty, which is no label to Loki")
        return labels

    @model_validator(mode="after")
    def _labels_are_few(self) -> Self:
        if len({*self.labels, *self.extra_labels}) > _MOST_LABELS:
            raise ValueError(f"labels and extra_labels are too many; Loki takes {_MOST_LABELS}")
        return self

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        """The adapter `loki` of a module of somebody else's; the transports are http and https."""
        if route.adapter != "loki" or route.transport not in ("", "http", "https", "tls"):
            return None
        scheme = "https" if route.transport in ("https", "tls") else "http"
        path = {"path": route.path} if route.path.strip("/") else {}
        return Translated({"hosts": [f"{scheme}://{route.address(cls.default_ports[scheme])}"], **path})

    def promise(self) -> Promise:
        """What the output promises."""
        text = "Loki drops a copy as long as it has the first in memory; later copies have the same `_id`"
        return Promise("at_least_once", text)

    def open(self, context: OutputContext) -> LokiShipper:
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file that the options name cannot be read.
        """
        client = self.http_client(
            context.output,
            kind="Loki",
            connections=self.concurrency + 1,
            headers={"x-scope-orgid": self.tenant} if self.tenant else {},
            overload="raise ingestion_rate_mb and per_stream_rate_limit in Loki, or use more labels",
        )
        entries = Entries(self.labels, self.extra_labels, self.max_line_bytes)
        return LokiShipper(client, entries, path=self.path, compress=self.compress)
