"""Every declared series is exported with its labels, and its numbers are those of the parts."""

from collections import Counter
from pathlib import Path

import orjson
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from collector.alerts.alerts import Alerts
from collector.alerts.options import AlertOptions
from collector.container_settings.statement import Settings
from collector.discovery.registry import UNDESCRIBED, Container, Registry
from collector.docker.calls import Calls
from collector.docker.event import Event
from collector.histogram import LAG_SECONDS, Histogram
from collector.intake.json_files import JsonFiles
from collector.model import Counts
from collector.pipeline.pipeline import Pipeline
from collector.pipeline.reader import Reader
from collector.ports import ShipperSettings
from collector.reading import LineTime, Reading
from collector.sources.file_tail import FileTail
from collector.sources.watcher import Watcher
from collector.state.checkpoint import Checkpoints
from collector.telemetry import catalogue
from collector.telemetry.containers import Containers
from collector.telemetry.disk import Used
from collector.telemetry.exporter import Exporter, Watch
from collector.telemetry.exposition import expose
from collector.telemetry.poll import Look, Poll
from collector.telemetry.process import Process
from collector.telemetry.reloads import Reloads
from collector.telemetry.series import Series
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import log_stream
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.telemetry.stats import V1
from tests.contract.segments import plain_segment

NOW = 1_795_622_975.0
WEB = Container(
    id="a",
    name="web",
    state="running",
    health="unhealthy",
    failing_streak=7,
    last_check=NOW - 5,
    check_wait_seconds=90.0,
    image="shop:3",
    started=NOW - 100,
    created=NOW - 200,
    log_limit_bytes=30e6,
    memory_limit_bytes=64 << 20,
)
MUTE = Container(
    id="b",
    name="mute",
    state="exited",
    driver="journald",
    exit_code=3,
    created=NOW - 300,
    finished=NOW - 60,
    problem="its log driver is 'journald'",
    problem_kind="driver",
)
VAIN = Container(
    id="c",
    name="vain",
    state="running",
    problem="label aliyun.logs.x: /var/log is not followed",
    problem_kind="label",
    settings=Settings(fault_count=2),
)


class Behind(FileTail):
    """A tail that has not read all of its log."""

    @property
    def backlog_bytes(self) -> int:
        return 4711


class Telemetry:
    """An exporter over two outputs and three containers, one of which is unreadable."""

    def __init__(self, directory: Path) -> None:
        self.registry = Registry()
        self.listing = self.registry.join("docker")
        for container in (WEB, MUTE, VAIN, Container(id="d", name="web-1", state="running")):
            self.listing.put(container)
        self.listing.answered()
        self.pipelines = [self.pipeline(directory, name) for name in ("elastic", "local")]
        containers = Containers(self.registry, most=500, now=lambda: NOW)
        self.poll = Poll(self.listing, containers.shown, directory)
        self.calls = Calls()
        with self.calls.count("list"):
            pass
        lag = Histogram(LAG_SECONDS)
        lag.observe(0.002)
        alerts = Alerts(AlertOptions(), directory)
        alerts.outcomes["errors", "ops", "sent"] += 1
        self.exporter = Exporter(
            "1.2.3",
            self.registry,
            self.pipelines,
            containers=containers,
            watches=[Watch(self.poll, self.calls)],
            lag=lag,
            process=Process({"info": 3, "error": 1}, Reloads()),
            alerts=alerts,
        )
        stream = log_stream("/logs/x", container_id="web", reading=Reading("json", time=LineTime()))
        counts = Counts(5, Counter(jwt=2, withheld=1), Counter(limit=7), refused_times=4)
        source = Behind(stream, Watcher())
        reader = Reader(source, DockerJson(Stamps()), documents=12, read_bytes=3456, counts=counts)
        self.pipelines[0].readers[stream.key] = reader
        self.pipelines[0].unreadable[stream.key] = "no permission"
        self.pipelines[1].ledger.left_out({"debug": 3})
        self.look()

    def look(self) -> None:
        """What the poll would see."""
        self.poll.looks["stats"] = Look(True, 1.5)
        self.poll.take_usage(WEB, orjson.dumps(V1))
        self.poll.log_bytes = {"a": 123_456}
        self.poll.engine = {"ServerVersion": "20.10.24", "NCPU": 2, "MemTotal": 1 << 34, "Images": 7, "Warnings": None}
        self.poll.version = {"ApiVersion": "1.41"}
        self.poll.disk = {"images": Used(1000, 700), "volumes": Used(50, 0)}

    def pipeline(self, directory: Path, output: str) -> Pipeline:
        return Pipeline(
            output,
            RecordingShipper(),
            ShipperSettings(type="recording"),
            registry=self.registry,
            checkpoints=Checkpoints(directory, output),
            directory=directory,
            inputs={"docker": JsonFiles(Stamps())},
        )

    def scrape(self) -> dict[str, Metric]:
        text = expose(self.exporter.families(), "")[0].decode()
        return {family.name: family for family in text_string_to_metric_families(text)}

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


