"""`compose-elk.yml`, as the real docker-compose reads it; booted it is in `tests/compose`."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.config.models import Configuration
from tests.needs import marks
from tests.reference import ROOT

SAMPLES = {"sample", "sample-unhealthy", "sample-crashing", "sample-rotating"}
ONE_SHOTS = {"secrets", "setup", "kibana-user", "setup-kibana"}
OURS = {"pilotfish", "setup", "setup-kibana"}
# What `.env` may hold, by the kind of server.
VARIANTS = {
    "elasticsearch-8": None,
    "elasticsearch-6.8": "with-elasticsearch-6.8.env",
    "opensearch": "with-opensearch.env",
}

Services = dict[str, dict[str, Any]]


def read(*words: str, files: Sequence[str] = ("compose-elk.yml",)) -> Services:
    """The services as docker-compose understands them; nothing of the caller's environment is in them."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = ["docker-compose", *words, *(word for file in files for word in ("-f", file)), "config"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    found: Services = yaml.safe_load(done.stdout)["services"]
    return found


@pytest.fixture(scope="module")
@marks("engines")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    """As they are without a `.env`."""
    empty = tmp_path_factory.mktemp("none") / ".env"
    empty.touch()
    return read("--env-file", str(empty))


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest, services: Services) -> Services:
    """As they are with each of the files that docs/install-compose.md offers."""
    file = VARIANTS[request.param]
    return read("--env-file", f"deploy/compose/{file}") if file else services


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load(ROOT / "deploy/compose/pilotfish.yml", installed_types(), {})


def mounts(service: dict[str, Any]) -> list[str]:
    return [str(volume) for volume in service.get("volumes", [])]


def test_no_log_of_a_container_grows_without_limit(services: Services) -> None:
    for name, service in services.items():
        logging = service["logging"]
        assert logging["driver"] == "json-file", name
        assert logging["options"].keys() >= {"max-size", "max-file"}, name


def test_every_port_is_this_machines_only(services: Services) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert len(published) == 5
    assert all(str(port).startswith("127.0.0.1:") for port in published)


def test_the_stack_does_not_feed_on_itself(services: Services) -> None:
    excluded = {name for name, one in services.items() if one.get("labels", {}).get("pilotfish.exclude") == "true"}
    assert excluded == services.keys() - SAMPLES


def test_every_lasting_service_has_a_health_check_and_comes_back(services: Services) -> None:
    lasting = services.keys() - ONE_SHOTS
    assert {name for name, one in services.items() if "healthcheck" in one} >= lasting - SAMPLES
    assert {name for name, one in services.items() if "restart" in one} == lasting


def test_each_waits_until_what_it_needs_is_well(services: Services) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if needed in ONE_SHOTS else "service_healthy"
            assert how["condition"] == expected, f"{name} needs {needed}"


def test_the_stack_starts_without_kibana(services: Services) -> None:
    needs = {name for name, one in services.items() if "kibana" in one.get("depends_on", {})}
    assert needs == {"setup-kibana"}
    assert not [name for name, one in services.items() if "setup-kibana" in one.get("depends_on", {})]


def test_monitoring_is_a_profile_and_nothing_else_is(services: Services) -> None:
    assert {name for name, one in services.items() if one.get("profiles")} == {"prometheus", "grafana"}
    assert services["prometheus"]["profiles"] == services["grafana"]["profiles"] == ["monitoring"]


