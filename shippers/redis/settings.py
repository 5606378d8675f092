"""The options of a `redis` output → a shipper, with its secrets and certificates read."""

from typing import TYPE_CHECKING, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator

from collector.documents.form_option import FormOption
from collector.documents.places import Places
from collector.errors import ConfigurationError
from collector.net.addresses import Address
from collector.net.credentials import Account
from collector.net.options import TlsOptions
from collector.net.reread import Reread
from collector.ports import LogPilot, OutputContext, Promise, RemoteSettings, Route, Translated
from collector.values import Seconds, Text, Words

from . import elsewhere

if TYPE_CHECKING:
    from .nodes import Access
    from .shipper import RedisShipper

_PORT = 6379
_USUAL = "redis://redis:6379"
_LETTERS = r"._:\-"


class Settings(Account, TlsOptions, FormOption, RemoteSettings):
    """A Redis or Valkey: servers, keys, and how long a batch is remembered."""

    takes_many_writers = True
    takes_password_alone = True  # of the user `default`

    type: Literal["redis"] = Field("redis", description="streams or lists of Redis 5 or later, or of Valkey")
    hosts: Words = Field(
        min_length=1,
        description="URLs of the servers, redis:// or rediss:// (TLS); the default port is 6379. Of several, the first "
        "that answers is used; a cluster is found from any of its servers",
    )
    username: Text | None = Field(None, min_length=1, description="user name (ACL), if the server has users")
    database: int = Field(0, ge=0, le=1 << 20, description="number of the database; a cluster has only 0")
    key: str = Field(
        "pilotfish:{target}",
        description="key of the documents: {target}, {container}, {host} and the date of the line (%Y %m %d %j %G %V)",
    )
    mode: Literal["stream", "list"] = Field(
        "stream",
        description="stream: entries with the fields id and document (XADD); list: documents with _id inside (RPUSH)",
    )
    max_length: int = Field(
        0,
        ge=0,
        le=1 << 40,
        description="number of entries that a key keeps, older ones are removed (of a stream, somewhat more are kept); "
        "0: all",
    )
    window_seconds: float = Field(
        3600.0,
        ge=60,
        le=30 * 86400,
        allow_inf_nan=False,
        description="time for which a batch is remembered, so that it is not stored twice; the last 128 batches of a "
        "host in a key are remembered for longer",
    )
    replicas: int = Field(
        0, ge=0, le=16, description="number of replicas that must have a batch before it counts as delivered (WAIT)"
    )
    request_timeout_seconds: Seconds = Field(60.0, gt=0, description="time-out of a request, after which it is retried")
    batch_bytes: int = Field(
        1 << 20,
        gt=0,
        le=256 << 20,
        description="size of a batch; a batch of this size is sent at once. Redis answers nobody while it stores one",
    )

    @field_validator("hosts")
    @classmethod
    def _hosts_are_urls(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for number, host in enumerate(hosts, 1):
            if fault := _fault_of(host):
                raise ValueError(f"host {number} {fault}")
        if len({urlsplit(host).scheme for host in hosts}) > 1:
            raise ValueError("some begin with redis:// and some with rediss://; use one of them for all")
        return tuple(dict.fromkeys(host.rstrip("/") for host in hosts))

    @field_validator("key")
    @classmethod
    def _key_is_a_template(cls, template: str) -> str:
        if fault := Places.fault_of(template, _LETTERS):
            raise ValueError(fault)
        return template

    @property
    def has_frozen_batches(self) -> bool:
        """A batch is told from others by all of its ids."""
        return True

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        """A list, as logspout's Redis modules write it."""
        return elsewhere.of_route(route)

    @classmethod
    def from_log_pilot(cls, said: LogPilot) -> Translated | None:
        """Log-pilot's output of the same name.

        Raises:
            ConfigurationError: its variables name no host.
        """
        return elsewhere.of_log_pilot(said) if said.output == "redis" else None

    def promise(self) -> Promise:
        """What the output promises."""
        return Promise(
            "exactly_once",
            f"the server remembers each batch for {self.window_seconds:g} s, and the last 128 of a host and key for "
            "30 days, and stores a repeated batch only once",
        )

    def open(self, context: OutputContext) -> "RedisShipper":
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file that the options name cannot be read, or the library is missing.
        """
        place = f"outputs.{context.output}."
        try:
            from .nodes import Nodes
            from .shipper import RedisShipper
        except ModuleNotFoundError as error:
            raise ConfigurationError(f"{place}type: {error.name} is missing", "install pilotfish[redis]") from None
        access = Reread(
            lambda: self._access(place), {f"{place}{option}": path for option, path in self.named_files().items()}
        )
        urls = [urlsplit(host) for host in self.hosts]
        nodes = Nodes(
            [Address(url.hostname or "", url.port or _PORT) for url in urls],
            access=access,
            database=self.database,
            timeout_seconds=self.request_timeout_seconds,
            who=f"the user {self.username!r}" if self.username else "the password" if access().password else "a client",
            remedy="correct username or password_file" if access().password else "set username and password_file",
        )
        return RedisShipper(
            nodes,
            Places(self.key),
            self.form,
            mode=self.mode,
            max_length=self.max_length,
            window_seconds=self.window_seconds,
            replicas=self.replicas,
        )

    def _access(self, place: str) -> "Access":
        from .nodes import Access

        password = self.password_at(place) if self.has_password else ""
        tls = self.tls_context(place) if self.hosts[0].startswith("rediss:") else None
        return Access(self.username or "", password, tls)


def _fault_of(url: str) -> str:
    """What is wrong with the URL of a server, or ""; one that may hold a password is not quoted."""
    if "@" in url:
        return "contains credentials: set username and password_file instead"
    try:
        parts = urlsplit(url)
        is_whole = _is_whole(parts)
    except ValueError:
        return f"is not a URL such as {_USUAL}: the port is not a number from 1 to 65535, or the address is not IPv6"
    if not is_whole:
        return f"({url!r}) is not a URL such as {_USUAL}"
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        return f"({url!r}) has a path or query, which is not supported: set database for the number of a database"
    return ""


def _is_whole(parts: SplitResult) -> bool:
    return parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