@pytest.mark.parametrize("series", catalogue.ALL, ids=lambda series: series.name)
def test_a_declared_series_is_exported_with_its_labels_and_meaning(telemetry: Telemetry, series: Series) -> None:
    family = telemetry.scrape()[series.family]
    assert (family.type, family.documentation) == (series.kind, series.help)
    assert family.samples
    for sample in family.samples:
        assert set(sample.labels) - {"le"} == set(series.labels)


def test_no_other_series_is_exported(telemetry: Telemetry) -> None:
    assert set(telemetry.scrape()) == {series.family for series in catalogue.ALL}


def test_no_series_is_exported_twice(telemetry: Telemetry) -> None:
    samples = [
        (one.name, tuple(sorted(one.labels.items()))) for it in telemetry.scrape().values() for one in it.samples
    ]
    assert len(samples) == len(set(samples))


def test_names_say_kind_and_unit() -> None:
    for series in catalogue.ALL:
        assert series.name.startswith(("pilotfish_", "process_", "docker_", "container_"))
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
    assert telemetry.value("pilotfish_documents_read_total", output="local") == 3  # left out


def test_an_output_in_trouble_is_down_until_it_is_well(telemetry: Telemetry) -> None:
    assert telemetry.value("pilotfish_output_up", output="elastic") == 1
    telemetry.pipelines[0].ledger.error = "away"
    assert telemetry.value("pilotfish_output_up", output="elastic") == 0
    assert telemetry.value("pilotfish_output_up", output="local") == 1
    telemetry.pipelines[0].ledger.waits["shop"] = "closed"
    assert telemetry.value("pilotfish_targets_waiting", output="elastic") == 1


def test_containers_are_counted_by_state_and_told_by_health(telemetry: Telemetry) -> None:
    assert telemetry.value("docker_containers", state="running") == 3
    assert telemetry.value("docker_containers", state="exited") == 1
    assert telemetry.value("docker_containers", state="paused") == 0
    assert telemetry.value("docker_container_health_status", name="web", status="unhealthy") == 1
    assert telemetry.value("docker_container_health_status", name="web", status="healthy") == 0
    assert telemetry.value("docker_container_health_status", name="mute", status="none") == 1
    assert telemetry.value("docker_container_health_failing_streak", name="web") == 7


def test_a_folder_that_is_a_link_is_among_what_is_not_followed(telemetry: Telemetry) -> None:
    telemetry.listing.links = frozenset(["moved"])
    samples = telemetry.scrape()["pilotfish_container_not_followed"].samples
    assert {"name": "moved", "reason": "link"} in [one.labels for one in samples]


def test_a_container_that_is_not_followed_says_why(telemetry: Telemetry) -> None:
    listed = Container(
        id="e",
        name="half",
        state="running",
        driver=UNDESCRIBED,
        problem="the daemon does not describe it",
        problem_kind="undescribed",
    )
    telemetry.listing.put(listed)
    found = {
        (one.labels["name"], one.labels["reason"])
        for one in telemetry.scrape()["pilotfish_container_not_followed"].samples
    }
    assert found == {("mute", "driver"), ("vain", "label"), ("web-1", "unreadable"), ("half", "undescribed")}


def test_a_backlog_is_told_by_container(telemetry: Telemetry) -> None:
    assert telemetry.value("pilotfish_backlog_bytes", output="elastic", name="web-1") == 4711


def test_what_was_read_of_a_container_is_told(telemetry: Telemetry) -> None:
    labels = {"output": "elastic", "name": "web-1"}
    assert telemetry.value("pilotfish_container_documents_read_total", **labels) == 12
    assert telemetry.value("pilotfish_container_read_bytes_total", **labels) == 3456


def test_what_is_gone_vanishes(telemetry: Telemetry) -> None:
    telemetry.listing.drop("a")
    assert all(one.labels.get("name") != "web" for it in telemetry.scrape().values() for one in it.samples)


