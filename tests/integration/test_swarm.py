"""The stack as it is shipped, on a real swarm: an agent on each node, one secret, one capability, and every line.

Elasticsearch is a service of the swarm, there before the agents, as docs/install-swarm.md has it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import yaml
from docker.models.containers import Container

from collector.app.plugins import installed_types
from collector.config.loading import load
from tests.engines.dockerd import Dockerd
from tests.engines.haproxy import Haproxy
from tests.engines.host_image import COMMAND, MOUNTS, host_image, run_in
from tests.engines.search_server import SearchServer
from tests.engines.swarm import Swarm
from tests.integration.agent import wait_until
from tests.reference import ROOT

STACK = ROOT / "deploy/swarm/pilotfish-stack.yml"
CONFIGURATION = ROOT / "deploy/swarm/pilotfish.yml"
LINES = 300
# To Elasticsearch on this machine's loopback: from where tasks can reach, and from there as a service of the swarm.
RELAY = """\
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen elasticsearch
    bind {bind}
    server one ADDRESS
"""
DAC_READ_SEARCH = f"{1 << 2:016x}"


class Stage(NamedTuple):
    """A node with the agent's stack, and an application's that writes while the agent is replaced."""

    dockerd: Dockerd
    swarm: Swarm
    server: SearchServer
    application: str

    def containers(self, service: str) -> list[Container]:
        label = f"com.docker.swarm.service.name={service}"
        return list(self.dockerd.client().containers.list(filters={"label": label}))

    @property
    def agent(self) -> Container:
        (found,) = self.containers("pilotfish_agent")
        return found

    def documents(self) -> list[dict[str, Any]]:
        hits = self.server.refresh_and_fetch(f"{self.application}_web-*")
        return [hit["_source"] for hit in hits]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, elasticsearch_7: SearchServer) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("swarm")
    application = f"shop{uuid4().hex[:6]}"
    with closing(Dockerd()) as dockerd, closing(Swarm(dockerd)) as swarm:
        dockerd.start()
        swarm.start()
        client = dockerd.client()
        client.api.import_image_from_data(host_image(), repository="pilotfish", tag="host")
        client.secrets.create(name="pilotfish_es_password", data=str(elasticsearch_7.password).encode())
        # of one node only: there is nobody to whom `encrypted` would have to encrypt
        client.networks.create("pilotfish", driver="overlay", attachable=True, options={"encrypted": ""})
        with closing(Haproxy(relay(f"127.0.0.1:{elasticsearch_7.port}"), host=swarm.gateway)) as proxy:
            proxy.start()
            search = search_stack(directory, f"{swarm.gateway}:{proxy.port}")
            swarm.deploy("search", written(directory / "search.yml", search))
            wait_until(lambda: len(swarm.tasks("search_elasticsearch")) == 1, "Elasticsearch is there")
            environment = {
                "PILOTFISH_IMAGE": "pilotfish:host",
                "ELASTICSEARCH_HOSTS": "https://elasticsearch:9200",
                "ELASTICSEARCH_USERNAME": str(elasticsearch_7.username),
                "DOCKER_LOGS": str(dockerd.logs_root),
            }
            files = (STACK, written(directory / "here.yml", here(dockerd, elasticsearch_7)))
            swarm.deploy("pilotfish", *files, environment=environment)
            swarm.deploy(application, written(directory / "application.yml", APPLICATION))
            stage = Stage(dockerd, swarm, elasticsearch_7, application)
            wait_until(lambda: len(swarm.tasks("pilotfish_agent")) == 1, "the agent runs")
            wait_until(lambda: len(swarm.tasks(f"{application}_web")) == 2, "the application runs")
            yield stage


def relay(address: str) -> str:
    return RELAY.replace("ADDRESS", address)


def written(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(json.dumps(content))
    return path


def bound(mounts: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"type": "bind", "source": source, "target": target, "read_only": True} for source, target in mounts.items()
    ]


def search_stack(directory: Path, address: str) -> dict[str, Any]:
    """The stack that others may have made: a service `elasticsearch` on the network, without a virtual address."""
    file = directory / "search.cfg"
    file.write_text(relay(address).replace("{bind}", ":9200"))
    service = {
        "image": "pilotfish:host",
        "command": ["haproxy", "-db", "-f", "/search.cfg"],
        "configs": [{"source": "relay", "target": "/search.cfg"}],
        "volumes": bound(MOUNTS),
        "networks": ["pilotfish"],
        "stop_grace_period": "1s",
        "deploy": {"endpoint_mode": "dnsrr"},
    }
    return {
        "version": "3.8",
        "services": {"elasticsearch": service},
        "configs": {"relay": {"file": str(file)}},
        "networks": {"pilotfish": {"external": True}},
    }


def here(dockerd: Dockerd, server: SearchServer) -> dict[str, Any]:
    """What this machine has elsewhere: the daemon's socket, the agent's files, the server's authority."""
    agent = {
        "entrypoint": [COMMAND],
        "command": ["run"],
        "environment": {"PILOTFISH_OUTPUTS__ELASTIC__CA_FILE": "/etc/pilotfish/ca.pem"},
        "configs": [{"source": "authority", "target": "/etc/pilotfish/ca.pem"}],
        "volumes": bound(MOUNTS | {str(dockerd.socket): "/var/run/docker.sock"}),
        "healthcheck": {"test": ["CMD", COMMAND, "healthcheck"], "interval": "2s", "timeout": "30s"},
    }
    return {
        "version": "3.8",
        "services": {"agent": agent},
        "configs": {"authority": {"file": str(server.ca_file)}},
    }


