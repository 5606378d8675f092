"""Documents → stdout, in the form that was asked for."""

from collections.abc import Callable, Iterable, Sequence

import typer

from collector.cli import terminal
from collector.cli.options import Shown


def writer(output: Shown, template: str | None) -> Callable[[Iterable[bytes]], None]:
    """What writes documents.

    Raises:
        typer.BadParameter: the template is none.
    """
    if output is Shown.JSON and template is None:
        return lambda documents: terminal.put(b"".join([document + b"\n" for document in documents]))
    from collector.cli import render

    if template is not None:
        try:
            made = render.templated(template)
        except ValueError as error:
            raise typer.BadParameter(f"--template: {error}") from None
        return lambda documents: _write(documents, made)
    if output is Shown.RAW:
        is_terminal = terminal.is_terminal()
        return lambda documents: _write(documents, lambda document: render.raw(document, is_terminal=is_terminal))
    coloured = terminal.coloured()
    return lambda documents: _write(documents, lambda document: render.line(document, coloured=coloured))


def _write(documents: Iterable[bytes], made: Callable[[bytes], str]) -> None:
    for document in documents:
        terminal.write(made(document))


def write_groups(groups: Sequence[Iterable[bytes]], write: Callable[[Iterable[bytes]], None], output: Shown) -> None:
    """Write groups of documents, with a line between two as grep has it."""
    for at, group in enumerate(groups):
        if at and output is not Shown.JSON:
            terminal.write("--")
        write(group)


def write_table(columns: Sequence[str], rows: Sequence[Sequence[object]], output: Shown) -> None:
    """Write a table; as JSON, an object for each row."""
    from collector.cli import render

    if output is Shown.JSON:
        import json

        for row in rows:
            terminal.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False))
        return
    for line in render.table(columns, rows):
        terminal.write(line)
