"""Every declared series is exported with its labels, and its numbers are those of the parts."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from collector.checkpoint import Checkpoints
from collector.discovery.roster import Container, Roster
from collector.pipeline import Pipeline
from collector.ports import ShipperSettings
from collector.sources.file_tail import FileTail
from collector.sources.watcher import Watcher
from collector.telemetry import catalogue
from collector.telemetry.exporter import Exporter
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import log_stream
from tests.collector.recording_shipper import RecordingShipper
from tests.contract.segments import plain_segment

WEB = Container(id="a", name="web", state="running", health="unhealthy", failing_streak=7)
MUTE = Container(id="b", name="mute", state="exited", driver="journald", problem="its log driver is 'journald'")
VAIN = Container(id="c", name="vain", state="running", problem="aliyun.logs.x=/var/log is not followed")


class Behind(FileTail):
    """A tail that has not read all of its log."""

    @property
    def backlog_bytes(self) -> int:
        return 4711


class Telemetry:
    """An exporter over two outputs and three containers, one of which is unreadable."""

    def __init__(self, directory: Path) -> None:
        self.roster = Roster()
        for container in (WEB, MUTE, VAIN):
            self.roster.put(container)
        self.pipelines = [self.pipeline(directory, name) for name in ("elastic", "local")]
        self.exporter = Exporter("1.2.3", self.roster, self.pipelines)
        stream = log_stream("/logs/x", container_id="web")
        tail = Behind(stream, Watcher())
        self.pipelines[0].tails[stream.key] = tail
        self.pipelines[0].unreadable[stream.key] = "no permission"

    def pipeline(self, directory: Path, output: str) -> Pipeline:
        return Pipeline(
            output,
            RecordingShipper(),
            ShipperSettings(type="recording"),
            roster=self.roster,
            checkpoints=Checkpoints(directory, output),
            directory=directory,
            stamps=Stamps(),
        )

    def scrape(self) -> dict[str, Metric]:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self.exporter)
        return {family.name: family for family in text_string_to_metric_families(generate_latest(registry).decode())}

    def value(self, series: str, /, **labels: str) -> float:
        samples = [sample for family in self.scrape().values() for sample in family.samples]
        (found,) = [one.value for one in samples if one.name == series and one.labels == labels]
        return found


@pytest.fixture
def telemetry(tmp_path: Path) -> Telemetry:
    found = Telemetry(tmp_path)
    found.pipelines[0].ledger.entered(plain_segment(7))
    found.pipelines[0].ledger.delivered(3, 2)
    found.pipelines[0].ledger.buried(1, 0)
    found.pipelines[0].ledger.request_seconds.observe(0.3)
    return found


def family_name(series: catalogue.Series) -> str:
    return series.name.removesuffix("_total") if series.kind == "counter" else series.name


@pytest.mark.parametrize("series", catalogue.ALL, ids=lambda series: series.name)
def test_a_declared_series_is_exported_with_its_labels_and_meaning(
    telemetry: Telemetry, series: catalogue.Series
) -> None:
    family = telemetry.scrape()[family_name(series)]
    assert (family.type, family.documentation) == (series.kind, series.help)
    assert family.samples
    for sample in family.samples:
        assert set(sample.labels) - {"le"} == set(series.labels)


def test_no_other_series_is_exported(telemetry: Telemetry) -> None:
    assert set(telemetry.scrape()) == {family_name(series) for series in catalogue.ALL}


def test_no_series_is_exported_twice(telemetry: Telemetry) -> None:
    samples = [
        (one.name, tuple(sorted(one.labels.items()))) for it in telemetry.scrape().values() for one in it.samples
    ]
    assert len(samples) == len(set(samples))


def test_names_say_kind_and_unit() -> None:
    for series in catalogue.ALL:
        assert series.name.startswith(("pilotfish_", "docker_"))
        assert series.name.endswith("_total") == (series.kind == "counter")
    assert len({series.name for series in catalogue.ALL}) == len(catalogue.ALL)


def test_the_accounts_of_an_output_add_up_in_its_series(telemetry: Telemetry) -> None:
    settled = {
        result: telemetry.value("pilotfish_documents_settled_total", output="elastic", result=result)
        for result in ("acknowledged", "duplicate", "dead_lettered")
    }
    assert settled == {"acknowledged": 3, "duplicate": 2, "dead_lettered": 1}
    in_flight = telemetry.value("pilotfish_documents_in_flight", output="elastic")
    dropped = telemetry.value("pilotfish_documents_dropped_total", output="elastic", reason="dead_letters_full")
    assert (
        telemetry.value("pilotfish_documents_read_total", output="elastic")
        == sum(settled.values()) + in_flight + dropped
    )
    assert telemetry.value("pilotfish_documents_read_total", output="local") == 0


def test_an_output_in_trouble_is_down_until_it_is_well(telemetry: Telemetry) -> None:
    assert telemetry.value("pilotfish_output_up", output="elastic") == 1
    telemetry.pipelines[0].ledger.error = "away"
    assert telemetry.value("pilotfish_output_up", output="elastic") == 0
    assert telemetry.value("pilotfish_output_up", output="local") == 1
    telemetry.pipelines[0].ledger.waits["shop"] = "closed"
    assert telemetry.value("pilotfish_targets_waiting", output="elastic") == 1


def test_a_histogram_counts_up_to_its_last_bucket(telemetry: Telemetry) -> None:
    name = "pilotfish_request_duration_seconds"
    assert telemetry.value(f"{name}_bucket", output="elastic", le="0.25") == 0
    assert telemetry.value(f"{name}_bucket", output="elastic", le="0.5") == 1
    assert telemetry.value(f"{name}_bucket", output="elastic", le="+Inf") == 1
    assert telemetry.value(f"{name}_count", output="elastic") == 1
    assert telemetry.value(f"{name}_sum", output="elastic") == pytest.approx(0.3)


def test_containers_are_counted_by_state_and_told_by_health(telemetry: Telemetry) -> None:
    assert telemetry.value("docker_containers", state="running") == 2
    assert telemetry.value("docker_containers", state="exited") == 1
    assert telemetry.value("docker_containers", state="paused") == 0
    assert telemetry.value("docker_container_health_status", name="web", status="unhealthy") == 1
    assert telemetry.value("docker_container_health_status", name="web", status="healthy") == 0
    assert telemetry.value("docker_container_health_status", name="mute", status="none") == 1
    assert telemetry.value("docker_container_health_failing_streak", name="web") == 7


def test_a_container_that_is_not_followed_says_why(telemetry: Telemetry) -> None:
    found = {
        (one.labels["name"], one.labels["reason"])
        for one in telemetry.scrape()["pilotfish_container_not_followed"].samples
    }
    assert found == {("mute", "driver"), ("vain", "label"), ("web-1", "unreadable")}


def test_a_backlog_is_told_by_container(telemetry: Telemetry) -> None:
    assert telemetry.value("pilotfish_backlog_bytes", output="elastic", name="web-1") == 4711


def test_what_is_gone_vanishes(telemetry: Telemetry) -> None:
    telemetry.roster.drop("a")
    assert all(one.labels.get("name") != "web" for it in telemetry.scrape().values() for one in it.samples)


def test_the_source_that_is_away_is_down(telemetry: Telemetry) -> None:
    assert telemetry.value("docker_up") == 0
    telemetry.roster.answered()
    assert telemetry.value("docker_up") == 1


def test_two_containers_of_one_name_are_told_once(telemetry: Telemetry) -> None:
    """A tree may hold the folder of an earlier container beside that of the present one."""
    telemetry.roster.put(Container(id="d", name="web", state="exited", health="healthy"))
    samples = [
        (one.name, tuple(sorted(one.labels.items()))) for it in telemetry.scrape().values() for one in it.samples
    ]
    assert len(samples) == len(set(samples))
