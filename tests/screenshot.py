"""A command in a terminal → what its screen shows at a moment, as SVG: `script/pictures --demo` draws the demo.

The command runs in a terminal of its own (pty); pyte keeps its screen, as a terminal would; each run of one colour is a
`<text>` of known length, so that columns hold whatever the fonts. The picture fetches nothing.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from tempfile import TemporaryDirectory
from typing import Any
from xml.sax.saxutils import escape

import pyte

from tests.reference import ROOT

PICTURE = ROOT / "docs" / "pictures" / "demo.svg"
COLUMNS, LINES = 116, 34
_CHARACTER, _LINE, _MARGIN, _BAR = 7.8, 17.0, 16.0, 34.0  # of a font of 13 px
_COLORS = {
    "default": "#d6dbe3",
    "black": "#5b6472",
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#e3b341",
    "blue": "#79b8ff",
    "magenta": "#d2a8ff",
    "cyan": "#76d9e6",
    "white": "#f0f3f6",
}
_DIM = "#8b949e"
_LIVES = re.compile(
    r"delivered 3\d,[1-9]\d\d of 3\d,\d{3}   lag [01][.]"
)  # the hour of history is there, and new lines
_DIM_ON, _DIM_OFF = b"\x1b[2", b"\x1b[38;5;244"  # pyte knows no dim: it is shown in a grey of its own


def screen(command: Sequence[str], shows: re.Pattern[str], environ: Mapping[str, str]) -> pyte.Screen:
    """The command's terminal as soon as it shows this, after 2 minutes at the latest; then Ctrl-C ends it."""
    shown = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(shown)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True)
    os.close(slave)
    try:
        for data in _output(master, until=time.monotonic() + 120):
            stream.feed(data.replace(_DIM_ON + b"m", _DIM_OFF + b"m").replace(_DIM_ON + b";", _DIM_OFF + b";"))
            if shows.search("\n".join(shown.display)):
                break
        child.send_signal(signal.SIGINT)
        for _ in _output(master, until=time.monotonic() + 60):
            pass
        child.wait(timeout=60)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        os.close(master)
    return shown


def _output(master: int, *, until: float) -> Iterator[bytes]:
    """What is written to a terminal, until a moment or until nobody has it open any more."""
    while (left := until - time.monotonic()) > 0:
        if not select.select([master], [], [], left)[0]:
            return
        try:
            data = os.read(master, 1 << 16)
        except OSError:  # the other end is closed
            return
        if not data:
            return
        yield data


def svg(shown: pyte.Screen, title: str) -> str:
    """The screen as a picture of a window."""
    rows = [shown.buffer[number] for number in range(shown.lines)]
    while rows and not any(rows[-1][column].data.strip() for column in range(shown.columns)):
        rows.pop()
    width = shown.columns * _CHARACTER + 2 * _MARGIN
    height = len(rows) * _LINE + _BAR + 2 * _MARGIN
    texts = [text for number, row in enumerate(rows) for text in _texts(row, number, shown.columns)]
    lights = [
        f'<circle cx="{20 + 18 * number}" cy="{_BAR / 2}" r="5.5" fill="{color}"/>'
        for number, color in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    ]
    return "\n".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" role="img"',
            f' viewBox="0 0 {width:g} {height:g}" width="{width:g}">',
            f"<title>{escape(title)}</title>",
            "<style>text { font: 13px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre }",
            ".b { font-weight: bold }</style>",
            f'<rect width="{width:g}" height="{height:g}" rx="9" fill="#161b22"/>',
            *lights,
            f'<text x="{width / 2:g}" y="{_BAR / 2 + 4:g}" text-anchor="middle" fill="{_DIM}">{escape(title)}</text>',
            *texts,
            "</svg>\n",
        ]
    )


def _texts(row: Any, number: int, columns: int) -> Iterator[str]:
    """A `<text>` for each run of equal look in a row."""
    y = _BAR + _MARGIN + (number + 0.7) * _LINE
    cells = [(column, row[column]) for column in range(columns) if row[column].data]  # behind a wide one is ""

    def look_of(cell: tuple[int, Any]) -> tuple[str, bool, int]:
        column, shown = cell
        return _color(shown.fg), shown.bold, 1 if row[column + 1].data else 2

    for (color, bold, cells_each), run in groupby(cells, key=look_of):
        part = list(run)
        text = "".join(cell.data for _, cell in part).rstrip()
        start = len(text) - len(text.lstrip())
        if not text.strip():
            continue
        x = _MARGIN + (part[0][0] + start * cells_each) * _CHARACTER
        length = (len(text) - start) * cells_each * _CHARACTER
        look = f'fill="{color}"' + (' class="b"' if bold else "")
        yield f'<text x="{x:g}" y="{y:g}" textLength="{length:g}" {look}>{escape(text.lstrip())}</text>'


def _color(name: str) -> str:
    """pyte gives a name, `bright` before it, or six hexadecimal digits."""
    if len(name) == 6 and all(digit in "0123456789abcdef" for digit in name):
        return f"#{name}"
    return _COLORS.get(name.removeprefix("bright"), _COLORS["default"])


def main() -> None:
    """Run the demo for some seconds and draw its terminal."""
    with TemporaryDirectory(prefix="pilotfish-picture-") as state:
        places = {"HOME": state, "XDG_STATE_HOME": state, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"  # noqa: PTH120 - a word of PATH
        command = ["pilotfish", "demo", "--rate", "100"]
        shown = screen(command, _LIVES, {**places, "PATH": path})
    PICTURE.write_text(svg(shown, " ".join(command)), "utf-8")
    print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()
