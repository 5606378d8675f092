"""The options of an `elasticsearch` output → a connection with its secrets and certificates read."""

import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

import msgspec
from pydantic import Field, SecretStr, field_validator, model_validator

from collector.errors import ConfigurationError
from collector.net import remote
from collector.net.waiting import Tell
from collector.ports import OutputContext, Setup, SetupFile, SetupStep, ShipperSettings
from collector.values import FilePath, Seconds, Text

from . import setup as setting_up
from .bulk import DEFAULT_INDEX, TARGET_BYTES, index_name
from .connection import Connection
from .extras import Proxy, fault_of_header, fault_of_parameter, fault_of_proxy, headers_of, proxy_of
from .node import Node
from .shipper import ElasticsearchShipper

_INDEX = re.compile(r"(?:\{target\}|%[YmdjVG]|[a-z0-9._-])+")
_INDEX_BYTES = 255  # the servers' limit
_DEFAULT_PORTS = {"http": 9200, "https": 443}


class Settings(ShipperSettings):
    """An Elasticsearch or OpenSearch cluster: nodes, index names, credentials and TLS."""

    takes_many_writers = True
    rivals = (
        frozenset({"password", "password_file", "api_key", "api_key_file"}),
        frozenset({"username", "api_key", "api_key_file"}),
        frozenset({"proxy_url", "proxy_url_file"}),
    )

    type: Literal["elasticsearch"] = "elasticsearch"
    hosts: tuple[str, ...] = Field(
        min_length=1,
        description="URLs of the nodes to send requests to; the default port is 9200 for http and 443 for https",
    )
    index: str = Field(
        DEFAULT_INDEX,
        description="index name: {target} and the date of the line (%Y %m %d %j, ISO week %G %V)",
    )
    username: Text | None = Field(None, min_length=1, description="user name for basic authentication")
    password: SecretStr | None = Field(None, description="password for basic authentication; prefer password_file")
    password_file: FilePath | None = Field(None, description="file with the password")
    api_key: SecretStr | None = Field(None, description="API key, encoded or as id:key; prefer api_key_file")
    api_key_file: FilePath | None = Field(None, description="file with the API key")
    ca_file: FilePath | None = Field(
        None, description="CA certificates (PEM) used to verify the servers; default: the system's trust store"
    )
    verify: bool = Field(True, description="verify the certificates of the servers; false accepts any certificate")
    client_cert_file: FilePath | None = Field(None, description="client certificate (PEM) for mutual TLS")
    client_key_file: FilePath | None = Field(
        None, description="private key (PEM) of the client certificate, if it is not in the same file"
    )
    compress: bool = Field(
        True,
        description="compress requests and responses with gzip; false is faster if the server runs on the same host",
    )
    request_timeout_seconds: Seconds = Field(60.0, gt=0, description="time-out of a request, after which it is retried")
    headers: dict[str, SecretStr] = Field(
        {}, description="additional HTTP headers of each request, by name; prefer headers_file for secrets"
    )
    headers_file: FilePath | None = Field(
        None, description="file with additional HTTP headers, one `Name: value` per line"
    )
    parameters: dict[str, str] = Field(
        {},
        description="additional parameters of each bulk request, by name, such as pipeline: NAME (an ingest pipeline)",
    )
    proxy_url: SecretStr | None = Field(
        None,
        description="URL of the HTTP proxy to use, such as http://proxy:3128; it may include user name and password",
    )
    proxy_url_file: FilePath | None = Field(None, description="file with the URL of the HTTP proxy")
    template: Literal["auto", "off"] = Field(
        "auto",
        description="auto: install index templates of the lowest priority, unless `pilotfish setup` installed its own",
    )

    spool: bool = Field(
        True, description="buffer documents on disk while the cluster is unavailable; false: pause reading instead"
    )

    @field_validator("template", mode="before")
    @classmethod
    def _false_is_off(cls, template: object) -> object:
        return "off" if template is False or str(template).lower() in ("off", "no", "false") else template

    @field_validator("hosts", mode="before")
    @classmethod
    def _one_host_is_a_list(cls, hosts: object) -> object:
        return hosts.replace(",", " ").split() if isinstance(hosts, str) else hosts

    @field_validator("hosts")
    @classmethod
    def _hosts_are_urls(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for number, host in enumerate(hosts, 1):
            fault = remote.fault_of(host, "http://elasticsearch:9200")
            if fault:
                raise ValueError(f"host {number} {fault}")
        return tuple(dict.fromkeys(host.rstrip("/") for host in hosts))

    @field_validator("index")
    @classmethod
    def _index_is_a_name(cls, pattern: str) -> str:
        if not _INDEX.fullmatch(pattern) or pattern[0] in "._-":
            raise ValueError(
                "may hold {target}, %Y %m %d %j %V %G, a-z, 0-9, '.', '_' and '-', and must not begin with . _ or -"
            )
        if len(index_name(pattern, "t" * TARGET_BYTES, "2026-01-01")) > _INDEX_BYTES:
            raise ValueError(f"gives names over {_INDEX_BYTES} bytes for long targets")
        return pattern

    @field_validator("headers", "parameters", mode="before")
    @classmethod
    def _values_are_texts(cls, given: object) -> object:
        return {name: _as_text(value) for name, value in given.items()} if isinstance(given, dict) else given

    @field_validator("headers")
    @classmethod
    def _headers_are_additions(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            if fault := fault_of_header(name, value.get_secret_value()):
                raise ValueError(fault.replace(": ", "; ", 1))
        return headers

    @field_validator("parameters")
    @classmethod
    def _parameters_are_additions(cls, parameters: dict[str, str]) -> dict[str, str]:
        for name, value in parameters.items():
            if fault := fault_of_parameter(name, value):
                raise ValueError(fault.replace(": ", "; ", 1))
        return parameters

    @field_validator("proxy_url")
    @classmethod
    def _proxy_is_a_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and (fault := fault_of_proxy(url.get_secret_value())):
            raise ValueError(fault)
        return url

    @model_validator(mode="after")
    def _options_agree(self) -> Self:
        for name in ("password", "api_key", "proxy_url"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"{name} and {name}_file exclude each other")
        password = self.password is not None or self.password_file is not None
        key = self.api_key is not None or self.api_key_file is not None
        if key and (password or self.username):
            raise ValueError("an API key and username with password exclude each other")
        if bool(self.username) != password:
            raise ValueError("username and password (or password_file) go together")
        if self.client_key_file and not self.client_cert_file:
            raise ValueError("client_key_file needs client_cert_file")
        if self.ca_file and not self.verify:
            raise ValueError("ca_file has no meaning with verify: false")
        return self

    def open(self, context: OutputContext) -> ElasticsearchShipper:
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file that the options name cannot be read, or holds no certificate or key.
        """
        return ElasticsearchShipper(
            self._connection(context), index=self.index, compress=self.compress, template=self.template == "auto"
        )

    def servers(self) -> Sequence[str]:
        """The kinds of server that `setup_files` knows, the usual one first."""
        return tuple(setting_up.SERVERS)

    async def set_up(self, context: OutputContext, setup: Setup, tell: Tell) -> AsyncIterator[SetupStep]:
        """Install templates and lifecycle for our indices, and give what became of each object.

        Raises:
            UsageError: `setup` asks for what an output with this `index` cannot have.
            ConfigurationError: as `open`.
        """
        connection = self._connection(context)
        try:
            async for step in setting_up.install(connection, self.index, setup, tell):
                yield step
        finally:
            await connection.aclose()

    def setup_files(self, setup: Setup, server: str) -> Sequence[SetupFile]:
        """What `set_up` sends to such a server when nothing is there, and it has a lifecycle.

        Raises:
            UsageError: `setup` asks for what an output with this `index`, or such a server, cannot have.
        """
        return [
            SetupFile(each.request, f"{each.path[1:]}.json", msgspec.json.format(msgspec.json.encode(each.body)))
            for each in setting_up.exported(self.index, setup, server)
        ]

    def _connection(self, context: OutputContext) -> Connection:
        tls = self._tls(context) if any(host.startswith("https:") for host in self.hosts) else None
        headers = self._headers(context)
        proxy = self._proxy(context)
        return Connection(
            [self._node(host, tls, headers, proxy) for host in self.hosts],
            name=", ".join(self.hosts),
            identity=self._identity(),
            timeout_seconds=self.request_timeout_seconds,
            parameters=self.parameters,
        )

    def _identity(self) -> tuple[str, str]:
        if self.username:
            return f"the user {self.username!r}", "correct username or password_file"
        if self.api_key or self.api_key_file:
            return "the API key", "correct api_key_file; the key may have expired"
        return "a request without credentials", "set username and password_file, or api_key_file"

    def _node(self, host: str, tls: ssl.SSLContext | None, headers: Mapping[str, str], proxy: Proxy | None) -> Node:
        url = urlsplit(host)
        name = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
        return Node(
            f"{url.scheme}://{name}:{url.port or _DEFAULT_PORTS[url.scheme]}{url.path}",
            headers=headers,
            tls=tls if url.scheme == "https" else None,
            connections=self.concurrency + 1,
            proxy=proxy,
        )

    def _headers(self, context: OutputContext) -> dict[str, str]:
        """Those of each request: an operator's and ours."""
        theirs = {name: value.get_secret_value() for name, value in self.headers.items()}
        if self.headers_file:
            theirs |= headers_of(self.headers_file, f"outputs.{context.output}.headers_file")
        encoding = {"accept-encoding": "gzip"} if self.compress else {}
        added = {name.lower(): value for name, value in theirs.items()}
        return {**added, "accept": "application/json", **encoding, **self._authorization(context)}

    def _proxy(self, context: OutputContext) -> Proxy | None:
        if self.proxy_url is None and self.proxy_url_file is None:
            return None
        option = f"outputs.{context.output}.proxy_url"
        url = _secret(self.proxy_url, self.proxy_url_file, option)
        if fault := fault_of_proxy(url):
            raise ConfigurationError(f"{option}_file: what is in {self.proxy_url_file} {fault}", "correct it")
        return proxy_of(url)

    def _authorization(self, context: OutputContext) -> dict[str, str]:
        if self.username:
            password = _secret(self.password, self.password_file, f"outputs.{context.output}.password")
            return {"authorization": remote.basic(self.username, password)}
        if not self.api_key and not self.api_key_file:
            return {}
        key = _secret(self.api_key, self.api_key_file, f"outputs.{context.output}.api_key")
        return {"authorization": remote.api_key(key)}

    def _tls(self, context: OutputContext) -> ssl.SSLContext:
        option = f"outputs.{context.output}"
        tls = remote.trusting(self.ca_file, f"{option}.ca_file")
        if not self.verify:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        if self.client_cert_file:
            _show(tls, self.client_cert_file, self.client_key_file, option)
        return tls


def _show(tls: ssl.SSLContext, certificate: Path, key: Path | None, option: str) -> None:
    remote.text(remote.file(certificate, f"{option}.client_cert_file"), f"{option}.client_cert_file")
    if key:
        remote.text(remote.file(key, f"{option}.client_key_file"), f"{option}.client_key_file")
    try:
        tls.load_cert_chain(certificate, key, password=_no_passphrase)
    except (ssl.SSLError, ValueError) as error:
        reason = error.reason if isinstance(error, ssl.SSLError) else str(error)
        raise ConfigurationError(
            f"{option}.client_cert_file: {certificate} and its key cannot be used ({reason})",
            "expected a PEM certificate and its key without a passphrase",
        ) from None


def _as_text(value: object) -> object:
    """A number or a truth value as HTTP has it; YAML reads `debug: 1` and `refresh: true` so."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase")


def _secret(value: SecretStr | None, path: Path | None, option: str) -> str:
    if path is not None:
        return remote.secret(path, f"{option}_file")
    return remote.secret(value.get_secret_value() if value else "", option)
