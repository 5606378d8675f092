"""`collector.web.live_routes`: who may ask for live routes; what they do is in `tests/collector/app`."""

from pathlib import Path

import pytest

from collector.web.live_routes import OFF
from tests.collector.web.agent import site

REQUESTS = [("GET", "/routes"), ("GET", "/routes/x"), ("POST", "/routes"), ("DELETE", "/routes/x")]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_routes_are_off_unless_the_configuration_has_them(tmp_path: Path, method: str, path: str) -> None:
    async with site(tmp_path) as here, here.session.request(method, here.url(path), headers=here.headers) as answer:
        assert (answer.status, (await answer.json())["remedy"]) == (403, OFF)


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_nothing_is_answered_without_the_token(tmp_path: Path, method: str, path: str) -> None:
    async with site(tmp_path) as here, here.session.request(method, here.url(path)) as answer:
        assert answer.status == 401
