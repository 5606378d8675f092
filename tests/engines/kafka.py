"""Kafka from its jars → one broker in KRaft mode, with plain, TLS and SASL listeners on loopback.

Every listener has a port of its own, which stays the same over `kill` and `start`, as the data do. Topics are made on
request alone, so that a test sees what becomes of one that is missing.
"""

import base64
import os
import ssl
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from tests.engines.catalogue import KAFKA, installed, java_home
from tests.engines.directories import discard, new_directory
from tests.engines.process import EngineError, ServerProcess, accepts, free_ports

_READY_SECONDS = 90
_JAVA_OPTIONS = ("-Xms256m", "-Xmx256m", "-XX:TieredStopAtLevel=1")
USER, PASSWORD = "shipper", "correct-horse-7"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


class Kafka:
    """One broker. `plain` is its address without TLS and credentials, `tls` with TLS, `secured` with TLS and SASL."""

    version = KAFKA.version

    def __init__(self, directory: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        """Prepare only. `directory` is its own and stays; by default a temporary one, which `stop` removes."""
        self._is_temporary = directory is None
        self.directory = directory or new_directory("kafka")
        self.port, self.tls_port, self.sasl_port, self._controller_port = free_ports(4)
        self.plain, self.tls, self.secured = (
            f"127.0.0.1:{port}" for port in (self.port, self.tls_port, self.sasl_port)
        )
        self._java: list[str | Path] = [java_home() / "bin/java", *_JAVA_OPTIONS, "-cp", f"{installed(KAFKA)}/*"]
        self._env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(self.directory)}
        self._configuration = self.directory / "server.properties"
        self.ca_file = self.directory / "ca.pem"
        text = "".join(f"{name}={value}\n" for name, value in {**self._settings(), **(settings or {})}.items())
        self._configuration.write_text(text)
        words = [*self._java, "kafka.Kafka", self._configuration]
        self._process = ServerProcess(words, log=self.directory / "kafka.log", env=self._env)

    def start(self) -> Self:
        """Start it, on the data that it had, and wait until it answers.

        Raises:
            EngineError: it did not become ready.
        """
        if not (self.directory / "data").exists():
            self._format()
        self._process.start(lambda: accepts("127.0.0.1", self.port), within_seconds=_READY_SECONDS)
        return self

    @property
    def pid(self) -> int:
        """Process id of the broker.

        Raises:
            EngineError: it is not running.
        """
        return self._process.pid

    def access(self, mechanism: str, password: str) -> dict[str, Any]:
        """How a client of aiokafka comes in with a password."""
        return {
            "bootstrap_servers": self.secured,
            "security_protocol": "SASL_SSL",
            "ssl_context": ssl.create_default_context(cafile=str(self.ca_file)),
            "sasl_mechanism": mechanism,
            "sasl_plain_username": USER,
            "sasl_plain_password": password,
        }

    def kill(self) -> None:
        """SIGKILL; what was acknowledged is in the page cache, and there again after `start`."""
        self._process.kill()

    def restart(self) -> None:
        """SIGKILL, and start it again."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """End it for good."""
        self._process.kill()
        if self._is_temporary:
            discard(self.directory)

    def _settings(self) -> dict[str, str]:
        pem = self._certify()
        listeners = {
            "PLAINTEXT": self.port,
            "SSL": self.tls_port,
            "SASL_SSL": self.sasl_port,
            "CONTROLLER": self._controller_port,
        }
        named = {name: f"{name}://127.0.0.1:{port}" for name, port in listeners.items()}
        plain = f'{_PLAIN} user_{USER}="{PASSWORD}";'
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "listeners": ",".join(named.values()),
            "advertised.listeners": ",".join(url for name, url in named.items() if name != "CONTROLLER"),
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(pem),
            "listener.name.sasl_ssl.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "listener.name.sasl_ssl.plain.sasl.jaas.config": plain,
            "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": scram,
            "log.dirs": str(self.directory / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "num.partitions": "3",
            "broker.session.timeout.ms": "1500",  # one that was killed is let in again only behind it
            "broker.heartbeat.interval.ms": "300",
        }

    def _certify(self) -> Path:
        """A key and certificate for the broker, by an authority of its own: one file, the key as Java reads it."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for blob in certificate.cert_chain_pems:
            pem += blob.bytes()
        found = self.directory / "broker.pem"
        found.write_bytes(pem)
        return found

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")  # one of 64 begins with a dash
        words: Sequence[str | Path] = [
            *self._java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", self._configuration,
            *(
                word
                for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
                for word in ("--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]")
            ),
        ]  # fmt: skip
        done = subprocess.run(list(map(str, words)), env=self._env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EngineError(f"kafka's storage was not formatted:\n{done.stdout}{done.stderr}")
