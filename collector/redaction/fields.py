"""Fields of a stream, and other members beside `log` → the same without secrets.

What labels, variables, log-opts and tags brought may hold some, and so may what a format has found in a line.
"""

from collections.abc import Mapping
from typing import Any

from collector.docker.labels import TRUSTED
from collector.redaction.redactor import Redactor
from collector.text.bounds import bounded

_NAMES = frozenset({"host", "@target", "docker_container", "file", *TRUSTED})  # what things are called is no secret
_OURS = frozenset({"stream", "@timestamp", "docker_time", "first", "last", "delivery_error"})
_ATTRS = "docker_attrs"


def redacted(fields: Mapping[str, str], redactor: Redactor) -> Mapping[str, str]:
    """`LogStream.fields` without their secrets, each of a bounded size; the same mapping where there are none."""
    found = {name: value if name in _NAMES else bounded(redactor.member(name, value)) for name, value in fields.items()}
    return fields if found == fields else found


def redacted_members(members: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """The members of a document but for its `log`, without their secrets."""
    texts = {name: value for name, value in members.items() if isinstance(value, str) and name not in _OURS}
    found = {**members, **redacted(texts, redactor)}
    if isinstance(attrs := members.get(_ATTRS), list):
        found[_ATTRS] = [_attribute(one, redactor) for one in attrs]
    return found


def _attribute(entry: object, redactor: Redactor) -> str:
    name, equals, value = str(entry).partition("=")
    return bounded(f"{name}={redactor.member(name, value)}") if equals else str(entry)
