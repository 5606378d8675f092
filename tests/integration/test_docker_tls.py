"""A daemon that listens on TCP with mutual TLS: who has its certificates follows it, who has not is told why not."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.collector.cli.pilotfish import pilotfish
from tests.engines.dockerd import Dockerd
from tests.engines.process import free_ports
from tests.integration.agent import AgentProcess, running, wait_until
from tests.needs import marks


class Remote(NamedTuple):
    """A daemon on TCP, whose certificate is for 127.0.0.1 alone, and directories of certificates to ask it with."""

    dockerd: Dockerd
    port: int
    certificates: Path

    def url(self, host: str = "127.0.0.1", scheme: str = "tcp") -> str:
        return f"{scheme}://{host}:{self.port}"


def issue(directory: Path, *, trusted: trustme.CA, signed_by: trustme.CA) -> None:
    """The three files that the docker command takes."""
    directory.mkdir()
    trusted.cert_pem.write_to_path(directory / "ca.pem")
    pair = signed_by.issue_cert("pilotfish")
    pair.cert_chain_pems[0].write_to_path(directory / "cert.pem")
    pair.private_key_pem.write_to_path(directory / "key.pem")


@pytest.fixture(scope="module")
@marks("engines")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    directory = tmp_path_factory.mktemp("certificates")
    authority, stranger = trustme.CA(), trustme.CA()
    issue(directory / "good", trusted=authority, signed_by=authority)
    issue(directory / "other-authority", trusted=stranger, signed_by=authority)
    issue(directory / "unknown-client", trusted=authority, signed_by=stranger)
    pair = authority.issue_cert("127.0.0.1")
    pair.cert_chain_pems[0].write_to_path(directory / "server.pem")
    pair.private_key_pem.write_to_path(directory / "server.key")
    (port,) = free_ports(1)
    words = [
        "--tlsverify",
        f"--tlscacert={directory / 'good/ca.pem'}",
        f"--tlscert={directory / 'server.pem'}",
        f"--tlskey={directory / 'server.key'}",
        f"--host=tcp://127.0.0.1:{port}",
    ]
    with closing(Dockerd(arguments=words)) as dockerd:
        dockerd.start()
        yield Remote(dockerd, port, directory)


def configuration(remote: Remote, directory: Path, **docker: str) -> dict[str, Any]:
    return {
        "inputs": {"docker": {"logs_root": str(remote.dockerd.logs_root), "events": False, **docker}},
        "outputs": {"file": {"type": "ndjson_file", "path": str(directory / "documents.ndjson")}},
        "state_dir": str(directory / "state"),
        "http": {"listen": "127.0.0.1:0"},
    }


def follows(remote: Remote, agent: AgentProcess, documents: Path) -> None:
    """A container's lines arrive, one that is started later among them, and one whose end an event tells."""
    wait_until(lambda: agent.metric("docker_up") == 1, "the daemon is known")
    container = remote.dockerd.run("sh", "-c", "seq 1 100", labels={"aliyun.logs.tls": "stdout"})
    wait_until(lambda: documents.exists() and documents.read_text().count("\n") == 100, "all lines are there")
    found = [json.loads(line) for line in documents.read_text().splitlines()]
    assert sorted(int(one["log"]["message"]) for one in found) == list(range(1, 101))
    assert {one["host"] for one in found} == {remote.dockerd.client().info()["Name"]}
    container.remove(force=True)
    wait_until(lambda: agent.metric("docker_events_total", action="die") == 1, "its end was told")


def test_a_daemon_is_followed_with_the_certificates_of_the_configuration(tmp_path: Path, remote: Remote) -> None:
    docker = {"url": remote.url(), "tls": str(remote.certificates / "good")}
    with running(tmp_path, configuration(remote, tmp_path, **docker)) as agent:
        follows(remote, agent, tmp_path / "documents.ndjson")
        assert agent.ready() == {"ready": True, "reasons": []}


def test_a_daemon_is_followed_with_dockers_own_variables(tmp_path: Path, remote: Remote) -> None:
    environment = {
        "DOCKER_HOST": remote.url(),
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(remote.certificates / "good"),
    }
    with running(tmp_path, configuration(remote, tmp_path), environment=environment) as agent:
        follows(remote, agent, tmp_path / "documents.ndjson")


REFUSED = {
    "no certificate": ({"tls": ""}, "HTTPS server", "set inputs.docker.tls"),
    "a client that nobody knows": ({"tls": "unknown-client"}, "bad certificate", "check that cert.pem"),
    "another authority": ({"tls": "other-authority"}, "unable to get local issuer", "ca.pem in inputs.docker.tls"),
    "another name": (
        {"tls": "good", "host": "localhost"},
        "not valid for 'localhost'",
        "must use a host name of the daemon's certificate",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_who_is_refused_is_told_why_and_what_mends_it(tmp_path: Path, remote: Remote, case: str) -> None:
    given, cause, remedy = REFUSED[case]
    docker = {"url": remote.url(given.get("host", "127.0.0.1"))}
    if given["tls"]:
        docker["tls"] = str(remote.certificates / given["tls"])
    with running(tmp_path, configuration(remote, tmp_path, **docker)) as agent:
        wait_until(lambda: cause in str(agent.ready()["reasons"]), "the agent tells why it is not ready")
        (reason,) = agent.ready()["reasons"]
        assert reason.startswith(f"input docker: Docker at {docker['url']} does not answer (")
        assert remedy in reason
        checked = pilotfish(tmp_path, "check", "-c", str(agent.config))
    assert checked.code == 1
    told = [line for line in checked.out.splitlines() if line.startswith("fail")]
    assert len(told) == 1
    assert told[0].startswith("fail  docker: ")
    assert cause in told[0]
    assert remedy in checked.out.partition("fix: ")[2]


def test_without_tls_settings_the_authorities_of_the_machine_are_asked_and_not_nobody(
    tmp_path: Path, remote: Remote
) -> None:
    with running(tmp_path, configuration(remote, tmp_path, url=remote.url(scheme="https"))) as agent:
        wait_until(lambda: "certificate verify failed" in str(agent.ready()["reasons"]), "the certificate is refused")


def test_a_key_with_a_passphrase_is_a_configuration_error_and_nobody_is_asked_for_it(
    tmp_path: Path, remote: Remote
) -> None:
    certificates = tmp_path / "locked"
    certificates.mkdir()
    for name in ("ca.pem", "cert.pem"):
        (certificates / name).write_bytes((remote.certificates / "good" / name).read_bytes())
    key = load_pem_private_key((remote.certificates / "good/key.pem").read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (certificates / "key.pem").write_bytes(locked)
    config = tmp_path / "pilotfish.yml"
    config.write_text(json.dumps(configuration(remote, tmp_path, url=remote.url(), tls=str(certificates))))
    ended = pilotfish(tmp_path, "run", "-c", str(config))
    assert ended.code == 78
    assert str(certificates) in ended.complaint
    assert "secret" not in ended.complaint


def test_a_missing_certificate_is_a_configuration_error(tmp_path: Path, remote: Remote) -> None:
    config = tmp_path / "pilotfish.yml"
    config.write_text(json.dumps(configuration(remote, tmp_path, url=remote.url(), tls=str(tmp_path / "none"))))
    ended = pilotfish(tmp_path, "run", "-c", str(config))
    assert ended.code == 78
    assert "must name a directory with ca.pem, cert.pem and key.pem" in ended.errors
