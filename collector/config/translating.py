"""The destinations that log-pilot's or logspout's words name → outputs of ours, beside what is configured.

Each type of output is asked for its own words (`ShipperSettings.from_route`, `from_log_pilot`). The variables count
where no outputs are configured; the routes of the command line count always. Every word is told: with what it became,
or with why it has no effect.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct, field

from collector.config import routes
from collector.config.environment import Types
from collector.config.routes import Filters, Wanted
from collector.errors import ConfigurationError
from collector.files import paths
from collector.ports import LogPilot, ShipperSettings, Translated

ARGUMENT = "command line"
ROUTE_URIS = "ROUTE_URIS"
SECRETS = Path("/run/secrets")
_ROUTES_PATH = "ROUTESPATH"
_OUTPUTS = ("FLUENTD_OUTPUT", "FILEBEAT_OUTPUT", "LOGGING_OUTPUT")  # the first that is set counts, as there
# The option of every output that stands for a filter of a route.
_FILTERS = {"id": "container_ids", "name": "containers", "labels": "container_labels", "sources": "of_stream"}
_BOTH = {"stdout", "stderr"}


class Taken(Struct):
    """What was taken over: the source of the value at each path, lines about it, and the variables that they are about.

    `told` is what became of a word, `warnings` what has no effect; `program` is whose words count, "" if none do.
    `multiline` is the source of a route whose lines are to be joined, "" if none is. `members` are what documents have
    to tell beside the usual, by the keys of `fields` in a rule.
    """

    names: dict[tuple[str, ...], str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    program: str = ""
    multiline: str = ""
    members: dict[str, list[str]] = field(default_factory=dict)


class Found(NamedTuple):
    """A type of output, and what its options are."""

    kind: str
    settings: type[ShipperSettings]
    translated: Translated


def take_outputs(
    values: dict[str, Any], environ: Mapping[str, str], types: Types, argument: str = "", secrets: Path = SECRETS
) -> Taken:
    """Fill in the outputs that they name; `argument` holds routes of the command line.

    Raises:
        ConfigurationError: a route cannot be had here.
    """
    taken = Taken()
    is_free = values.get("outputs", {}) == {}
    wanted = list(_wanted(environ, argument, is_free=is_free))
    if wanted:
        taken.program = "logspout"
        taken.multiline = next((one.said_in for one in wanted if one.is_multiline), "")
        taken.used |= {one.said_in for one in wanted} | ({_ROUTES_PATH} if environ.get(_ROUTES_PATH) else set())
        outputs = dict(values.get("outputs") or {})
        for one in wanted:
            name = _free(one.name, outputs)
            outputs[name] = _of_route(one, name, types, taken)
        values["outputs"] = outputs
    elif is_free:
        _of_log_pilot(values, environ, types, taken, secrets)
    return taken


def _wanted(environ: Mapping[str, str], argument: str, *, is_free: bool) -> Iterator[Wanted]:
    """The routes that count: those of the command line in place of the variable's, as with logspout."""
    if argument:
        yield from routes.parse(argument, ARGUMENT, environ)
    elif is_free:
        yield from routes.parse(environ.get(ROUTE_URIS, ""), ROUTE_URIS, environ)
    directory = Path(environ.get(_ROUTES_PATH) or "/")
    if is_free and directory.name and directory.is_dir():
        yield from routes.of_directory(directory, environ)


def _free(name: str, taken: Mapping[str, Any]) -> str:
    names = [name, *(f"{name}_{number}" for number in range(2, len(taken) + 3))]
    return next(one for one in names if one not in taken)


def _of_route(wanted: Wanted, name: str, types: Types, taken: Taken) -> dict[str, Any]:
    """The options of the output that a route becomes.

    Raises:
        ConfigurationError: no type of output knows the adapter.
    """
    found = output_of(wanted, types.outputs)
    options = {"type": found.kind, **found.translated.options, **_filtered(wanted.filters)}
    taken.told.append(f"{wanted.place}: becomes the output {name} of the type {found.kind}")
    for key, members in found.translated.members.items():
        taken.members[key] = sorted({*taken.members.get(key, ()), *members})
    of_route = set(wanted.route.options)
    _tell(taken, name, found.translated, wanted.said_in, "logspout", inside=of_route)
    known = {word for words in found.translated.origins.values() for word in _divided(words)}
    for option in sorted(of_route - known - found.translated.idle.keys()):
        taken.warnings.append(f"{wanted.place}: the option {option} is ignored: the output {name} has nothing like it")
    for option in options:
        taken.names.setdefault(("outputs", name, option), wanted.said_in)
    return options


