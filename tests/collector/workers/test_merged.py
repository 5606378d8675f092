"""Laws of the merged answers: as if one agent had told them."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from collector.histogram import Histogram
from collector.telemetry import catalogue
from collector.telemetry.exposition import Family, expose, family, histogram
from collector.workers import merged

NAME = 'a "quoted" \\ name\nof two lines'


def told(number: int, *more: Family) -> bytes:
    """What a worker tells."""
    seconds = Histogram((0.1,))
    seconds.observe(0.05, number)
    seconds.observe(0.25, number)
    families = [
        family(catalogue.DOCUMENTS_READ, [(["out"], number), ([f"only {number}"], 1)]),
        family(catalogue.OUTPUT_UP, [(["out"], number - 1)]),
        family(catalogue.LAST_ACKNOWLEDGED, [(["out"], 1000.5 * number)]),
        family(catalogue.BACKLOG_BYTES, [(["out", NAME], number)]),
        histogram(catalogue.REQUEST_SECONDS, {("out",): seconds}),
        *more,
    ]
    return expose(families, "")[0]


def merge(*texts: bytes) -> list[Family]:
    return list(merged.families(texts))


EXPECTED = {
    ("pilotfish_documents_read_total", "out"): 3,
    ("pilotfish_documents_read_total", "only 1"): 1,
    ("pilotfish_documents_read_total", "only 2"): 1,
    ("pilotfish_output_up", "out"): 0,
    ("pilotfish_last_acknowledged_timestamp_seconds", "out"): 2001,
    ("pilotfish_backlog_bytes", f"out{NAME}"): 3,
    ("pilotfish_request_duration_seconds_bucket", "out0.1"): 3,
    ("pilotfish_request_duration_seconds_bucket", "out+Inf"): 6,
    ("pilotfish_request_duration_seconds_count", "out"): 6,
    ("pilotfish_request_duration_seconds_sum", "out"): pytest.approx(0.9),
}


@pytest.mark.parametrize(
    ("accept", "parse"), [("", parse_text), ("application/openmetrics-text; version=1.0.0", parse_openmetrics)]
)
def test_numbers_of_one_series_become_one_as_the_catalogue_says(accept: str, parse: type[object]) -> None:
    body, _ = expose(merge(told(1), told(2)), accept)
    found = {
        (one.name, one.labels.get("output", "") + one.labels.get("name", "") + one.labels.get("le", "")): one.value
        for family in parse(body.decode())  # type: ignore[attr-defined,call-arg]
        for one in family.samples
    }
    assert found == EXPECTED


def test_what_one_worker_alone_tells_stays_as_it_is() -> None:
    states = family(catalogue.CONTAINER_STATE, [([NAME, "running"], 1), ([NAME, "exited"], 0)])
    assert merge(told(1, states), told(2))[-1] == states


def test_a_status_has_the_sum_of_the_numbers_and_the_first_error() -> None:
    told = {"type": "raw", "promise": {"kind": "unsafe", "text": "nothing"}}
    one = told | {"acknowledged": 2, "error": ""}
    two = told | {"acknowledged": 3, "error": "away"}
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
        "outputs": {"out": told | {"acknowledged": 5, "error": "away"}},
    }


def test_a_reason_that_all_give_is_given_once() -> None:
    assert merged.reasons([["a", "b"], ["a", "c"], []]) == ["a", "b", "c"]
