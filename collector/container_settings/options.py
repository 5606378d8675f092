"""What the operator writes: the sections `labels` and `containers` of the configuration."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, WithJsonSchema, field_validator, model_validator

from collector import formats
from collector.container_settings.keys import FILES, KEYS, tags_of
from collector.container_settings.statement import Origin, Statement
from collector.ports.content import Glob, has_labels
from collector.values import Section

_NAMED = {"enum": sorted(formats.FORMATS)}
FORMAT_SCHEMA = {
    "anyOf": [
        _NAMED,
        {
            "type": "object",
            "properties": {"name": _NAMED},
            "required": ["name"],
            "additionalProperties": {"type": "string"},
        },
        {"type": "null"},
    ]
}
Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]


class LabelOptions(Section):
    """Limits for the labels and environment variables of containers."""

    prefixes: tuple[Prefix, ...] = Field(
        ("aliyun",),
        description="prefixes of log-pilot's labels <prefix>.logs.<name> that are read; default: PILOT_LOG_PREFIX",
    )
    dialects: tuple[Literal["elastic", "dozzle", "datadog"], ...] = Field(
        (), description="labels of other collectors that are read, too: elastic, dozzle, datadog"
    )
    allow: tuple[Glob, ...] = Field(
        ("*",),
        description="settings that containers may set themselves, and `files` for paths; names, or patterns with *",
    )

    @field_validator("allow")
    @classmethod
    def _names_settings(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for glob in value:
            known = (FILES, *KEYS)
            if not any(fnmatchcase(key, glob) for key in known):
                near = get_close_matches(glob, known, 1)
                remedy = f"did you mean {near[0]}?" if near else f"use {', '.join(known)}"
                raise ValueError(f"{glob} is no setting; {remedy}")
        return value

    targets: tuple[Glob, ...] = Field(
        ("*",), description="targets that containers may name; a name that is reserved must be written out"
    )


class RuleFields(Section):
    """Members that a rule adds to documents."""

    labels: tuple[Glob, ...] = Field((), description="labels that become fields; names, or patterns with *")
    env: tuple[Glob, ...] = Field((), description="environment variables that become fields; names, or patterns with *")
    container: tuple[str, ...] = Field((), description="members about the container: id, image, or both")
    level: bool | None = Field(None, description="true: add the level of a line as `level` and `severity_number`")
    line: bool | None = Field(None, description="true: add the number of a line in its log file as `line`")


class RuleFormat(Section):
    """A format with its options."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]

    name: str = Field(description="name of the format")

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_name(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        formats.make(self.name, self.__pydantic_extra__)
        return self


class RuleMultiline(Section):
    """Which lines are one event."""

    mode: Literal["auto", "off"] | None = Field(
        None, description="auto: join stack traces and indented lines to events; off: join no lines"
    )
    start: str | None = Field(None, description="pattern of the first line of an event; others are joined to it")
    continue_: str | None = Field(
        None, alias="continue", description="pattern of lines that are joined to the line before"
    )
    end: str | None = Field(None, description="pattern of the last line of an event")
    max_lines: int | None = Field(None, description="maximum number of lines of an event")
    gap: str | None = Field(None, description="time after which a line is not joined to the line before, such as 1s")

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_word(cls, value: object) -> object:
        if isinstance(value, bool):  # YAML reads `off` so
            return {"mode": "auto" if value else "off"}
        return {"mode": value} if isinstance(value, str) else value


class RuleTime(Section):
    """Where a line has its own time."""

    key: str | None = Field(None, description="member of a line that has its own time; default: time")
    format: str | None = Field(None, description="format of that time, as strftime has it; default: usual formats")
    zone: str | None = Field(None, description="time zone of a time without an offset; default: UTC")


class RuleLines(Section):
    """Which lines are delivered."""

    include: str | None = Field(None, description="pattern of the lines that are delivered; others are left out")
    exclude: str | None = Field(None, description="pattern of lines that are left out")


class LineSettings(Section):
    """What becomes of the lines of a stream."""

    tags: dict[str, str] = Field({}, description="fields of the documents")
    format: Annotated[RuleFormat | None, WithJsonSchema(FORMAT_SCHEMA)] = Field(
        None, description="format of the lines: its name, or `name` and options"
    )
    multiline: RuleMultiline = Field(
        default_factory=RuleMultiline, description="which lines are one event: auto, off, or patterns"
    )
    time: RuleTime = Field(default_factory=RuleTime, description="the own time of lines: where it stands, and how")
    lines: RuleLines = Field(default_factory=RuleLines, description="patterns of lines that are delivered or left out")
    level: str | None = Field(None, description="minimum level; lines with a lower one are left out")
    sample: str | None = Field(None, description="share of the lines that are delivered, such as 1/10")
    fold: str | None = Field(None, description="time within which lines that differ only in numbers are counted")
    limit: str | None = Field(None, description="maximum number of lines or bytes per s, min, hour or day")
    on_excess: str | None = Field(
        None, description="fate of the lines beyond the limit: drop, sample, wait or store_only"
    )

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        for key, value in self.said().items():
            try:
                if key in KEYS:
                    KEYS[key].read(value)
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from None
        tags_of(self.tags)
        return self

    def said(self) -> dict[str, object]:
        """The settings that have a value, by their keys."""
        found: dict[str, object] = {
            "tags": self.tags,
            **{f"time.{name}": value for name, value in self.time.model_dump().items()},
            **{f"lines.{name}": value for name, value in self.lines.model_dump().items()},
            **{name: getattr(self, name) for name in ("level", "sample", "fold", "limit", "on_excess")},
        }
        if self.format is not None:
            found["format"] = self.format.name
            found |= {f"format.{option}": value for option, value in self.format.__pydantic_extra__.items()}
        found |= {f"multiline.{name}": value for name, value in self.multiline.model_dump(by_alias=True).items()}
        found["multiline"] = found.pop("multiline.mode")
        return {key: value for key, value in found.items() if value not in (None, {}, ())}

    def rule(self) -> "Rule":
        """A rule for all that says the same."""
        return Rule.model_validate(self.model_dump(include=set(LineSettings.model_fields), by_alias=True))


class _Matching(Section):
    name: Glob = Field("*", description="name of the container; a pattern with *")
    image: Glob = Field("*", description="image of the container, as docker ps shows it; a pattern with *")
    labels: dict[str, Glob] = Field({}, description="labels that the container has, with patterns for their values")
    exclude: bool | None = Field(None, description="true: do not follow the container")
    target: str | None = Field(None, description="target of the documents")
    fields: RuleFields = Field(default_factory=RuleFields, description="further members of documents")


class Rule(LineSettings, _Matching):
    """Settings for all containers that match: each of name, image and labels that is given."""

    outputs: tuple[str, ...] = Field((), description="outputs that get the lines, by name; default: all")
    redact: tuple[str, ...] | None = Field(
        None, description="sets and rules of redaction, in place of `redact.sets` and `redact.patterns`; []: none"
    )

    @property
    def is_for_all(self) -> bool:
        """Whether it matches every container."""
        return self.name == self.image == "*" and not self.labels

    @property
    def names(self) -> bool:
        """Whether it asks that what it matches be followed: redaction alone does not."""
        return any(said.key not in ("exclude", "redact") for said in self.statements(0))

    def matches(self, name: str, image: str, labels: Mapping[str, str]) -> bool:
        """Whether it is for that container."""
        return fnmatchcase(name, self.name) and fnmatchcase(image, self.image) and has_labels(labels, self.labels)

    def said(self) -> dict[str, object]:
        """The settings that have a value, by their keys."""
        fields = self.fields
        found: dict[str, object] = {
            "exclude": self.exclude,
            "target": self.target,
            "outputs": self.outputs,
            "fields.labels": fields.labels,
            "fields.env": fields.env,
            "fields.container": fields.container,
            "fields.level": fields.level,
            "fields.line": fields.line,
        }
        found = {key: value for key, value in found.items() if value not in (None, ())} | super().said()
        return found if self.redact is None else found | {"redact": self.redact}

    def statements(self, number: int) -> Iterator[Statement]:
        """What it says; it is the rule of this number in the configuration, from 0."""
        origin = Origin("rule", f"containers.{number}")
        yield from (Statement("", key, value, origin) for key, value in self.said().items())


class Sample(Section):
    """A container that runs nowhere."""

    name: str = Field("sample", min_length=1, description="name of the container")
    image: str = Field("", description="image of the container")
    labels: dict[str, str] = Field({}, description="labels of the container")
    environment: dict[str, str] = Field({}, description="environment variables of the container")


class RuleTest(Section):
    """A container with lines, and what they become; `pilotfish config validate` runs it."""

    container: Sample = Field(default_factory=Sample, description="the container")
    lines: tuple[str, ...] = Field((), max_length=1000, description="lines that its application writes")
    excluded: bool = Field(False, description="true: the container is not followed")
    faults: bool = Field(False, description="true: some of its settings have no effect")
    target: str | None = Field(None, description="target of the documents")
    documents: tuple[dict[str, Any], ...] | None = Field(
        None, description="members that the documents have, one mapping for each document"
    )
