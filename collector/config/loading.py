"""`pilotfish.yml` and `PILOTFISH_...` → one frozen `Configuration`: defaults, then the file, then the environment.

Every mistake names its place, its key and a remedy, never a value of a secret. Nothing else in the collector reads
the environment. Reading order: `models` (the keys), `load` here, `environment`, `mistakes`, `show`.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from collector.config import environment, mistakes, yaml_file
from collector.config.environment import EnvironmentValues, OutputTypes
from collector.config.models import Configuration, DirectoryInput, DockerInput, Http, Inputs, Log, Metrics
from collector.config.show import schema, show
from collector.config.yaml_file import FileValues
from collector.errors import ConfigurationError
from collector.ports import ShipperSettings
from collector.state import places

__all__ = [
    "Configuration",
    "DirectoryInput",
    "DockerInput",
    "Http",
    "Inputs",
    "Log",
    "Metrics",
    "load",
    "schema",
    "show",
]


def load(path: Path | None, output_types: OutputTypes, environ: Mapping[str, str] | None = None) -> Configuration:
    """Read the file at `path` (None: no file) and the environment; `output_types` maps each `type` to its settings.

    Raises:
        ConfigurationError: one line for each mistake.
    """
    environ = os.environ if environ is None else environ
    try:
        return _load(path, output_types, environ)
    except RecursionError:  # JSON in a variable; a file has its own bound
        remedy = "nest fewer levels, see docs/configuration.md"
        raise ConfigurationError("an environment variable has too many levels of sections", remedy) from None


def _load(path: Path | None, output_types: OutputTypes, environ: Mapping[str, str]) -> Configuration:
    said = yaml_file.read(path) if path is not None else FileValues("", {}, {})
    told = environment.read(environ, _sections(said.values), output_types)
    said = _giving_way(said, told, output_types)
    values = _sections(_merge(_sections(said.values), told.values))
    docker_names = _complete(values, environ, output_types)
    sources = _Sources(said, told, docker_names)
    return _validate(values, output_types, sources, warnings=told.warnings)


class _Sources:
    """Who said what."""

    def __init__(self, said: FileValues, told: EnvironmentValues, docker: Mapping[tuple[str, ...], str]) -> None:
        self.said, self.names = said, {**docker, **told.names}

    def place(self, path: tuple[str, ...]) -> str:
        """Where to look for the value at `path`, or for the nearest section around it."""
        for length in range(len(path), 0, -1):
            if name := self.names.get(path[:length]):
                return name
            if line := self.said.lines.get(path[:length]):
                return f"{self.said.name}:{line}"
        return self.said.name

    def origins(self) -> dict[tuple[str, ...], str]:
        """Path → `file` with its line, or `environment` with the variable."""
        found = {path: f"file, line {line}" for path, line in self.said.lines.items()}
        found |= {path: f"environment, {name}" for path, name in self.names.items()}
        if ("http",) in found:  # `http: off` stands for its only key
            found.setdefault(("http", "listen"), found["http",])
        return found


def _complete(
    values: dict[str, Any], environ: Mapping[str, str], output_types: OutputTypes
) -> dict[tuple[str, ...], str]:
    """Fill in the defaults that depend on what is configured or on the machine; name the variables used."""
    values.setdefault("state_dir", str(places.state_dir(environ)))
    if values.get("outputs", {}) == {}:
        values["outputs"] = _default_outputs(output_types)
    if values.get("inputs", {}) == {}:
        values["inputs"] = {"docker": {}}
    section = values["inputs"].get("docker") if isinstance(values["inputs"], dict) else None
    if not isinstance(section, dict):
        return {}
    found, names = environment.docker(environ, section.get("url"))
    values["inputs"] = {**values["inputs"], "docker": _merge(found, section)}
    return names


def _default_outputs(output_types: OutputTypes) -> dict[str, Any]:
    """The output that is there when none is configured, as the type that offers itself for it says."""
    found = ((output_types[kind].default_name, kind) for kind in output_types)
    return next(({name: {"type": kind}} for name, kind in found if name), {})


def _sections(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give a section that is named and left empty its empty mapping, and `http: off` its meaning."""
    values = dict(values)
    for key in ("inputs", "outputs", "http", "metrics", "log"):
        if key in values and values[key] is None:
            values[key] = {}
    if places.is_off(values.get("http", "")):
        values["http"] = {"listen": None}
    inputs = values.get("inputs")
    if isinstance(inputs, dict) and "docker" in inputs and inputs["docker"] is None:
        values["inputs"] = {**inputs, "docker": {}}
    return values


