"""The options of the output `forward` → its shipper."""

import socket
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from collector.documents.form_option import FormOption
from collector.documents.naming import Naming
from collector.model import Segment
from collector.net.credentials import Account, secret_of
from collector.net.reread import Reread
from collector.net.stream_options import StreamOptions
from collector.net.streams import Protocol
from collector.ports import OutputContext, Promise, RemoteSettings, Route, Translated, tls_of
from collector.values import FilePath, Text, Words
from shippers.forward.handshake import Handshake, Secrets
from shippers.forward.shipper import Forward

_KIND = "a server with Fluentd's forward protocol"
_TAGS = Naming("a-zA-Z0-9_.-", not_first=".")


class Settings(FormOption, Account, StreamOptions, RemoteSettings):
    """Fluentd, Fluent Bit or another server that speaks Fluentd's forward protocol."""

    takes_many_writers = True
    usual_address: ClassVar[str] = "fluentd.example:24224"
    default_port: ClassVar[int] = 24224

    type: Literal["forward"] = "forward"
    hosts: Words = Field(
        min_length=1,
        description="addresses of the servers, as host:port; an IPv6 address is written in brackets; the default port "
        "is 24224",
    )
    tag: str = Field(
        "pilotfish.{target}",
        description="tag of the documents; {target} is their target, with _ in place of other characters than letters, "
        "digits, _ . and -",
    )
    compression: Literal["gzip", "none"] = Field(
        "gzip", description="compression of messages; none: for a server that does not read compressed ones"
    )
    shared_key: SecretStr | None = Field(
        None, description="shared key of the server's section <security>; prefer shared_key_file"
    )
    shared_key_file: FilePath | None = Field(None, description="file with the shared key")
    username: Text | None = Field(None, min_length=1, description="user name, if the server asks for one")
    hostname: Text | None = Field(
        None,
        min_length=1,
        description="name by which the agent introduces itself to a server with a shared key; default: pilotfish- and "
        "the name of the machine. It must differ from the server's own name",
    )

    @field_validator("tag")
    @classmethod
    def _tag_is_a_pattern(cls, tag: str) -> str:
        if fault := _TAGS.fault_of(tag):
            raise ValueError(fault)
        return tag

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        """The adapters of logspout's modules for Fluentd."""
        if route.adapter not in ("fluentd", "forward") or route.transport not in ("", "tcp", "tls"):
            return None
        has_tls = route.transport == "tls"
        tls = tls_of(route)
        hosts = {"hosts": [route.address(cls.default_port)]}
        return Translated({**hosts, **({"tls": True} if has_tls else {}), **tls.options}, tls.origins, tls.idle)

    def promise(self) -> Promise:
        """What the output promises."""
        return Promise(
            "at_least_once", "a message is sent again if no acknowledgement came; every record has its id as `_id`"
        )

    def open(self, context: OutputContext) -> Forward:
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file cannot be read, or holds no secret, certificate or key.
        """
        place = f"outputs.{context.output}."

        def known() -> Secrets:
            has_key = self.shared_key is not None or self.shared_key_file is not None
            return Secrets(
                secret_of(self.shared_key, self.shared_key_file, f"{place}shared_key") if has_key else "",
                self.username or "",
                self.password_at(place) if self.username else "",
            )

        paths = {"shared_key_file": self.shared_key_file, "password_file": self.password_file}
        files = {f"{place}{option}": path for option, path in paths.items() if path is not None}
        name = self.hostname or f"pilotfish-{socket.gethostname()}"
        handshake = Handshake(name, Reread(known, files))
        streams = self.streams(context.output, Protocol(handshake.greet), kind=_KIND)
        return Forward(streams, tag=self._tag_of, form=self.form, compress=self.compression == "gzip")

    def _tag_of(self, segment: Segment) -> str:
        return _TAGS.name(self.tag, segment.stream.target, segment.day)
