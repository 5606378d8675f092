"""`script/pictures`: the boards' panels as PNG, of real data, for docs/: where Grafana cannot run.

A dockerd with twenty containers, an agent and a Prometheus run for some minutes; then each panel's own queries are
asked and drawn with matplotlib, in the order and size that the board gives them. Each says that it is no Grafana.
"""

import argparse
import math
import re
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import Bbox

from tests.dashboards.grafana import BOARDS, ROOT, Json, filled, load, panels
from tests.engines.prometheus import Prometheus
from tests.integration.monitoring import Pace, staged

PICTURES = ROOT / "docs" / "pictures"
_COLUMNS, _ROW_INCHES, _WIDTH_INCHES, _DPI = 24, 0.3, 15.0, 80
_MOST_LEGENDS = 9
_DAY = 86400.0  # matplotlib counts days
_COLORS = {"green": "#73bf69", "red": "#f2495c", "yellow": "#fade2a", "orange": "#ff9830", "blue": "#5794f2"}
_BINARY = {"bytes": "B", "binBps": "B/s"}


class Drawing:
    """One board at one moment."""

    def __init__(self, prometheus: Prometheus, variables: dict[str, str], since: float) -> None:
        self._prometheus = prometheus
        self._variables = variables
        self._since = since
        self._now = time.time()
        self._kinds: dict[str, Callable[[Axes, Json], None]] = {
            "timeseries": self._timeseries,
            "stat": self._stat,
            "table": self._table,
            "bargauge": self._bars,
            "state-timeline": self._timeline,
        }

    def draw(self, path: Path, target: Path) -> None:
        """The board at `path` as a picture."""
        board = load(path)
        shown = [panel for panel in panels(board) if panel["type"] != "row"]
        rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in shown)
        figure = Figure(figsize=(_WIDTH_INCHES, rows * _ROW_INCHES + 1), dpi=_DPI, facecolor="#f4f5f5")
        title = (
            f"{board['title']}: its panels' queries, drawn with matplotlib from a real Prometheus (this is no Grafana)"
        )
        figure.suptitle(title, fontsize=11, y=0.995)
        height = rows + 2
        for panel in panels(board):
            place = panel["gridPos"]
            top = 1 - (place["y"] + 1.6) / height
            left, width, tall = place["x"] / _COLUMNS, place["w"] / _COLUMNS, place["h"] / height
            if panel["type"] == "row":
                figure.text(0.012, top - 0.6 / height, panel["title"], fontsize=10, weight="bold")
                continue
            margin = 0.075 if panel["type"] in ("bargauge", "state-timeline") else 0.04  # names are longer than numbers
            box = (left + margin, top - tall + 1.3 / height, width - margin - 0.015, tall - 2.5 / height)
            axes = figure.add_axes(box)
            axes.set_title(panel["title"], fontsize=9, loc="left")
            axes.tick_params(labelsize=7)
            self._kinds[panel["type"]](axes, panel)
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, metadata={"Software": None})

    # ------------------------------------------------------------------ kinds of panels

    def _timeseries(self, axes: Axes, panel: Json) -> None:
        found = [
            (_legend(target, labels), values)
            for target in panel["targets"]
            for labels, values in self._over_time(target)
        ]
        for legend, values in sorted(found, key=lambda one: one[0]):
            axes.plot([at / _DAY for at, _ in values], [number for _, number in values], lw=1.2, label=legend)
        axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: _text(number, _unit(panel))))
        axes.grid(visible=True, alpha=0.3)
        if not found:
            _nothing(axes)
        elif len(found) <= _MOST_LEGENDS:
            axes.legend(fontsize=6, loc="upper left", frameon=False, ncols=2)

    def _stat(self, axes: Axes, panel: Json) -> None:
        axes.set_axis_off()
        words = []
        for target in panel["targets"]:
            for labels, number in self._now_of(target):
                legend = _legend(target, labels)
                mapped = _mapped(panel, number)
                is_name = panel.get("options", {}).get("textMode") == "name"
                words.append(legend if is_name else mapped or _text(number, _unit(panel)))
        axes.text(0.5, 0.5, "\n".join(words) or "no data", ha="center", va="center", fontsize=13)

    def _bars(self, axes: Axes, panel: Json) -> None:
        found = [
            (_legend(target, labels), number) for target in panel["targets"] for labels, number in self._now_of(target)
        ]
        found = sorted(found, key=lambda one: one[1])[-15:]
        axes.barh([name for name, _ in found], [number for _, number in found], color=_COLORS["blue"])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: _text(number, _unit(panel))))
        if not found:
            _nothing(axes)

    def _timeline(self, axes: Axes, panel: Json) -> None:
        target = panel["targets"][0]
        found = sorted((_legend(target, labels), values) for labels, values in self._over_time(target))
        step = self._step
        for row, (_, values) in enumerate(found):
            for at, number in values:
                color = _COLORS.get(_mapping(panel, number).get("color", ""), "#8e8e8e")
                axes.barh(row, step / _DAY, left=at / _DAY, height=0.8, color=color)
        axes.set_yticks(range(len(found)), [name for name, _ in found], fontsize=6)
        axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))
        used = {int(number) for _, values in found for _, number in values}
        colors = {number: str(_mapping(panel, number).get("color")).replace("text", "grey") for number in sorted(used)}
        words = [f"{color}: {_mapped(panel, number)}" for number, color in colors.items()]
        axes.set_xlabel(", ".join(words), fontsize=6)

    def _table(self, axes: Axes, panel: Json) -> None:
        axes.set_axis_off()
        options = {each["id"]: each["options"] for each in panel["transformations"]}
        names = options["organize"]["renameByName"]
        order = options["organize"]["indexByName"]
        columns = sorted(names, key=lambda one: order.get(one, 99))
        rows: dict[str, dict[str, str]] = {}
        for target in panel["targets"]:
            for labels, number in self._now_of(target):
                key = labels.get("name", str(labels))
                value = f"Value #{target['refId']}" if f"Value #{target['refId']}" in names else "Value"
                units = _units(panel, names.get(value, ""))
                told = {**labels, value: _text(number, units)}
                rows.setdefault(key, {}).update({name: text for name, text in told.items() if name in names})
        cells = [[row.get(column, "")[:34] for column in columns] for _, row in sorted(rows.items())]
        if not cells:
            _nothing(axes)
            return
        table = axes.table(
            cells, colLabels=[names[column] for column in columns], bbox=Bbox.from_bounds(0, 0, 1, 1), cellLoc="left"
        )
        table.auto_set_font_size(value=False)
        table.set_fontsize(7)

    # ------------------------------------------------------------------ what is asked

    @property
    def _step(self) -> float:
        return max((self._now - self._since) / 120, 5.0)

    def _over_time(self, target: Json) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        expression = filled(target["expr"], self._variables)
        found = self._prometheus.range(expression, self._since, self._now, self._step)
        return [(labels, [(float(at), float(text)) for at, text in values]) for labels, values in found]

    def _now_of(self, target: Json) -> Iterable[tuple[dict[str, str], float]]:
        return self._prometheus.query(filled(target["expr"], self._variables))