def _giving_way(said: FileValues, told: EnvironmentValues, output_types: OutputTypes) -> FileValues:
    """The file without the options of outputs whose place the environment's take: its API key for a password there.

    They exclude each other; `null` is no credential, but takes the option of that name away.
    """
    outputs, above = said.values.get("outputs"), told.values.get("outputs")
    if not isinstance(outputs, dict) or not isinstance(above, dict):
        return said
    kinds = environment.chosen_types(said.values, told.values)
    gone = {
        ("outputs", name, key)
        for name, options in above.items()
        if isinstance(options, dict) and isinstance(outputs.get(name), dict) and kinds.get(name) in output_types
        for rivals in output_types[kinds[name]].rivals()
        if any(options.get(key) is not None for key in rivals)
        for key in rivals & outputs[name].keys()
    }
    left = {
        name: {key: value for key, value in options.items() if ("outputs", name, key) not in gone}
        if isinstance(options, dict)
        else options
        for name, options in outputs.items()
    }
    lines = {path: line for path, line in said.lines.items() if path not in gone}
    return said._replace(values={**said.values, "outputs": left}, lines=lines)


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one nested mapping over another, key by key."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _validate(
    values: dict[str, Any], output_types: OutputTypes, sources: _Sources, *, warnings: list[str]
) -> Configuration:
    """Check everything and report all mistakes at once.

    Raises:
        ConfigurationError: one line for each mistake.
    """
    wrong: list[str] = []

    def explain(error: ValidationError, above: tuple[str, ...]) -> None:
        wrong.extend(mistakes.lines(error, above, values=values, output_types=output_types, place=sources.place))

    opened: Any = values["outputs"]
    if isinstance(opened, dict):
        opened = {}
        for name, options in values["outputs"].items():
            try:
                opened[name] = _output(options, output_types, f"{sources.place(('outputs', name))}: outputs.{name}")
            except ValidationError as error:
                explain(error, ("outputs", name))
            except ConfigurationError as error:
                wrong.append(str(error))
    try:
        many_writers = partial(_many_writers, output_types)
        context = {"warnings": warnings, "origins": sources.origins(), "many_writers": many_writers}
        configuration = Configuration.model_validate({**values, "outputs": opened}, context=context)
    except ValidationError as error:
        explain(error, ())
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return configuration


def _many_writers(output_types: OutputTypes) -> list[str]:
    """The types of output that several processes may write to at once; one that cannot be loaded is left out."""
    found: list[str] = []
    for kind in sorted(output_types):
        with suppress(ConfigurationError):
            found += [kind] if output_types[kind].takes_many_writers else []
    return found


def _output(options: Any, output_types: OutputTypes, place: str) -> ShipperSettings:
    """Validate one output by its type.

    Raises:
        ConfigurationError: there is no such type, or it cannot be used.
        pydantic.ValidationError: its options are wrong.
    """
    known = ", ".join(sorted(output_types))
    if not isinstance(options, dict):
        raise ConfigurationError(f"{place}: should be a section", f"write at least `type:` below it, one of {known}")
    kind = options.get("type")
    if kind is None and "type" in options:
        remedy = f'write "null" in quotes for the output type null, or use one of {known}'
        raise ConfigurationError(f"{place}.type: is empty (YAML reads null without quotes as empty)", remedy)
    if kind is None:
        raise ConfigurationError(f"{place}.type: is missing", f"use one of {known}")
    if not isinstance(kind, str) or kind not in output_types:
        remedy = mistakes.nearest(str(kind), sorted(output_types))
        more = "" if remedy.endswith("?") else ", or install the package that brings it"
        raise ConfigurationError(f"{place}.type: unknown type", remedy + more)
    try:
        settings = output_types[kind]
    except ConfigurationError as error:
        raise ConfigurationError(f"{place}.type: {error.cause}", error.remedy) from None
    return settings.model_validate(options)
