"""The unit as it is shipped, under a real systemd: it works behind its walls, and ends and restarts as it says."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from tests.engines.dockerd import Dockerd
from tests.engines.search_server import SearchServer
from tests.engines.systemd import SystemdHost
from tests.integration.agent import wait_until
from tests.reference import ROOT

UNIT = ROOT / "deploy/systemd/pilotfish.service"
CONFIGURATION = "/etc/pilotfish/pilotfish.yml"
# Where a container's files lie: classic Docker, its containerd store, and what is mounted while it runs.
CONTAINERS_FILES = (
    "/var/lib/docker/volumes",
    "/var/lib/docker/overlay2",
    "/var/lib/docker/rootfs",
    "/var/lib/containerd",
)
DAC_READ_SEARCH = f"{1 << 2:016x}"


def configuration(server: SearchServer) -> str:
    """The shipped example, for this server, with a port that no other agent has."""
    text = (ROOT / "deploy/systemd/pilotfish.yml").read_text()
    assert "https://elasticsearch.example:9200" in text
    assert "username: pilotfish" in text
    text = text.replace("https://elasticsearch.example:9200", server.url)
    text = text.replace("username: pilotfish", f"username: {server.username}\n    ca_file: /etc/pilotfish/ca.pem")
    return f'{text}http: {{listen: "127.0.0.1:0"}}\n'


@pytest.fixture(scope="module")
def host(dockerd: Dockerd, elasticsearch_7: SearchServer) -> Iterator[SystemdHost]:
    """A host with the unit, its configuration and its secret, and files that are none of its business."""
    assert elasticsearch_7.ca_file is not None
    files = {
        "etc/systemd/system/pilotfish.service": UNIT.read_text(),
        CONFIGURATION.lstrip("/"): configuration(elasticsearch_7),
        "etc/pilotfish/ca.pem": elasticsearch_7.ca_file.read_text(),
        "root/private": "nobody's business",
        "etc/ssh/key": "nobody's business",
        **{f"{path.lstrip('/')}/private": "nobody's business" for path in CONTAINERS_FILES},
    }
    secrets = {"etc/pilotfish/es_password": str(elasticsearch_7.password)}
    with closing(SystemdHost(dockerd, files, secrets=secrets)) as host:
        host.start()
        yield host


@pytest.fixture
def service(host: SystemdHost) -> Iterator[SystemdHost]:
    """The host with the service running; it is stopped after the test."""
    assert host.run("systemctl", "start", "pilotfish.service").code == 0
    yield host
    host.run("systemctl", "stop", "pilotfish.service")
    host.run("systemctl", "reset-failed", "pilotfish.service")


def shell_blocks(heading: str) -> list[str]:
    """The commands of a part of docs/install-systemd.md."""
    part = (ROOT / "docs/install-systemd.md").read_text().partition(f"{heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", part, re.DOTALL)


def property_of(host: SystemdHost, name: str) -> str:
    return host.run("systemctl", "show", "-p", name, "--value", "pilotfish.service").output.strip()


def log_of(host: SystemdHost) -> str:
    return host.run("journalctl", "--no-pager", "-o", "cat", "-u", "pilotfish.service").output


def messages(server: SearchServer, target: str) -> Counter[str]:
    return Counter(hit["_source"]["log"]["message"] for hit in server.refresh_and_fetch(f"{target}-*"))


def test_systemd_finds_no_fault_with_the_unit(host: SystemdHost) -> None:
    assert host.run("systemd-analyze", "verify", "/etc/systemd/system/pilotfish.service") == (0, "")


@pytest.mark.engines
def test_the_unit_is_shut_in_as_far_as_its_work_allows() -> None:
    command = ["systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=20", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"Overall exposure level for pilotfish.service: [01]\.\d OK", done.stdout)


def test_behind_its_walls_it_ships_roots_logs_with_roots_secret(
    service: SystemdHost, dockerd: Dockerd, elasticsearch_7: SearchServer
) -> None:
    target = f"sd-{uuid4().hex[:8]}"
    script = "seq 1 500; while [ ! -e /tmp/end ]; do sleep 0.1; done; seq 501 600"
    container = dockerd.run("sh", "-c", script, labels={f"aliyun.logs.{target}": "stdout"})
    assert dockerd.log_file(container).stat().st_mode & 0o007 == 0
    wait_until(lambda: messages(elasticsearch_7, target).total() == 500, "the lines are there")

    before = property_of(service, "MainPID")
    service.run("systemctl", "kill", "-s", "KILL", "pilotfish.service")
    container.exec_run(["touch", "/tmp/end"])
    wait_until(lambda: messages(elasticsearch_7, target).total() >= 600, "those after a kill are there")
    assert messages(elasticsearch_7, target) == Counter(str(number) for number in range(1, 601))
    assert property_of(service, "NRestarts") == "1"
    assert property_of(service, "MainPID") != before
    assert str(elasticsearch_7.password) not in log_of(service)
    container.remove(force=True)


def test_it_holds_one_capability_and_no_way_to_more(service: SystemdHost) -> None:
    pid = property_of(service, "MainPID")
    status = dict(
        line.split(":\t", 1) for line in service.run("cat", f"/proc/{pid}/status").output.splitlines() if ":\t" in line
    )
    assert "0" not in status["Uid"].split()
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {DAC_READ_SEARCH}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_it_sees_no_home_and_no_secret_of_others_and_writes_its_state_alone(service: SystemdHost) -> None:
    root = f"/proc/{property_of(service, 'MainPID')}/root"
    assert service.run("cat", "/root/private").output == "nobody's business"
    assert service.run("ls", f"{root}/root").output == ""
    assert service.run("cat", "/etc/ssh/key").output == "nobody's business"
    assert service.run("ls", f"{root}/etc/ssh").output == ""
    assert service.run("cat", f"{root}/etc/shadow").output == ""
    for path in CONTAINERS_FILES:
        assert service.run("cat", f"{path}/private").output == "nobody's business"
        assert service.run("ls", f"{root}{path}") == (0, ""), path
    mounts = service.run("cat", f"/proc/{property_of(service, 'MainPID')}/mounts").output.splitlines()
    options = {line.split()[1]: line.split()[3].split(",") for line in mounts}
    assert "ro" in options["/"]
    assert service.run("stat", "-c", "%a", "/var/lib/private/pilotfish").output == "700\n"
    wait_until(
        lambda: service.run("stat", "-c", "%a", "/var/lib/pilotfish/http_token").output == "600\n", "there is a token"
    )


def test_a_stop_is_orderly_and_a_success(service: SystemdHost, dockerd: Dockerd, elasticsearch_7: SearchServer) -> None:
    target = f"sd-{uuid4().hex[:8]}"
    invocation = f"_SYSTEMD_INVOCATION_ID={property_of(service, 'InvocationID')}"

    def told() -> str:
        return service.run("journalctl", "--no-pager", "-o", "cat", invocation).output

    wait_until(lambda: '"listening"' in told(), "it runs")
    container = dockerd.run("echo", "last words", labels={f"aliyun.logs.{target}": "stdout"})
    wait_until(lambda: messages(elasticsearch_7, target), "it follows")
    assert '"stopped"' not in told()
    assert service.run("systemctl", "stop", "pilotfish.service").code == 0
    assert property_of(service, "Result") == "success"
    assert '"stopped"' in told()
    container.remove(force=True)


def test_a_reload_reads_the_configuration_again_without_a_restart(service: SystemdHost) -> None:
    main = property_of(service, "MainPID")
    before = log_of(service).count("configuration reloaded")
    assert service.run("systemctl", "reload", "pilotfish.service").code == 0
    wait_until(lambda: log_of(service).count("configuration reloaded") > before, "it reloads")
    assert property_of(service, "MainPID") == main


def test_what_is_done_by_hand_as_its_user_leaves_the_state_to_the_service(host: SystemdHost) -> None:
    blocks = shell_blocks("## Commands as the user of the service")
    by_hand, give_back = (block.replace("sudo ", "") for block in blocks)
    start, stop = ("systemctl", "start", "pilotfish.service"), ("systemctl", "stop", "pilotfish.service")
    assert host.run(*start).code == 0
    wait_until(lambda: '"listening"' in log_of(host), "it runs")
    assert host.run(*stop).code == 0
    owners = ("find", "/var/lib/private/pilotfish", "-printf", "%u\n")
    (owner,) = set(host.run(*owners).output.split())
    assert owner != "root"

    done = host.run("sh", "-c", by_hand)
    assert done.code == 0, done.output
    assert set(host.run(*owners).output.split()) == {owner}
    assert host.run("stat", "-c", "%a", "/var/lib/private/pilotfish").output == "700\n"

    host.run("mkdir", "-p", "/var/lib/private/pilotfish/outputs/local/2026-11-28")
    assert set(host.run(*owners).output.split()) == {owner, "root"}
    assert host.run("sh", "-c", give_back) == (0, "")
    assert set(host.run(*owners).output.split()) == {owner}
    assert host.run(*start).code == 0
    assert host.run(*stop).code == 0


def test_a_mistake_in_the_configuration_is_told_and_not_tried_again(host: SystemdHost) -> None:
    kept = host.run("cat", CONFIGURATION).output
    try:
        host.run("sh", "-c", f"echo 'outptus: {{}}' >{CONFIGURATION}")
        host.run("systemctl", "start", "pilotfish.service")
        wait_until(lambda: property_of(host, "ActiveState") == "failed", "it gives up")
        assert property_of(host, "ExecMainStatus") == "78"
        assert property_of(host, "NRestarts") == "0"
        assert "outputs" in log_of(host).splitlines()[-3]
    finally:
        host.run("sh", "-c", f"cat >{CONFIGURATION} <<'END'\n{kept}END\n")
        host.run("systemctl", "reset-failed", "pilotfish.service")
