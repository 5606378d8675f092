"""`compose-fleet.yml` over `compose-elk.yml`, as the real docker-compose reads them, and its two configurations."""

from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from collector.app.plugins import installed_types
from collector.config.loading import load
from tests.needs import marks
from tests.reference import ROOT
from tests.test_compose import Services, mounts, read

OURS = {"pilotfish", "relay"}


@pytest.fixture(scope="module")
@marks("engines")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    """As they are without a `.env`."""
    empty = tmp_path_factory.mktemp("none") / ".env"
    empty.touch()
    return read("--env-file", str(empty), files=("compose-elk.yml", "compose-fleet.yml"))


def ordered(service: dict[str, Any]) -> dict[str, Any]:
    """With its volumes in the order of their names: files that are read together change it."""
    return service | {"volumes": sorted(mounts(service))}


def configured(name: str) -> dict[str, Any]:
    found = load(ROOT / f"deploy/compose/fleet-{name}.yml", installed_types(), {})
    assert found.warnings == []
    return found.model_dump()


def test_it_adds_kafka_and_relays_and_gives_the_agent_another_configuration(
    services: Services, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = tmp_path_factory.mktemp("none") / ".env"
    empty.touch()
    alone = read("--env-file", str(empty))
    assert services.keys() - alone.keys() == {"kafka", "relay"}
    changed = [name for name, one in alone.items() if ordered(services[name]) != ordered(one)]
    assert changed == ["pilotfish"]
    assert len(mounts(services["pilotfish"])) == len(mounts(alone["pilotfish"]))


def test_what_it_adds_is_bounded_watched_and_not_published(services: Services) -> None:
    for name in ("kafka", "relay"):
        service = services[name]
        assert service["logging"]["options"].keys() >= {"max-size", "max-file"}, name
        assert service["labels"]["pilotfish.exclude"] == "true", name
        assert service["restart"] == "unless-stopped", name
        assert "healthcheck" in service, name
        assert "ports" not in service, name


def test_a_relay_has_the_image_and_the_rights_of_the_agent(services: Services) -> None:
    agent, relay = services["pilotfish"], services["relay"]
    for key in ("image", "build", "read_only", "cap_drop", "cap_add", "security_opt", "stop_grace_period"):
        assert relay[key] == agent[key], key


def test_each_relay_has_a_state_directory_of_its_own(services: Services) -> None:
    """A volume without a name is made for each container, so `--scale relay=3` gives three."""
    assert [mount for mount in mounts(services["relay"]) if mount.partition(":")[0] == "/data"]
    assert not [mount for mount in mounts(services["relay"]) if ":/data" in mount]


def test_each_reads_its_own_configuration(services: Services) -> None:
    for name, file in (("pilotfish", "fleet-agent.yml"), ("relay", "fleet-relay.yml")):
        (mounted,) = (mount for mount in mounts(services[name]) if ":/etc/pilotfish/pilotfish.yml" in mount)
        assert Path(mounted.partition(":")[0]) == ROOT / "deploy/compose" / file


def test_relays_read_what_agents_write_where_kafka_listens(services: Services) -> None:
    agent, relay = configured("agent")["outputs"]["kafka"], configured("relay")["inputs"]["kafka"]
    advertised = services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert [*agent["brokers"]] == [*relay["brokers"]] == [advertised.removeprefix("PLAINTEXT://")]
    assert any(fnmatch(agent["topic"].format(target="shop"), pattern) for pattern in relay["topics"])


def test_relays_deliver_to_the_stacks_elasticsearch_and_leave_the_queue_to_kafka(services: Services) -> None:
    elastic = configured("relay")["outputs"]["elastic"]
    assert "http://elasticsearch:9200" in elastic["hosts"]
    assert str(elastic["password_file"]) == "/secrets/elastic_password"
    assert "secrets:/secrets:ro" in mounts(services["relay"])
    assert elastic["spool"] is False


@pytest.mark.engines
def test_a_file_more_lets_programs_of_this_machine_alone_reach_kafka(services: Services, tmp_path: Path) -> None:
    (empty := tmp_path / ".env").touch()
    port = "deploy/compose/kafka-port.yml"
    more = read("--env-file", str(empty), files=("compose-elk.yml", "compose-fleet.yml", port))
    assert [name for name, one in more.items() if ordered(services[name]) != ordered(one)] == ["kafka"]
    said, before = more["kafka"]["environment"], services["kafka"]["environment"]
    for name, value in before.items():
        assert set(str(value).split(",")) <= set(str(said[name]).split(",")), name
    advertised, listens = (
        dict(one.split("://") for one in said[name].split(","))
        for name in ("KAFKA_ADVERTISED_LISTENERS", "KAFKA_LISTENERS")
    )
    assert advertised["HOST"].startswith("127.0.0.1:")
    assert [str(one).removesuffix("/tcp") for one in more["kafka"]["ports"]] == [advertised["HOST"] + listens["HOST"]]
    assert listens.keys() == {one.split(":")[0] for one in said["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")}
