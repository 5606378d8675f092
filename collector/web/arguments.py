"""The query string of a request → values, or one error that says what is wrong with it."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC

from collector.errors import QueryError
from collector.text.times import moment

MOST_DOCUMENTS = 10_000
MOST_TEXT = 4096  # characters of a query or a filter


def known(given: Mapping[str, str], names: set[str]) -> None:
    """See that nothing else is given.

    Raises:
        QueryError: something is.
    """
    if strange := set(given) - names:
        raise QueryError(f"{', '.join(sorted(strange))}: no such argument", f"use {', '.join(sorted(names))}")


def text(given: Mapping[str, str], name: str) -> str:
    """A text, "" when it is not given.

    Raises:
        QueryError: it is too long.
    """
    found = given.get(name, "")
    if len(found) > MOST_TEXT:
        raise QueryError(f"{name}: is longer than {MOST_TEXT} characters", "shorten it")
    return found


def moment_of(given: Mapping[str, str], name: str) -> int | None:
    """Nanoseconds since 1970, None when it is not given.

    Raises:
        QueryError: it is no time.
    """
    if not given.get(name):
        return None
    try:
        return moment(given[name], now=time.time_ns(), zone=UTC)
    except ValueError as error:
        raise QueryError(f"{name}: {error}", "a duration counts back from now") from None


def one_of(given: Mapping[str, str], name: str, choices: Sequence[str]) -> str:
    """One of these words, the first of them when it is not given.

    Raises:
        QueryError: it is another.
    """
    found = given.get(name) or choices[0]
    if found not in choices:
        raise QueryError(f"{name}: {found[:40]!r} is unknown", f"use {' or '.join(choices)}")
    return found


def number(given: Mapping[str, str], name: str, most: int, default: str) -> int:
    """A number from 0 on.

    Raises:
        QueryError: it is none, or over `most`.
    """
    found = given.get(name, default)
    if not (found.isascii() and found.isdigit() and len(found) < 9 and int(found) <= most):
        raise QueryError(f"{name}: not a number that can be asked for", f"use 0 to {most}")
    return int(found)


def limit(given: Mapping[str, str], default: str = "20") -> int:
    """How many documents.

    Raises:
        QueryError: it is no number of documents.
    """
    found = given.get("limit", default)
    if not (found.isascii() and found.isdigit() and len(found) < 9 and int(found) <= MOST_DOCUMENTS):
        raise QueryError("limit: not a number of documents", f"use 0 to {MOST_DOCUMENTS}")
    return int(found)
