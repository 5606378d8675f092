"""The options of a `clickhouse` output → a shipper, with its secrets and certificates read."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from collector.net.credentials import BasicAuth
from collector.net.headers import AS_TEXTS
from collector.net.options import HttpOptions
from collector.ports import OutputContext, Promise, RemoteSettings
from collector.values import Seconds, Words

from .rows import COLUMNS
from .shipper import ClickHouseShipper, Table

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_SETTING = re.compile(r"[a-z][a-z0-9_]{0,127}")
_OURS = frozenset(
    {
        *("database", "user", "password", "query", "query_id", "session_id", "compress", "decompress"),
        *("async_insert", "date_time_input_format", "wait_end_of_query"),
        *("insert_deduplicate", "insert_deduplication_token"),
    }
)
_ALWAYS = {"date_time_input_format": "best_effort", "wait_end_of_query": "1"}
_TOKENS = {"async_insert": "0", "insert_deduplicate": "1"}  # what is gathered by the server has no token of its own


class Settings(HttpOptions, BasicAuth, RemoteSettings):
    """A table of ClickHouse, over its HTTP interface."""

    takes_many_writers = True
    usual_host = "http://clickhouse:8123"
    default_ports: ClassVar = {"http": 8123, "https": 8443}

    type: Literal["clickhouse"] = Field("clickhouse", description="rows of a table of ClickHouse")
    hosts: Words = Field(
        min_length=1,
        description="URLs of the servers, several only if they are replicas of the table; the default port is 8123 for "
        "http and 8443 for https",
    )
    database: str = Field("default", description="database of the table")
    table: str = Field("logs", description="table; it must exist")
    columns: Words = Field(
        COLUMNS,
        min_length=1,
        description="columns of the table that are filled",
        json_schema_extra={"uniqueItems": True},
    )
    tokens: bool = Field(
        True,
        description="send each batch with a token, so that the server leaves out a batch that it has; false for "
        "servers before 22.2",
    )
    settings: Annotated[dict[str, str], AS_TEXTS] = Field({}, description="additional settings of each INSERT, by name")
    compress: bool = Field(True, description="compress requests with gzip; false is faster on the same host")
    batch_bytes: int = Field(
        8 << 20, gt=0, le=64 << 20, description="size of a batch; a batch of this size is sent at once"
    )
    linger_seconds: Seconds = Field(5.0, description="maximum time that a document waits for its batch to fill")

    @field_validator("database", "table")
    @classmethod
    def _names_need_no_quotes(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("is not a name of letters, digits and _")
        return name

    @field_validator("columns")
    @classmethod
    def _columns_are_known(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        for column in columns:
            if column not in COLUMNS:
                raise ValueError(f"{column!r} is none of {', '.join(COLUMNS)}")
        if not {"message", "log"} & {*columns}:
            raise ValueError("log or message must be among them, since they have the line")
        return tuple(dict.fromkeys(columns))

    @field_validator("settings")
    @classmethod
    def _settings_are_additions(cls, settings: dict[str, str]) -> dict[str, str]:
        for name in settings:
            if name in _OURS:
                raise ValueError(f"{name!r} is set by Pilotfish itself")
            if not _SETTING.fullmatch(name):
                raise ValueError(f"{name!r} is not the name of a setting")
        return settings

    @property
    def has_frozen_batches(self) -> bool:
        """A token stands for all of a batch."""
        return self.tokens

    def promise(self) -> Promise:
        """What the output promises."""
        if not self.tokens:
            return Promise("at_least_once", "a batch may arrive again, with the same ids, after an answer was lost")
        return Promise(
            "exactly_once",
            "the server leaves out a batch whose token is among the last of the table, as many as its deduplication "
            "window has",
        )

    def open(self, context: OutputContext) -> ClickHouseShipper:
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file that the options name cannot be read.
        """
        client = self.http_client(
            context.output, kind="the HTTP interface of ClickHouse", connections=self.concurrency + 1
        )
        parameters = {**_ALWAYS, **(_TOKENS if self.tokens else {}), **self.settings}
        table = Table(self.database, self.table, self.columns, parameters, self.tokens)
        return ClickHouseShipper(client, table, compress=self.compress)
