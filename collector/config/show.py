"""`Configuration` → YAML as it is in effect, secrets masked; and the JSON Schema of the whole file."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic.json_schema import models_json_schema

from collector.config.environment import OutputTypes
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
        else:
            yield f"{indent}{_scalar(key)}: {_scalar(_masked(key, value))}", origins.get(path, "default")


def _masked(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(key, one) for one in value]
    if value and SECRET_KEY.search(key) and not isinstance(value, bool):
        return MASK
    return mask_url(value) if isinstance(value, str) else value


def _scalar(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1 << 20)
    return str(text).removesuffix("\n").removesuffix("\n...")


def schema(output_types: OutputTypes) -> dict[str, Any]:
    """The JSON Schema of the file, with the outputs told apart by their `type`."""
    models = {kind: output_types[kind] for kind in sorted(output_types)}
    wanted = [(model, "validation") for model in (Configuration, *models.values())]
    references, rest = models_json_schema(wanted, ref_template="#/$defs/{model}")  # type: ignore[arg-type]  # a list of pairs
    definitions = rest["$defs"]
    names = {kind: references[model, "validation"]["$ref"] for kind, model in models.items()}
    for kind, name in names.items():
        options = definitions[name.removeprefix("#/$defs/")]
        options["properties"]["type"] = {"const": kind, "description": "the kind of output"}
        options["required"] = sorted({*options.get("required", []), "type"})
    root = definitions.pop(references[Configuration, "validation"]["$ref"].removeprefix("#/$defs/"))
    outputs = root["properties"]["outputs"]
    outputs["additionalProperties"] = False
    outputs["patternProperties"] = {
        pattern: {
            "oneOf": [{"$ref": name} for name in names.values()],
            "discriminator": {"propertyName": "type", "mapping": names},
        }
        for pattern in outputs["patternProperties"]
    }
    root.pop("required", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **root,
        "title": "pilotfish.yml",
        "$defs": definitions,
    }
