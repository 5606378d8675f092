"""Options and environment → how a server is reached: address, authorization, trusted certificates."""

import ssl
from pathlib import Path
from typing import NamedTuple

from collector.errors import ConfigurationError, UsageError
from collector.net import remote


class Secret(NamedTuple):
    """Where a secret is: `path` as given on the command line, else `value` from the environment."""

    name: str
    path: Path | None = None
    value: str = ""

    def __bool__(self) -> bool:
        return self.path is not None or bool(self.value)

    def __repr__(self) -> str:
        return f"Secret({self.name})"

    def read(self) -> str:
        """The secret, of one line.

        Raises:
            ConfigurationError: the file cannot be read, or holds no such secret.
        """
        return remote.secret(self.value if self.path is None else self.path, self.name)


class Access(NamedTuple):
    """A server's address without a slash at its end, the headers that let us in, and whom we trust."""

    url: str
    authorization: dict[str, str]
    tls: ssl.SSLContext
    who: str

    def __repr__(self) -> str:
        return f"Access({self.url}, {self.who})"


NO_SECRET = Secret("a key")


def access(
    url: str,
    *,
    username: str = "",
    password: Secret = NO_SECRET,
    key: Secret = NO_SECRET,
    scheme: str = "",
    ca_file: Path | None = None,
    usual: str = "http://127.0.0.1:5601",
) -> Access:
    """Put together what the options say; `scheme` is what the server calls a `key`: ApiKey or Bearer.

    `usual` is an address as such servers have.

    Raises:
        UsageError: they do not fit together, or a file cannot be used.
    """
    if (password or username) and key:
        raise UsageError(f"{password.name} and {key.name} exclude each other", "give one of them")
    if bool(username) != bool(password):
        raise UsageError(f"--username and {password.name} go together", "give both or none")
    if fault := remote.fault_of(url, usual):
        raise UsageError(f"--url {fault}")
    authorization, who = {}, "a request without credentials"
    try:
        if username:
            authorization["Authorization"], who = remote.basic(username, password.read()), f"the user {username}"
        elif key:
            found = key.read()
            authorization["Authorization"] = remote.api_key(found) if scheme == "ApiKey" else f"{scheme} {found}"
            who = f"the secret of {key.name}"
        return Access(url.rstrip("/"), authorization, remote.trusting(ca_file, "--ca-file"), who)
    except ConfigurationError as error:  # the same fault, but of the command line
        raise UsageError(error.cause, error.remedy) from None
