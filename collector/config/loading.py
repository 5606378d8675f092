"""`pilotfish.yml` and `PILOTFISH_...` → one frozen `Configuration`: defaults, then the file, then the environment.

Every mistake names its place, its key and a remedy, never a value of a secret. Nothing else in the collector reads
the environment. Reading order: `models` (the keys), `load` here, `environment`, `others`, `mistakes`, `show`.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from collector.config import environment, logspout, mistakes, others, translating, yaml_file
from collector.config.environment import SECTIONS, Chosen, EnvironmentValues, Types
from collector.config.models import Configuration, Http, Log, Metrics
from collector.config.show import schema, show
from collector.config.yaml_file import FileValues
from collector.errors import ConfigurationError
from collector.intake.input import InputSettings
from collector.ports import ShipperSettings
from collector.state import places

__all__ = [
    "Configuration",
    "Http",
    "Log",
    "Metrics",
    "Types",
    "load",
    "schema",
    "show",
]


def load(
    path: Path | None, types: Types, environ: Mapping[str, str] | None = None, *, routes: str = ""
) -> Configuration:
    """Read the file at `path` (None: no file) and the environment; `routes` are those of the command line.

    Raises:
        ConfigurationError: one line for each mistake.
    """
    environ = os.environ if environ is None else environ
    try:
        return _load(path, types, environ, routes)
    except RecursionError:  # JSON in a variable; a file has its own bound
        remedy = "nest fewer levels, see docs/configuration.md"
        raise ConfigurationError("an environment variable has too many levels of sections", remedy) from None


def _load(path: Path | None, types: Types, environ: Mapping[str, str], routes: str) -> Configuration:
    said = yaml_file.read(path) if path is not None else FileValues("", {}, {})
    told = environment.read(environ, _sections(said.values), types)
    said = _giving_way(said, told, types)
    values = _sections(_merge(_sections(said.values), told.values))
    taken = translating.take_outputs(values, environ, types, routes)
    shared = _complete(values, environ, types)
    logspout.take(values, environ, types, taken)
    sources = _Sources(said, told, shared | taken.names)
    idle = others.warnings(environ, taken.used, taken.program)
    return _validate(values, types, sources, warnings=[*told.warnings, *taken.warnings, *idle], told=taken.told)


class _Sources:
    """Who said what."""

    def __init__(self, said: FileValues, told: EnvironmentValues, shared: Mapping[tuple[str, ...], str]) -> None:
        self.said, self.names = said, {**shared, **told.names}

    def place(self, path: tuple[str, ...]) -> str:
        """Where to look for the value at `path`, for one inside it, or for the nearest section around it."""
        inside = (name for known, name in self.names.items() if known[: len(path)] == path)
        if path not in self.said.lines and (name := next(inside, None)):
            return name
        for length in range(len(path), 0, -1):
            if name := self.names.get(path[:length]):
                return name
            if line := self.said.lines.get(path[:length]):
                return f"{self.said.name}:{line}"
        return self.said.name

    def origins(self) -> dict[tuple[str, ...], str]:
        """Path → `file` with its line, or `environment` with the variable."""
        found = {path: f"file, line {line}" for path, line in self.said.lines.items()}
        found |= {path: _origin(name) for path, name in self.names.items()}
        if ("http",) in found:  # `http: off` stands for its only key
            found.setdefault(("http", "listen"), found["http",])
        return found


def _origin(name: str) -> str:
    return name if name == translating.ARGUMENT else f"environment, {name}"


def _complete(values: dict[str, Any], environ: Mapping[str, str], types: Types) -> dict[tuple[str, ...], str]:
    """Fill in the defaults that depend on what is configured or on the machine; name the variables used."""
    values.setdefault("state_dir", str(places.state_dir(environ)))
    for section in SECTIONS:
        if values.get(section, {}) == {}:
            values[section] = {name: dict(options) for name, options in types.defaults.get(section, {}).items()}
    names = others.take_over(values, environ)
    if not isinstance(values["inputs"], dict):
        return names
    chosen = environment.chosen_types(values)
    values["inputs"] = dict(values["inputs"])
    for name, options in values["inputs"].items():
        settings = _input_settings(name, chosen, types)
        if settings is not None and isinstance(options, dict):
            found = settings.defaults(environ, options, f"inputs.{name}.")
            values["inputs"][name] = _merge(found.values, options)
            names |= {("inputs", name, key): variable for key, variable in found.names.items()}
    return names


def _input_settings(name: str, chosen: Chosen, types: Types) -> type[InputSettings] | None:
    with suppress(ConfigurationError):  # of a type that cannot be loaded, validation tells better
        return types.inputs.get(environment.type_of("inputs", name, chosen))
    return None


def _sections(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give a section that is named and left empty its empty mapping, and `http: off` its meaning."""
    values = dict(values)
    for key in ("inputs", "outputs", "redact", "http", "metrics", "log", "labels", "alerts", "containers", "tests"):
        if key in values and values[key] is None:
            values[key] = [] if key in ("containers", "tests") else {}
    if places.is_off(values.get("http", "")):
        values["http"] = {"listen": None}
    if isinstance(inputs := values.get("inputs"), dict):
        values["inputs"] = {name: {} if options is None else options for name, options in inputs.items()}
    return values