def _nothing(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, "no data", ha="center", va="center", fontsize=9, color="#888888", transform=axes.transAxes)


def _legend(target: Json, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), target["legendFormat"])


def _unit(panel: Json) -> str:
    return str(panel["fieldConfig"]["defaults"].get("unit", "none"))


def _units(panel: Json, column: str) -> str:
    """That of a column of a table."""
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == column:
            for each in override["properties"]:
                if each["id"] == "unit":
                    return str(each["value"])
    return _unit(panel)


def _mapping(panel: Json, number: float) -> Json:
    for mapping in panel["fieldConfig"]["defaults"].get("mappings", []):
        found: Json = mapping["options"].get(f"{number:g}", {})
        if found:
            return found
    return {}


def _mapped(panel: Json, number: float) -> str:
    return str(_mapping(panel, number).get("text", ""))


def _text(number: float, unit: str) -> str:
    if math.isnan(number) or math.isinf(number):
        return str(number)
    if unit in _BINARY:
        power = min(int(math.log(abs(number), 1024)), 4) if abs(number) >= 1 else 0
        return f"{number / 1024**power:.3g} {('', 'Ki', 'Mi', 'Gi', 'Ti')[power]}{_BINARY[unit]}"
    if unit == "percentunit":
        return f"{number:.3g}" if number > 100 else f"{number:.2%}"
    if unit in ("s", "dtdurations"):
        return f"{number:.3g} s" if number < 600 else f"{number / 60:.3g} min"
    return f"{number:.4g}{'/s' if unit in ('cps', 'reqps') else ''}"


def main() -> None:
    """Run the stage and draw."""
    parser = argparse.ArgumentParser(prog="script/pictures", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long the containers run (default: 5)")
    minutes = parser.parse_args().minutes
    mpl.use("Agg")
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="pilotfish-pictures-") as folder:
        print(f"twenty containers run for {minutes:g} minutes", flush=True)
        with staged(Path(folder), Pace(60, minutes * 60, 5), has_outage=True) as stage:
            variables = {"instance": stage.agent.address, "name": ".+", "__rate_interval": "1m", "__range": "5m"}
            drawing = Drawing(stage.prometheus, variables, began + 15)
            for board in BOARDS:
                drawing.draw(board, PICTURES / f"{board.stem}.png")
                print(f"docs/pictures/{board.stem}.png", flush=True)


if __name__ == "__main__":
    main()
