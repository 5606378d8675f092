"""Options that narrow what is shown → a query for a search, or a test for each document of a tail."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, NamedTuple

import typer


class Level(StrEnum):
    """Levels, lowest first."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"
    FATAL = "fatal"


class Stream(StrEnum):
    """What a container writes to."""

    STDOUT = "stdout"
    STDERR = "stderr"


Include = Annotated[
    list[str] | None,
    typer.Option(
        "-i", "--include", metavar="TEXT", help="Only documents that contain this text; repeated: one of the texts."
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("-e", "--exclude", metavar="TEXT", help="No documents that contain this text; may be repeated."),
]
WorstLevels = Annotated[Level | None, typer.Option("--level", help="Only documents of this level, or of a worse one.")]
OfStream = Annotated[Stream | None, typer.Option("--stream", help="Only documents of this stream.")]
_LEVEL_MEMBERS = ("level", "severity", "lvl")


class Picked(NamedTuple):
    """What was asked for."""

    include: list[str] | None = None
    exclude: list[str] | None = None
    level: Level | None = None
    stream: Stream | None = None
    container: str | None = None

    def query(self, given: list[str] | None) -> str:
        """The query that finds these among what the words `given` find; a pipe at the end stays there.

        Raises:
            QueryError: the pipe cannot be read.
        """
        words = " ".join(given or ())
        parts = [*_any_of(self.include), *(f"NOT {_quoted(text)}" for text in self.exclude or ())]
        parts += _worse(self.level) if self.level else []
        parts += [f"stream:{self.stream}"] if self.stream else []
        parts += [f"container:{_name(self.container)}"] if self.container else []
        if not parts:
            return words
        from collector.search.pipes import parsed

        asked, _ = parsed(words)
        found = [f"({asked.strip()})", *parts] if asked.strip() else parts
        return " AND ".join(found) + (f" {words[len(asked) :]}" if words[len(asked) :] else "")

    def test(self) -> Callable[[bytes], bool]:
        """Whether a document is one of them; the container is not looked at."""
        import orjson

        from collector.documents.document import is_document, line, source, split
        from collector.documents.levels import NAMES, level_of

        included, excluded = ([orjson.dumps(text)[1:-1].lower() for text in texts or ()] for texts in self[:2])
        levels = NAMES[NAMES.index(self.level) :] if self.level else ()

        def admits(document: bytes) -> bool:
            low = document.lower()  # as the agent does
            if (included and not any(text in low for text in included)) or any(text in low for text in excluded):
                return False
            if self.stream and source(document) != self.stream:
                return False
            if not levels:
                return True
            return is_document(document) and level_of(split(document).log.decode(), line(document)) in levels

        return admits


def _any_of(texts: list[str] | None) -> list[str]:
    quoted = [_quoted(text) for text in texts or ()]
    return [f"({' OR '.join(quoted)})"] if len(quoted) > 1 else quoted


def _worse(level: Level) -> list[str]:
    """Documents that say this level or a worse one, in one of the words for it."""
    from collector.documents.levels import ALIASES, NAMES

    names = NAMES[NAMES.index(level) :]
    if len(names) == len(NAMES):
        return []
    words = " ".join(word for name in names for word in ALIASES[name] if len(word) > 1)
    return [f"({' OR '.join(f'{member}:IN [{words}]' for member in _LEVEL_MEMBERS)})"]


def _name(text: str) -> str:
    """The name of a container, or what it begins with before a star."""
    return f"{_quoted(text.removesuffix('*'))}*" if text.endswith("*") else _quoted(text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
