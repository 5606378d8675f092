"""Fields of a stream → the same without secrets: what labels, variables and tags brought may hold some."""

from collections.abc import Mapping
from functools import partial

from collector.docker.labels import TRUSTED
from collector.documents.formatted import Redacts
from collector.documents.redacted import Member
from collector.redaction.redactor import HIDDEN
from collector.redaction.tags import BEGINS, TAG
from collector.text.bounds import bounded

NAMES = frozenset({"host", "@target", "docker_container", "file", *TRUSTED})  # what things are called is no secret
_BEGINS = BEGINS.decode()


def redacted(fields: Mapping[str, str], redactor: Redacts, *, is_behind: bool = True) -> Mapping[str, str]:
    """`LogStream.fields` without their secrets, each of a bounded size; the same mapping where there are none.

    `is_behind`: `member_of`.
    """
    member = member_of(redactor, is_behind=is_behind)
    found = {name: value if name in NAMES else bounded(member(name, value)) for name, value in fields.items()}
    return fields if found == fields else found


def member_of(redactor: Redacts, *, is_behind: bool) -> Member:
    """What gives the value of a member as it may be seen.

    Unless the rules are behind those that were applied (`Redaction.missing`), what these have left of one is withheld.
    """
    return redactor.member if is_behind else partial(_whole, redactor)


def _whole(redactor: Redacts, name: str, value: str) -> str:
    is_left = _BEGINS in value and TAG.fullmatch(value.encode(errors="replace")) is None
    return HIDDEN if is_left else redactor.member(name, value)
