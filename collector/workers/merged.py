"""What each worker tells → what one agent would tell.

Numbers of the same series and labels become one: their sum, or as the catalogue says. What is told of the daemon and
its containers each worker tells alike.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from collector.telemetry import catalogue

_ACROSS: Mapping[str, Callable[[Iterable[float]], float]] = {"sum": sum, "least": min, "most": max}


class Merged(Collector):
    """The families of several expositions in Prometheus' text format."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        """All families, in the order of the first exposition."""
        told: dict[str, list[Metric]] = {}
        for text in self._texts:
            for family in text_string_to_metric_families(text):
                told.setdefault(family.name, []).append(family)
        for families in told.values():
            yield _one(families)


def _one(families: Sequence[Metric]) -> Metric:
    first = families[0]
    numbers: dict[tuple[str, tuple[tuple[str, str], ...]], list[Sample]] = {}
    for family in families:
        for sample in family.samples:
            numbers.setdefault((sample.name, tuple(sample.labels.items())), []).append(sample)
    merged = Metric(first.name, first.documentation, first.type)
    unite = _ACROSS[_across(first)]
    for same in numbers.values():
        merged.samples.append(same[0]._replace(value=unite(sample.value for sample in same)))
    return merged


def _across(family: Metric) -> str:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    return next((series.across for series in catalogue.ALL if series.name == name), "sum")


def status(told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`/api/status` of all."""
    outputs: dict[str, dict[str, Any]] = {}
    for each in told:
        for output, numbers in each["outputs"].items():
            sums = outputs.setdefault(output, dict.fromkeys(numbers, 0) | {"error": ""})
            for name, value in numbers.items():
                sums[name] = sums[name] or value if name == "error" else sums[name] + value
    return {
        **told[0],
        "ready": all(each["ready"] for each in told),
        "streams": sum(each["streams"] for each in told),
        "following": sorted({name for each in told for name in each["following"]}),
        "outputs": outputs,
    }


def reasons(told: Sequence[Sequence[str]]) -> list[str]:
    """Why they are not ready, each reason once."""
    return list(dict.fromkeys(reason for each in told for reason in each))
