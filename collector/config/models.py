"""The configuration as values: one frozen model per section of `pilotfish.yml`, with what each key means."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    BeforeValidator,
    Field,
    InstanceOf,
    PlainSerializer,
    PrivateAttr,
    SerializeAsAny,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from collector.alerts.options import AlertOptions
from collector.config.destinations import destination
from collector.container_settings.options import LabelOptions, Rule, RuleTest
from collector.intake.input import InputSettings
from collector.ports import OutputContext, ShipperSettings
from collector.redaction.options import RedactOptions
from collector.state import places
from collector.text.bounds import shown
from collector.values import FilePath, Seconds, Section, Text


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


Zone = Annotated[
    InstanceOf[ZoneInfo],
    BeforeValidator(_zone),
    PlainSerializer(lambda zone: zone.key, return_type=str),
    WithJsonSchema({"type": "string"}),
]
Listen = Annotated[str | None, BeforeValidator(_listen), WithJsonSchema({"type": ["string", "null", "boolean"]})]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]


def _many_writers(context: Any) -> str:
    """The types of output for several processes, in words; `load` hands in how they are found."""
    found = context["many_writers"]() if isinstance(context, dict) and "many_writers" in context else ()
    return f"an output of type {' or '.join(found)}" if found else "an output that several processes may write to"


class Http(Section):
    """The HTTP server for /metrics, /healthz, /readyz and the API."""

    listen: Listen = Field(places.LISTEN, description="address to listen on, as host:port; off: no HTTP server")
    routes: bool = Field(False, description="allow live routes by POST /routes, to the destinations in routes_allow")
    routes_allow: tuple[str, ...] = Field(
        (),
        max_length=256,
        description="destinations of live routes, such as syslog+tls://*.example:6514 or raw+tcp://10.0.0.0/8:*; "
        "the host is a name with *, an address or a network",
    )

    @field_validator("routes_allow")
    @classmethod
    def _names_destinations(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            destination(text)
        return value

    @property
    def address(self) -> places.Address | None:
        """`listen` in its parts; None: no HTTP."""
        return places.address(self.listen) if self.listen is not None else None


class Fields(Section):
    """Additional members of documents."""

    attrs: bool = Field(
        False,
        description="add docker_attrs to documents: the attributes of the log-opts labels, env and tag, as key=value",
    )


class Metrics(Section):
    """Container series on /metrics."""

    max_containers: int = Field(
        500,
        ge=0,
        le=1_000_000,
        description="maximum number of containers with series of their own, running containers first",
    )
    cadvisor_names: bool = Field(
        True,
        description="export resource usage of containers under cAdvisor's names; false if cAdvisor runs too",
    )
    disk_usage: bool = Field(
        False, description="query the Docker daemon for its disk usage every hour; this is slow on large hosts"
    )


class Log(Section):
    """The agent's own log, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="minimum level of messages that are written"
    )
    format: Literal["auto", "console", "json"] = Field(
        "auto", description="format of messages; auto: console on a terminal, else json"
    )


