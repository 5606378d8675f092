"""`Configuration` → YAML as it is in effect, secrets masked; and the JSON Schema of the whole file."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic.json_schema import models_json_schema

from collector.config.environment import SECTIONS, Types
from collector.config.mistakes import SECRET_KEY
from collector.config.models import Configuration
from collector.text.masking import MASK, mask_url


def show(configuration: Configuration, *, origin: bool = False) -> str:
    """Render every key with the value in effect; with `origin` each line tells where its value came from."""
    values = configuration.model_dump(mode="json")
    rows = list(_rows(values, (), configuration.origins))
    width = max(len(text) for text, _ in rows)
    return "".join(f"{text:<{width}}  # {whence}\n" if origin and whence else f"{text}\n" for text, whence in rows)


def _rows(
    values: Mapping[str, Any], above: tuple[str, ...], origins: Mapping[tuple[str, ...], str]
) -> Iterator[tuple[str, str]]:
    """Lines of YAML, each with its origin; a section's own line has none."""
    for key, value in values.items():
        path = (*above, key)
        indent = "  " * len(above)
        if isinstance(value, dict) and value:
            yield f"{indent}{_scalar(key)}:", ""
            yield from _rows(value, path, origins)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"{indent}{_scalar(key)}:", origins.get(path, "default")
            yield from ((f"{indent}- {_scalar(_masked(key, _said(one)))}", "") for one in value)
        else:
            yield f"{indent}{_scalar(key)}: {_scalar(_masked(key, value))}", origins.get(path, "default")


def _said(value: Mapping[str, Any]) -> dict[str, Any]:
    """Of one in a list what somebody wrote."""
    found = {key: _said(one) if isinstance(one, dict) else one for key, one in value.items()}
    return {key: one for key, one in found.items() if one not in (None, {}, [], "*")}


def _masked(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(key, one) for one in value]
    if isinstance(value, dict):
        return {name: _masked(name, one) for name, one in value.items()}
    if value and SECRET_KEY.search(key) and not isinstance(value, bool):
        return MASK
    return mask_url(value) if isinstance(value, str) else value


def _scalar(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1 << 20)
    return str(text).removesuffix("\n").removesuffix("\n...")


def schema(types: Types) -> dict[str, Any]:
    """The JSON Schema of the file, with inputs and outputs told apart by their `type`; an input's name may say it."""
    models = {(at, kind): getattr(types, at)[kind] for at in SECTIONS for kind in sorted(getattr(types, at))}
    wanted = [(model, "validation") for model in (Configuration, *models.values())]
    references, rest = models_json_schema(wanted, ref_template="#/$defs/{model}")  # type: ignore[arg-type]  # a list of pairs
    definitions = rest["$defs"]
    names = {where: references[model, "validation"]["$ref"] for where, model in models.items()}
    for (section, kind), name in names.items():
        options = definitions[name.removeprefix("#/$defs/")]
        options["properties"]["type"] = {"const": kind, "description": f"the type of {section.removesuffix('s')}"}
        if section == "outputs":
            options["required"] = sorted({*options.get("required", []), "type"})
    root = definitions.pop(references[Configuration, "validation"]["$ref"].removeprefix("#/$defs/"))
    for section in SECTIONS:
        mapping = {kind: name for (where, kind), name in names.items() if where == section}
        _tell_apart(root["properties"][section], mapping, is_named_by_type=section == "inputs")
    root.pop("required", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **root,
        "title": "pilotfish.yml",
        "description": "The configuration of Pilotfish",
        "$defs": definitions,
    }


def _tell_apart(section: dict[str, Any], mapping: Mapping[str, str], *, is_named_by_type: bool) -> None:
    """Each member of the section is of one of the types; without a `type` it is of the one that it is called by."""
    ((pattern, _),) = section["patternProperties"].items()
    choice = {
        "required": ["type"],
        "oneOf": [{"$ref": name} for name in mapping.values()],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    if is_named_by_type:
        pattern = f"^(?!({'|'.join(mapping)})$){pattern.removeprefix('^')}"
        section["properties"] = {
            kind: {"if": {"required": ["type"]}, "then": choice, "else": {"$ref": name}}
            for kind, name in mapping.items()
        }
    section["patternProperties"] = {pattern: choice}
    section["additionalProperties"] = False
