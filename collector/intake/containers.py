"""The options that all inputs of containers have, and what they mean for what is followed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from collector.discovery.enrich import Enricher
from collector.discovery.volume_files import VolumeFiles
from collector.docker.self_container import own_container_id
from collector.intake.input import Input, InputContext, InputSettings
from collector.intake.json_files import JsonFiles
from collector.text.times import DURATION, duration
from collector.values import FilePath


def _duration_text(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _backlog(value: object) -> str | timedelta:
    if isinstance(value, timedelta) or value in ("all", "new"):
        return value
    if isinstance(value, str):
        try:
            return duration(value)
        except ValueError:
            pass
    raise ValueError("should be all, new or a duration such as 24h (at most 100 years)")


_BACKLOG_SCHEMA = {"anyOf": [{"enum": ["all", "new"]}, {"type": "string", "pattern": f"^{DURATION.pattern}$"}]}
Backlog = Annotated[
    Literal["all", "new"] | timedelta,
    BeforeValidator(_backlog),
    PlainSerializer(lambda value: _duration_text(value) if isinstance(value, timedelta) else value, return_type=str),
    WithJsonSchema(_BACKLOG_SCHEMA),
]


def cutoff_of(backlog: Literal["all", "new"] | timedelta) -> str:
    """The time (UTC), to the second, before which lines that were never read are left out; "" to read all."""
    if backlog == "all":
        return ""
    span = backlog if isinstance(backlog, timedelta) else timedelta()
    return (datetime.now(UTC) - span).strftime("%Y-%m-%dT%H:%M:%S")


class ContainerOptions(InputSettings):
    """Which containers are followed, and from when on."""

    logs_option: ClassVar[str]  # the one with the directory of the logs

    select: Literal["all", "labelled"] = Field(
        "all", description="follow all containers, or only those that a label, variable or rule names"
    )
    backlog: Backlog = Field(
        "all",
        description="part to read of a log that was never read: all, new (nothing), or the last 24h, 7d …",
    )

    host_root: FilePath | None = Field(
        None,
        description="directory in which the agent sees the host's file system, to follow files in volumes and bind "
        "mounts; without it such files are not followed",
    )

    def files(self, context: InputContext) -> VolumeFiles:
        """What finds the files that containers ask for."""
        root = "" if self.host_root is None else str(self.host_root)
        option, is_contained = f"{context.place}host_root", bool(own_container_id())
        return VolumeFiles(context.listing, root, option, is_contained=is_contained)

    def enricher(self, context: InputContext, host: str, files: VolumeFiles) -> Enricher:
        """What makes containers of their descriptions."""
        registry = context.listing.registry
        return Enricher(
            host,
            self.select,
            own_container_id(),
            context.target_of,
            registry.has_room,
            share=registry.share,
            rules=context.rules,
            files=files.take,
        )

    def cutoff(self) -> str:
        """Docker's time, to the second, before which lines that were never read are left out; "" to read all."""
        return cutoff_of(self.backlog)


class ContainerInput(JsonFiles, Input):
    """An input whose containers have json-file logs."""

    def __init__(self, options: ContainerOptions, context: InputContext) -> None:
        self.logs_root: Path = getattr(options, options.logs_option)
        super().__init__(
            context.stamps,
            with_attrs=context.with_attrs,
            cutoff=options.cutoff(),
            logs_option=f"{context.place}{options.logs_option}",
        )
