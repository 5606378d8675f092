"""Fields of a stream → the same without secrets: what labels, variables and tags brought may hold some."""

from collections.abc import Mapping

from collector.docker.labels import TRUSTED
from collector.redaction.redactor import Redactor
from collector.text.bounds import bounded

_NAMES = frozenset({"host", "@target", "docker_container", "file", *TRUSTED})  # what things are called is no secret


def redacted(fields: Mapping[str, str], redactor: Redactor) -> Mapping[str, str]:
    """`LogStream.fields` without their secrets, each of a bounded size; the same mapping where there are none."""
    found = {name: value if name in _NAMES else bounded(redactor.member(name, value)) for name, value in fields.items()}
    return fields if found == fields else found