def output_of(wanted: Wanted, outputs: Mapping[str, type[ShipperSettings]]) -> Found:
    """What the destination of a route is here.

    Raises:
        ConfigurationError: no type of output knows the adapter.
    """
    found = _asked(outputs, lambda settings: settings.from_route(wanted.route))
    if found is None:
        raise ConfigurationError(
            f"{wanted.place} names the adapter {wanted.route.adapter!r}, and no output is like it",
            f"configure one of the outputs {', '.join(sorted(outputs))}",
        )
    return found


def _filtered(filters: Filters) -> dict[str, Any]:
    """The options that stand for the filters of a route."""
    said = {
        "id": [filters.id[:12]] if filters.id else [],
        "name": [filters.name] if filters.name else [],
        "labels": dict(filters.labels),
        "sources": "" if {*filters.sources} == _BOTH else "".join(sorted({*filters.sources})),
    }
    return {_FILTERS[name]: value for name, value in said.items() if value}


def _of_log_pilot(
    values: dict[str, Any], environ: Mapping[str, str], types: Types, taken: Taken, secrets: Path
) -> None:
    """Fill in the output that log-pilot's environment names, if it names one."""
    variable = next((name for name in _OUTPUTS if environ.get(name)), "")
    if not variable:
        return
    word = environ[variable]
    said = LogPilot(word, environ, lambda name: _secret(secrets / name))
    found = _asked(types.outputs, lambda settings: settings.from_log_pilot(said))
    if found is None:
        taken.used.add(variable)
        taken.warnings.append(f"{variable}: no output is like this one of log-pilot's: configure `outputs`")
        return
    name = word if word.isidentifier() and word.islower() and word.isascii() else found.kind
    taken.program = "log-pilot"
    taken.used |= {variable} | ({"PILOT_TYPE"} if environ.get("PILOT_TYPE") else set())
    taken.told.append(f"{variable}: becomes the output {name} of the type {found.kind}")
    values["outputs"] = {name: {"type": found.kind, **found.translated.options}}
    _tell(taken, name, found.translated, variable, "log-pilot")
    for option in values["outputs"][name]:
        taken.names.setdefault(("outputs", name, option), variable)


def _secret(path: Path) -> str:
    """The text of a secret; "" if there is no file.

    Raises:
        ConfigurationError: there is one, and it cannot be read.
    """
    try:
        return paths.content(path).decode("utf-8-sig", "surrogateescape").strip("\r\n")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})", "give this user access") from None


def _asked(
    outputs: Mapping[str, type[ShipperSettings]], ask: Callable[[type[ShipperSettings]], Translated | None]
) -> Found | None:
    """The first type of output that knows what is named. One that cannot be loaded knows nothing."""
    known: list[tuple[str, type[ShipperSettings]]] = []
    for kind in outputs:
        with suppress(ConfigurationError):
            settings = outputs[kind]
            known.append((kind, settings))
    for kind, settings in known:
        if (translated := ask(settings)) is not None:
            return Found(kind, settings, translated)
    return None


def _tell(
    taken: Taken, name: str, translated: Translated, said_in: str, program: str, *, inside: Collection[str] = ()
) -> None:
    """Note what became of each word; those `inside` are options of a route, the others variables or files."""
    for option, words in translated.origins.items():
        taken.names["outputs", name, option] = said_in if words in inside else words
        for word in _divided(words):
            taken.told.append(f"{_placed(word, said_in, program, inside)} sets outputs.{name}.{option}")
            taken.used.add(word)
    for word, why in translated.idle.items():
        if (line := f"{_placed(word, said_in, program, inside)} is ignored: {why}") not in taken.warnings:
            taken.warnings.append(line)
        taken.used.add(word)


def _placed(word: str, said_in: str, program: str, inside: Collection[str]) -> str:
    return f"{said_in}: the option {word} of a route" if word in inside else f"{word}: this word of {program}'s"


def _divided(words: str) -> list[str]:
    """Several words that say one option."""
    return [word.strip() for word in words.split(",")]
