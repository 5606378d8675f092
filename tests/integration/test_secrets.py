"""No secret shows, whatever goes wrong: not in the agent's log or state, on a page, or in what a command writes."""

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import trustme
from pydantic import SecretStr

from collector.app.plugins import installed_types
from collector.config.environment import kinds
from collector.config.models import Configuration
from tests.integration.agent import AgentProcess, running, wait_until
from tests.integration.log_tree import LogTree, envelope

# A secret of each option that takes one; none is a part of a word that may stand anywhere.
MARKERS = {
    "password": "m4rk-Inline-Pw",
    "password_file": "m4rk-File-Pw",
    "api_key": "m4rk-Inline-Key",
    "api_key_file": "m4rk-File-Key",
    "proxy_url": "m4rk-Inline-Proxy-Pw",
    "proxy_url_file": "m4rk-File-Proxy-Pw",
    "headers": "m4rk-Inline-Header",
    "headers_file": "m4rk-File-Header",
    "metrics_url": "m4rk-Metrics-Pw",
    "url": "m4rk-Docker-Pw",
    "environment": "m4rk-Environ-Pw",
}
SECRET_OPTIONS = {"password", "api_key", "proxy_url", "headers"}  # of an output; each has its `_file`
PAGES = ("/", "/metrics", "/metrics/docker", "/healthz", "/readyz")
API = ("/api/status", "/api/dead-letters", "/api/search?q=line", "/api/nothing")

pytestmark = pytest.mark.slow


class Answer:
    """What the server says to every request."""

    def __init__(self, status: int, body: str, content_type: str = "application/json") -> None:
        self.status = status
        self.body = body.encode()
        self.content_type = content_type


UNAUTHORIZED = json.dumps({"error": {"type": "security_exception", "reason": "unable to authenticate"}, "status": 401})
WAYS: Mapping[str, Answer] = {
    "refuses": Answer(401, UNAUTHORIZED),
    "forbids": Answer(403, UNAUTHORIZED.replace("401", "403")),
    "fails": Answer(500, "<html>Internal Server Error</html>", "text/html"),
    "talks nonsense": Answer(200, "{"),
    "answers as another": Answer(200, json.dumps({"items": "none", "errors": 7})),
    "is a proxy that is alone": Answer(502, "<html>Bad Gateway</html>", "text/html"),
}


