"""A document → one line for people: time, container, level, message, the other keys dimmed. Nothing in it is obeyed."""

from collections.abc import Callable, Sequence
from string import Formatter
from typing import Any
from zlib import crc32

import msgspec
import orjson
from msgspec import Raw, Struct

from collector.cli.terminal import visible
from collector.documents.document import LEVELS, MESSAGES, level, level_name, message, without_id
from collector.documents.document import line as said_line
from collector.errors import UNREADABLE

_LEVEL_COLOURS = {
    **dict.fromkeys(("fatal", "critical", "crit", "emerg", "alert", "panic"), "1;31"),
    **dict.fromkeys(("error", "err"), "31"),
    **dict.fromkeys(("warn", "warning"), "33"),
    **dict.fromkeys(("info", "notice", "information"), "32"),
    **dict.fromkeys(("debug", "trace", "verbose"), "2"),
}
_CONTAINER_COLOURS = ("36", "35", "34", "32", "33", "96", "95", "94", "92", "93")
_DIM = "2"
_NAMES = {"time": "@timestamp", "target": "@target", "container": "docker_container", "id": "_id"}


class _Letter(Struct):
    output: str
    target: str
    reason: str
    document: Raw
    detail: str = ""
    time: str = ""


def line(document: bytes, *, coloured: bool) -> str:
    """Render a document; what is no document is shown as it stands, made harmless."""
    try:
        fields = orjson.loads(document)
    except UNREADABLE:
        fields = None
    if not isinstance(fields, dict):
        return visible(document.decode("utf-8", "replace"))
    log = fields.get("log")
    log = dict(log) if isinstance(log, dict) else {}
    text = _take(log, MESSAGES)
    its_level = visible(level_name(_take(log, LEVELS)))
    container = _text(fields.get("docker_container", "-"))
    paint = _painted if coloured else _plain
    parts = [
        paint(_text(fields.get("@timestamp", "-")), _DIM),
        paint(container, _CONTAINER_COLOURS[crc32(container.encode("utf-8", "replace")) % len(_CONTAINER_COLOURS)]),
        paint(its_level.upper(), _LEVEL_COLOURS.get(its_level.lower(), "")),
        _text(text),
        *(paint(f"{visible(str(key))}={_text(value)}", _DIM) for key, value in log.items()),
    ]
    return " ".join(part for part in parts if part)


def templated(text: str) -> Callable[[bytes], str]:
    """What renders documents by a template: `{message}`, `{time}`, a member beside `log`, or one of the line.

    Raises:
        ValueError: it is no template.
    """
    parts = list(Formatter().parse(text))
    if any(spec or conversion or name == "" for _, name, spec, conversion in parts):
        raise ValueError("a brace holds the name of a member, and nothing else")
    return lambda document: "".join(
        literal + ("" if name is None else _named(document, name)) for literal, name, _, _ in parts
    )


def raw(document: bytes, *, is_terminal: bool) -> str:
    """The line as its application wrote it; a terminal obeys nothing in it."""
    found = said_line(without_id(document))
    return visible(found) if is_terminal else found


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a table: numbers stand on the right."""
    cells = [[_text(each if each is not None else "-") for each in row] for row in rows]
    heads = [visible(each) for each in columns]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    is_right = [all(isinstance(row[at], int | float | None) for row in rows) for at in range(len(heads))]
    return [
        "  ".join(
            f"{cell:>{width}}" if right else f"{cell:<{width}}"
            for cell, width, right in zip(line, widths, is_right, strict=True)
        ).rstrip()
        for line in [heads, *cells]
    ]


def _named(document: bytes, name: str) -> str:
    """A member by its name in a template; "" if the document has none."""
    try:
        fields = orjson.loads(document)
    except UNREADABLE:
        return ""
    log = fields.get("log")
    if name == "message":
        return visible(message(without_id(document)))
    if name == "level":
        return visible(level(without_id(document)))
    name = _NAMES.get(name, name)
    found = fields.get(name)
    if found is None:
        found = log
        for part in name.removeprefix("log.").split("."):
            found = found.get(part) if isinstance(found, dict) else None
    return "" if found is None else _text(found)


def letter(text: bytes, *, coloured: bool) -> str:
    """Render a dead letter on two lines: when, which output, target and why; then the document."""
    try:
        found = msgspec.json.decode(text, type=_Letter)
    except UNREADABLE:
        return visible(text.decode("utf-8", "replace"))
    paint = _painted if coloured else _plain
    why = f"{visible(found.reason)}{': ' if found.detail else ''}{visible(found.detail)}"
    head = [paint(visible(found.time or "-"), _DIM), visible(found.output), visible(found.target), paint(why, "31")]
    return f"{' '.join(head)}\n  {line(bytes(found.document), coloured=coloured)}"


def _take(log: dict[str, Any], keys: tuple[str, ...]) -> Any:
    """Remove and give the first of the keys that is there, "" if none is."""
    return next((log.pop(key) for key in keys if isinstance(log.get(key), str | int)), "")


def _text(value: Any) -> str:
    """A value on one line: texts as they are, everything else as JSON."""
    return visible(value if isinstance(value, str) else orjson.dumps(value).decode())


def _painted(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if text and colour else text


def _plain(text: str, _: str) -> str:
    return text
