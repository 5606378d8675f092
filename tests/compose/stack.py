"""The running stack: its services over HTTP from inside its network, its containers, its documents, its log files."""

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from docker.models.containers import Container

from tests.compose import images
from tests.compose.compose import PROJECT, Compose
from tests.engines.dockerd import Dockerd
from tests.engines.netns import Network

# cannot be had without a registry, and what serves them alone
LEFT_OUT = {"kibana", "kibana-user", "setup-kibana", "grafana"}
SAMPLES = {  # service → its target
    "sample": "usercenter-go-ol",
    "sample-unhealthy": "payment",
    "sample-crashing": "sample-crashing",
    "sample-rotating": "gateway",
}
ONE_SHOTS = {"secrets", "setup"}
_PORTS = {"elasticsearch": 9200, "pilotfish": 9880, "prometheus": 9090}
_POLL_SECONDS = 0.5
_PAGE = 5_000


class Line(NamedTuple):
    """One line of a container: unique by its time, which has nanoseconds."""

    container: str
    time: str
    stream: str
    log: str  # JSON, keys sorted


class Stack:
    """compose-elk.yml on a daemon; `up` boots it, `close` lets go of the daemon's network."""

    def __init__(self, daemon: Dockerd) -> None:
        self.daemon = daemon
        self.compose = Compose(daemon)
        self.network = Network(daemon.process.pid)
        services: dict[str, Any] = yaml.safe_load(self.compose("config"))["services"]
        self.services = {name: one for name, one in services.items() if name not in LEFT_OUT}
        self._password = ""

    def make_images(self) -> None:
        """The stand-ins, under the names in the file."""
        images.stand_in_elasticsearch(self.daemon, self.services["elasticsearch"]["image"])
        images.stand_in_prometheus(self.daemon, self.services["prometheus"]["image"])
        repository, _, tag = self.services["sample"]["image"].partition(":")
        self.daemon.client().images.get(self.daemon.image).tag(repository, tag)

    def up(self) -> None:
        """Start all services that can be had here, as health and one-shots allow; returns when all are well."""
        self.compose("up", "-d", "--no-build", *sorted(self.services))
        self.settle()
        self._password = self.compose("exec", "-T", "elasticsearch", "cat", "/secrets/elastic_password")

    def settle(self) -> None:
        """Wait until every service is as it should be."""
        self.wait(lambda: not self.not_settled(), "all services are well", tell=self.not_settled)

    def not_settled(self) -> dict[str, str]:
        """Services that are not what they should be, and what they are."""
        expected = {name: "healthy" if "healthcheck" in one else "running" for name, one in self.services.items()}
        expected |= {"sample-unhealthy": "unhealthy"} | dict.fromkeys(ONE_SHOTS, "exited 0")
        found = {name: self._condition(name) for name in self.services}
        return {name: state for name, state in found.items() if state != expected[name]}

    def _condition(self, service: str) -> str:
        state = self.container(service).attrs["State"]
        if service == "sample-crashing" and state["Status"] in ("restarting", "exited"):
            return "running"  # it is between two runs
        if state["Status"] == "exited":
            return f"exited {state['ExitCode']}"
        return str(state.get("Health", {}).get("Status") or state["Status"])

    def container(self, service: str) -> Container:
        """The service's only container."""
        labels = [f"com.docker.compose.project={PROJECT}", f"com.docker.compose.service={service}"]
        (found,) = self.daemon.client().containers.list(all=True, filters={"label": labels})
        return found

    def get(self, service: str, path: str, body: object = None) -> Any:
        """What a service answers on its published port, decoded from JSON."""
        return json.loads(self.text(service, path, body))

    def text(self, service: str, path: str, body: object = None) -> str:
        """What a service answers on its published port."""
        request = urllib.request.Request(f"http://127.0.0.1:{_PORTS[service]}{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        if service == "elasticsearch":
            pair = base64.b64encode(f"elastic:{self._password}".encode()).decode()
            request.add_header("authorization", f"Basic {pair}")

        def ask() -> bytes:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - http
                return bytes(answer.read())

        return self.network.call(ask).decode()

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The instant vector of an expression in the stack's Prometheus."""
        answer = self.get("prometheus", f"/api/v1/query?query={urllib.parse.quote(expression)}")
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def indices(self) -> dict[str, int]:
        """Index → documents, without those of the server itself."""
        self.text("elasticsearch", "/_refresh")
        found = self.get("elasticsearch", "/_cat/indices?format=json&h=index,docs.count&expand_wildcards=open")
        # One that is being made has no count yet.
        return {one["index"]: int(one["docs.count"] or 0) for one in found if not one["index"].startswith(".")}

    def hits(self, pattern: str) -> Iterator[dict[str, Any]]:
        """Every document of the matching indices."""
        self.text("elasticsearch", f"/{pattern}/_refresh")
        page = self.get("elasticsearch", f"/{pattern}/_search?scroll=1m", {"size": _PAGE, "sort": ["_doc"]})
        while page["hits"]["hits"]:
            yield from page["hits"]["hits"]
            page = self.get("elasticsearch", "/_search/scroll", {"scroll": "1m", "scroll_id": page["_scroll_id"]})

    def documents(self, service: str) -> list[Line]:
        """What Elasticsearch has of a sample."""
        return [
            Line(
                hit["_source"]["docker_container"],
                hit["_source"]["@timestamp"],
                hit["_source"]["stream"],
                json.dumps(hit["_source"]["log"], sort_keys=True),
            )
            for hit in self.hits(f"{SAMPLES[service]}-*")
        ]

    def lines(self, service: str) -> list[Line]:
        """What is in the log files of a sample that are still there."""
        container = self.container(service)
        found = []
        for path in sorted(self.daemon.log_file(container).parent.glob("*-json.log*")):
            found += [_line(str(container.name), json.loads(text)) for text in _texts(path)]
        return found

    def wait(
        self, condition: Callable[[], bool], what: str, *, tell: Callable[[], object] = str, seconds: float = 240
    ) -> None:
        """Poll until the condition holds; a service that does not answer yet is asked again."""
        deadline = time.monotonic() + seconds
        while not _holds(condition):
            assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {what}; {tell()}"
            time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Leave the daemon's network; may be called twice."""
        self.network.close()


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except urllib.error.HTTPError as error:
        if error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise  # it was asked wrongly
        return False
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _texts(path: Path) -> list[str]:
    return path.read_text().splitlines()


def _line(container: str, entry: dict[str, str]) -> Line:
    text = entry["log"].removesuffix("\n")
    log = json.loads(text) if text.startswith("{") else {"message": text}
    return Line(container, entry["time"], entry["stream"], json.dumps(log, sort_keys=True))
