"""The options of whoever speaks Kafka → what its client takes, and its errors in words with a remedy.

An output and an input have them both. The client is aiokafka, of the extra `kafka`: it is loaded when a connection is
made and not before, so that all that asks for options alone needs none of it. Its own log lines are left out, since
each of them is told by an error here, in words that name an option. No text of an error holds a secret.
"""

import asyncio
import logging
import re
import ssl
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from collector.errors import ConfigurationError, ShippingError, Unauthorized, Unavailable
from collector.net.credentials import Account
from collector.net.options import TlsOptions
from collector.net.reread import Reread
from collector.values import Seconds, Text, Words

_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_PORT = 9092
_LOOK = "check `brokers`, and that this machine can reach each address that the brokers advertise"

Access = Callable[[], dict[str, Any]]
"""How a client of aiokafka gets in: its arguments, with the secrets as they are now."""


class KafkaOptions(Account, TlsOptions):
    """Brokers, TLS and SASL."""

    brokers: Words = Field(min_length=1, description="brokers to ask first, as host:port; the default port is 9092")
    tls: bool = Field(False, description="connect with TLS")
    mechanism: Literal["plain", "scram-sha-256", "scram-sha-512"] = Field(
        "scram-sha-512", description="mechanism of SASL for username and password"
    )
    username: Text | None = Field(None, min_length=1, description="user name for SASL")
    request_timeout_seconds: Seconds = Field(30.0, gt=0, description="time-out of a request, after which it is retried")

    @field_validator("brokers")
    @classmethod
    def _brokers_are_addresses(cls, brokers: tuple[str, ...]) -> tuple[str, ...]:
        for one in brokers:
            if not _BROKER.fullmatch(one) or not 0 < int(one.rpartition(":")[2] if _has_port(one) else _PORT) < 1 << 16:
                raise ValueError("should be addresses such as kafka:9092, without a scheme")
        return brokers

    @model_validator(mode="after")
    def _options_have_a_use(self) -> Self:
        if not self.tls and (self.ca_file or self.client_cert_file or not self.verify):
            raise ValueError("ca_file, verify and client_cert_file need tls: true")
        return self

    def access(self, place: str) -> Access:
        """Read the named files; connects to nothing yet. `place` is where the options stand, `outputs.<name>.`.

        Raises:
            ConfigurationError: a file cannot be read, or holds no certificate or secret; or the client is missing.
        """
        if find_spec("aiokafka") is None or find_spec("cramjam") is None:
            raise ConfigurationError(f"{place}type: the client for Kafka is not installed", "install pilotfish[kafka]")

        def arguments() -> dict[str, Any]:
            kind = ("SASL_" if self.username else "") + ("SSL" if self.tls else "PLAINTEXT")
            found: dict[str, Any] = {"bootstrap_servers": list(self.brokers), "security_protocol": kind}
            if self.tls:
                found["ssl_context"] = self.tls_context(place)
            if self.username:
                found["sasl_mechanism"] = self.mechanism.upper()
                found["sasl_plain_username"] = self.username
                found["sasl_plain_password"] = self.password_at(place)
            found["request_timeout_ms"] = int(self.request_timeout_seconds * 1000)
            return found

        return Reread(arguments, {f"{place}{option}": path for option, path in self.named_files().items()})

    @property
    def who(self) -> str:
        """Who asks, in words."""
        return f"the user {self.username!r}" if self.username else "a client without credentials"


def _has_port(broker: str) -> bool:
    return broker.rpartition(":")[2].isdigit()


def quiet() -> None:
    """Leave out what the client logs by itself."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)


async def knock(access: Mapping[str, Any], who: str) -> None:
    """Return when one of the brokers lets us in: the client itself tells no reason.

    Raises:
        Unauthorized: they refuse who asks.
        Unavailable: none of them answers as Kafka does; why the last one did not.
    """
    from aiokafka.conn import create_conn
    from aiokafka.errors import KafkaError

    arguments = {name: value for name, value in access.items() if name != "bootstrap_servers"}
    fault: ShippingError | None = None
    for broker in access["bootstrap_servers"]:
        host, _, port = broker.rpartition(":") if _has_port(broker) else (broker, "", str(_PORT))
        try:
            connection = await create_conn(host.strip("[]"), int(port), **arguments)
        except (OSError, KafkaError, TimeoutError) as error:
            found = unavailable(error, broker, who)
            fault = found if isinstance(found, Unauthorized) or fault is None else fault
        else:
            connection.close()
            return
    raise fault or Unavailable("no broker is named", _LOOK)


def unavailable(error: BaseException, broker: str, who: str) -> Unavailable:
    """What an error of the client means to an operator."""
    from aiokafka import errors

    said = f"{type(error).__name__}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unavailable(
            f"the certificate of {broker} is not trusted ({error.verify_message})",
            "name the authority that signed it in ca_file, and the broker as its certificate does",
        )
    if isinstance(error, ssl.SSLError):
        return Unavailable(f"{broker} does not take the TLS of this agent ({error.reason})",
                           "check the port, tls and client_cert_file")  # fmt: skip
    if isinstance(error, errors.SaslAuthenticationFailed | errors.AuthenticationFailedError):
        return Unauthorized(f"{broker} refuses {who}", "correct username, password_file and mechanism")
    if isinstance(error, errors.UnsupportedSaslMechanismError | errors.AuthenticationMethodNotSupported):
        return Unauthorized(f"{broker} does not offer this mechanism of SASL", "set mechanism to one that it offers")
    denied = errors.TopicAuthorizationFailedError, errors.ClusterAuthorizationFailedError
    if isinstance(error, (*denied, errors.GroupAuthorizationFailedError, errors.TransactionalIdAuthorizationFailed)):
        return Unauthorized(
            f"Kafka does not allow {who} what is needed ({said})", "grant it in the ACLs of the cluster"
        )
    if isinstance(error, errors.ProducerFenced):
        return Unavailable(
            "another agent has taken over the transactions of this output", "give each agent a state_dir of its own"
        )
    if isinstance(error, OSError) and error.strerror:
        return Unavailable(f"{broker} cannot be reached ({error.strerror})", _LOOK)
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return Unavailable(f"{broker} does not answer in time", _LOOK)
    return Unavailable(f"Kafka did not answer as it should ({said})", _LOOK)
