"""A filter over trusted members alone, such as a token's → whether a document of these members matches it.

What is asked of a store as a further text (`Query.only`) is asked here of documents that are still on their way: both
mean the same. Nothing that an application writes can be named in it, so no line gets past it.
"""

from collections.abc import Mapping
from functools import lru_cache

from collector.errors import QueryError
from collector.search import language
from collector.search.language import AllOf, AnyOf, Asked, Whole

_REMEDY = "use target, container, host, stream, docker_… and k8s_…, as in `target:shop OR container:web-*`"


@lru_cache(maxsize=256)
def read(text: str) -> Asked:
    """The meaning of a filter.

    Raises:
        QueryError: it is not of the language, is empty, or asks for more than trusted members.
    """
    asked = language.parsed(text)
    if not text.strip() or not _is_trusted(asked):
        raise QueryError("the filter asks for more than trusted members, or for nothing", _REMEDY)
    return asked


def admits(text: str, members: Mapping[str, str]) -> bool:
    """Whether a document with these trusted members (`@target`, `docker_container`, `stream`, …) matches the filter.

    Raises:
        QueryError: it is no filter.
    """
    return _matches(read(text), members)


def _is_trusted(asked: Asked) -> bool:
    match asked:
        case Whole(name):
            return name != "delivery_error"
        case AnyOf(some):
            return all(map(_is_trusted, some))
        case AllOf(all_, unwanted):
            return all(map(_is_trusted, (*all_, *unwanted)))
    return False


def _matches(asked: Asked, members: Mapping[str, str]) -> bool:
    match asked:
        case Whole(name, text, is_prefix):
            value = members.get(name)
            return value is not None and (value.startswith(text) if is_prefix else value == text)
        case AnyOf(some):
            return any(_matches(each, members) for each in some)
        case AllOf(all_, unwanted):
            return all(_matches(each, members) for each in all_) and not any(_matches(e, members) for e in unwanted)
    return False
