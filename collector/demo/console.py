"""Glances → the terminal: a live table with the latest lines, or a plain line now and then when it is no terminal."""

import asyncio
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any, TypeVar

import orjson
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from collector.demo.hints import Hint
from collector.demo.view import Glance, Row, View
from collector.text.escapes import visible

_LIVE_SECONDS = 0.25
_FIRST_PLAIN_SECONDS = 1.0
_PLAIN_SECONDS = 5.0
_WIDE = 110  # columns from which there is room for explanations
_NARROW = 60  # columns below which the numbers would leave none for the names
_HEADS = ("written", "read", "unread", "lines/s", "errors")
_FEWEST_LATEST = 3
_BROKEN_PIPE = 141  # as a shell shows the death by SIGPIPE
_LEVEL_STYLES = {"error": "red", "warn": "yellow", "info": "green", "debug": "dim"}
_NAME_STYLES = ("cyan", "magenta", "blue", "green", "yellow", "bright_cyan")


_T = TypeVar("_T")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """The reader of stdout has left: end as the other commands do then."""
        try:
            super().on_broken_pipe()
        except SystemExit:
            raise SystemExit(_BROKEN_PIPE) from None


class Display:
    """Shows a demo on stdout."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # not every locale has every character
        self._console = _Console(highlight=False)
        self._is_live = self._console.is_terminal and not self._console.is_dumb_terminal
        self._said = 0  # lines above the table

    def say(self, text: str, style: str = "") -> None:
        """Write a line that stays; a long one is not broken, so that it can be copied."""
        self._write(Text(text, style))

    def suggest(self, hints: list[Hint]) -> None:
        """Write commands, with what they show where there is room."""
        self.say("In another terminal:", "bold")
        width = max(len(hint.command) for hint in hints)
        for hint in hints:
            line = Text(f"  {hint.command}", "cyan")
            if self._is_live and width + 3 + len(hint.about) < self._console.width:
                line.append(f"{'':<{width - len(hint.command)}}   {hint.about}", "dim")
            self._write(line)
        self.say("")

    def _write(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)
        self._said += max(1, -(-line.cell_len // self._console.width))

    async def show(self, view: View) -> None:
        """Show what the view sees until cancelled; what was seen last stays."""
        if self._is_live:
            await self._show_table(view)
        else:
            await self._show_lines(view)

    async def _show_table(self, view: View) -> None:
        with Live(console=self._console, auto_refresh=False, vertical_overflow="crop") as live:
            try:
                while True:
                    live.update(self._picture(view.glance()), refresh=True)
                    await asyncio.sleep(_LIVE_SECONDS)
            finally:
                live.update(self._picture(view.glance(), over=True), refresh=True)

    async def _show_lines(self, view: View) -> None:
        pause = _FIRST_PLAIN_SECONDS
        told: list[str] = []
        while True:
            await asyncio.sleep(pause)
            pause = _PLAIN_SECONDS
            glance = view.glance()
            self.say(plain(glance))
            for warning in [one for one in _troubles(glance) if one not in told]:
                self.say(f"warning: {warning}")
            told = _troubles(glance)

    def _picture(self, glance: Glance, *, over: bool = False) -> RenderableType:
        """The table, the latest lines and the state, which is last: it is short, so an echoed ^C breaks no line."""
        width, height = self._console.size
        table: list[RenderableType] = [_table(glance, width), Text("")]
        state = [*(_one_line(Text(trouble, "yellow")) for trouble in _troubles(glance)), _state(glance, over=over)]
        if over:
            return Group(*table, *state)
        room = height - self._said - len(glance.rows) - len(state) - 5  # head, sum, two blanks, the cursor's line
        room = max(_FEWEST_LATEST, room)
        lines = [_latest(document, width // 6) for document in glance.latest[-room:]]
        return Group(*table, *lines, *[Text("")] * (room - len(lines) + 1), *state)


def plain(glance: Glance) -> str:
    """One line that says how it goes."""
    return (
        f"{glance.seconds:.0f} s: {glance.written:,} lines written, {glance.read:,} read, "
        f"{glance.delivered:,} delivered, lag {glance.lag_seconds:.1f} s, "
        f"{glance.lines_per_second:,.0f} lines/s, {glance.errors:,} errors"
    )


def _table(glance: Glance, width: int) -> Table:
    narrow = width < _NARROW
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, 0, 0, 1) if narrow else (0, 1),
        expand=width < _WIDE,
        header_style="dim",
        footer_style="bold",
        show_footer=True,
    )
    table.add_column("container", "all", no_wrap=True, overflow="ellipsis", ratio=1 if width < _WIDE else None)
    if width >= _WIDE:
        table.add_column("says", "", no_wrap=True)
    sums = (glance.written, glance.read, glance.backlog_bytes, glance.lines_per_second, glance.errors)
    for head, total in zip(_shown(_HEADS, narrow=narrow), _shown(_cells(*sums), narrow=narrow), strict=True):
        least = 6 if narrow else 7 if head == "errors" else 8
        table.add_column(head, total, justify="right", no_wrap=True, min_width=least)
    for number, row in enumerate(glance.rows):
        name = Text(row.name, _NAME_STYLES[number % len(_NAME_STYLES)])
        about = [_about(row)] if width >= _WIDE else []
        cells = _cells(row.written, row.read, row.backlog_bytes, row.lines_per_second, row.errors)
        table.add_row(name, *about, *_shown(cells, narrow=narrow))
    return table


def _shown(columns: Sequence[_T], *, narrow: bool) -> Sequence[_T]:
    """What there is room for: a narrow table has no lines/s, so that it keeps the names."""
    return [*columns[:3], *columns[4:]] if narrow else columns


def _about(row: Row) -> str:
    return f"{row.about} ({row.rotated})" if row.rotated else row.about


def _cells(written: int, read: int, backlog_bytes: int, rate: float, errors: int) -> list[Text]:
    return [
        Text(f"{written:,}"),
        Text(f"{read:,}"),
        Text(_size(backlog_bytes), "yellow" if backlog_bytes > 1 << 20 else ""),
        Text(f"{rate:,.1f}"),
        Text(f"{errors:,}", "red" if errors else ""),
    ]


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MB" if count >= 1 << 20 else f"{count / 1024:.0f} kB" if count else "0"


def _state(glance: Glance, *, over: bool) -> Text:
    minutes, seconds = divmod(int(glance.seconds), 60)
    share = glance.delivered / glance.written if glance.written else 1.0
    text = Text(f"{minutes:02d}:{seconds:02d}  ", "dim")
    text.append(
        f"delivered {glance.delivered:,} of {glance.written:,}", "bold green" if share > 0.99 else "bold yellow"
    )
    text.append(f"   lag {glance.lag_seconds:.1f} s   ")
    return _one_line(text if over else text.append("Ctrl-C ends", "dim"))


def _troubles(glance: Glance) -> list[str]:
    return [*glance.not_ready, *glance.warnings]


def _latest(document: bytes, name_width: int) -> Text:
    """A document on one line: time, container, level, message."""
    fields: dict[str, Any] = orjson.loads(document)
    log: dict[str, Any] = fields["log"]
    level, message = str(log.get("level", "")), visible(str(log.get("message", "")))
    name = str(fields["docker_container"])[:name_width]
    text = Text(str(fields["@timestamp"])[11:19], "dim").append(f" {name:<{name_width}} ", "cyan")
    if level:
        text.append(f"{level.upper():<5} ", _LEVEL_STYLES.get(level, ""))
    return _one_line(text.append(message))


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
