"""The options of an output `kafka`."""

from fnmatch import fnmatchcase
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from collector.documents.form_option import FormOption
from collector.documents.naming import Naming
from collector.net.kafka import KafkaOptions
from collector.ports import LogPilot, Promise, RemoteSettings, Route, Translated
from collector.values import Bytes

from . import elsewhere
from .records import How

TOPICS = Naming("a-zA-Z0-9._-", target_bytes=200, name_bytes=249)
_BATCH_BYTES = 1_000_000
_GZIP_BYTES = 256 << 10  # gzip takes 16 ms a megabyte, in the event loop; zstd and lz4 4


class Options(KafkaOptions, FormOption, RemoteSettings):
    """Topics of a Kafka cluster; `Settings` opens it."""

    takes_many_writers: ClassVar[bool] = True

    type: Literal["kafka"] = "kafka"
    topic: str = Field("{target}", description="topic: {target} and the date of the line (%Y %m %d %j, ISO week %G %V)")
    topics: tuple[str, ...] = Field(
        (),
        description="topics that may be written, such as app-*; documents for others become dead letters; default: all",
    )
    key: Literal["container", "id", "none"] = Field(
        "container",
        description="key of a record: container (keeps the order of its lines), id (of the document) or none",
    )
    record: Literal["document", "bundle"] = Field(
        "document", description="content of a record: a document, or a bundle, which is several of them as NDJSON"
    )
    compression: Literal["none", "gzip", "lz4", "zstd"] = Field("zstd", description="compression of records")
    transactional: bool = Field(
        False, description="send each batch in a transaction: readers with read_committed get each document once"
    )
    max_record_bytes: Bytes = Field(
        1_048_588, ge=10_000, le=1 << 30, description="maximum size of a record, as max.message.bytes of the topics"
    )

    @field_validator("topic")
    @classmethod
    def _topic_is_a_name(cls, pattern: str) -> str:
        if fault := TOPICS.fault_of(pattern):
            raise ValueError(fault)
        return pattern

    @model_validator(mode="after")
    def _a_bundle_has_no_id(self) -> Self:
        if self.record == "bundle" and self.key == "id":
            raise ValueError("key: id needs record: document")
        return self

    @property
    def has_frozen_batches(self) -> bool:
        """In a transaction: which segments were committed is known by the whole of each."""
        return self.transactional

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        """The adapter `kafka` of logspout's modules."""
        return elsewhere.of_route(route)

    @classmethod
    def from_log_pilot(cls, said: LogPilot) -> Translated | None:
        """Log-pilot's output of the same name.

        Raises:
            ConfigurationError: its variables name no brokers.
        """
        return elsewhere.of_log_pilot(said) if said.output == "kafka" else None

    def promise(self) -> Promise:
        """What the output promises with these options."""
        if self.transactional:
            return Promise("exactly_once", "readers with read_committed get each document once")
        return Promise(
            "at_least_once",
            "a document may arrive again, with the same id in the header, after an answer was lost; a reader that "
            "writes by the id has each one once",
        )

    def how(self) -> How:
        """How documents become records."""
        return How(
            form=self.form,
            name=self.document,
            key=self.key,
            is_bundled=self.record == "bundle",
            max_record_bytes=self.max_record_bytes,
            batch_bytes=min(self.max_record_bytes, _GZIP_BYTES if self.compression == "gzip" else _BATCH_BYTES),
        )

    def topic_of(self, target: str, day: str) -> str:
        """The topic of documents; "" if it may not be written."""
        name = TOPICS.name(self.topic, target, day)
        name = f"_{name}" if name in (".", "..") else name
        return name if not self.topics or any(fnmatchcase(name, one) for one in self.topics) else ""