class Refusing:
    """A server that gives one answer, and remembers who asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.seen: set[str] = set()
        outer = self

        class Asked(BaseHTTPRequestHandler):
            def parse_request(self) -> bool:
                is_good = super().parse_request()
                if is_good:
                    outer.seen.add(self.headers.get("Authorization", ""))
                    self.rfile.read(int(self.headers.get("Content-Length", 0)))
                    self.send_response(outer.answer.status)
                    self.send_header("Content-Type", outer.answer.content_type)
                    self.send_header("Content-Length", str(len(outer.answer.body)))
                    self.end_headers()
                    self.wfile.write(b"" if self.command == "HEAD" else outer.answer.body)
                return False

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    @contextmanager
    def serving(self) -> Iterator["Refusing"]:
        """Serve while the block lasts."""
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


@pytest.fixture
def server() -> Iterator[Refusing]:
    with Refusing(WAYS["refuses"]).serving() as serving:
        yield serving


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def outputs(tmp_path: Path, url: str) -> dict[str, dict[str, Any]]:
    """An output for each secret option, one of them with a key that the server never sees."""
    tmp_path.mkdir(exist_ok=True)
    for option in ("password_file", "api_key_file"):
        (tmp_path / option).write_text(f"{MARKERS[option]}\n")
    proxies = {option: url.replace("//", f"//u:{MARKERS[option]}@") for option in ("proxy_url", "proxy_url_file")}
    (tmp_path / "proxy_url_file").write_text(f"{proxies['proxy_url_file']}\n")
    (tmp_path / "headers_file").write_text(f"X-Token: {MARKERS['headers_file']}\n")
    certificate = trustme.CA().issue_cert("agent.example")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    common = {"type": "elasticsearch", "request_timeout_seconds": 5, "spool": False}
    return {
        "inline": common | {"hosts": [url], "username": "elastic", "password": MARKERS["password"]},
        "file": common | {"hosts": [url], "username": "elastic", "password_file": str(tmp_path / "password_file")},
        "key": common | {"hosts": [url], "api_key": f"id:{MARKERS['api_key']}"},
        "key_file": common | {"hosts": [url], "api_key_file": str(tmp_path / "api_key_file")},
        "proxy": common | {"hosts": ["http://behind.example"], "proxy_url": proxies["proxy_url"]},
        "proxy_file": common | {"hosts": ["http://behind.example"], "proxy_url_file": str(tmp_path / "proxy_url_file")},
        "headers": common
        | {
            "hosts": [url],
            "headers": {"X-Key": MARKERS["headers"]},
            "headers_file": str(tmp_path / "headers_file"),
        },
        "tls": common | {"hosts": [url.replace("http:", "https:")], "client_cert_file": str(tmp_path / "client.pem")},
    }


def authorizations() -> set[str]:
    """What the outputs that reach the server show it."""
    return {
        f"Basic {encoded('elastic:' + MARKERS['password'])}",
        f"Basic {encoded('elastic:' + MARKERS['password_file'])}",
        f"ApiKey {encoded('id:' + MARKERS['api_key'])}",
        f"ApiKey {MARKERS['api_key_file']}",
    }


def secrets(tmp_path: Path) -> list[str]:
    """Every form in which one of the secrets could show."""
    forms = [*MARKERS.values(), *(value.split(" ")[1] for value in authorizations())]
    pems = [pem.read_text() for pem in tmp_path.rglob("client.pem")]
    key = [line for pem in pems for line in pem.partition("-----END")[0].splitlines()[1:]]
    return [*forms, *(encoded(marker) for marker in MARKERS.values()), *(line for line in key if len(line) > 20)]


def shown(text: str, tmp_path: Path) -> list[str]:
    return [form for form in secrets(tmp_path) if form in text]


def written_in(directory: Path) -> str:
    return "".join(path.read_bytes().decode("latin-1") for path in directory.rglob("*") if path.is_file())


def _value_of(annotation: Any) -> Any:
    """Of a mapping the type of its values."""
    return get_args(annotation)[-1] if get_origin(annotation) is dict else None


def test_these_are_all_options_that_take_a_secret() -> None:
    """A new one of this output has to be taken up here; of others each is tried in `test_config_secrets.py`."""
    for kind, settings in installed_types().outputs.items():
        fields = settings.model_fields
        annotations = {name: list(kinds(field.annotation)) for name, field in fields.items()}
        found = {name for name, each in annotations.items() if SecretStr in (*each, *map(_value_of, each))}
        assert {f"{name}_file" for name in found} <= fields.keys()
        assert kind != "elasticsearch" or found == SECRET_OPTIONS
    assert MARKERS.keys() >= SECRET_OPTIONS
    assert not any(SecretStr in get_args(field.annotation) for field in Configuration.model_fields.values())


def test_a_running_agent_shows_none_however_its_outputs_fail(tmp_path: Path) -> None:
    tree = LogTree(tmp_path / "tree")
    tree.container("web").write_bytes(b"".join(envelope(f"line {number}\n", number) for number in range(50)))
    servers = {way: Refusing(answer) for way, answer in WAYS.items()}
    failing = {
        f"{name}_{number}": output
        for number, server in enumerate(servers.values())
        for name, output in outputs(tmp_path / f"of-{number}", server.url).items()
    }
    config = {
        "inputs": {"directory": {"path": str(tree.root)}},
        "outputs": {**failing, "local": {"type": "store"}},
        "log": {"format": "json", "level": "debug"},
        "drain_seconds": 0.5,
    }
    with ExitStack() as stack:
        for server in servers.values():
            stack.enter_context(server.serving())
        agent = stack.enter_context(running(tmp_path, config))
        for way, server in servers.items():
            wait_until(partial(authorizations().issubset, server.seen), f"each output asked a server that {way}")
        wait_until(lambda: unavailable(agent) == failing.keys(), "each output is told to be unavailable")
        said = pages(agent)
        assert agent.stop() == 0
    assert shown("".join(said), tmp_path) == []
    assert shown(agent.log.read_text(), tmp_path) == []
    assert shown(written_in(agent.state), tmp_path) == []
    token = (agent.state / "http_token").read_text().strip()
    assert token not in "".join(said) + agent.log.read_text()


def unavailable(agent: AgentProcess) -> set[str]:
    """The outputs of which the log tells that they cannot be reached."""
    told = [json.loads(line) for line in agent.log.read_bytes().split(b"\n")[:-1]]
    return {one["output"] for one in told if one["event"] == "output unavailable"}


def pages(agent: AgentProcess) -> list[str]:
    return [agent.get(page).decode() for page in PAGES] + [agent.api(page).decode() for page in API]


def test_a_password_in_an_address_of_the_engine_shows_nowhere(tmp_path: Path, server: Refusing) -> None:
    address = server.url.replace("//", f"//scraper:{MARKERS['metrics_url']}@")
    engine = server.url.replace("http://", f"tcp://agent:{MARKERS['url']}@")
    docker = {"url": engine, "metrics_url": f"{address}/metrics"}
    config = {"inputs": {"docker": docker}, "outputs": {"none": {"type": "null"}}, "log": {"level": "debug"}}
    with running(tmp_path, config) as agent:
        page = agent.get("/metrics/docker").decode()
        wait_until(lambda: "Docker at tcp://**********@" in agent.log.read_text(), "the log tells that Docker refuses")
        said = [page, *pages(agent)]
        ended = [run(agent.config, *words) for words in (("check",), ("config", "show", "--origin"))]
        assert agent.stop() == 0
    assert "cannot be fetched (status 401)" in page
    assert f"Basic {encoded('scraper:' + MARKERS['metrics_url'])}" in server.seen
    assert shown("".join([*said, *ended, agent.log.read_text()]), tmp_path) == []


# ------------------------------------------------------------------ commands


def run(config: Path, *words: str, **environ: str) -> str:
    """All that a command writes."""
    command = [sys.executable, "-m", "collector", *words, "-c", str(config)]
    environment = {"PYTHONPATH": ":".join(sys.path), "HOME": str(config.parent), **environ}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


def test_commands_show_none(tmp_path: Path, server: Refusing) -> None:
    config = tmp_path / "pilotfish.yml"
    config.write_text(
        json.dumps(
            {
                "state_dir": str(tmp_path / "state"),
                "inputs": {"directory": {"path": str(LogTree(tmp_path / "tree").root)}},
                "outputs": {
                    **outputs(tmp_path, server.url),
                    "environ": {"type": "elasticsearch", "hosts": [server.url], "username": "elastic"},
                },
            }
        )
    )
    variables = {"PILOTFISH_OUTPUTS__ENVIRON__PASSWORD": MARKERS["environment"]}
    commands = (
        ("config", "show", "--origin"),
        ("config", "validate"),
        ("config", "schema"),
        ("check",),
        ("check", "--debug"),
        ("dead-letters", "list"),
    )
    with ThreadPoolExecutor(3) as pool:
        written = list(pool.map(lambda words: run(config, *words, **variables), commands))
    assert "**********" in written[0]
    assert written[0].startswith("0\n")
    assert written[1].startswith("0\n")
    assert "elastic" in written[3]
    assert authorizations() < server.seen
    assert shown("".join(written), tmp_path) == []


PASSWORD = MARKERS["password"]
MISTAKES: Mapping[str, str] = {
    "both": f"{{username: u, password: {PASSWORD}, password_file: /x}}",
    "alone": f"{{password: {PASSWORD}}}",
    "of two kinds": f"{{username: u, password: {PASSWORD}, api_key: {PASSWORD}}}",
    "a list": f"{{username: u, password: [{PASSWORD}]}}",
    "a section": f"{{username: u, password: {{is: {PASSWORD}}}}}",
    "under a key that is spelled wrong": f"{{username: u, passwort: {PASSWORD}}}",
    "in an address": f"{{hosts: ['http://u:{PASSWORD}@es:9200']}}",
    "in an address that is none": f"{{hosts: ['u:{PASSWORD}@es']}}",
    "with a line break": f'{{username: u, password: "{PASSWORD}\\nmore"}}',
    "with another mistake": f"{{username: u, password: {PASSWORD}, compress: perhaps}}",
    "as a file's name": f"{{username: u, password_file: {{{PASSWORD}: 1}}}}",
    "unfinished": f'{{username: u, password: "{PASSWORD}',
}


def test_no_mistake_in_a_configuration_repeats_a_secret(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()

    def tried(numbered: tuple[int, str]) -> str:
        number, options = numbered
        config = tmp_path / f"mistake-{number}.yml"
        inner = options.removeprefix("{")
        hosts = "" if "hosts" in options else "hosts: ['http://127.0.0.1:9'], "
        config.write_text(
            f"state_dir: {tmp_path}/state-{number}\ninputs: {{directory: {{path: {tmp_path}/tree}}}}\n"
            f"outputs:\n  elastic: {{type: elasticsearch, {hosts}{inner}\n"
        )
        return run(config, "run")

    with ThreadPoolExecutor(3) as pool:
        written = list(pool.map(tried, enumerate(MISTAKES.values())))
    assert {name: text for name, text in zip(MISTAKES, written, strict=True) if not text.startswith("78\n")} == {}
    assert {name: text for name, text in zip(MISTAKES, written, strict=True) if PASSWORD in text} == {}


def test_a_variable_that_is_spelled_wrong_is_named_without_its_value(tmp_path: Path) -> None:
    config = tmp_path / "pilotfish.yml"
    config.write_text("outputs:\n  elastic: {type: elasticsearch, hosts: ['http://127.0.0.1:9']}\n")
    written = run(config, "config", "validate", PILOTFISH_OUTPUTS__ELASTIC__PASWORD=MARKERS["environment"])
    assert "PILOTFISH_OUTPUTS__ELASTIC__PASWORD" in written
    assert MARKERS["environment"] not in written
