"""`collector.web.live_routes`: who may ask for live routes; what they do is in `tests/collector/app`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

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


class Kept:
    """Routes that note what is to be removed: an agent of several workers would put it into a URL."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    async def listed(self) -> Sequence[Mapping[str, Any]]:
        return []

    async def add(self, said: bytes) -> Mapping[str, Any]:
        return {}

    async def remove(self, name: str) -> bool:
        self.removed.append(name)
        return True


@pytest.mark.parametrize("name", ["a%3Fb", "..%2Fapi", "a%23b", "a%0D%0Ab"])
async def test_what_is_no_id_is_no_route(tmp_path: Path, name: str) -> None:
    kept = Kept()
    async with site(tmp_path, routes=lambda _: kept) as here:
        url = URL(here.url(f"/routes/{name}"), encoded=True)
        async with here.session.delete(url, headers=here.headers) as answer:
            assert (answer.status, kept.removed) == (404, [])