def test_our_containers_have_no_right_that_they_do_not_need(services: Services) -> None:
    for name in OURS:
        service = services[name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["cap_add"] == ["DAC_READ_SEARCH"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_the_sidecar_reads_logs_and_socket_and_writes_only_its_state(services: Services) -> None:
    written = [mount for mount in mounts(services["pilotfish"]) if not mount.endswith(":ro")]
    assert written == ["pilotfish:/data:rw"]
    read = {mount.split(":")[0] for mount in mounts(services["pilotfish"]) if mount.endswith(":ro")}
    assert read >= {"/var/run/docker.sock", "/var/lib/docker/containers"}


def test_every_mounted_file_of_the_checkout_exists(services: Services) -> None:
    paths = {Path(mount.split(":")[0]) for service in services.values() for mount in mounts(service)}
    ours = {path for path in paths if path.is_relative_to(ROOT)}
    assert len(ours) >= 10
    assert all(path.is_file() for path in ours)


def test_images_are_pinned(variant: Services) -> None:
    images = {str(service["image"]) for name, service in variant.items() if name not in OURS}
    assert all(":" in image and not image.endswith(":latest") for image in images)


def test_each_kind_of_server_gets_its_own_settings_and_no_others(variant: Services) -> None:
    server = variant["elasticsearch"]
    home = "opensearch" if "opensearch" in server["image"] else "elasticsearch"
    assert f"elasticsearch:/usr/share/{home}/data:rw" in mounts(server)
    settings = server["environment"].keys() - {"ES_JAVA_OPTS", "OPENSEARCH_JAVA_OPTS"}
    elasticsearch = {"ELASTIC_PASSWORD_FILE", "xpack.security.enabled", "xpack.security.http.ssl.enabled"}
    opensearch = {"DISABLE_INSTALL_DEMO_CONFIG", "DISABLE_SECURITY_PLUGIN"}
    both = {"discovery.type", "cluster.routing.allocation.disk.threshold_enabled"}
    assert settings == both | (opensearch if home == "opensearch" else elasticsearch)


def test_kibana_is_of_the_same_release_as_its_server(variant: Services) -> None:
    server, kibana = (variant[name]["image"].rpartition(":")[2] for name in ("elasticsearch", "kibana"))
    assert server == kibana
    assert variant["setup-kibana"]["command"][1] in ("kibana", "opensearch-dashboards")
    assert ("opensearch" in variant["kibana"]["image"]) == (variant["setup-kibana"]["command"][1] != "kibana")


def test_no_password_stands_in_a_file(services: Services) -> None:
    for path in (ROOT / "compose-elk.yml", *(ROOT / "deploy/compose").iterdir()):
        if path.suffix in (".yml", ".env"):
            assert not re.search(r"(?i)password\"?\s*[:=]\s*(?!/secrets/)\S", path.read_text()), path
    for name, service in services.items():
        words = [*service.get("environment", {}).items(), *enumerate(service.get("command") or [])]
        secret = [value for key, value in words if "PASSWORD" in str(key).upper()]
        assert all(str(value).startswith("/secrets/") for value in secret), name


@pytest.mark.engines
def test_the_script_makes_each_password_once(tmp_path: Path) -> None:
    busybox = shutil.which("busybox")
    assert busybox, "run python -m tests.engines.install"
    script = (ROOT / "deploy/compose/secrets.sh").read_text().replace("/secrets", str(tmp_path))

    def run() -> dict[str, str]:
        subprocess.run([busybox, "sh", "-c", script], capture_output=True, check=True)
        return {path.name: path.read_text() for path in tmp_path.iterdir()}

    first = run()
    assert first.keys() == {"elastic_password", "kibana_password", "grafana_password"}
    assert len(set(first.values())) == 3
    assert all(re.fullmatch("[A-Za-z0-9]{24}", value) for value in first.values())
    assert run() == first
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o400}


def test_the_sidecars_configuration_is_valid_and_names_the_stacks_servers(
    services: Services, configuration: Configuration
) -> None:
    assert configuration.warnings == []
    elastic = configuration.model_dump()["outputs"]["elastic"]
    assert "http://elasticsearch:9200" in elastic["hosts"]
    assert str(elastic["password_file"]) == "/secrets/elastic_password"
    assert "secrets:/secrets:ro" in mounts(services["pilotfish"])
    assert services["setup"]["command"][:3] == ["setup", "elasticsearch", "--output=elastic"]


def test_prometheus_asks_the_sidecar_where_it_listens(configuration: Configuration) -> None:
    jobs = yaml.safe_load((ROOT / "deploy/compose/prometheus.yml").read_text())["scrape_configs"]
    targets = [target for job in jobs for group in job["static_configs"] for target in group["targets"]]
    assert configuration.http.address is not None
    assert f"pilotfish:{configuration.http.address.port}" in targets


def test_prometheus_finds_each_rule_file_where_its_configuration_says(services: Services) -> None:
    named = set(yaml.safe_load((ROOT / "deploy/compose/prometheus.yml").read_text())["rule_files"])
    mounted = {mount.split(":")[1]: mount.split(":")[0] for mount in mounts(services["prometheus"])}
    assert {mounted[name] for name in named} == {str(path) for path in (ROOT / "dashboards/prometheus").glob("*.yml")}


def test_grafana_finds_its_source_and_every_board(services: Services) -> None:
    provisioning = ROOT / "dashboards/grafana/provisioning"
    mounted = {mount.split(":")[0]: Path(mount.split(":")[1]) for mount in mounts(services["grafana"])}
    (provider,) = yaml.safe_load((provisioning / "dashboards.yml").read_text())["providers"]
    for board in (ROOT / "dashboards/grafana").glob("*.json"):
        assert str(mounted[str(board)].parent) == provider["options"]["path"]
    (source,) = yaml.safe_load((provisioning / "datasources.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert mounted[str(provisioning / "datasources.yml")].parent == Path("/etc/grafana/provisioning/datasources")
    assert mounted[str(provisioning / "dashboards.yml")].parent == Path("/etc/grafana/provisioning/dashboards")


def test_a_stop_gives_the_sidecar_time_to_drain(services: Services, configuration: Configuration) -> None:
    seconds = int(services["pilotfish"]["stop_grace_period"].removesuffix("s"))
    assert seconds > configuration.drain_seconds + 5


def sample_lines(**variables: str) -> tuple[list[dict[str, Any]], str, int]:
    """What the sample writes until it ends, to each stream, and its exit code."""
    busybox = shutil.which("busybox")
    assert busybox, "run python -m tests.engines.install"
    script = (ROOT / "deploy/compose/sample.sh").read_text().replace("sleep 1", ":").replace("/tmp/", "$HOME/")
    command = [busybox, "sh", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    return [yaml.safe_load(line) for line in done.stdout.splitlines()], done.stderr, done.returncode


@pytest.mark.engines
def test_the_sample_writes_json_objects_with_the_fields_of_the_original_system(tmp_path: Path) -> None:
    lines, errors, code = sample_lines(HOME=str(tmp_path), LINES_UNTIL_EXIT="62")
    assert code == 3
    assert [line["number"] for line in lines] == list(range(1, 63))
    assert all(line.keys() >= {"Date", "IP", "Cost", "Params", "Resp", "level", "message"} for line in lines)
    assert {line["level"] for line in lines} == {"info", "warning", "error"}
    assert errors.count("\n") == 1


@pytest.mark.engines
def test_the_sample_counts_its_runs(tmp_path: Path) -> None:
    ran = [sample_lines(HOME=str(tmp_path), LINES_UNTIL_EXIT="2")[0] for _ in range(3)]
    assert [{line["run"] for line in lines} for lines in ran] == [{1}, {2}, {3}]
