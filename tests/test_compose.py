"""`compose-elk.yml`, as the real docker-compose reads it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.app import shipper_types
from collector.config import Configuration, load
from tests.reference import ROOT

SAMPLES = {"sample"}

Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def services() -> Services:
    """The services with `.env` filled in; nothing of the caller's environment is."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = ["docker-compose", "-f", "compose-elk.yml", "config"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    found: Services = yaml.safe_load(done.stdout)["services"]
    return found


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load(
        ROOT / "deploy/compose/pilotfish.yml", shipper_types(), {"PILOTFISH_OUTPUTS__ELASTIC__PASSWORD": "secret"}
    )


def mounts(service: dict[str, Any]) -> list[str]:
    return [str(volume) for volume in service.get("volumes", [])]


def test_no_log_of_a_container_grows_without_limit(services: Services) -> None:
    for name, service in services.items():
        logging = service["logging"]
        assert logging["driver"] == "json-file", name
        assert logging["options"].keys() >= {"max-size", "max-file"}, name


def test_every_port_is_this_machines_only(services: Services) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(str(port).startswith("127.0.0.1:") for port in published)


def test_the_stack_does_not_feed_on_itself(services: Services) -> None:
    excluded = {name for name, one in services.items() if one.get("labels", {}).get("pilotfish.exclude") == "true"}
    assert excluded == services.keys() - SAMPLES


def test_every_lasting_service_has_a_health_check(services: Services) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert 'HEALTHCHECK --interval=30s --timeout=6s --start-period=15s --retries=3 CMD ["pilotfish"' in dockerfile
    assert {name for name, one in services.items() if "healthcheck" not in one} == {"setup", "pilotfish"}


def test_the_sidecar_reads_logs_and_socket_and_writes_only_its_state(services: Services) -> None:
    written = [mount for mount in mounts(services["pilotfish"]) if not mount.endswith(":ro")]
    assert written == ["pilotfish:/var/lib/pilotfish:rw"]
    read = {mount.split(":")[0] for mount in mounts(services["pilotfish"]) if mount.endswith(":ro")}
    assert read >= {"/var/run/docker.sock", "/var/lib/docker/containers"}


def test_every_mounted_file_of_the_checkout_exists(services: Services) -> None:
    paths = {Path(mount.split(":")[0]) for service in services.values() for mount in mounts(service)}
    ours = {path for path in paths if path.is_relative_to(ROOT)}
    assert len(ours) == 4
    assert all(path.is_file() for path in ours)


def test_images_are_pinned(services: Services) -> None:
    images = {str(service["image"]) for name, service in services.items() if name != "pilotfish"}
    assert all(":" in image and not image.endswith(":latest") for image in images)


def test_passwords_stand_in_one_place(services: Services) -> None:
    lines = (line.partition("=") for line in (ROOT / ".env").read_text().splitlines())
    passwords = {name: value for name, _, value in lines if name.endswith("_PASSWORD")}
    assert passwords.keys() == {"ELASTIC_PASSWORD", "KIBANA_PASSWORD"}
    assert services["elasticsearch"]["environment"]["ELASTIC_PASSWORD"] == passwords["ELASTIC_PASSWORD"]
    elsewhere = [ROOT / "compose-elk.yml", *(ROOT / "deploy/compose").iterdir()]
    assert not [path for path in elsewhere if any(word in path.read_text() for word in passwords.values())]


def test_the_sidecars_configuration_is_valid_and_names_the_stacks_servers(
    services: Services, configuration: Configuration
) -> None:
    assert configuration.warnings == []
    settings = services["pilotfish"]["environment"]
    (option,) = (name for name in settings if name.startswith("PILOTFISH_OUTPUTS__"))
    assert option.split("__")[1].lower() in configuration.outputs
    assert "http://elasticsearch:9200" in configuration.model_dump()["outputs"]["elastic"]["hosts"]


def test_prometheus_asks_the_sidecar_where_it_listens(configuration: Configuration) -> None:
    jobs = yaml.safe_load((ROOT / "deploy/compose/prometheus.yml").read_text())["scrape_configs"]
    targets = [target for job in jobs for group in job["static_configs"] for target in group["targets"]]
    assert configuration.http.address is not None
    assert f"pilotfish:{configuration.http.address.port}" in targets


def test_a_stop_gives_the_sidecar_time_to_drain(services: Services, configuration: Configuration) -> None:
    seconds = int(services["pilotfish"]["stop_grace_period"].removesuffix("s"))
    assert seconds > configuration.drain_seconds + 5


def test_the_sample_writes_json_objects_with_the_fields_of_the_original_system() -> None:
    busybox = shutil.which("busybox")
    assert busybox, "run python -m tests.engines.install"
    script = (ROOT / "deploy/compose/sample.sh").read_text().replace("sleep 1", '[ "$number" -lt 62 ] || exit 0')
    done = subprocess.run([busybox, "sh", "-c", script], capture_output=True, text=True, check=True)
    lines = [yaml.safe_load(line) for line in done.stdout.splitlines()]
    assert len(lines) == 62
    assert all(line.keys() >= {"Date", "IP", "Cost", "Params", "Resp", "level", "message"} for line in lines)
    assert {line["level"] for line in lines} == {"info", "warning", "error"}
    assert done.stderr.count("\n") == 1
