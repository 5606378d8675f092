"""Validation errors → lines for the user: where it stands, which key, what is wrong, what to do; never a value."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from collector.config.environment import Types, chosen_types, kinds, model_at
from collector.text.masking import MASK, mask_url

SECRET_KEY = re.compile(r"(^|_)(pass|password|passphrase|secret|token|api_key|apikey|credentials?)$")

_LONG = 8  # characters

Path = tuple[str, ...]


def nearest(word: str, known: Iterable[str]) -> str:
    """The remedy for a word that is not known."""
    words = list(known)
    near = get_close_matches(word, words, 1)
    return f"did you mean {near[0]}?" if near else f"use one of {', '.join(words)}"


def lines(
    error: ValidationError,
    above: Path,
    *,
    values: Mapping[str, Any],
    types: Types,
    place: Callable[[Path], str],
) -> Iterator[str]:
    """Each mistake as `<place>: <key>: <what>: <remedy>`; `above` is the path of what was validated in `values`."""
    chosen = chosen_types(values)
    secrets = sorted(_secrets(values), key=len, reverse=True)
    for detail in error.errors(include_url=False, include_context=True, include_input=False):
        path = above + tuple(str(part) for part in detail["loc"] if part != "[key]")
        parent = model_at(path[:-1], chosen, types)
        what, remedy = _explain(detail, path, parent)
        what, remedy = (_hidden(mask_url(text), secrets) for text in (what, remedy))
        yield ": ".join(part for part in (place(path), ".".join(path), what, remedy) if part)


def _hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without any of the secrets; a short one is hidden as a word only, or it would hide half of the text."""
    for secret in secrets:
        pattern = re.escape(secret)
        text = re.sub(pattern if len(secret) >= _LONG else rf"(?<!\w){pattern}(?!\w)", MASK, text)
    return text


def _explain(detail: ErrorDetails, path: Path, parent: type[BaseModel] | None) -> tuple[str, str]:
    """What is wrong and what to do about it."""
    if detail["type"] == "extra_forbidden":
        return "unknown key", nearest(path[-1], parent.model_fields) if parent else "remove it"
    if detail["loc"] and detail["loc"][-1] == "[key]":
        what = path[0].removesuffix("s")
        return f"not a valid {what} name", "start with a letter, then use lower-case letters, digits and _"
    if detail["type"] in ("model_type", "model_attributes_type", "dict_type"):
        known = f": {', '.join(parent_fields)}" if (parent_fields := _inside(path, parent)) else ""
        return "should be a section", f"write its keys below it{known}"
    if detail["type"] in ("list_type", "tuple_type"):
        return "should be a list", "write each entry on a line of its own that begins with `- `"
    if detail["type"] == "string_type":
        return "should be a string", "put it in quotes"
    what = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "missing":
        what = "is missing"
    what, _, advice = what.partition("; ")
    return _lower(what), advice or _description(path, parent)


def _lower(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _description(path: Path, parent: type[BaseModel] | None) -> str:
    """The key's own description; of a list's element the list's."""
    field = parent.model_fields.get(path[-1]) if parent else None
    return f"the option means: {field.description}" if field is not None and field.description else ""


def _inside(path: Path, parent: type[BaseModel] | None) -> list[str]:
    field = parent.model_fields.get(path[-1]) if parent else None
    found = [kind for kind in kinds(field.annotation) if isinstance(kind, type)] if field is not None else []
    return [key for kind in found if issubclass(kind, BaseModel) for key in kind.model_fields]


def _secrets(values: Any, key: str = "") -> Iterator[str]:
    """Every text under a key that is named like a secret."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _secrets(value, str(name))
    elif isinstance(values, list):
        for value in values:
            yield from _secrets(value, key)
    elif values and SECRET_KEY.search(key):
        yield values.get_secret_value() if isinstance(values, SecretStr) else str(values)