APPLICATION = {
    "version": "3.8",
    "services": {
        "web": {
            "image": Dockerd.image,
            "command": [
                "sh",
                "-c",
                f"i=0; while [ $$i -lt {LINES} ]; do i=$$((i+1)); echo line $$i; sleep 0.1; done; sleep 10000",
            ],
            "networks": ["pilotfish"],
            "stop_grace_period": "1s",
            "deploy": {"replicas": 2, "labels": {"pilotfish.tags": "from=service"}},
        }
    },
    "networks": {"pilotfish": {"external": True}},
}


def test_every_line_of_every_task_arrives_once_though_the_agent_is_replaced(stage: Stage) -> None:
    wait_until(lambda: len(stage.documents()) > 20, "the first lines are there")
    first = stage.agent
    stage.swarm.restart("pilotfish_agent")
    wait_until(lambda: len(stage.documents()) >= 2 * LINES, "all lines are there", seconds=120)
    assert stage.agent.id != first.id
    found = Counter((one["docker_task"], one["log"]["message"]) for one in stage.documents())
    names = {f"{task['Slot']}.{task['ID']}" for task in stage.swarm.tasks(f"{stage.application}_web")}
    assert {task.split(".", 1)[1] for task, _ in found} == names
    assert found == Counter(
        (f"{stage.application}_web.{name}", f"line {number}") for name in names for number in range(1, LINES + 1)
    )


def test_a_document_tells_stack_service_task_and_node(stage: Stage) -> None:
    wait_until(stage.documents, "there are documents")
    document = stage.documents()[0]
    assert document["docker_app"] == stage.application
    assert document["docker_service"] == document["@target"] == f"{stage.application}_web"
    assert re.fullmatch(rf"{stage.application}_web\.[12]\.[a-z0-9]{{25}}", document["docker_task"])
    assert document["from"] == "service"  # a label below `deploy:`, which no container has
    (node,) = stage.dockerd.client().nodes.list()
    assert document["host"] == node.attrs["Description"]["Hostname"]
    print(json.dumps(document))


def test_the_agents_own_log_is_not_shipped(stage: Stage) -> None:
    wait_until(stage.documents, "others' logs are shipped")
    assert stage.server.refresh_and_fetch("pilotfish_agent-*") == []


def test_the_agent_is_healthy_and_holds_little(stage: Stage) -> None:
    wait_until(lambda: stage.agent.attrs["State"]["Health"]["Status"] == "healthy", "it is healthy")
    found = stage.agent.attrs
    assert found["HostConfig"]["ReadonlyRootfs"]
    assert found["HostConfig"]["CapDrop"] == ["ALL"]
    assert found["HostConfig"]["CapAdd"] == ["CAP_DAC_READ_SEARCH"]
    assert found["HostConfig"]["Memory"] == 512 << 20
    assert found["HostConfig"]["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    assert {mount["Destination"] for mount in found["Mounts"] if mount["RW"]} == {"/data"}
    status = run_in(stage.agent, "cat", "/proc/1/status").output
    assert dict(re.findall(r"^(Cap(?:Prm|Eff|Bnd)):\s*(\w+)$", status, re.MULTILINE)) == dict.fromkeys(
        ("CapPrm", "CapEff", "CapBnd"), DAC_READ_SEARCH
    )
    password = str(stage.server.password)
    assert run_in(stage.agent, "stat", "-c", "%a %u", "/run/secrets/es_password") == (0, "400 0\n")
    assert password not in json.dumps(found)
    assert password not in stage.agent.logs().decode()


def test_a_container_on_the_network_reaches_elasticsearch_to_set_it_up(stage: Stage) -> None:
    mounts = MOUNTS | {str(stage.server.ca_file): "/etc/pilotfish/ca.pem"}
    output = {
        "TYPE": "elasticsearch",
        "HOSTS": "https://elasticsearch:9200",
        "USERNAME": str(stage.server.username),
        "PASSWORD": str(stage.server.password),
        "CA_FILE": "/etc/pilotfish/ca.pem",
    }
    told = stage.dockerd.client().containers.run(
        "pilotfish:host",
        [COMMAND, "setup", "elasticsearch", "--dry-run"],
        network="pilotfish",
        environment={f"PILOTFISH_OUTPUTS__ELASTIC__{key}": value for key, value in output.items()},
        volumes=[f"{source}:{target}:ro" for source, target in mounts.items()],
        labels={"pilotfish.exclude": "true"},
        remove=True,
    )
    assert b"PUT " in told


def test_others_on_the_network_see_its_series_and_not_what_is_behind_the_token(stage: Stage) -> None:
    web = stage.containers(f"{stage.application}_web")[0]
    address = "http://tasks.pilotfish_agent:9880"

    def ask(path: str) -> str:
        return run_in(web, "wget", "-q", "-O", "-", f"{address}{path}").output

    wait_until(lambda: "docker_up 1" in ask("/metrics"), "its series are there")
    assert "403" in ask("/api/status")  # already for the name in Host
    assert stage.agent.ports == {}


def test_the_configuration_of_the_stack_is_valid_and_complete(tmp_path: Path) -> None:
    service = yaml.safe_load(STACK.read_text())["services"]["agent"]
    (secret,) = service["secrets"]
    text = CONFIGURATION.read_text()
    assert f"/run/secrets/{secret['target']}" in text
    path = tmp_path / "pilotfish.yml"
    path.write_text(text.replace(f"/run/secrets/{secret['target']}", str(written(tmp_path / "secret", {}))))
    environment = {
        name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
        for name, value in service["environment"].items()
        if name != "PILOTFISH_CONFIG"
    }
    configuration = load(path, installed_types(), environment)
    assert configuration.warnings == []
    assert configuration.state_dir == Path("/data")
    assert "state" in {mount["source"] for mount in service["volumes"] if mount["target"] == "/data"}
    assert int(service["stop_grace_period"].removesuffix("s")) > configuration.drain_seconds + 5
