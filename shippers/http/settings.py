"""The options of an `http` output → a shipper with its secrets and certificates read."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator

from collector.documents.form_option import FormOption
from collector.documents.forms import KEPT
from collector.net.credentials import BasicAuth, BearerToken, Credentials, Identity, Way, secret_of
from collector.net.options import HttpOptions
from collector.ports import OutputContext, Promise, RemoteSettings, Route, Translated
from collector.values import MOST_BYTES, FilePath, Seconds, Text

from . import encoding
from .preset import Limits, Preset
from .presets import ClickHouse, Datadog, Vector, VictoriaLogs
from .shipper import HttpShipper, Requests, VictoriaLogsShipper
from .splunk import ID_FIELD, Splunk

_PRESETS: Mapping[str, type[Preset]] = {
    "none": Preset,
    "victorialogs": VictoriaLogs,
    "splunk_hec": Splunk,
    "datadog": Datadog,
    "clickhouse": ClickHouse,
    "vector": Vector,
}
_OWN = {  # options that say nothing to other presets
    "token": ("splunk_hec", "datadog"),
    "token_file": ("splunk_hec", "datadog"),
    "index": ("splunk_hec",),
    "sourcetype": ("splunk_hec",),
    "source": ("splunk_hec", "datadog"),
    "acknowledge": ("splunk_hec",),
    "acknowledge_seconds": ("splunk_hec",),
    "table": ("clickhouse",),
    "success_text": ("none",),
    "document": ("none", "victorialogs", "clickhouse", "vector"),
    "id_field": ("none", "victorialogs", "datadog", "clickhouse", "vector"),
    "format": ("none",),
    "content_type": ("none",),
    "idempotent": ("none", "vector"),
}
_TOKEN = Way("a token", "token_file", ("token", "token_file"))


class Token(Credentials):
    """A token in the words of a preset."""

    token: SecretStr | None = Field(
        None, description="token of preset splunk_hec, or API key of preset datadog; prefer token_file"
    )
    token_file: FilePath | None = Field(None, description="file with the token or API key")

    @classmethod
    def ways(cls) -> list[Way]:
        """The ways that these settings have."""
        return [_TOKEN, *super().ways()]

    def identities(self) -> Iterator[Identity]:
        """Who asks, by each way that is chosen."""
        if self.token is not None or self.token_file:
            yield Identity(_TOKEN, "the token", "correct token_file; the token may be disabled", self._token)
        yield from super().identities()

    def _token(self, place: str) -> str:
        return secret_of(self.token, self.token_file, f"{place}token").strip()


class Settings(HttpOptions, Token, BearerToken, BasicAuth, FormOption, RemoteSettings):
    """A server that takes documents as JSON over HTTP."""

    takes_many_writers = True

    type: Literal["http"] = "http"
    preset: Literal["none", "victorialogs", "splunk_hec", "datadog", "clickhouse", "vector"] = Field(
        "none", description="kind of server: sets path, format, content type and limits, and how its answers are read"
    )
    path: str | None = Field(
        None,
        pattern=r"^/[!-~]*$",
        description="path and query that requests go to; default: that of the preset, else /",
    )
    method: Literal["POST", "PUT"] = Field("POST", description="method of each request")
    format: Literal["ndjson", "json_array"] = Field(
        "ndjson", description="ndjson: one JSON object per line; json_array: one JSON array per request"
    )
    content_type: Text | None = Field(None, description="content type of requests; default: by format")
    compress: encoding.Compression = Field(
        "gzip", description="compression of requests; zstd needs pilotfish[kafka], none suits servers without gzip"
    )
    id_field: Text = Field("_id", description="name of the member that holds the id of a document")
    idempotent: bool = Field(
        False,
        description="true: the server takes a request with a known Idempotency-Key only once; batches then keep their "
        "content on disk until they are delivered",
    )
    success_text: Text | None = Field(
        None, min_length=1, description="text that a successful response contains; other responses count as unknown"
    )
    max_request_documents: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="maximum number of documents in a request; 0: that of the preset, else any number",
    )
    max_request_bytes: int = Field(
        0,
        ge=0,
        le=MOST_BYTES,
        description="maximum size of a request before compression; 0: that of the preset, else any size",
    )
    table: str = Field(
        "logs", pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$", description="preset clickhouse: table, or database.table"
    )
    index: Text | None = Field(None, description="preset splunk_hec: index; default: that of the token")
    sourcetype: Text = Field("_json", description="preset splunk_hec: source type of events")
    source: Text | None = Field(
        None, description="presets splunk_hec and datadog: source; default: the container's name, and pilotfish"
    )
    acknowledge: bool = Field(
        False, description="preset splunk_hec: wait until events are indexed; the token needs indexer acknowledgement"
    )
    acknowledge_seconds: Seconds = Field(
        120.0, gt=0, description="preset splunk_hec: time to wait for an acknowledgement before events are sent again"
    )

    @model_validator(mode="after")
    def _options_have_a_use(self) -> Self:
        for option in self.model_fields_set & _OWN.keys():
            unused = getattr(self, option) == type(self).model_fields[option].default
            if self.preset not in _OWN[option] and not unused:
                raise ValueError(f"{option} has no effect with preset: {self.preset}")
        if self.preset in ("splunk_hec", "datadog") and self.document != KEPT:
            raise ValueError(f"document has no effect with preset: {self.preset}")
        if self.acknowledge and len(self.hosts) > 1:
            raise ValueError("acknowledge needs one host: only the server that took events knows their acknowledgement")
        return self

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        """The adapters `http` and `https` of modules of somebody else's: the URI is the server's."""
        if route.adapter not in ("http", "https") or route.transport:
            return None
        path = {"path": route.path} if route.path.strip("/") else {}
        return Translated({"hosts": [f"{route.adapter}://{route.address(cls.default_ports[route.adapter])}"], **path})

    def promise(self) -> Promise:
        """What the output promises."""
        if self.idempotent:
            text = "the server takes each batch once, by its Idempotency-Key, for as long as it remembers that key"
            return Promise("exactly_once", text)
        if self.preset == "splunk_hec" and not self.acknowledge:
            return Promise("unsafe", "Splunk answers before it indexes; set acknowledge: true to wait for its indexers")
        member = ID_FIELD if self.preset == "splunk_hec" else self.id_field
        return Promise(
            "at_least_once", f"a document may arrive again, with the same `{member}`, after an answer was lost"
        )

    @property
    def has_frozen_batches(self) -> bool:
        """Whether a batch is sent again with the same documents alone: the server knows it by all of its ids."""
        return self.idempotent

    def open(self, context: OutputContext) -> HttpShipper:
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file that the options name cannot be read, or the compression is not installed.
        """
        encoding.check(self.compress, f"outputs.{context.output}.compress")
        preset = self._preset()
        client = self.http_client(context.output, kind=preset.kind, connections=self.concurrency + 1)
        requests = Requests(
            method=self.method,
            target=self._target(preset),
            is_array=(preset.format if self.preset != "none" else self.format) == "json_array",
            content_type=self.content_type or preset.content_type or _content_type(self.format),
            compression=self.compress,
            limits=Limits(
                self.max_request_documents or preset.limits.documents, self.max_request_bytes or preset.limits.size
            ),
            settle_seconds=self.acknowledge_seconds,
        )
        if isinstance(preset, VictoriaLogs):
            return VictoriaLogsShipper(client, preset, requests)
        return HttpShipper(client, preset, requests)

    def all_headers(self, place: str) -> dict[str, str]:
        """Those of each request, the token as the preset's server wants it."""
        found = super().all_headers(place)
        if self.token is not None or self.token_file:
            token = found.pop("authorization")
            found |= {"dd-api-key": token} if self.preset == "datadog" else {"authorization": f"Splunk {token}"}
        return found

    def _preset(self) -> Preset:
        more: dict[str, Any] = {"success_text": self.success_text or ""}
        if self.preset == "splunk_hec":
            more |= {"sourcetype": self.sourcetype, "index": self.index or "", "acknowledge": self.acknowledge}
        if self.preset in ("splunk_hec", "datadog"):
            more["source"] = self.source or ""
        return _PRESETS[self.preset](self.form, self.id_field, **more)

    def _target(self, preset: Preset) -> str:
        if self.path is not None:
            return self.path
        query = preset.query if isinstance(preset, VictoriaLogs) else ""
        query = preset.query_for(self.table) if isinstance(preset, ClickHouse) else query
        return f"{preset.path}?{query}" if query else preset.path


def _content_type(format: str) -> str:  # noqa: A002
    return "application/json" if format == "json_array" else "application/x-ndjson"