def _giving_way(said: FileValues, told: EnvironmentValues, types: Types) -> FileValues:
    """The file without the options of outputs whose place the environment's take: its API key for a password there.

    They exclude each other; `null` is no credential, but takes the option of that name away.
    """
    outputs, above = said.values.get("outputs"), told.values.get("outputs")
    if not isinstance(outputs, dict) or not isinstance(above, dict):
        return said
    chosen = environment.chosen_types(said.values, told.values)
    left, lines = dict(outputs), dict(said.lines)
    for name, options in outputs.items():
        if not isinstance(options, dict) or not isinstance(over := above.get(name), dict):
            continue
        settings = types.outputs.get(environment.type_of("outputs", name, chosen))
        given = {key for key, value in over.items() if value is not None}
        exclusive = settings.rivals() if settings is not None else ()
        gone = {key for rivals in exclusive if rivals & given for key in rivals & options.keys()}
        left[name] = {key: value for key, value in options.items() if key not in gone}
        for key in gone:
            lines.pop(("outputs", name, key), None)  # an alias brings options without lines
    return said._replace(values={**said.values, "outputs": left}, lines=lines)


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one nested mapping over another, key by key."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _validate(
    values: dict[str, Any], types: Types, sources: _Sources, *, warnings: list[str], told: list[str]
) -> Configuration:
    """Check everything and report all mistakes at once.

    Raises:
        ConfigurationError: one line for each mistake.
    """
    wrong: list[str] = []
    opened = dict(values)

    def explain(error: ValidationError, above: tuple[str, ...]) -> None:
        wrong.extend(mistakes.lines(error, above, values=values, types=types, place=sources.place))

    for section in SECTIONS:
        if not isinstance(values[section], dict):
            continue  # the whole is refused for it, below
        opened[section] = {}
        for name, options in values[section].items():
            try:
                opened[section][name] = _settings(section, name, options, types, sources, others=list(values[section]))
            except ValidationError as error:
                explain(error, (section, name))
            except ConfigurationError as error:
                wrong.append(str(error))
    try:
        many_writers = partial(_many_writers, types.outputs)
        context = {"warnings": warnings, "told": told, "origins": sources.origins(), "many_writers": many_writers}
        configuration = Configuration.model_validate(opened, context=context)
    except ValidationError as error:
        explain(error, ())
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return configuration


def _many_writers(types: Mapping[str, type[ShipperSettings]]) -> list[str]:
    """The types of output that several processes may write to at once; one that cannot be loaded is left out."""
    found: list[str] = []
    for kind in sorted(types):
        with suppress(ConfigurationError):
            found += [kind] if types[kind].takes_many_writers else []
    return found


def _settings(
    section: str, name: str, options: Any, types: Types, sources: _Sources, *, others: list[str]
) -> BaseModel:
    """Validate one input or output by its type; `others` stand beside it.

    Raises:
        ConfigurationError: there is no such type, or it cannot be used.
        pydantic.ValidationError: its options are wrong.
    """
    known: Mapping[str, type[BaseModel]] = getattr(types, section)
    place, words = f"{sources.place((section, name))}: {section}.{name}", ", ".join(sorted(known))
    what = section.removesuffix("s")
    if not isinstance(options, dict):
        raise ConfigurationError(f"{place}: should be a section", f"write at least `type:` below it, one of {words}")
    kind = options.get("type")
    if kind is None and "type" in options:
        remedy = f'write "null" in quotes for the {what} type null, or use one of {words}'
        raise ConfigurationError(f"{place}.type: is empty (YAML reads null without quotes as empty)", remedy)
    if kind is None and (section == "outputs" or name not in known):
        others = [*known, *others] if section == "inputs" else others
        near = get_close_matches(name, [one for one in others if one != name], 1)
        remedy = f"did you mean {section}.{near[0]}? If not, use one of" if near else "use one of"
        raise ConfigurationError(f"{place}.type: is missing", f"{remedy} {words}")
    kind = name if kind is None else kind
    if not isinstance(kind, str) or kind not in known:
        remedy = mistakes.nearest(str(kind), sorted(known))
        more = " If not," if remedy.endswith("?") else ", or"
        raise ConfigurationError(f"{place}.type: unknown type", f"{remedy}{more} install the package that brings it")
    try:
        settings = known[kind]
    except ConfigurationError as error:
        raise ConfigurationError(f"{place}.type: {error.cause}", error.remedy) from None
    return settings.model_validate(options)
