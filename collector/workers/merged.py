"""What each worker tells → what one agent would tell.

Numbers of the same series and labels become one: their sum, or as the catalogue says. What only one of them tells, as
the first does of the daemon and its containers, stays as its bytes are.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from collector.telemetry import catalogue, exposition
from collector.telemetry.exposition import Family
from collector.telemetry.series import Series

_ACROSS: Mapping[str, Callable[[Iterable[float]], float]] = {"sum": sum, "least": min, "most": max}
_SERIES = {series.name: series for series in catalogue.ALL}
_HEAD = re.compile(rb"^# HELP (\S+) .*\n# TYPE .*\n", re.MULTILINE)


def families(texts: Sequence[bytes]) -> Iterator[Family]:
    """Of several expositions in the text format, in the order in which they first stand there."""
    told: dict[str, list[bytes]] = {}
    for text in texts:
        for name, body in _parts(text):
            told.setdefault(name, []).append(body)
    for name, bodies in told.items():
        series = _SERIES[name]
        yield Family(series, bodies[0] if len(bodies) == 1 else _one(series, bodies))


def _parts(text: bytes) -> Iterator[tuple[str, bytes]]:
    """The name of each series, and its samples."""
    heads = list(_HEAD.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    return ((head[1].decode(), text[head.end() : end]) for head, end in zip(heads, ends, strict=True))


def _one(series: Series, bodies: Sequence[bytes]) -> bytes:
    numbers: dict[tuple[str, str], list[float]] = {}
    for body in bodies:
        for family in text_string_to_metric_families(body.decode()):
            for sample in family.samples:
                braced = exposition.labels(sample.labels.items())
                numbers.setdefault((sample.name, braced), []).append(sample.value)
    unite = _ACROSS[series.across]
    return b"".join(exposition.line(name, braced, unite(same)) for (name, braced), same in numbers.items())


def status(told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`/api/status` of all."""
    outputs: dict[str, dict[str, Any]] = {}
    for each in told:
        for output, numbers in each["outputs"].items():
            sums = outputs.setdefault(output, {})
            for name, value in numbers.items():
                is_number = isinstance(value, int | float)  # the type and the promise are the same of all
                sums[name] = sums.get(name, 0) + value if is_number else sums.get(name) or value
    return {
        **told[0],
        "ready": all(each["ready"] for each in told),
        "streams": sum(each["streams"] for each in told),
        "following": sorted({name for each in told for name in each["following"]}),
        "outputs": outputs,
    }


Row = Mapping[str, Any]


def containers(told: Sequence[Sequence[Row]]) -> list[Row]:
    """`/api/v1/containers` of all: each worker knows all, and reads the lines of its own; the first asks the daemon."""
    found: dict[str, dict[str, Any]] = {}
    for rows in told:
        for row in rows:
            known = found.setdefault(row["id"], dict(row))
            known.update({name: value for name, value in row.items() if known[name] is None})
    return sorted(found.values(), key=lambda one: (one["name"], one["id"]))


def outputs(told: Sequence[Sequence[Row]]) -> list[Row]:
    """`/api/v1/outputs` of all: sums, the worst state, and the earliest time up to which all are complete."""
    found: dict[str, list[Row]] = {}
    for rows in told:
        for row in rows:
            found.setdefault(row["name"], []).append(row)
    return [_output(rows) for rows in found.values()]


def _output(rows: Sequence[Row]) -> Row:
    worst = next((row for row in rows if row["state"] != "ok"), rows[0])
    sums = {
        name: sum(row[name] for row in rows)
        for name, value in rows[0].items()
        if isinstance(value, int | float) and name != "lag_seconds"
    }
    last = [row["last_acknowledged"] for row in rows if row["last_acknowledged"] is not None]
    until = [row["complete_until"] for row in rows]
    lags = [row["lag_seconds"] for row in rows]
    return {
        **worst,
        **sums,
        "last_acknowledged": max(last, default=None),
        "complete_until": None if None in until else min(until),
        "lag_seconds": None if None in lags else max(lags),
    }


def explained(told: Sequence[Sequence[Row]]) -> list[Row]:
    """`/api/v1/explain` of all: each tells of its own containers."""
    return sorted((one for rows in told for one in rows), key=lambda one: str(one["container"]))


def reasons(told: Sequence[Sequence[str]]) -> list[str]:
    """Why they are not ready, each reason once."""
    return list(dict.fromkeys(reason for each in told for reason in each))
