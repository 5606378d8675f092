"""The configuration as values: one frozen model per section of `pilotfish.yml`, with what each key means."""

from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PlainSerializer,
    PrivateAttr,
    SerializeAsAny,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from collector import docker_address, places
from collector.moments import DURATION, duration
from collector.ports import ShipperSettings, Site
from collector.values import FilePath, Seconds, Text


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
    raise ValueError("should be all, new or a duration such as 24h, of 100 years at most")


def _zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(str(value), available_timezones(), 1)
    raise ValueError(
        "no such time zone; " + (f"did you mean {near[0]}?" if near else "use a name such as Asia/Shanghai")
    )


def _listen(value: object) -> str | None:
    if places.is_off(value):
        return None
    if not isinstance(value, str):
        raise ValueError("should be host:port in quotes, or off")
    return str(places.address(value))


_BACKLOG_SCHEMA = {"anyOf": [{"enum": ["all", "new"]}, {"type": "string", "pattern": f"^{DURATION.pattern}$"}]}
Backlog = Annotated[
    Literal["all", "new"] | timedelta,
    BeforeValidator(_backlog),
    PlainSerializer(lambda value: _duration_text(value) if isinstance(value, timedelta) else value, return_type=str),
    WithJsonSchema(_BACKLOG_SCHEMA),
]
Select = Literal["all", "labelled"]
Zone = Annotated[
    InstanceOf[ZoneInfo],
    BeforeValidator(_zone),
    PlainSerializer(lambda zone: zone.key, return_type=str),
    WithJsonSchema({"type": "string"}),
]
EngineUrl = Annotated[
    str,
    BeforeValidator(lambda value: docker_address.canonical(value) if isinstance(value, str) else value),
    WithJsonSchema({"type": "string", "pattern": docker_address.PATTERN}),
]
Listen = Annotated[str | None, BeforeValidator(_listen), WithJsonSchema({"type": ["string", "null", "boolean"]})]
OutputName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]


class Section(BaseModel):
    """What every section has: unknown keys are refused, values never change, errors never show a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)


class DockerInput(Section):
    """Containers of a Docker daemon, their logs read as files."""

    url: EngineUrl = Field(
        f"unix://{docker_address.DEFAULT_SOCKET}",
        description="the daemon: unix:///path or tcp://host:port; DOCKER_HOST and Docker's contexts are honoured",
    )
    tls: FilePath | None = Field(
        None, description="directory of ca.pem, cert.pem, key.pem; DOCKER_TLS_VERIFY and DOCKER_CERT_PATH are honoured"
    )
    logs_root: FilePath = Field(
        Path("/var/lib/docker/containers"), description="where the daemon keeps its json-file logs"
    )
    select: Select = Field("all", description="all containers, or only the labelled ones")
    backlog: Backlog = Field(
        "all", description="how much of a log that was never read: all, new or a duration such as 24h"
    )

    events: bool = Field(
        True, description="ship what happens to containers (die, oom, restart, health) as documents of docker-events"
    )
    metrics_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#\s]\S*$",
        description="the engine's own metrics (metrics-addr), such as http://127.0.0.1:9323/metrics: /metrics/docker",
    )


class DirectoryInput(Section):
    """A tree `<id>/<id>-json.log` with `config.v2.json` beside each log; no daemon needed."""

    path: FilePath = Field(description="the directory that holds <id>/<id>-json.log")
    select: Select = Field("all", description="all containers, or only the labelled ones")
    backlog: Backlog = Field(
        "all", description="how much of a log that was never read: all, new or a duration such as 24h"
    )


class Inputs(Section):
    """Where logs are looked for; Docker when nothing is said."""

    docker: DockerInput | None = Field(None, description="containers of a Docker daemon")
    directory: DirectoryInput | None = Field(None, description="a tree of logs without a daemon")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.docker is not None and self.directory is not None:
            raise ValueError("docker and directory cannot both be followed by one agent; run a second one")
        return self


class Http(Section):
    """The port for /metrics, /healthz, /readyz, the page and its API."""

    listen: Listen = Field(places.LISTEN, description="host:port, or off")

    @property
    def address(self) -> places.Address | None:
        """`listen` in its parts; None: no HTTP."""
        return places.address(self.listen) if self.listen is not None else None


class Fields(Section):
    """What documents carry besides."""

    attrs: bool = Field(
        False,
        description="what the log-opts labels, env and tag add to a line, as docker_attrs: a list of key=value",
    )


class Metrics(Section):
    """What /metrics shows of containers."""

    max_containers: int = Field(
        500, ge=0, le=1_000_000, description="so many containers have series of their own, running ones first"
    )
    cadvisor_names: bool = Field(
        True, description="CPU, memory, network and disk of containers as cAdvisor names them; false where it runs too"
    )
    disk_usage: bool = Field(
        False, description="ask the daemon each hour what its disk is used for: slow on large hosts"
    )


class Log(Section):
    """The agent's own log, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least level that is written")
    format: Literal["auto", "console", "json"] = Field("auto", description="auto: console on a terminal, else json")