def test_while_the_daemon_is_away_nothing_is_told_of_what_only_it_knows(telemetry: Telemetry) -> None:
    assert telemetry.value("docker_up") == 1
    telemetry.listing.lost("away")
    found = telemetry.scrape()
    assert telemetry.value("docker_up") == 0
    of_containers = {name for name in found if name.startswith(("docker_container_", "container_"))}
    assert of_containers | {"docker_info", "docker_containers", "docker_images"} & set(found) == set()
    assert telemetry.value("pilotfish_backlog_bytes", output="elastic", name="web-1") == 4711


def test_what_was_seen_before_the_daemon_was_away_is_not_told_after(telemetry: Telemetry) -> None:
    telemetry.listing.lost("away")
    telemetry.listing.answered()
    assert "container_memory_usage_bytes" not in telemetry.scrape()
    assert telemetry.value("docker_container_state", name="web", state="running") == 1


def test_counters_outlive_the_restart_of_a_container(telemetry: Telemetry) -> None:
    end = Event(container_id="a", action="die", time=1, exit_code=2)
    for _ in range(2):
        telemetry.listing.tell(end)
    telemetry.listing.put(WEB)
    assert telemetry.value("docker_container_exits_total", name="web", kind="error") == 2


def test_disk_usage_is_told_by_kind(telemetry: Telemetry) -> None:
    for kind, (used, reclaimable) in {"images": (1000, 700), "volumes": (50, 0)}.items():
        assert telemetry.value("docker_disk_usage_bytes", type=kind) == used
        assert telemetry.value("docker_disk_reclaimable_bytes", type=kind) == reclaimable
    telemetry.poll.disk = {}
    assert "docker_disk_usage_bytes" not in telemetry.scrape()


def test_what_the_daemon_did_not_measure_of_its_disk_has_no_series(telemetry: Telemetry) -> None:
    telemetry.poll.disk = {"images": Used(None, None), "volumes": Used(50, None)}
    found = {name: [one.labels for one in it.samples] for name, it in telemetry.scrape().items() if "disk_" in name}
    assert found == {"docker_disk_usage_bytes": [{"type": "volumes"}]}


@pytest.mark.parametrize(
    ("member", "series"),
    [("NCPU", "docker_cpus"), ("MemTotal", "docker_memory_bytes"), ("Images", "docker_images")],
)
@pytest.mark.parametrize("value", [None, "7", -1])
def test_what_the_daemon_does_not_tell_of_its_host_has_no_series(
    telemetry: Telemetry, member: str, series: str, value: object
) -> None:
    before = telemetry.scrape().keys()
    telemetry.poll.engine = telemetry.poll.engine | {member: value}
    assert before - telemetry.scrape().keys() == {series}


def test_no_warnings_of_the_daemon_are_told_from_no_word_on_them(telemetry: Telemetry) -> None:
    telemetry.poll.engine = telemetry.poll.engine | {"Warnings": None}
    assert telemetry.value("docker_warnings") == 0
    del telemetry.poll.engine["Warnings"]
    assert "docker_warnings" not in telemetry.scrape()


def test_of_a_container_that_the_daemon_does_not_describe_no_number_is_told(telemetry: Telemetry) -> None:
    telemetry.listing.put(Container(id="e", name="half", state="running", driver=UNDESCRIBED, problem="no word"))
    samples = [one for it in telemetry.scrape().values() for one in it.samples if one.labels.get("name") == "half"]
    counted = {"docker_container_health_transitions_total", "docker_container_exits_total"}
    told = {one.name for one in samples} - counted - {"container_oom_events_total"}
    assert told == {"docker_container_info", "docker_container_state", "pilotfish_container_not_followed"}


def test_several_workers_tell_of_the_daemon_once(telemetry: Telemetry) -> None:
    telemetry.exporter._watches = []
    assert not [name for name in telemetry.scrape() if name.startswith(("docker_", "container_"))]


def test_two_containers_of_one_name_are_told_once(telemetry: Telemetry) -> None:
    """A tree may hold the folder of an earlier container beside that of the present one."""
    telemetry.listing.put(Container(id="e", name="web", state="exited", health="healthy", finished=NOW))
    samples = [
        (one.name, tuple(sorted(one.labels.items()))) for it in telemetry.scrape().values() for one in it.samples
    ]
    assert len(samples) == len(set(samples))
    assert telemetry.value("docker_container_health_status", name="web", status="unhealthy") == 1
