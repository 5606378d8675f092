"""The options of an `elasticsearch` output → a connection with its secrets and certificates read."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, ClassVar, Literal, Self

import msgspec
from pydantic import Field, field_validator

from collector.documents.form_option import FormOption
from collector.net.credentials import ApiKey, BasicAuth
from collector.net.headers import AS_TEXTS
from collector.net.options import HttpOptions
from collector.net.waiting import Tell
from collector.ports import (
    LogPilot,
    OutputContext,
    Promise,
    RemoteSettings,
    Route,
    Setup,
    SetupFile,
    SetupStep,
    Translated,
)
from collector.values import Words

from . import elsewhere
from . import setup as setting_up
from .bulk import DEFAULT_INDEX, INDICES
from .connection import KIND, OVERLOAD, Connection
from .parameters import fault_of_parameter
from .profiles import USUAL, Profile
from .shipper import ElasticsearchShipper


class Settings(HttpOptions, ApiKey, BasicAuth, FormOption, RemoteSettings):
    """An Elasticsearch or OpenSearch cluster: nodes, index names, credentials and TLS."""

    takes_many_writers = True
    usual_host = "http://elasticsearch:9200"
    default_ports: ClassVar = {"http": 9200, "https": 443}

    type: Literal["elasticsearch"] = "elasticsearch"
    hosts: Words = Field(
        min_length=1,
        description="URLs of the nodes to send requests to; the default port is 9200 for http and 443 for https",
    )
    index: str = Field(
        DEFAULT_INDEX,
        description="index name: {target} and the date of the line (%Y %m %d %j, ISO week %G %V)",
    )
    compress: bool = Field(
        True,
        description="compress requests and responses with gzip; false is faster if the server runs on the same host",
    )
    parameters: Annotated[dict[str, str], AS_TEXTS] = Field(
        {},
        description="additional parameters of each bulk request, by name, such as pipeline: NAME (an ingest pipeline)",
    )
    template: Literal["auto", "off"] = Field(
        "auto",
        description="auto: install index templates of the lowest priority, unless `pilotfish setup` installed its own",
    )
    profile: Profile = Field(
        USUAL,
        description="index profile of `pilotfish setup`: lean (words), search (also whole values of each member) or "
        "logsdb (smallest; Elasticsearch 8.17 or later)",
    )

    @field_validator("template", mode="before")
    @classmethod
    def _false_is_off(cls, template: object) -> object:
        return "off" if template is False or str(template).lower() in ("off", "no", "false") else template

    @field_validator("index")
    @classmethod
    def _index_is_a_name(cls, pattern: str) -> str:
        if fault := INDICES.fault_of(pattern):
            raise ValueError(fault)
        return pattern

    @field_validator("parameters")
    @classmethod
    def _parameters_are_additions(cls, parameters: dict[str, str]) -> dict[str, str]:
        for name, value in parameters.items():
            if fault := fault_of_parameter(name, value):
                raise ValueError(fault.replace(": ", "; ", 1))
        return parameters

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        """A cluster, by its adapter."""
        return elsewhere.of_route(route)

    @classmethod
    def from_log_pilot(cls, said: LogPilot) -> Translated | None:
        """Log-pilot's output of the same name.

        Raises:
            ConfigurationError: its variables name no host, or its secret has no password.
        """
        return elsewhere.of_log_pilot(said) if said.output == "elasticsearch" else None

    def promise(self) -> Promise:
        """What the output promises."""
        return Promise("exactly_once", "the cluster creates each document once, by its id")

    def open(self, context: OutputContext) -> ElasticsearchShipper:
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file that the options name cannot be read, or holds no certificate or key.
        """
        return ElasticsearchShipper(
            self._connection(context),
            index=self.index,
            document=self.document,
            compress=self.compress,
            template=self.template == "auto",
            searched=self._connection(context),
        )

    @classmethod
    def example(cls) -> Self:
        """Defaults for what asks no server."""
        return cls(hosts=("http://localhost",))

    def servers(self) -> Sequence[str]:
        """The kinds of server that `setup_files` knows, the usual one first."""
        return tuple(setting_up.SERVERS)

    async def set_up(self, context: OutputContext, setup: Setup, tell: Tell) -> AsyncIterator[SetupStep]:
        """Install templates and lifecycle for our indices, and give what became of each object.

        Raises:
            UsageError: `setup` asks for what an output with this `index` cannot have.
            ConfigurationError: as `open`.
        """
        connection = self._connection(context)
        try:
            async for step in setting_up.install(connection, self.index, self.document, self.profile, setup, tell):
                yield step
        finally:
            await connection.aclose()

    def setup_files(self, setup: Setup, server: str) -> Sequence[SetupFile]:
        """What `set_up` sends to such a server when nothing is there, and it has a lifecycle.

        Raises:
            UsageError: `setup` asks for what an output with this `index`, or such a server, cannot have.
        """
        return [
            SetupFile(each.request, f"{each.path[1:]}.json", msgspec.json.format(msgspec.json.encode(each.body)))
            for each in setting_up.exported(self.index, self.document, setup, server, self.profile)
        ]

    def _connection(self, context: OutputContext) -> Connection:
        encoding = {"accept-encoding": "gzip"} if self.compress else {}
        client = self.http_client(
            context.output,
            kind=KIND,
            overload=OVERLOAD,
            connections=self.concurrency + 1,
            headers={"accept": "application/json", **encoding},
        )
        return Connection(client, timeout_seconds=self.request_timeout_seconds, parameters=self.parameters)
