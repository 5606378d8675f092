"""`collector.web.routes`: each path is answered by an agent of one process and by the gateway of several alike."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest
from aiohttp import web

from collector.web.routes import PAGE_FILES, ROUTES, Side, routes
from tests.collector.unix_site import url_of
from tests.integration.agent import AgentProcess, running

_UNKNOWN = (404, 405)


async def nothing(_: web.Request) -> web.StreamResponse:
    raise NotImplementedError


def _status(agent: AgentProcess, method: str, path: str) -> int:
    token = (agent.state / "http_token").read_text().strip()
    path = path.format(which="any", id="any")
    request = urllib.request.Request(
        f"http://{agent.address}{path}", headers={"Authorization": f"Bearer {token}"}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own address
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


@pytest.mark.parametrize(("workers", "side"), [(1, "agent"), (2, "gateway")])
def test_each_route_is_answered_where_the_table_says(tmp_path: Path, workers: int, side: Side) -> None:
    (tmp_path / "logs").mkdir()
    configuration = {
        "inputs": {"docker": {"url": url_of(tmp_path), "metrics_url": "http://127.0.0.1:9/metrics"}},
        "outputs": {"out": {"type": "elasticsearch", "hosts": ["http://127.0.0.1:9"], "spool": False}},
        "workers": workers,
    }
    with running(tmp_path, configuration) as agent:
        told = {name: _status(agent, route.method, route.path) for name, route in ROUTES.items()}
        heads = {name: _status(agent, "HEAD", route.path) for name, route in ROUTES.items()}
        strange = {path: _status(agent, "GET", path) for path in ("/api/nothing", "/metric", "/api/search/")}
        page = agent.get("/").decode()
        agent.kill()
    theirs = {name for name, route in ROUTES.items() if route.only in ("", side)}
    assert {name for name, status in told.items() if status not in _UNKNOWN} == theirs
    with_head = {route.path for route in ROUTES.values() if route.method == "GET" and route.allow_head}
    assert {name for name in theirs if heads[name] == 405} == {
        name for name in theirs if ROUTES[name].path not in with_head
    }
    assert set(strange.values()) == {404}
    assert "Pilotfish" in page


@pytest.mark.parametrize("side", ["agent", "gateway"])
def test_a_route_that_nothing_answers_or_an_answer_without_a_route_is_an_error(side: Side) -> None:
    theirs = {name: route for name, route in ROUTES.items() if name not in PAGE_FILES}
    handlers = {name: nothing for name, route in theirs.items() if route.only in ("", side)}
    found = routes(side, handlers)
    assert [(one.method, one.path) for one in found] == [(one.method, one.path) for one in ROUTES.values()]
    with pytest.raises(LookupError, match="metrics"):
        routes(side, {name: handler for name, handler in handlers.items() if name != "metrics"})
    with pytest.raises(LookupError, match="page"):
        routes(side, {**handlers, "page": nothing})
    with pytest.raises(LookupError, match="other"):
        routes(side, {**handlers, "other": nothing})


def test_the_specification_names_each_route() -> None:
    text = (Path(__file__).parents[3] / "docs" / "specification.md").read_text()
    paths = {
        f"`{route.method} {'/page/{file}' if name in PAGE_FILES and name != 'page' else route.path}`"
        for name, route in ROUTES.items()
    }
    assert [path for path in paths if path not in text] == []


def test_paths_are_unlike_each_other() -> None:
    pairs = [(route.method, route.path) for route in ROUTES.values()]
    assert len(pairs) == len(set(pairs)) == len(ROUTES)
