"""What is needed follows from what is wanted, and from figures that stand where they are said to."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.app import sizing
from collector.app.sizing import PRICES, Row, Wanted, outputs_of, relays_of, sized, table
from collector.delivery.spool import records
from collector.model import Batch
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from shippers.elasticsearch import bulk, profiles
from tests.bench import guard
from tests.examples import examples
from tests.reference import ROOT

EXAMPLE = Wanted(10_000, 430)
POSITIVE = st.floats(1e-3, 1e9)
WANTED = st.builds(
    Wanted,
    POSITIVE,
    st.floats(1, 1e8),
    hosts=st.integers(1, 10**7),
    logs=st.integers(1, 10**6),
    outage_seconds=POSITIVE,
    topic_seconds=POSITIVE,
    topic_copies=st.integers(1, 100),
    retention_seconds=POSITIVE,
    replicas=st.integers(0, 100),
    ratio=st.floats(1, 1000),
    headroom=st.floats(1.001, 1000),
    profile=st.sampled_from(sizing.PROFILES),
)


def values(wanted: Wanted) -> dict[tuple[str, str], float]:
    return {(row.part, row.what): row.value for row in sized(wanted)}


def test_a_day_of_ten_thousand_lines_a_second_is_what_it_is_by_hand() -> None:
    found = values(EXAMPLE._replace(ratio=9))
    assert found["All hosts", "documents"] == 4.3e6
    assert found["All hosts", "on the wire"] == pytest.approx(0.478e6, rel=0.01)
    assert found["Each agent", "spool"] == pytest.approx(41.3e9, rel=0.01)
    assert found["Kafka", "disk"] == pytest.approx(124e9, rel=0.01)


@pytest.mark.parametrize(
    ("change", "part", "what", "times"),
    [
        ({"hosts": 1000}, "Kafka", "disk", 1000),
        ({"hosts": 1000}, "Elasticsearch", "CPU", 1000),
        ({"hosts": 1000}, "Each agent", "CPU", 1),
        ({"hosts": 1000}, "Each agent", "spool", 1),
        ({"outage_seconds": 2 * 86_400}, "Each agent", "spool", 2),
        ({"topic_seconds": 3 * 86_400}, "Kafka", "disk", 3),
        ({"topic_copies": 6}, "Kafka", "written", 2),
        ({"replicas": 3}, "Elasticsearch", "disk a day", 2),
        ({"retention_seconds": 86_400}, "Elasticsearch", "disk", 1 / 30),
        ({"ratio": 10}, "Kafka", "disk", 1 / 2),
        ({"headroom": 4.0}, "Elasticsearch", "CPU to provide", 2),
        ({"headroom": 4.0}, "Elasticsearch", "CPU", 1),
        ({"headroom": 3.0}, "All hosts", "time to catch up", 1 / 2),
        ({"document_bytes": 860}, "Elasticsearch", "CPU", 2),
    ],
)
def test_each_wish_changes_what_it_is_about(change: dict[str, float], part: str, what: str, times: float) -> None:
    before, after = values(EXAMPLE), values(EXAMPLE._replace(**change))  # type: ignore[arg-type]
    assert after[part, what] == pytest.approx(before[part, what] * times)


def test_documents_smaller_than_those_that_were_measured_cost_as_much_processor() -> None:
    small, smaller = values(EXAMPLE._replace(document_bytes=200)), values(EXAMPLE._replace(document_bytes=100))
    assert small["Each agent", "CPU"] == smaller["Each agent", "CPU"]
    assert small["Elasticsearch", "disk"] == 2 * smaller["Elasticsearch", "disk"]


@examples(3)
@given(WANTED)
def test_there_is_a_partition_for_each_relay_and_room_in_each(wanted: Wanted) -> None:
    found = values(wanted)
    assert found["Kafka", "partitions"] >= found["Relays", "relays"] == relays_of(wanted) >= 2
    assert found["Relays", "CPU of all"] * wanted.headroom <= (relays_of(wanted) - 1) * 1.000001
    assert found["All hosts", "on the wire"] * wanted.headroom <= found["Kafka", "partitions"] * 10_000_001


@examples(3)
@given(WANTED)
def test_every_row_is_above_nothing_and_is_told_on_a_line(wanted: Wanted) -> None:
    rows = sized(wanted)
    assert all(row.value > 0 and row.source for row in rows)
    lines = list(table(rows))
    assert len(lines) == len(rows) + len({row.part for row in rows})
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (Row("", "x", 0.25, "lines/s", ""), "0.25 lines/s"),
        (Row("", "x", 12_345.6, "lines/s", ""), "12,346 lines/s"),
        (Row("", "x", 999, "bytes", ""), "999 bytes"),
        (Row("", "x", 4.3e6, "bytes/s", ""), "4.3 MB/s"),
        (Row("", "x", 223e9, "bytes", ""), "223 GB"),
        (Row("", "x", 0.042, "cores", ""), "4.2% of a core"),
        (Row("", "x", 17.64, "cores", ""), "17.6 cores"),
        (Row("", "x", 86_400, "s", ""), "24 hours"),
        (Row("", "x", 5, "", ""), "5"),
        (Row("", "x", 34_216, "CPU-seconds", ""), "34,216 CPU-seconds"),
    ],
)
def test_a_value_is_told_in_a_unit_that_is_easy_to_read(row: Row, words: str) -> None:
    assert list(table([row])) == [f"  x  {words}  "]


def test_a_spool_of_the_running_agent_is_told_with_how_long_it_lasts() -> None:
    numbers = {
        "far": {"document_bytes_per_second": 4_300_000, "spool_capacity_bytes": 1 << 30},
        "here": {"document_bytes_per_second": 4_300_000, "spool_capacity_bytes": 0},
        "idle": {"document_bytes_per_second": 0, "spool_capacity_bytes": 1 << 30},
    }
    (row,) = outputs_of(numbers, EXAMPLE)
    assert (row.part, row.what) == ("Output far", "spool")
    assert row.value == pytest.approx(4_300_000 * 86_400 / 5)
    assert row.source.endswith("; its 1.1 GB (spool_bytes) bridge 20.8 minutes")


# ------------------------------------------------------------------ where the figures are from


def test_a_line_becomes_what_the_figures_say(tmp_path: Path) -> None:
    """By the lines of script/bench: sizes of line, document, request and record of the spool."""
    lines = guard.raw_lines(tmp_path, 6_000)
    transform = DockerJson(Stamps(None))
    segments = [each for chunk in guard.chunks(lines) for each in transform.segments(chunk)]
    documents = sum(each.size for each in segments)
    text = sum(len(json.loads(line)["log"].encode()) for line in lines)
    assert text / len(lines) == pytest.approx(sizing.LINE_BYTES, rel=0.03)
    assert documents / len(lines) == pytest.approx(sizing.DOCUMENT_BYTES, rel=0.03)
    batch = Batch(tuple(segments))
    assert documents / len(bulk.encode_compressed(batch, bulk.DEFAULT_INDEX, typed=False)) >= sizing.RATIO
    assert documents / len(records.encode(segments, [])) >= sizing.RATIO


def test_every_profile_of_setup_has_a_price() -> None:
    assert sizing.PROFILES == profiles.PROFILES == tuple(PRICES)


@pytest.mark.parametrize("profile", PRICES)
def test_prices_stand_in_the_decision(profile: sizing.Profile) -> None:
    text = (ROOT / "docs/decisions/0045-profiles-of-indices.md").read_text()
    rate, disk = PRICES[profile]
    assert f" {rate.value:,.0f} and {disk:.0f}" in text.replace("\n", " ")


def test_the_relays_figures_stand_in_the_decision() -> None:
    text = (ROOT / "docs/decisions/0039-relay.md").read_text()
    assert f"{sizing.RELAY.value:,.0f}" in text
    assert f"about {sizing.RELAY.document_bytes:.0f} bytes" in text
    assert f"to {sizing.RELAY_BYTES.value / (1 << 20):.0f} MiB" in text


def measured(scenario: str) -> list[dict[str, Any]]:
    """The figures of docs/performance.md, of each run."""
    found: list[dict[str, Any]] = json.loads((ROOT / "tests/bench/results.json").read_text())[scenario]["figures"]
    return found


def test_the_agents_figures_are_those_of_the_performance_page() -> None:
    """Within a fifth: a new measurement need not change them."""
    backlog = [run for run in measured("catch-up") if run["name"] == "pilotfish (gzip)"]
    for run in backlog:
        assert run["lines_per_cpu_second"] == pytest.approx(sizing.AGENT.value, rel=0.2)
        assert run["peak_rss_bytes"] == pytest.approx(sizing.AGENT_BYTES.value, rel=0.2)
    assert backlog


@pytest.mark.parametrize("files", [1000, 5000])
def test_the_costs_of_a_log_are_those_of_the_performance_page(files: int) -> None:
    for run in measured("active"):
        if run["name"] == "pilotfish (gzip)" and run["files"] == files:
            found = values(Wanted(run["lines_per_second"], sizing.DOCUMENT_BYTES, logs=files))
            assert found["Each agent", "CPU"] == pytest.approx(run["core"], rel=0.2)
            assert found["Each agent", "memory"] == pytest.approx(run["rss_bytes"], rel=0.2)


def test_pages_that_rows_name_are_there() -> None:
    rates = [sizing.AGENT, sizing.RELAY, *(price.rate for price in PRICES.values())]
    figures = [sizing.LOG_CPU_SECONDS, sizing.AGENT_BYTES, sizing.LOG_BYTES, sizing.RELAY_BYTES]
    pages = {rate.page for rate in rates} | {figure.page for figure in figures}
    for page in pages:
        name, _, heading = page.partition(", ")
        if name.startswith("decision "):
            assert list((ROOT / "docs/decisions").glob(f"{int(name.split()[1]):04}-*.md")), page
        else:
            assert f"## {heading}" in (ROOT / f"docs/{name}.md").read_text().lower(), page
