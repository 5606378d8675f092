"""Laws of the merged answers: as if one agent had told them."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from collector.telemetry import catalogue
from collector.web.server import exposition
from collector.workers import merged


class Families(Collector):
    def __init__(self, *families: CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily) -> None:
        self.families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self.families)


def told(number: float) -> str:
    read = CounterMetricFamily(catalogue.DOCUMENTS_READ.name, "help", labels=["output"])
    read.add_metric(["out"], number)
    read.add_metric([f"only {number:.0f}"], 1)
    up = GaugeMetricFamily(catalogue.OUTPUT_UP.name, "help", labels=["output"])
    up.add_metric(["out"], number - 1)
    newest = GaugeMetricFamily(catalogue.LAST_ACKNOWLEDGED.name, "help", labels=["output"])
    newest.add_metric(["out"], 1000 * number)
    events = CounterMetricFamily(catalogue.DOCKER_EVENTS.name, "help")
    events.add_metric([], 5)
    seconds = HistogramMetricFamily(catalogue.REQUEST_SECONDS.name, "help", labels=["output"])
    seconds.add_metric(["out"], buckets=[("0.1", number), ("+Inf", 2 * number)], sum_value=number / 2)
    registry = CollectorRegistry()
    registry.register(Families(read, up, newest, events, seconds))
    return generate_latest(registry).decode()


def samples(accept: str) -> dict[tuple[str, str], float]:
    body, _ = exposition(merged.Merged([told(1), told(2)]))(accept)
    families = text_string_to_metric_families(body.decode().replace("# EOF\n", ""))
    return {
        (one.name, one.labels.get("output", "") + one.labels.get("le", "")): one.value
        for family in families
        for one in family.samples
    }


def test_numbers_of_one_series_become_one_as_the_catalogue_says() -> None:
    assert samples("") == {
        ("pilotfish_documents_read_total", "out"): 3,
        ("pilotfish_documents_read_total", "only 1"): 1,
        ("pilotfish_documents_read_total", "only 2"): 1,
        ("pilotfish_output_up", "out"): 0,
        ("pilotfish_last_acknowledged_timestamp_seconds", "out"): 2000,
        ("docker_events_total", ""): 5,
        ("pilotfish_request_duration_seconds_bucket", "out0.1"): 3,
        ("pilotfish_request_duration_seconds_bucket", "out+Inf"): 6,
        ("pilotfish_request_duration_seconds_count", "out"): 6,
        ("pilotfish_request_duration_seconds_sum", "out"): 1.5,
    }


def test_openmetrics_holds_the_same() -> None:
    assert samples("application/openmetrics-text; version=1.0.0") == samples("")


def test_what_is_told_of_the_daemon_is_not_added_up() -> None:
    theirs = [series for series in catalogue.ALL if series.name.startswith("docker_")]
    assert {series.across for series in theirs} == {"least", "most"}


def test_a_status_has_the_sum_of_the_numbers_and_the_first_error() -> None:
    one = {"acknowledged": 2, "error": ""}
    two = {"acknowledged": 3, "error": "away"}
    parts = [
        {"version": "1", "ready": ready, "containers": 4, "streams": 2, "following": names, "outputs": {"out": numbers}}
        for ready, names, numbers in ((True, ["b"], one), (False, ["a"], two))
    ]
    assert merged.status(parts) == {
        "version": "1",
        "ready": False,
        "containers": 4,
        "streams": 4,
        "following": ["a", "b"],
        "outputs": {"out": {"acknowledged": 5, "error": "away"}},
    }


def test_a_reason_that_all_give_is_given_once() -> None:
    assert merged.reasons([["a", "b"], ["a", "c"], []]) == ["a", "b", "c"]