class Configuration(Section):
    """All of it; `warnings` are lines for the log at start, `origins` name where a key's value came from."""

    host: Text | None = Field(None, min_length=1, description="`host` in documents; else the Docker daemon's name")
    state_dir: FilePath = Field(
        Path("/var/lib/pilotfish"), description="positions, spool, dead letters, embedded store"
    )
    timezone: Zone = Field(ZoneInfo("UTC"), description="zone of @timestamp and of the index date")
    inputs: Inputs = Field(
        default_factory=lambda: Inputs(docker=DockerInput()), description="where logs are looked for"
    )
    outputs: dict[OutputName, SerializeAsAny[ShipperSettings]] = Field(description="where documents go, by name")
    fields: Fields = Field(default_factory=Fields, description="what documents carry besides")
    http: Http = Field(default_factory=Http, description="the HTTP port")
    metrics: Metrics = Field(default_factory=Metrics, description="what /metrics shows of containers")
    log: Log = Field(default_factory=Log, description="the agent's own log")
    max_targets: int = Field(
        1000,
        ge=1,
        le=1_000_000,
        description="targets that labels and environment of all containers may name: each is an index of a day",
    )
    workers: int = Field(
        1, ge=1, le=64, description="processes, each with its share of the containers: one for each core to be used"
    )
    drain_seconds: Seconds = Field(
        8.0, description="how long a stop waits for deliveries; docker stop kills after 10 s"
    )

    _warnings: list[str] = PrivateAttr(default_factory=list)
    _origins: Mapping[tuple[str, ...], str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_shared(self) -> Self:
        for name, output in self.outputs.items():
            if self.workers > 1 and not output.takes_many_writers:
                raise ValueError(
                    f"workers: {self.workers} cannot share the output {name}: a {output.type} has one writer; "
                    "leave workers at 1, or send to elasticsearch"
                )
        return self

    @model_validator(mode="after")
    def _each_output_has_its_own(self) -> Self:
        owners: dict[str, str] = {}
        for name, output in self.outputs.items():
            for what in output.writes(Site(name, self.state_dir / places.OUTPUTS / name)):
                if (other := owners.setdefault(what, name)) != name:
                    raise ValueError(f"the outputs {other} and {name} both write {what}; give each its own")
        return self

    @property
    def warnings(self) -> list[str]:
        """Lines worth a look that did not stop the start."""
        return self._warnings

    @property
    def origins(self) -> Mapping[tuple[str, ...], str]:
        """Where the value at a path of keys came from; a path not in here has its default."""
        return self._origins

    def model_post_init(self, context: Any, /) -> None:
        """Take over what `load` says about the sources, handed in as the validation's context."""
        if isinstance(context, dict):
            self._warnings = context.get("warnings", [])
            self._origins = context.get("origins", {})
