"""Laws of both formats: what is put in is what a parser reads, whatever a label's value holds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from collector.histogram import Histogram
from collector.telemetry import catalogue
from collector.telemetry.exposition import (
    MOST_CHARACTERS,
    OPEN_METRICS,
    TEXT,
    content_type,
    expose,
    family,
    histogram,
    value,
)
from collector.text.escapes import visible

OPEN = "application/openmetrics-text; version=1.0.0"
# The client's text parser splits lines as `str.splitlines` does, which Prometheus does not.
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from('\n"\\{},='), max_size=50)


def shown(name: str) -> str:
    """A label's value without control characters; a newline is escaped by the format itself."""
    return "\n".join(visible(part) for part in name.split("\n"))


@given(VALUES, st.floats(allow_nan=False))
def test_a_sample_is_read_as_it_was_told(name: str, number: float) -> None:
    told = family(catalogue.CONTAINER_FAILING_STREAK, [([name], number)])
    for accept, parse in (("", parse_text), (OPEN, parse_openmetrics)):
        body, _ = expose([told], accept)
        ((found,),) = (one.samples for one in parse(body.decode()))
        assert (found.name, found.labels, found.value) == (told.series.name, {"name": shown(name)}, number)


@given(st.text())
def test_one_sample_is_one_line_in_utf_8_whatever_a_label_holds(name: str) -> None:
    body = family(catalogue.CONTAINER_FAILING_STREAK, [([name], 1)]).body
    assert body.count(b"\n") == 1
    assert body.endswith(b"} 1\n")
    assert len(body.decode()) <= 2 * MOST_CHARACTERS + 60


@pytest.mark.parametrize(
    "name",
    [
        "\x1b[2J\x1b]0;owned\x07",
        "a\rb",
        "tab\tnul\0",
        "\x7f\x9b31m",
        "\u202egnp.exe",
        "one\u2028two\u0085three",
        "\ud800",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("accept", ["", OPEN])
def test_no_control_character_of_a_hostile_name_is_told_raw(name: str, accept: str) -> None:
    body, _ = expose([family(catalogue.CONTAINER_FAILING_STREAK, [([name * 50], 1)])], accept)
    for line in body.decode().split("\n"):
        assert line.isprintable(), line
    (found,) = parse_text(expose([family(catalogue.CONTAINER_FAILING_STREAK, [([name], 1)])], "")[0].decode())
    assert found.samples[0].labels["name"] == shown(name).replace("\ud800", "?")


def test_names_that_differ_in_a_control_character_stay_apart() -> None:
    body = family(catalogue.CONTAINER_FAILING_STREAK, [(["a\x01"], 1), (["a\x02"], 2)]).body
    assert len({line.partition(b"}")[0] for line in body.splitlines()}) == 2


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *((0, "0"), (True, "1"), (12.0, "12"), (0.25, "0.25"), (1e300, "1e+300"), (-3, "-3")),
        *((math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN")),
    ],
)
def test_numbers_are_written_as_the_formats_have_them(number: float, text: str) -> None:
    assert value(number) == text


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        *(("", TEXT), ("*/*", TEXT), ("text/html", TEXT), ("text/plain;version=0.0.4", TEXT)),
        ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
         "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPEN_METRICS),  # Prometheus 2.42
        ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3",
         OPEN_METRICS),  # Prometheus 3
        ("application/openmetrics-text;version=1.0.0;q=0.1,text/plain;q=0.9", TEXT),
        *(("application/openmetrics-text;version=2.0.0", TEXT), ("application/openmetrics-text;q=nonsense", TEXT)),
        *(("application/openmetrics-text", OPEN_METRICS), ("application/openmetrics-text;q=0", TEXT)),
    ],
)  # fmt: skip
def test_the_format_is_the_one_that_is_wanted_most(accept: str, wanted: str) -> None:
    assert content_type(accept) == wanted
    assert expose([], accept)[1] == wanted


def test_openmetrics_has_its_own_head_and_its_end() -> None:
    read = family(catalogue.READ_BYTES, [(["out"], 3)])
    assert expose([read], OPEN)[0].decode().splitlines() == [
        "# HELP pilotfish_read_bytes Bytes read from log files",
        "# TYPE pilotfish_read_bytes counter",
        "# UNIT pilotfish_read_bytes bytes",
        'pilotfish_read_bytes_total{output="out"} 3',
        "# EOF",
    ]


def test_a_family_without_samples_is_left_out() -> None:
    assert expose([family(catalogue.READ_BYTES, [])], "")[0] == b""


def test_a_histogram_counts_up_to_its_last_bucket() -> None:
    seconds = Histogram((0.1, 1.0))
    for one in (0.1, 0.5, 7.0):
        seconds.observe(one)
    assert histogram(catalogue.REQUEST_SECONDS, {("out",): seconds}).body.decode().splitlines() == [
        'pilotfish_request_duration_seconds_bucket{output="out",le="0.1"} 1',
        'pilotfish_request_duration_seconds_bucket{output="out",le="1.0"} 2',
        'pilotfish_request_duration_seconds_bucket{output="out",le="+Inf"} 3',
        'pilotfish_request_duration_seconds_count{output="out"} 3',
        'pilotfish_request_duration_seconds_sum{output="out"} 7.6',
    ]
