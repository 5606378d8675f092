"""The typer application → the reference of its commands in docs/commands.md: their own help as Markdown."""

import re
from collections.abc import Iterator
from textwrap import dedent
from typing import Any

from typer.main import get_command

from collector.cli.root import app

PROGRAM = "pilotfish"
_MARKS = re.compile(r"[\\*_<|]")
_NO_OPTIONS = {"--help", "--install-completion", "--show-completion"}  # every program's


def commands() -> Iterator[tuple[str, Any]]:
    """Each command with its words, groups before what is in them, in the order of `--help`."""
    return _within(PROGRAM, get_command(app))


def reference() -> str:
    """A section a command: what it does, its options, its examples."""
    return "\n".join("\n".join(_section(words, command)) for words, command in commands())


def overview() -> str:
    """A line a command; groups are told by what is in them."""
    rows = [
        f"| [`{words}`](#{words.replace(' ', '-')}) | {_plain(_paragraphs(command)[0])} |"
        for words, command in commands()
        if not getattr(command, "commands", None)
    ]
    return "\n".join(["| Command | Does |", "| --- | --- |", *rows, ""])


def _within(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _within(f"{words} {name}", inner)


def _section(words: str, command: Any) -> Iterator[str]:
    usage = command.collect_usage_pieces(_context(words, command))
    yield from (f"### `{words}`\n", f"`{' '.join([words, *usage])}`\n")
    for paragraph in _paragraphs(command):
        yield _plain(paragraph) + "\n"
    rows = [f"| `{option.replace('|', ' or ')}` | {_plain(meaning)} |" for option, meaning in _records(words, command)]
    if rows:
        yield from ("| Option | Meaning |", "| --- | --- |", *rows, "")
    examples = (command.epilog or "").partition("Examples:")[2]
    if examples:
        yield from ("```text", dedent(examples).strip(), "```", "")


def _paragraphs(command: Any) -> list[str]:
    return str(command.help or "").split("\n\n")


def _records(words: str, command: Any) -> Iterator[tuple[str, str]]:
    for parameter in command.params:
        record = parameter.get_help_record(_context(words, command))
        if record and not _NO_OPTIONS & set(parameter.opts):
            yield record


def _context(words: str, command: Any) -> Any:
    return command.context_class(command, info_name=words)


def _plain(text: str) -> str:
    """A text that Markdown shows as it stands; what is in backticks is code there too."""
    parts = " ".join(text.split()).split("`")
    return "`".join(part if odd % 2 else _MARKS.sub(r"\\\g<0>", part) for odd, part in enumerate(parts))