class Configuration(Section):
    """All of it; `warnings` are lines for the log at start, `origins` name where a key's value came from."""

    host: Text | None = Field(
        None,
        min_length=1,
        description="member `host` of documents; default: the host name that the Docker daemon reports",
    )
    state_dir: FilePath = Field(
        Path("/var/lib/pilotfish"), description="directory for positions, spool, dead letters and the embedded store"
    )
    timezone: Zone = Field(ZoneInfo("UTC"), description="time zone of @timestamp and of the date in index names")
    inputs: dict[Name, SerializeAsAny[InputSettings]] = Field(description="inputs by name: where log lines come from")
    outputs: dict[Name, SerializeAsAny[ShipperSettings]] = Field(description="outputs by name: where documents go")
    labels: LabelOptions = Field(
        default_factory=LabelOptions, description="limits for the labels and environment variables of containers"
    )
    containers: tuple[Rule, ...] = Field(
        (), description="rules: settings for the containers that match; of rules that set the same, the first wins"
    )
    tests: tuple[RuleTest, ...] = Field((), description="tests of the rules, which `pilotfish config validate` runs")
    redact: RedactOptions = Field(
        default_factory=RedactOptions, description="secrets and personal data that are removed from lines"
    )
    fields: Fields = Field(default_factory=Fields, description="additional members of documents")
    http: Http = Field(default_factory=Http, description="the HTTP server")
    alerts: AlertOptions = Field(default_factory=AlertOptions, description="rules that notify people about lines")
    metrics: Metrics = Field(default_factory=Metrics, description="container series on /metrics")
    log: Log = Field(default_factory=Log, description="the agent's own log")
    max_targets: int = Field(
        1000,
        ge=1,
        le=1_000_000,
        description="maximum number of targets that all containers together may name; each has an index per day",
    )
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="number of worker processes that share the containers; at most one per CPU core is useful",
    )
    drain_seconds: Seconds = Field(
        8.0, description="maximum time for pending deliveries when the agent stops; docker stop kills it after 10 s"
    )

    _warnings: list[str] = PrivateAttr(default_factory=list)
    _told: list[str] = PrivateAttr(default_factory=list)
    _origins: Mapping[tuple[str, ...], str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_shared(self, info: ValidationInfo) -> Self:
        for name, output in self.outputs.items():
            if self.workers > 1 and not output.takes_many_writers:
                raise ValueError(
                    f"workers: {self.workers} cannot share the output {name}: the type {output.type} allows one "
                    f"writer; set workers to 1, or use {_many_writers(info.context)}"
                )
        return self

    @model_validator(mode="after")
    def _rules_of_redaction_are_known(self) -> Self:
        asked = {f"containers.{number}": rule.redact or () for number, rule in enumerate(self.containers)}
        asked |= {f"outputs.{name}": output.redact for name, output in self.outputs.items()}
        for place, names in asked.items():
            try:
                self.redact.check(names)
            except ValueError as error:
                raise ValueError(f"{place}.redact: {error}") from None
        return self

    @model_validator(mode="after")
    def _outputs_of_rules_are_known(self) -> Self:
        for number, rule in enumerate(self.containers):
            unknown = next((name for name in rule.outputs if name not in self.outputs), None)
            if unknown and self.outputs:
                known = ", ".join(self.outputs)
                raise ValueError(f"containers.{number}.outputs: there is no output {shown(unknown)}; use {known}")
        return self

    @model_validator(mode="after")
    def _each_output_has_its_own(self) -> Self:
        owners: dict[str, str] = {}
        for name, output in self.outputs.items():
            for what in output.writes(OutputContext(name, self.state_dir / places.OUTPUTS / name)):
                if (other := owners.setdefault(what, name)) != name:
                    raise ValueError(f"the outputs {other} and {name} both write to {what}; give each its own")
        return self

    @model_validator(mode="after")
    def _no_fallback_redacts_more(self) -> Self:
        """What it gets is redacted already, for the output in whose stead it is there."""
        for name, output in self.outputs.items():
            other = self.outputs.get(output.fallback or "")
            if other is not None and (more := sorted({*other.redact} - {*output.redact})):
                raise ValueError(
                    f"outputs.{name}.fallback: {output.fallback} has redact {', '.join(more)}, which {name} has not; "
                    f"add it to outputs.{name}.redact"
                )
        return self

    @model_validator(mode="after")
    def _documents_of_others_have_no_labels(self) -> Self:
        relay = next((name for name, one in self.inputs.items() if one.is_relay), None)
        for name, output in self.outputs.items() if relay is not None else ():
            if output.container_labels:
                raise ValueError(
                    f"outputs.{name}.container_labels has no effect on the documents of inputs.{relay}, which do not "
                    "have the labels of their containers; use containers or targets"
                )
        return self

    @model_validator(mode="after")
    def _each_fallback_is_another(self) -> Self:
        for name in self.outputs:
            passed = [name]
            while (other := self.outputs[passed[-1]].fallback) is not None:
                if other not in self.outputs:
                    raise ValueError(
                        f"outputs.{passed[-1]}.fallback: there is no output {other!r}; "
                        f"use another of {', '.join(self.outputs)}"
                    )
                if other in passed:
                    raise ValueError(
                        f"outputs.{passed[-1]}.fallback: {' → '.join([*passed, other])} is a circle; "
                        "let one of them have no fallback"
                    )
                passed.append(other)
        return self

    @property
    def engine_metrics(self) -> dict[str, str | None]:
        """URL of an engine's own metrics, by the option of each input that can name one."""
        options = {name: one.engine_metrics_option for name, one in self.inputs.items()}
        return {f"inputs.{name}.{key}": getattr(self.inputs[name], key) for name, key in options.items() if key}

    @property
    def warnings(self) -> list[str]:
        """Lines worth a look that did not stop the start."""
        return self._warnings

    @property
    def told(self) -> list[str]:
        """Lines about what became of words of other collectors."""
        return self._told

    @property
    def origins(self) -> Mapping[tuple[str, ...], str]:
        """Where the value at a path of keys came from; a path not in here has its default."""
        return self._origins

    def model_post_init(self, context: Any, /) -> None:
        """Take over what `load` says about the sources, handed in as the validation's context."""
        if isinstance(context, dict):
            self._warnings = context.get("warnings", [])
            self._told = context.get("told", [])
            self._origins = context.get("origins", {})
