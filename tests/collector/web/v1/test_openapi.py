"""`collector.web.v1.openapi`: the description is of OpenAPI 3.1, has each route, and each answer is as it says."""

import json
from pathlib import Path

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from collector.web.routes import ROUTES
from collector.web.v1.openapi import DESCRIBED, document
from tests.collector.web.held import OPEN, held, lines

SHAPES = {name: one.answer for name, one in DESCRIBED.items() if not isinstance(one.answer, str)}


def test_it_is_valid_and_describes_each_route_of_version_1() -> None:
    found = json.loads(json.dumps(document()))
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []
    described = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    assert described == {(one.method, one.path) for one in ROUTES.values() if one.path.startswith("/api/v1/")}


@pytest.mark.parametrize("name", SHAPES)
async def test_each_answer_has_the_shape_that_is_described(tmp_path: Path, name: str) -> None:
    arguments = {"id": lines(OPEN).ids[3]} if name == "v1/context" else {}
    async with (
        held(tmp_path) as here,
        here.session.get(here.url(ROUTES[name].path), params=arguments, headers=here.headers) as answer,
    ):
        assert answer.status == 200
        body = await answer.read()
    shape = SHAPES[name]
    assert not isinstance(shape, str)
    decoded = msgspec.to_builtins(msgspec.json.decode(body, type=shape))
    assert decoded == json.loads(body), "nothing is there that is not described"


@pytest.mark.parametrize("name", [name for name, one in DESCRIBED.items() if ROUTES[name].method == "GET"])
async def test_each_argument_that_is_described_is_known(tmp_path: Path, name: str) -> None:
    values = {"limit": "1", "buckets": "2", "values": "1", "before": "1", "after": "1", "sort": "oldest",
              "of": "all", "format": "csv", "order": "oldest", "replayable": "1", "since": "15m", "until": "1m",
              "id": lines(OPEN).ids[3], "facet": "level"}  # fmt: skip
    given = {one: values.get(one, "") for one in DESCRIBED[name].arguments}
    if name == "v1/search":
        given = {**given, "before": "", "after": ""}
    async with (
        held(tmp_path) as here,
        here.session.get(here.url(ROUTES[name].path), params=given, headers=here.headers) as answer,
    ):
        assert answer.status == 200, await answer.text()
