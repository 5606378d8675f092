import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.app.plugins import installed_types
from collector.cli.setup_elasticsearch import Server
from collector.ports import Preparable
from tests.collector.cli.pilotfish import Ended, pilotfish
from tests.engines.process import free_ports
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import emptied

pytestmark = pytest.mark.slow  # a process each, and a server beside it


@pytest.fixture
def server(elasticsearch_6: SearchServer) -> Iterator[SearchServer]:
    """A server with a lifecycle, emptied."""
    yield from emptied(elasticsearch_6)


def configured(home: Path, url: str, **more: object) -> None:
    outputs = {"elastic": {"type": "elasticsearch", "hosts": [url], **more}}
    (home / "p.yml").write_text(json.dumps({"state_dir": str(home / "state"), "outputs": outputs}))


def set_up(home: Path, *arguments: str) -> Ended:
    return pilotfish(home, "setup", "elasticsearch", "-c", "p.yml", *arguments)


def test_each_object_is_a_line_and_a_second_run_finds_them(tmp_path: Path, server: SearchServer) -> None:
    configured(tmp_path, server.url)
    arguments = ("--retention", "30d", "--target", "shop-*", "--wait", "1m")
    for outcome in ("created", "unchanged"):
        ended = set_up(tmp_path, *arguments)
        assert (ended.code, ended.errors) == (0, "")
        assert [line.split(None, 1) for line in ended.out.splitlines()] == [
            [outcome, "lifecycle policy pilotfish"],
            [outcome, "index template pilotfish"],
        ]
    assert not (tmp_path / "state").exists()


def test_a_dry_run_shows_the_requests_and_sends_none(tmp_path: Path, server: SearchServer) -> None:
    configured(tmp_path, server.url)
    ended = set_up(tmp_path, "--dry-run")
    assert ended.code == 0
    head, request, body = ended.out.split("\n", 2)
    assert head == "would be created  index template pilotfish"
    assert request == "  PUT /_template/pilotfish?create=true"
    assert json.loads(body)["order"] == 10
    assert server.get("/_template/pilotfish").status == 404


def test_a_server_that_is_away_is_a_line_and_1(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    configured(tmp_path, f"http://127.0.0.1:{port}", username="elastic", password="hunter2")
    ended = set_up(tmp_path)
    assert (ended.code, ended.errors) == (1, "")
    assert ended.out.startswith(f"failed     http://127.0.0.1:{port} (")
    assert ended.out.count("\n") == 1
    assert "hunter2" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--retention", "soon"], "Invalid value for '--retention': not a duration such as 90s, 15m, 24h or 3d"),
        (["--retention", "30d"], "name the targets (--target 'shop-*')"),
        (["--data-stream"], "has a date, but the name of a data stream has none"),
        (["--output", "local"], "--output: local is not an output of type elasticsearch: use one of elastic"),
    ],
)
def test_what_cannot_be_is_one_line_and_2(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    configured(tmp_path, "http://127.0.0.1:1")
    ended = set_up(tmp_path, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.complaint


def test_without_such_an_output_it_says_what_to_give(tmp_path: Path) -> None:
    ended = pilotfish(tmp_path, "setup", "elasticsearch")
    assert ended.code == 2
    assert "no output of type elasticsearch: pass the configuration file of" in ended.complaint


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        ("elasticsearch-8", ["_ilm/policy/pilotfish", "_component_template/pilotfish@mappings",
                             "_component_template/pilotfish@custom", "_index_template/pilotfish"]),
        ("elasticsearch-6", ["_ilm/policy/pilotfish", "_template/pilotfish"]),
        ("opensearch", ["_plugins/_ism/policies/pilotfish", "_component_template/pilotfish@mappings",
                        "_component_template/pilotfish@custom", "_index_template/pilotfish"]),
    ],
)  # fmt: skip
def test_an_export_needs_neither_server_nor_configuration(tmp_path: Path, kind: str, paths: list[str]) -> None:
    ended = pilotfish(tmp_path, "setup", "export", "out", "--server", kind, "--retention", "30d", "--target", "*")
    assert (ended.code, ended.errors) == (0, "")
    told = ended.out.splitlines()
    unless_there = {"_component_template/pilotfish@custom": "?create=true"}  # it is the operator's
    assert told[: len(paths)] == [f"PUT /{path}{unless_there.get(path, '')} < out/{path}.json" for path in paths]
    assert "out/dashboards/prometheus/alerts.yml" in told
    assert all((tmp_path / path).is_file() for path in told[len(paths) :])
    for path in paths:
        assert json.loads((tmp_path / "out" / f"{path}.json").read_bytes())


def test_every_kind_of_server_can_be_chosen_and_the_usual_one_is_the_first() -> None:
    settings = installed_types().outputs["elasticsearch"].model_validate({"hosts": ["http://localhost"]})
    assert isinstance(settings, Preparable)
    assert tuple(Server) == settings.servers()
