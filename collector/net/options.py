"""The options of a destination that is reached by HTTP → an `HttpClient`, with secrets and certificates read.

`HttpOptions` is all of them, to be mixed into the `Settings` of an output, with what `credentials` has of ways to say
who asks: `class Settings(HttpOptions, BasicAuth, ShipperSettings)`. What stands in files is read again when it changes.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from collector.errors import ConfigurationError
from collector.net import remote
from collector.net.credentials import Credentials, Options, secret_of
from collector.net.headers import AS_TEXTS, Proxy, fault_of_header, fault_of_proxy, headers_of, proxy_of
from collector.net.http_client import HttpClient, Peer
from collector.net.http_node import Access, Node
from collector.net.http_pool import Nodes
from collector.net.reread import Reread
from collector.values import FilePath, Seconds, Words


class HostList(Options):
    """Where the servers are."""

    usual_host: ClassVar[str] = "http://server:8080"  # for errors
    default_ports: ClassVar[Mapping[str, int]] = {"http": 80, "https": 443}

    hosts: Words = Field(
        min_length=1,
        description="URLs of the servers to send requests to; the default port is 80 for http and 443 for https",
    )

    @field_validator("hosts")
    @classmethod
    def _hosts_are_urls(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for number, host in enumerate(hosts, 1):
            fault = remote.fault_of(host, cls.usual_host)
            if fault:
                raise ValueError(f"host {number} {fault}")
        return tuple(dict.fromkeys(host.rstrip("/") for host in hosts))

    def urls(self) -> list[str]:
        """Each host as it is asked, with its port."""
        return [self._url(host) for host in self.hosts]

    def _url(self, host: str) -> str:
        url = urlsplit(host)
        name = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
        return f"{url.scheme}://{name}:{url.port or self.default_ports[url.scheme]}{url.path}"


class TlsOptions(Options):
    """Whom we trust, and what we show."""

    ca_file: FilePath | None = Field(
        None, description="CA certificates (PEM) used to verify the servers; default: the system's trust store"
    )
    verify: bool = Field(True, description="verify the certificates of the servers; false accepts any certificate")
    client_cert_file: FilePath | None = Field(None, description="client certificate (PEM) for mutual TLS")
    client_key_file: FilePath | None = Field(
        None, description="private key (PEM) of the client certificate, if it is not in the same file"
    )

    @model_validator(mode="after")
    def _certificates_have_a_use(self) -> Self:
        if self.client_key_file and not self.client_cert_file:
            raise ValueError("client_key_file needs client_cert_file")
        if self.ca_file and not self.verify:
            raise ValueError("ca_file has no effect with verify: false")
        return self

    def tls_context(self, place: str) -> ssl.SSLContext:
        """TLS as these options want it; `place` is where they stand, such as `outputs.elastic.`.

        Raises:
            ConfigurationError: a file cannot be read, or holds no certificate or key.
        """
        context = remote.trusting(self.ca_file, f"{place}ca_file")
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.client_cert_file:
            _show(context, self.client_cert_file, self.client_key_file, place)
        return context


class HeaderOptions(Credentials):
    """Headers that an operator adds, besides the one of the credentials."""

    headers: Annotated[dict[str, SecretStr], AS_TEXTS] = Field(
        {}, description="additional HTTP headers of each request, by name; prefer headers_file for secrets"
    )
    headers_file: FilePath | None = Field(
        None, description="file with additional HTTP headers, one `Name: value` per line"
    )

    @field_validator("headers")
    @classmethod
    def _headers_are_additions(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            if fault := fault_of_header(name, value.get_secret_value(), cls._to_set()):
                raise ValueError(fault.replace(": ", "; ", 1))
        return headers

    def all_headers(self, place: str) -> dict[str, str]:
        """Those of each request, the credentials among them; `place` is where the options stand.

        Raises:
            ConfigurationError: a file cannot be read, or holds something else.
        """
        theirs = {name: value.get_secret_value() for name, value in self.headers.items()}
        if self.headers_file:
            theirs |= headers_of(self.headers_file, f"{place}headers_file", self._to_set())
        found = {name.lower(): value for name, value in theirs.items()}
        if chosen := next(self.identities(), None):
            found["authorization"] = chosen.authorization(place)
        return found

    def who_asks(self) -> tuple[str, str]:
        """Who asks, and the remedy if that one is refused."""
        if chosen := next(self.identities(), None):
            return chosen.who, chosen.remedy
        return "a request without credentials", f"set {self._to_set() or 'headers_file'}"

    def client_of(
        self,
        urls: Sequence[str],
        access: Callable[[], Access],
        peer: Peer,
        *,
        place: str,
        connections: int,
        timeout_seconds: float,
    ) -> HttpClient:
        """What sends requests to these servers, with an `access` that is read again when a named file changes.

        Raises:
            ConfigurationError: what `access` raises.
        """
        current = Reread(access, {f"{place}{option}": path for option, path in self.named_files().items()})
        nodes = [Node(url, access=current, connections=connections) for url in urls]
        return HttpClient(Nodes(nodes, timeout_seconds=timeout_seconds), peer)

    @classmethod
    def _to_set(cls) -> str:
        return ", or ".join(way.to_set for way in reversed(cls.ways()))


class ProxyOptions(Options):
    """An HTTP proxy before the servers."""

    proxy_url: SecretStr | None = Field(
        None,
        description="URL of the HTTP proxy to use, such as http://proxy:3128; it may include user name and password",
    )
    proxy_url_file: FilePath | None = Field(None, description="file with the URL of the HTTP proxy")

    @field_validator("proxy_url")
    @classmethod
    def _proxy_is_a_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and (fault := fault_of_proxy(url.get_secret_value())):
            raise ValueError(fault)
        return url

    def proxy(self, place: str) -> Proxy | None:
        """The proxy; `place` is where the options stand.

        Raises:
            ConfigurationError: the file cannot be read, or holds something else.
        """
        if self.proxy_url is None and self.proxy_url_file is None:
            return None
        option = f"{place}proxy_url"
        url = secret_of(self.proxy_url, self.proxy_url_file, option)
        if fault := fault_of_proxy(url):
            raise ConfigurationError(f"{option}_file: the content of {self.proxy_url_file} {fault}", "correct it")
        return proxy_of(url)


class HttpOptions(ProxyOptions, HeaderOptions, TlsOptions, HostList):
    """All of them, and how long an answer may take."""

    request_timeout_seconds: Seconds = Field(60.0, gt=0, description="time-out of a request, after which it is retried")

    def http_client(
        self, output: str, *, kind: str, connections: int, headers: Mapping[str, str] | None = None, overload: str = ""
    ) -> HttpClient:
        """Read the named files, and make what sends the requests of `output`; connects to nothing yet.

        `kind` is what the hosts should be, in words for errors, and `overload` where to look when they are overloaded;
        `headers` go with each request, at most `connections` of which are under way at a node.

        Raises:
            ConfigurationError: a file cannot be read, or holds no secret, certificate or key.
        """
        place = f"outputs.{output}."
        needs_tls = any(host.startswith("https:") for host in self.hosts)

        def access() -> Access:
            tls = self.tls_context(place) if needs_tls else None
            return Access({**self.all_headers(place), **(headers or {})}, tls, self.proxy(place))

        who, credentials = self.who_asks()
        peer = Peer(name=", ".join(self.hosts), kind=kind, who=who, credentials=credentials)
        if overload:
            peer = peer._replace(overload=overload)
        seconds = self.request_timeout_seconds
        return self.client_of(self.urls(), access, peer, place=place, connections=connections, timeout_seconds=seconds)


def _show(context: ssl.SSLContext, certificate: Path, key: Path | None, place: str) -> None:
    remote.text(remote.file(certificate, f"{place}client_cert_file"), f"{place}client_cert_file")
    if key:
        remote.text(remote.file(key, f"{place}client_key_file"), f"{place}client_key_file")
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except (ssl.SSLError, ValueError) as error:
        reason = error.reason if isinstance(error, ssl.SSLError) else str(error)
        raise ConfigurationError(
            f"{place}client_cert_file: {certificate} and its key cannot be used ({reason})",
            "expected a PEM certificate and its key without a passphrase",
        ) from None


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase")
