"""Series with their numbers → what a scrape gets, in Prometheus' text format 0.0.4 or as OpenMetrics 1.0.

Lines are rendered where their number changes and joined at the scrape: the client library takes 0.1 to 0.4 s for 1,000
containers (ADR 0012). Formats: prometheus.io/docs/instrumenting/exposition_formats, the OpenMetrics specification.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from collector.histogram import Histogram
from collector.telemetry.series import Series
from collector.text.escapes import visible

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
MOST_CHARACTERS = 200  # of a label's value: image names and labels are others' words
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_NAME = re.compile(rb"^([^{ \n]+)(\{|(?= ))", re.MULTILINE)
_WHOLE = 1e15  # floats up to here that are whole are written as such


Sample = tuple[Series, str, float]  # what stands in braces, and the number


class Family(NamedTuple):
    """All samples of one series, a line each."""

    series: Series
    body: bytes


def family(series: Series, samples: Iterable[tuple[Sequence[str], float]]) -> Family:
    """Label values, in the order of the series' labels, with their numbers → its lines."""
    return Family(series, b"".join(line(series.name, labels(zip(series.labels, one, strict=True)), number)
                                   for one, number in samples))  # fmt: skip


def histogram(series: Series, told: Mapping[Sequence[str], Histogram]) -> Family:
    """Label values with their durations → the lines of buckets, count and sum."""
    lines: list[bytes] = []
    for values, durations in told.items():
        own = list(zip(series.labels, values, strict=True))
        counts = list(accumulate(durations.counts))
        for bound, count in zip([*map(repr, durations.bounds), "+Inf"], counts, strict=True):
            lines.append(line(f"{series.name}_bucket", labels([*own, ("le", bound)]), count))
        lines.append(line(f"{series.name}_count", labels(own), counts[-1]))
        lines.append(line(f"{series.name}_sum", labels(own), durations.sum))
    return Family(series, b"".join(lines))


def joined(label: str, parts: Mapping[str, Iterable[Family]]) -> Iterator[Family]:
    """Families of several parts of the agent → one for each series; of more than one, the label tells which it is."""
    bodies: dict[Series, bytes] = {}
    for part, families in parts.items():
        added = labels([(label, part)]).encode() if len(parts) > 1 else b""
        for one in families:
            bodies[one.series] = bodies.get(one.series, b"") + (_labelled(one.body, added) if added else one.body)
    return (Family(series, body) for series, body in bodies.items())


def _labelled(body: bytes, added: bytes) -> bytes:
    """Each line with one more label; a name holds neither a brace nor a space, and a line no line break."""
    return _NAME.sub(lambda found: found[1] + b"{" + added + (b"," if found[2] else b"}"), body)


def labels(pairs: Iterable[tuple[str, str]]) -> str:
    """`name="web",state="exited"`: what stands in braces."""
    return ",".join(f'{name}="{_shown(value[:MOST_CHARACTERS]).translate(_ESCAPES)}"' for name, value in pairs)


def _shown(text: str) -> str:
    """Others' words without what a terminal obeys: `curl` shows them to people."""
    if text.isprintable():
        return text
    return "\n".join(map(visible, text.split("\n")))[:MOST_CHARACTERS]


def line(name: str, braced: str, number: float) -> bytes:
    """One sample; `braced` is what stands in braces."""
    text = f"{name}{{{braced}}} {value(number)}\n" if braced else f"{name} {value(number)}\n"
    return text.encode("utf-8", "replace")


def lines_by_series(order: Sequence[Series], samples: Iterable[Sample]) -> list[bytes]:
    """The lines of each series, in the order given; samples may come in any."""
    lines = {series.name: b"" for series in order}
    for series, braced, number in samples:
        lines[series.name] += line(series.name, braced, number)
    return list(lines.values())


def value(number: float) -> str:
    """A number as both formats have it."""
    if isinstance(number, int):
        return str(int(number))  # True is 1
    if math.isfinite(number):
        return str(int(number)) if number.is_integer() and abs(number) < _WHOLE else repr(number)
    return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"


def content_type(accept: str) -> str:
    """The format that an Accept header wants most; text if it names none that is known."""
    wanted = max(_preferences(accept), default=(0.0, TEXT), key=lambda one: one[0])
    return wanted[1] if wanted[0] > 0 else TEXT


def expose(families: Iterable[Family], accept: str) -> tuple[bytes, str]:
    """The body of a scrape's answer and its content type; families without a sample are left out."""
    chosen = content_type(accept)
    is_open = chosen == OPEN_METRICS
    parts = [part for one in families if one.body for part in (_head(one.series, is_open), one.body)]
    return b"".join([*parts, b"# EOF\n" if is_open else b""]), chosen


@cache
def _head(series: Series, is_open: bool) -> bytes:
    help_text = series.help.replace("\\", "\\\\").replace("\n", "\\n")
    if not is_open:
        return f"# HELP {series.name} {help_text}\n# TYPE {series.name} {series.kind}\n".encode()
    unit = f"# UNIT {series.family} {series.unit}\n" if series.unit else ""
    escaped = help_text.replace('"', '\\"')
    return f"# HELP {series.family} {escaped}\n# TYPE {series.family} {series.kind}\n{unit}".encode()


def _preferences(accept: str) -> Iterator[tuple[float, str]]:
    for entry in accept.split(","):
        media, *parameters = (part.strip() for part in entry.split(";"))
        options = dict(one.partition("=")[::2] for one in parameters)
        try:
            weight = float(options.get("q", "1"))
        except ValueError:
            continue
        if media == "application/openmetrics-text" and options.get("version", "1.0.0") in ("1.0.0", "0.0.1"):
            yield weight, OPEN_METRICS
        elif media in ("text/plain", "text/*"):
            yield weight, TEXT
