"""Who asks, and a request → its headers with a signature (version 4). All of it blocks: for a thread.

botocore finds credentials where every tool of Amazon does, and signs; nothing else of it is used. Credentials that the
network gives, of a machine's or container's role, are asked for only where the operator wants them.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from collector.errors import Unauthorized

Chain = Literal["environment", "machine", "none"]

_OF_THIS_MACHINE = frozenset({"env", "shared-credentials-file", "config-file"})
_SET = "set access_key_id and secret_access_key_file, or credentials: machine for the role of this machine"


class Keys(NamedTuple):
    """An access key as options give it; `token` is "" for one that does not end."""

    id: str
    secret: str
    token: str

    def __repr__(self) -> str:
        return f"Keys({self.id!r})"


class Signer:
    """Signs for one region, with the keys of the options, else with those that the chain finds."""

    def __init__(self, region: str, keys: Callable[[], Keys | None], chain: Chain) -> None:
        self._region = region
        self._keys = keys
        self._chain = chain
        self._found: Any = None
        self._finding = threading.Lock()

    def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """All headers to send, the signature over them and the body among them.

        Raises:
            Unauthorized: there are no credentials, or they cannot be renewed.
        """
        credentials = self._credentials()
        request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
        if credentials is not None:
            S3SigV4Auth(credentials, "s3", self._region).add_auth(request)
        return {name: str(value) for name, value in request.headers.items()}

    def forget(self) -> None:
        """What was found is refused: look again before the next request."""
        self._found = None

    def _credentials(self) -> Any:
        if keys := self._keys():
            return Credentials(keys.id, keys.secret, keys.token or None)
        if self._chain == "none":
            return None
        try:
            with self._finding:
                if self._found is None:
                    self._found = self._find()
                found = self._found.get_frozen_credentials() if self._found else None
        except (BotoCoreError, OSError, ValueError) as error:
            raise Unauthorized(f"credentials cannot be read ({type(error).__name__})", _SET) from None
        if found is None:
            raise Unauthorized("no credentials are found in the environment or in ~/.aws", _SET)
        return found

    def _find(self) -> Any:
        session = Session()
        resolver = session.get_component("credential_provider")
        if self._chain == "environment":
            for provider in [*resolver.providers]:
                if provider.METHOD not in _OF_THIS_MACHINE:
                    resolver.remove(provider.METHOD)
        return resolver.load_credentials()
