"""`collector.web.v1.export`: a file of all that matches, in order, and its size before."""

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest

from collector.errors import Unavailable
from collector.ports import Found, Query
from tests.collector.web.agent import Site, site
from tests.collector.web.held import COUNT, held


async def export(here: Site, arguments: str) -> tuple[aiohttp.ClientResponse, bytes]:
    async with here.session.get(here.url(f"/api/v1/export?{arguments}"), headers=here.headers) as answer:
        return answer, await answer.read()


async def test_each_form_has_all_documents_oldest_first(tmp_path: Path) -> None:
    async with held(tmp_path) as here:
        answer, body = await export(here, "target=shop&format=ndjson")
        documents = [json.loads(line) for line in body.splitlines()]
        assert [one["log"]["message"].split()[2] for one in documents] == [str(n) for n in range(COUNT)]
        assert answer.headers["Content-Disposition"] == 'attachment; filename="pilotfish.ndjson"'
        _, body = await export(here, "target=shop&format=csv&q=level:error")
        rows = list(csv.reader(io.StringIO(body.decode())))
        assert rows[0] == ["time", "target", "container", "stream", "level", "message"]
        assert len(rows) == 11
        assert rows[2][1:] == ["shop", "web-1", "stderr", "error", "shop line 3 of 10.0.0.3"]
        _, body = await export(here, "target=shop")
        assert body.decode().splitlines()[0] == "2026-11-23T02:13:00.000000000Z web-1 shop line 0 of 10.0.0.0"


@pytest.mark.parametrize("form", ["text", "ndjson", "csv"])
async def test_the_size_is_told_before(tmp_path: Path, form: str) -> None:
    async with held(tmp_path) as here:
        _, body = await export(here, f"format={form}")
        url = here.url(f"/api/v1/export/size?format={form}")
        async with here.session.get(url, headers=here.headers) as answer:
            told = await answer.json()
    assert told["documents"] == 2 * COUNT
    assert abs(told["bytes"] - len(body)) < 100


class Pages:
    """An output of pages that the test gives; then it is away."""

    def __init__(self, *pages: Sequence[bytes]) -> None:
        self._pages = list(pages)

    async def search(self, _: Query) -> Found:
        if not self._pages:
            raise Unavailable("it is away")
        return Found(9, list(self._pages.pop(0)), cursor="more")


async def test_hostile_cells_and_lines_stay_what_they_are(tmp_path: Path) -> None:
    hostile = json.dumps({"log": {"message": "=cmd()\n\x1b[2J"}, "docker_container": "@x"}).encode()
    for form, expected in (("csv", b"'@x"), ("csv", b"'=cmd()"), ("text", b"=cmd()\\n\\x1b[2J")):
        async with site(tmp_path, search=lambda _: Pages([hostile])) as here:
            headers = here.headers
            async with here.session.get(here.url(f"/api/v1/export?format={form}"), headers=headers) as answer:
                assert expected in await answer.content.readuntil(b"2J")


async def test_an_export_that_breaks_does_not_look_whole(tmp_path: Path) -> None:
    async with site(tmp_path, search=lambda _: Pages([b"{}"])) as here, asyncio.timeout(10):
        with pytest.raises(aiohttp.ClientPayloadError):
            await export(here, "format=ndjson")
    async with site(tmp_path, search=lambda _: Pages()) as here:
        answer, body = await export(here, "")
        assert (answer.status, json.loads(body)["error"]) == (503, "it is away")
