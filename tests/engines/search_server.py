"""What a test may ask of a search server, whatever its kind: requests, all its documents, stop, start, kill."""

import base64
import json as json_codec
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple

from tests.engines.account import engine_account, hand_over
from tests.engines.catalogue import Artifact, Generation
from tests.engines.directories import discard, new_directory
from tests.engines.process import ServerProcess, free_ports

HEAP = ("-Xms512m", "-Xmx512m")
# The C1 compiler alone boots a server in half the time on two cores, and tests are short.
JAVA_OPTIONS = (*HEAP, "-XX:TieredStopAtLevel=1", "-XX:-AlwaysPreTouch")
SETTINGS = {
    "cluster.name": "pilotfish-tests",
    "network.host": "127.0.0.1",
    "discovery.type": "single-node",
    "cluster.routing.allocation.disk.threshold_enabled": "false",
    "action.destructive_requires_name": "false",
}
_READY_SECONDS = 150
_PAGE_DOCUMENTS = 5_000


class Answer(NamedTuple):
    """What the server answered."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body, decoded.

        Raises:
            ValueError: it is not JSON.
        """
        return json_codec.loads(self.body)


class SearchServer(ABC):
    """One real server on one loopback port with one data directory, for the whole session; starts with `start`."""

    ca_file: Path | None = None
    username: str | None = None
    password: str | None = None

    def __init__(self, artifact: Artifact, *, java_options: Sequence[str] = JAVA_OPTIONS) -> None:
        self.java_options = java_options
        self.version: str = artifact.version
        self.generation: Generation = artifact.generation
        self.port, self.transport_port = free_ports(2)
        self.directory = new_directory(artifact.name)
        try:
            account = engine_account()
            words, env = self._prepare(artifact)
            hand_over(self.directory, account)
        except BaseException:
            discard(self.directory)
            raise
        log = self.directory / f"{artifact.name}-{artifact.version}.log"
        self.process = ServerProcess(words, log=log, env=env, account=account)

    @abstractmethod
    def _prepare(self, artifact: Artifact) -> tuple[list[str | Path], dict[str, str]]:
        """Fill `directory`; the words and the environment that start the server in it."""

    @property
    def url(self) -> str:
        """Base URL without a trailing slash."""
        return f"{'https' if self.ca_file else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Boot on the same port and the same data, and wait until it takes documents.

        Raises:
            EngineError: it did not become ready.
        """
        self.process.start(self._is_ready, within_seconds=_READY_SECONDS)

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        self.process.stop()

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self.process.kill()

    def close(self) -> None:
        """End it and remove its directory; may be called twice."""
        self.process.kill()
        discard(self.directory)

    def get(self, path: str) -> Answer:
        """GET; see `request`."""
        return self.request("GET", path)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout_seconds: float = 60,
    ) -> Answer:
        """Send `json` or `body` with the server's own credentials; any status is an answer.

        Raises:
            OSError: nobody listens, or the connection broke.
        """
        headers = {"content-type": content_type, "accept": "application/json"}
        if self.username is not None:
            pair = f"{self.username}:{self.password}".encode()
            headers["authorization"] = "Basic " + base64.b64encode(pair).decode()
        if json is not None:
            body = json_codec.dumps(json).encode()
        connection = self._connection(timeout_seconds)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read())
        finally:
            connection.close()

    def bulk(self, *lines: object) -> Answer:
        """POST /_bulk with each line encoded as JSON, and refresh."""
        body = b"".join(json_codec.dumps(line).encode() + b"\n" for line in lines)
        return self.request("POST", "/_bulk?refresh=true", body=body, content_type="application/x-ndjson")

    def refresh_and_fetch(self, index_pattern: str) -> list[dict[str, Any]]:
        """All documents of the matching indices as hits with `_id`, `_index` and `_source`, in no order."""
        self.request("POST", f"/{index_pattern}/_refresh")
        page = self._page(f"/{index_pattern}/_search?scroll=1m", {"size": _PAGE_DOCUMENTS, "sort": ["_doc"]})
        hits: list[dict[str, Any]] = []
        while page["hits"]["hits"]:
            hits += page["hits"]["hits"]
            page = self._page("/_search/scroll", {"scroll": "1m", "scroll_id": page["_scroll_id"]})
        if "_scroll_id" in page:  # no index matches: nothing was opened
            self.request("DELETE", "/_search/scroll", json={"scroll_id": [page["_scroll_id"]]})
        return hits

    def _page(self, path: str, question: object) -> dict[str, Any]:
        deadline = time.monotonic() + _READY_SECONDS
        answer = self.request("POST", path, json=question)
        while _lacks_shards(answer) and time.monotonic() < deadline:
            time.sleep(0.1)  # an index made a moment ago has no shard yet that could answer
            answer = self.request("POST", path, json=question)
        assert answer.status == 200, answer
        page: dict[str, Any] = answer.json()
        assert page["_shards"]["failed"] == 0, answer
        return page

    def _connection(self, timeout_seconds: float) -> HTTPConnection:
        if self.ca_file is None:
            return HTTPConnection("127.0.0.1", self.port, timeout=timeout_seconds)
        context = ssl.create_default_context(cafile=self.ca_file)
        return HTTPSConnection("127.0.0.1", self.port, timeout=timeout_seconds, context=context)

    def _is_ready(self) -> bool:
        try:
            return self.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s").status == 200
        except (OSError, HTTPException):
            return False


def _lacks_shards(answer: Answer) -> bool:
    """Whether not all shards could answer: of some indices, or of all."""
    return answer.status == HTTPStatus.SERVICE_UNAVAILABLE or b'"no_shard_available_action_exception"' in answer.body
