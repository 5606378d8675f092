"""Environment variables `PILOTFISH_A__B__C` → nested values, by the annotations of the models.

pydantic-settings' own source is not used: it reads only `os.environ`, passes over unknown keys in silence, takes
lists as JSON only, names only the section when a value is wrong, and must know the union of all outputs when its
class is made, while the outputs' types are loaded later.
"""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from collector.config.models import Configuration
from collector.errors import ConfigurationError
from collector.intake.input import InputSettings
from collector.ports import ShipperSettings

PREFIX = "PILOTFISH_"
# read by the commands themselves; the others appear by themselves when a Kubernetes service is called pilotfish
_OTHERS = re.compile(r"PILOTFISH_(DEBUG|CONFIG|SETUP_[A-Z_]+|SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_\d\w*)")
_LISTS = (list, tuple, set, frozenset)


SECTIONS = ("inputs", "outputs")


class Types(NamedTuple):
    """The types of input and of output, each with its settings; these members are named as the sections.

    `defaults`: by section, what is there when none is configured.
    """

    inputs: Mapping[str, type[InputSettings]]
    outputs: Mapping[str, type[ShipperSettings]]
    defaults: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


Chosen = Mapping[tuple[str, str], str]  # section and name of an input or output → its type


class EnvironmentValues(NamedTuple):
    """What the environment says: nested values, the variable behind each path, and lines about unknown keys."""

    values: dict[str, Any]
    names: dict[tuple[str, ...], str]
    warnings: list[str]


def read(environ: Mapping[str, str], file_values: Mapping[str, Any], types: Types) -> EnvironmentValues:
    """Collect all keys; an empty variable counts as not set. `file_values` tell the types of what is named there.

    Raises:
        ConfigurationError: a value that looks like JSON is not.
    """
    mine = {name: text for name, text in environ.items() if name.upper().startswith(PREFIX) and text}
    found = EnvironmentValues({}, {}, [])
    # a whole section comes before its single keys, which win, and the type of one before what depends on it
    for name in sorted(mine, key=lambda name: (name.count("__"), not name.upper().endswith("__TYPE"), name)):
        chosen = chosen_types(file_values, found.values)
        keys = tuple(name[len(PREFIX) :].lower().split("__"))
        annotation = _annotation_at(keys, chosen, types)
        if annotation is not None:
            value = _decode(annotation, mine[name], name)
            _set(found.values, keys, value)
            found.names.update(dict.fromkeys(_leaves(value, keys), name))
        elif not _OTHERS.fullmatch(name.upper()):
            found.warnings.append(_unknown(name, keys, chosen, types))
    return found


def kinds(annotation: Any) -> Iterator[Any]:
    """The types inside an annotation, without unions and metadata: `list[str] | None` gives `list[str]`, `NoneType`."""
    if get_origin(annotation) is Annotated:
        yield from kinds(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            yield from kinds(member)
    else:
        yield annotation


def model_at(keys: tuple[str, ...], chosen: Chosen, types: Types) -> type[BaseModel] | None:
    """The section that stands at a path of keys, or None."""
    found: Any
    if len(keys) == 2 and keys[0] in SECTIONS:
        found = settings_at(keys[0], keys[1], chosen, types)
    else:
        found = _annotation_at(keys, chosen, types) if keys else Configuration
    return next((kind for kind in kinds(found) if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def settings_at(section: str, name: str, chosen: Chosen, types: Types) -> type[BaseModel] | None:
    """The options of the input or output of that name; None: its type is not known."""
    known: Mapping[str, type[BaseModel]] = getattr(types, section)
    return known.get(type_of(section, name, chosen))


def type_of(section: str, name: str, chosen: Chosen) -> str:
    """The type of an input or output; an input that tells none has its name for a type."""
    return chosen.get((section, name), name if section == "inputs" else "")


def _annotation_at(keys: tuple[str, ...], chosen: Chosen, types: Types) -> Any | None:
    """The annotation of the value at a path of keys; `Any` where nothing is known of it; None: no such key."""
    here: Any = Configuration
    if len(keys) >= 2 and keys[0] in SECTIONS:
        if len(keys) == 2:
            return BaseModel
        # an unknown type is an error that validation tells better
        here, keys = settings_at(keys[0], keys[1], chosen, types) or Any, keys[2:]
    for key in keys:
        if here is Any:
            return Any
        here = next((inner for kind in kinds(here) if (inner := _inner(kind, key)) is not None), None)
    return here


def _inner(kind: Any, key: str) -> Any | None:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(key)
        return field.annotation if field is not None else None
    if get_origin(kind) is dict or kind is dict:
        return (get_args(kind) or (str, Any))[1]
    if get_origin(kind) in (list, tuple) and key.isdecimal():
        return get_args(kind)[0]
    return None


def chosen_types(*layers: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Section and name of each input and output → its `type`, as the last layer that says it has it."""
    return {
        (section, name): options["type"]
        for layer in layers
        for section in SECTIONS
        if isinstance(named := layer.get(section), dict)
        for name, options in named.items()
        if isinstance(options, dict) and isinstance(options.get("type"), str)
    }


def _decode(annotation: Any, text: str, name: str) -> Any:
    """Text → what validation expects: a list may be JSON or comma separated, a section is JSON."""
    types = [get_origin(kind) or kind for kind in kinds(annotation)]
    if text == "null" and NoneType in types:
        return None
    if any(kind in _LISTS for kind in types) and not text.startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    nested = any(kind is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)) for kind in types)
    if text[0] in "[{" and (nested or any(kind in _LISTS for kind in types)):
        try:
            return json.loads(text)
        except ValueError:
            raise ConfigurationError(
                f"{name}: begins like JSON but is not valid JSON", "check quotes and brackets"
            ) from None
    return text


def _set(values: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    for key in keys[:-1]:
        if not isinstance(values.get(key), dict):
            values[key] = {}
        values = values[key]
    values[keys[-1]] = value


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The path of a value and of everything inside it."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from _leaves(inner, (*path, str(key)))


def _unknown(name: str, keys: tuple[str, ...], chosen: Chosen, types: Types) -> str:
    """The warning for a variable that is no key, with the nearest that is one."""
    paths = list(_paths(Configuration, ()))
    for section, named in [*chosen, *(("inputs", kind) for kind in types.inputs)]:
        if (settings := settings_at(section, named, chosen, types)) is not None:
            paths += _paths(settings, (section, named))
    known = ["__".join(path) for path in paths]
    near = get_close_matches("__".join(keys), known, 1)
    advice = f"did you mean {PREFIX}{near[0].upper()}?" if near else "see `pilotfish config schema`"
    return f"{name}: unknown key, ignored: {advice}"


def _paths(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, field in model.model_fields.items():
        sections = [kind for kind in kinds(field.annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if sections:
            yield from _paths(sections[0], (*above, key))
        else:
            yield (*above, key)
